//! Who is paired with whom: the longest waiting first, never twice the same too soon, never with oneself.

use crate::clock::Millis;
use crate::ids::{Ticket, UserId};
use std::time::Duration;

/// Somebody who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeker {
    /// Who.
    pub user: UserId,
    /// This stay in the queue.
    pub ticket: Ticket,
    /// When the stay began.
    pub since: Millis,
    /// Not paired before this.
    pub eligible: Millis,
    /// Whom the seeker met last, and when that ended.
    pub recent: Vec<Met>,
}

/// A partner of before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// Who.
    pub user: UserId,
    /// When the room ended.
    pub at: Millis,
}

impl Met {
    /// Reads "user ms".
    pub fn parse(text: &str) -> Option<Self> {
        let (user, at) = text.split_once(' ')?;
        Some(Self {
            user: UserId::parse(user)?,
            at: Millis(at.parse().ok()?),
        })
    }
}

/// How long a partner of before is not met again.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// See above (the contract says 5 min).
    pub apart_for: Duration,
}

/// Pairs of indices into `seekers`, which must be ordered by `since`. Every seeker is in at most one pair.
///
/// The front seeker takes the longest waiting one who fits; who fits with nobody keeps the place and does not hold up
/// those behind.
pub fn pair(seekers: &[Seeker], now: Millis, policy: Policy) -> Vec<(usize, usize)> {
    let mut taken = vec![false; seekers.len()];
    let mut pairs = Vec::with_capacity(seekers.len() / 2);
    for first in 0..seekers.len() {
        if taken[first] || seekers[first].eligible > now {
            continue;
        }
        let second = (first + 1..seekers.len()).find(|&other| {
            !taken[other] && seekers[other].eligible <= now && fit(&seekers[first], &seekers[other], now, policy)
        });
        if let Some(second) = second {
            taken[first] = true;
            taken[second] = true;
            pairs.push((first, second));
        }
    }
    pairs
}

fn fit(a: &Seeker, b: &Seeker, now: Millis, policy: Policy) -> bool {
    a.user != b.user && !met(a, b, now, policy) && !met(b, a, now, policy)
}

fn met(a: &Seeker, b: &Seeker, now: Millis, policy: Policy) -> bool {
    a.recent
        .iter()
        .any(|m| m.user == b.user && now - m.at < policy.apart_for)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: Policy = Policy {
        apart_for: Duration::from_secs(300),
    };
    const NOW: Millis = Millis(1_000_000);

    fn seeker(name: &str, met: &[(&str, u64)]) -> Seeker {
        Seeker {
            user: UserId::parse(name).unwrap(),
            ticket: Ticket::parse("t").unwrap(),
            since: Millis(0),
            eligible: Millis(0),
            recent: met
                .iter()
                .map(|(u, at)| Met {
                    user: UserId::parse(u).unwrap(),
                    at: Millis(*at),
                })
                .collect(),
        }
    }

    #[test]
    fn the_longest_waiting_meet_first() {
        let seekers = ["a", "b", "c"].map(|n| seeker(n, &[]));

        assert_eq!(pair(&seekers, NOW, POLICY), [(0, 1)]);
    }

    #[test]
    fn nobody_meets_the_same_partner_again_within_five_minutes() {
        let just_now = [seeker("a", &[]), seeker("b", &[("a", NOW.0 - 1000)]), seeker("c", &[])];
        let long_ago = [
            seeker("a", &[]),
            seeker("b", &[("a", NOW.0 - 300_000)]),
            seeker("c", &[]),
        ];

        assert_eq!(pair(&just_now, NOW, POLICY), [(0, 2)]);
        assert_eq!(pair(&long_ago, NOW, POLICY), [(0, 1)]);
    }

    #[test]
    fn who_fits_with_nobody_does_not_hold_up_the_others() {
        let met = [("b", NOW.0), ("c", NOW.0)];
        let seekers = [seeker("a", &met), seeker("b", &[]), seeker("c", &[])];

        assert_eq!(pair(&seekers, NOW, POLICY), [(1, 2)]);
    }

    #[test]
    fn a_newcomer_is_paired_only_from_the_time_of_being_eligible() {
        let mut late = seeker("b", &[]);
        late.eligible = NOW + Duration::from_millis(1);
        let seekers = [seeker("a", &[]), late];

        assert_eq!(pair(&seekers, NOW, POLICY), []);
        assert_eq!(pair(&seekers, NOW + Duration::from_millis(1), POLICY), [(0, 1)]);
    }

    proptest! {
        #[test]
        fn nobody_is_paired_twice_or_with_themselves_or_too_soon(
            people in prop::collection::vec((0u8..30, prop::collection::vec((0u8..30, 0u64..600_000), 0..5)), 0..60)
        ) {
            let seekers: Vec<_> = people.iter().map(|(n, met)| {
                let met: Vec<_> = met.iter().map(|(m, ago)| (format!("u{m}"), NOW.0 - ago)).collect();
                let met: Vec<_> = met.iter().map(|(m, at)| (m.as_str(), *at)).collect();
                seeker(&format!("u{n}"), &met)
            }).collect();
            let mut seen = std::collections::HashSet::new();
            for (a, b) in pair(&seekers, NOW, POLICY) {
                prop_assert!(seen.insert(a) && seen.insert(b));
                prop_assert!(fit(&seekers[a], &seekers[b], NOW, POLICY));
            }
            // Nobody who fits with somebody else is left over.
            let left: Vec<_> = (0..seekers.len()).filter(|i| !seen.contains(i)).collect();
            for (i, a) in left.iter().enumerate() {
                for b in &left[i + 1..] {
                    prop_assert!(!fit(&seekers[*a], &seekers[*b], NOW, POLICY));
                }
            }
        }
    }
}
