//! For how long nobody at all was heard: whatever is done to the world, most of the time the system has to work.

use super::{Log, Moment};
use std::time::{Duration, Instant};

/// The longest time from `from` to `until` in which no line was acknowledged, and when it began.
pub fn longest_standstill(logs: &[Log], from: Instant, until: Instant) -> (Duration, Instant) {
    let acked = logs.iter().flat_map(|log| &log.moments).filter_map(|(at, moment)| {
        let counts = matches!(moment, Moment::Acked { .. }) && (from..until).contains(at);
        counts.then_some(*at)
    });
    let mut times: Vec<_> = [from, until].into_iter().chain(acked).collect();
    times.sort_unstable();
    let pauses = times.windows(2).map(|pair| (pair[1] - pair[0], pair[0]));
    pauses.max().expect("at least one pause")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pause_between_lines_of_anybody_counts_and_nothing_else_ends_it() {
        let from = Instant::now();
        let after = |seconds| from + Duration::from_secs(seconds);
        let line = || Moment::Acked {
            room: "r".to_owned(),
            id: "i".to_owned(),
            text: "t".to_owned(),
        };
        let (mut ann, mut ben) = (Log::of("ann"), Log::of("ben"));
        ann.moments = vec![(after(2), line()), (after(5), Moment::Connected), (after(9), line())];
        ben.moments = vec![(after(3), line()), (after(40), line())];
        let standstill = |until| longest_standstill(&[ann.clone(), ben.clone()], from, after(until));

        assert_eq!(standstill(10), (Duration::from_secs(6), after(3)));
        assert_eq!(standstill(20), (Duration::from_secs(11), after(9)));
        assert_eq!(longest_standstill(&[], from, after(7)).0, Duration::from_secs(7));
    }
}
