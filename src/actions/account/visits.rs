//! Guests who come by sockets. Nobody waits for Postgres to come in, and Redis is not asked: the node notes who came, and
//! stores it a little later. It is for numbers: what a node had not stored when it was killed is not counted.

use crate::actions::Actions;
use crate::clock::Millis;
use crate::domain::account::GuestId;
use crate::error::Fault;
use crate::metrics;
use crate::store::guests::Visit;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Guests who wait to be stored. With more, while Postgres is away, new ones are not counted.
const MOST: usize = 10_000;

/// Stored with one statement.
const BATCH: usize = 256;

/// Who came since it was last stored, by the bytes of the guest's id. Kept small: thousands may come at once.
#[derive(Debug, Default)]
pub struct Visits(Mutex<BTreeMap<Id, Came>>);

type Id = [u8; GuestId::DIGITS / 2];

/// How often, and when the last time.
#[derive(Debug, Clone, Copy)]
struct Came {
    times: u32,
    last: Millis,
}

impl Visits {
    fn note(&self, id: Id, came: Came) {
        let mut known = self.lock();
        if let Some(before) = known.get_mut(&id) {
            before.times = before.times.saturating_add(came.times);
            before.last = before.last.max(came.last);
        } else if known.len() < MOST {
            known.insert(id, came);
        } else {
            metrics::FAULTS.one("count a guest");
        }
    }

    fn take(&self) -> Vec<(Id, Came)> {
        let mut known = self.lock();
        std::iter::from_fn(|| known.pop_first()).take(BATCH).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Id, Came>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn visit((id, came): &(Id, Came)) -> Visit {
    let id = GuestId::of_bytes(id);
    Visit {
        id_hash: id.hash(),
        user: id.user(),
        times: came.times,
        last: came.last,
    }
}

impl Actions {
    /// A guest came in by a socket.
    pub fn guest_came(&self, id: &GuestId) {
        let last = self.now();
        self.visits.note(id.bytes(), Came { times: 1, last });
    }

    /// Who is forgotten is not counted for having come before.
    pub(super) fn forget_visit(&self, id: &GuestId) {
        self.visits.lock().remove(&id.bytes());
    }

    /// Stores who came. What could not be stored is tried again the next time.
    pub async fn store_visits(&self) -> Result<(), Fault> {
        loop {
            let came = self.visits.take();
            if came.is_empty() {
                return Ok(());
            }
            let visits: Vec<_> = came.iter().map(visit).collect();
            if let Err(fault) = self.store.count_guests(&visits).await {
                came.into_iter().for_each(|(id, came)| self.visits.note(id, came));
                return Err(fault);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(guest: usize) -> Id {
        GuestId::parse(&format!("{guest:064x}"), "guestId").unwrap().bytes()
    }

    fn at(ms: u64) -> Came {
        Came {
            times: 1,
            last: Millis(ms),
        }
    }

    #[test]
    fn a_guest_who_comes_often_waits_once_and_no_more_wait_than_may() {
        let visits = Visits::default();
        for guest in 0..MOST + 7 {
            visits.note(id(guest), at(5));
        }
        visits.note(id(0), at(3));

        assert_eq!(visits.lock().len(), MOST);
        let often = visits.lock()[&id(0)];
        assert_eq!((often.times, often.last), (2, Millis(5)));
        let batches = std::iter::from_fn(|| Some(visits.take().len()).filter(|taken| *taken > 0));
        assert_eq!(batches.sum::<usize>(), MOST);
    }
}
