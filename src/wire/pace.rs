//! How fast a client may talk: a bucket that fills with time.

use super::settings::Settings;
use crate::clock::Millis;

/// Packets a connection may still send, in thousandths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    left: u64,
    at: Millis,
}

impl Pace {
    pub(super) fn new(now: Millis, settings: &Settings) -> Self {
        Self {
            left: u64::from(settings.packet_burst) * 1000,
            at: now,
        }
    }

    /// Takes one packet; false when the client is too fast.
    pub(super) fn take(&mut self, now: Millis, settings: &Settings) -> bool {
        let passed = now.0.saturating_sub(self.at.0);
        let full = u64::from(settings.packet_burst) * 1000;
        self.left = (self.left + passed * u64::from(settings.packets_per_second)).min(full);
        self.at = now;
        let allowed = self.left >= 1000;
        if allowed {
            self.left -= 1000;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_only_the_rate() {
        let settings = Settings {
            packet_burst: 3,
            packets_per_second: 2,
            ..Settings::default()
        };
        let mut pace = Pace::new(Millis(0), &settings);

        let burst: Vec<bool> = (0..4).map(|_| pace.take(Millis(0), &settings)).collect();

        assert_eq!(burst, [true, true, true, false]);
        assert!(!pace.take(Millis(499), &settings));
        assert!(pace.take(Millis(500), &settings));
        assert!(!pace.take(Millis(501), &settings));
    }
}
