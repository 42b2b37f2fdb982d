//! Looks for the highest rate at which a system still delivers in time.

use super::Bench;
use super::loads::{self, Load, Measured};
use super::stack::{Stack, System};

/// Enough talkers that nobody comes near the limit on sending.
const TALKERS: u32 = 4000;
/// p99 of delivery below this is "in time".
const IN_TIME_MS: f64 = 100.0;
/// From one attempt to the next while only one side is known.
const STRIDE: f64 = 1.35;
/// The search ends when what fails is this much above what holds.
const CLOSE: f64 = 1.08;
const MOST_ATTEMPTS: usize = 12;

/// The measurement at the highest rate that held, if any did.
pub(super) fn highest_rate(bench: &mut Bench<'_>, stack: &Stack, system: System) -> Option<Measured> {
    let mut best: Option<Measured> = None;
    let mut bounds = Bounds::default();
    for _ in 0..MOST_ATTEMPTS {
        let Some(rate) = bounds.next(bench.first_guess(system)).map(f64::round) else {
            break;
        };
        let measured = attempt(bench, stack, system, rate);
        match measured.filter(holds) {
            Some(held) => {
                bounds.held = Some(rate);
                best = Some(held);
            }
            None => bounds.failed = Some(rate),
        }
    }
    match &best {
        Some(best) => {
            bench.guesses.insert(system.name(), best.rate.wanted);
        }
        None => bench.say(&format!("{} holds no rate at all", system.name())),
    }
    best
}

fn holds(measured: &Measured) -> bool {
    measured.is_complete() && measured.p99().is_some_and(|p99| p99 < IN_TIME_MS)
}

/// One rate. A failure while the machine was busy with something else says nothing: then once more.
fn attempt(bench: &mut Bench<'_>, stack: &Stack, system: System, rate: f64) -> Option<Measured> {
    for last in [false, true] {
        bench.settle(stack);
        let load = Load::new("chat", TALKERS, &bench.effort).at(rate);
        let measured = loads::run(bench.options, stack, load);
        bench.say(&format!("{:8}   {rate:.0}/s: {}", system.name(), summary(&measured)));
        let quiet = measured.as_ref().is_ok_and(|m| m.disturbance.is_quiet());
        match measured {
            Ok(measured) if holds(&measured) || quiet || last => return Some(measured),
            // An overloaded server may not even take the connections.
            Err(_) if last => return None,
            _ => {}
        }
    }
    None
}

fn summary(measured: &Result<Measured, String>) -> String {
    match measured {
        Ok(m) => format!(
            "{} p99 {:.1} ms, sent {:.0}/s, {} lost, {} refused, {:.0} us of CPU per message ({})",
            if holds(m) { "holds," } else { "FAILS," },
            m.p99().unwrap_or(f64::NAN),
            m.rate.sent,
            m.counts.lost,
            m.counts.refused,
            m.cpu_per_line().unwrap_or(f64::NAN),
            m.disturbance
        ),
        Err(why) => why.clone(),
    }
}

/// What is known of the highest rate so far.
#[derive(Default)]
struct Bounds {
    held: Option<f64>,
    failed: Option<f64>,
}

impl Bounds {
    /// The rate to try next; `None` when it is known well enough.
    fn next(&self, first: f64) -> Option<f64> {
        match (self.held, self.failed) {
            (None, None) => Some(first),
            (Some(held), None) => Some(held * STRIDE),
            (None, Some(failed)) => Some(failed / STRIDE),
            (Some(held), Some(failed)) if failed / held <= CLOSE => None,
            (Some(held), Some(failed)) => Some((held * failed).sqrt()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches for `truth` from `first`; what was found and in how many attempts.
    fn search(truth: f64, first: f64) -> (f64, usize) {
        let mut bounds = Bounds::default();
        let mut attempts = 0;
        while let Some(rate) = bounds.next(first) {
            attempts += 1;
            match rate <= truth {
                true => bounds.held = Some(rate),
                false => bounds.failed = Some(rate),
            }
        }
        (bounds.held.unwrap(), attempts)
    }

    #[test]
    fn the_highest_rate_is_found_from_above_and_from_below() {
        for (truth, first) in [
            (7500.0, 6000.0),
            (7500.0, 20_000.0),
            (34_000.0, 20_000.0),
            (900.0, 6000.0),
        ] {
            let (found, attempts) = search(truth, first);

            assert!(found <= truth && found * CLOSE >= truth, "{found} for {truth}");
            assert!(
                attempts <= MOST_ATTEMPTS,
                "{attempts} attempts for {truth} from {first}"
            );
        }
    }
}
