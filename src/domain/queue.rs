//! Queues, and what somebody who waits may be told about it.

/// Where one can wait for a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Text chat.
    Text,
}

impl Queue {
    /// All queues.
    pub const ALL: [Queue; 1] = [Queue::Text];

    /// As stored and as metrics call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Queue::Text => "text",
        }
    }

    /// Reads what [`Queue::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|q| q.as_str() == text)
    }
}

/// A place in a queue and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 1 is the front.
    pub position: u64,
    /// Seconds until a partner is found, as a guess.
    pub wait_seconds: u64,
}

impl Place {
    /// The guess of the original servers: one second at the front, then two seconds for each pair ahead. Pairs are made
    /// twenty times a second, so it errs on the long side.
    pub fn at(position: u64) -> Self {
        let wait_seconds = match position {
            0 | 1 => 1,
            more => 2 * (more - 1).div_ceil(2),
        };
        Self {
            position: position.max(1),
            wait_seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_waits_a_second_and_each_pair_ahead_adds_two() {
        let waits: Vec<_> = (1..=6).map(|p| Place::at(p).wait_seconds).collect();

        assert_eq!(waits, [1, 2, 2, 4, 4, 6]);
    }
}
