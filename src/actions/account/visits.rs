//! Guests who come by sockets. Nobody waits for Postgres to come in, and Redis is not asked: the node notes who came, and
//! stores it a little later. It is for numbers: what a node had not stored when it was killed is not counted.

use crate::actions::Actions;
use crate::domain::account::GuestId;
use crate::error::Fault;
use crate::metrics;
use crate::store::guests::Visit;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Guests who wait to be stored. With more, while Postgres is away, new ones are not counted.
const MOST: usize = 10_000;

/// Who came since it was last stored, by the hash of the guest's id.
#[derive(Debug, Default)]
pub struct Visits(Mutex<BTreeMap<String, Visit>>);

impl Visits {
    fn note(&self, new: Visit) {
        let mut known = self.lock();
        if let Some(visit) = known.get_mut(&new.id_hash) {
            visit.times += new.times;
            visit.last = visit.last.max(new.last);
        } else if known.len() < MOST {
            known.insert(new.id_hash.clone(), new);
        } else {
            metrics::FAULTS.one("count a guest");
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Visit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Actions {
    /// A guest came in by a socket.
    pub fn guest_came(&self, id: &GuestId) {
        self.visits.note(Visit {
            id_hash: id.hash(),
            user: id.user(),
            times: 1,
            last: self.now(),
        });
    }

    /// Who is forgotten is not counted for having come before.
    pub(super) fn forget_visit(&self, id: &GuestId) {
        self.visits.lock().remove(&id.hash());
    }

    /// Stores who came. What could not be stored is tried again the next time.
    pub async fn store_visits(&self) -> Result<(), Fault> {
        let visits: Vec<Visit> = std::mem::take(&mut *self.visits.lock()).into_values().collect();
        if visits.is_empty() {
            return Ok(());
        }
        let stored = self.store.count_guests(&visits).await;
        if stored.is_err() {
            visits.into_iter().for_each(|visit| self.visits.note(visit));
        }
        stored
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Millis;

    fn visit(guest: usize, at: u64) -> Visit {
        let id = GuestId::parse(&format!("{guest:064x}"), "guestId").unwrap();
        Visit {
            id_hash: id.hash(),
            user: id.user(),
            times: 1,
            last: Millis(at),
        }
    }

    #[test]
    fn a_guest_who_comes_often_waits_once_and_no_more_wait_than_may() {
        let visits = Visits::default();
        for guest in 0..MOST + 7 {
            visits.note(visit(guest, 5));
        }
        visits.note(visit(0, 3));

        let waiting = visits.lock();
        assert_eq!(waiting.len(), MOST);
        let often = &waiting[&visit(0, 0).id_hash];
        assert_eq!((often.times, often.last), (2, Millis(5)));
    }
}
