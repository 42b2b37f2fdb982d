//! Holding people to the table of limits (`domain::limits`).

use super::{Actions, Denied};
use crate::coord::limits::{Held, Tried};
use crate::domain::limits::{By, Lock, Mark, Quota, Subject, Success, Window};
use crate::domain::refusal::Refusal;
use crate::error::Fault;
use crate::metrics;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::time::Duration;

/// A limit and whom it is held against.
pub type Asked<'a> = (&'static Window, Subject<'a>);

/// What the key of marks is made for; a change makes everybody unknown.
const PURPOSE: &[u8] = b"palaver limits 1";

impl Actions {
    /// Takes one from each window before something is tried: how the one that is nearest to its end stands, or the refusal
    /// of the one that is shut the longest. Nothing when no window is held against any of them here.
    pub async fn take(&self, asked: &[Asked<'_>]) -> Result<Option<Quota>, Denied> {
        let marked = self.marked(asked.iter().copied());
        let told = self.coord.take_limits(&marked).await?;
        let refused = told
            .iter()
            .filter_map(|one| one.err())
            .max_by_key(|quota| quota.frees_in);
        match refused {
            Some(quota) => Err(Refusal::Limited(quota).into()),
            None => Ok(told.iter().filter_map(|one| one.ok()).min_by_key(|quota| quota.left)),
        }
    }

    /// What was taken for turned out well: it is given back, or all before it forgotten, as the table says.
    pub async fn went_well(&self, asked: &[Asked<'_>]) -> Result<(), Fault> {
        let of = |success| {
            asked
                .iter()
                .copied()
                .filter(move |(window, _)| window.success == success)
        };
        self.coord.return_limits(&self.marked(of(Success::GivesBack))).await?;
        for Held { window, mark, .. } in self.marked(of(Success::Clears)) {
            self.coord.clear_limits(&[window.name], &mark).await?;
        }
        Ok(())
    }

    /// Does what windows were taken for. When it fails by no fault of who asked for it, they are given back: nothing was
    /// tried. A refusal is a try, ours for being busy as well: whoever keeps us busy must not get more of them by it.
    pub async fn unless_failed<T>(
        &self,
        asked: &[Asked<'_>],
        doing: impl Future<Output = Result<T, Denied>>,
    ) -> Result<T, Denied> {
        let done = doing.await;
        if let Err(Denied::Failed(_)) = &done
            && let Err(fault) = self.coord.return_limits(&self.marked(asked.iter().copied())).await
        {
            not_returned(&fault);
        }
        done
    }

    /// Counts a try of what may be guessed, before it is known whether it is right: how many are left after it.
    pub async fn count_try(&self, lock: &'static Lock, subject: Subject<'_>) -> Result<u32, Denied> {
        match self.coord.count_try(lock, &self.mark(subject)).await? {
            Tried::Counted(left) => Ok(left),
            Tried::Shut(frees_in) => Err(shut(lock, frees_in)),
        }
    }

    /// The refusal of a lock that has just shut.
    pub(super) fn shut(&self, lock: &'static Lock) -> Denied {
        shut(lock, lock.shut)
    }

    /// Forgets what counts in a lock: it was guessed right, or there is something new to guess.
    pub async fn clear_tries(&self, lock: &'static Lock, subject: Subject<'_>) -> Result<(), Fault> {
        self.coord.clear_limits(&[lock.name], &self.mark(subject)).await
    }

    fn mark(&self, subject: Subject<'_>) -> Mark {
        // With no secret there are no accounts to guard either; marks are then merely not readable at sight.
        let secret = self.settings.jwt.secrets.first().map_or("", |secret| secret.reveal());
        let mut mac =
            <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(PURPOSE);
        subject.mark(&mac.finalize().into_bytes())
    }

    /// Those that are held here, with marks; limits by address are as wide as this installation wants them.
    fn marked<'a>(&self, asked: impl Iterator<Item = Asked<'a>>) -> Vec<Held> {
        let held = asked.map(|(window, subject)| {
            debug_assert_eq!(window.by, subject.by(), "{} is held against somebody else", window.name);
            let times = match window.by {
                By::Ip => self.settings.limits.per_ip,
                By::Email | By::Phone | By::User | By::Guest => 1,
            };
            Held {
                window,
                most: window.most * times,
                mark: self.mark(subject),
            }
        });
        held.filter(|held| held.most > 0).collect()
    }
}

/// What was done is not undone, and what failed has failed, because limits cannot be given back.
pub fn not_returned(fault: &Fault) {
    metrics::FAULTS.one(fault.op);
    tracing::warn!(fault.op, "limits were not given back: {fault}");
}

fn shut(lock: &'static Lock, frees_in: Duration) -> Denied {
    let quota = Quota {
        most: lock.tries,
        within: lock.within,
        left: 0,
        frees_in,
        code: lock.code,
    };
    Refusal::Limited(quota).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Secret, Settings};
    use crate::coord::testing::{TestNode, World};
    use crate::domain::account::No;
    use crate::domain::limits::{AUTH, LOGIN_EMAIL, LOGIN_IP, OTP_EMAIL};
    use crate::store::Store;
    use std::sync::Arc;

    const ANN: Subject<'_> = Subject::Email("ann@example.org");

    fn here() -> Subject<'static> {
        Subject::Ip([192, 0, 2, 1].into())
    }

    fn actions(node: &TestNode, per_ip: u32) -> Actions {
        let mut settings = Settings::default();
        settings.limits.per_ip = per_ip;
        settings.jwt.secrets = vec![Secret::new("a secret of the tests")];
        let store = Store::open(&settings.postgres).unwrap();
        Actions::new(node.coord.clone(), store, Arc::new(settings))
    }

    fn left(taken: Result<Option<Quota>, Denied>) -> Result<u32, &'static str> {
        match taken {
            Ok(quota) => Ok(quota.unwrap().left),
            Err(Denied::Refused(refusal)) => Err(refusal.code()),
            Err(Denied::Failed(fault)) => panic!("{fault}"),
        }
    }

    #[tokio::test]
    async fn what_goes_well_is_forgotten_for_the_owner_and_given_back_to_the_address() {
        let world = World::new(2).await;
        let node = world.node().await;
        let actions = actions(&node, 1);
        let login = [(&LOGIN_EMAIL, ANN), (&LOGIN_IP, here())];
        for tries_left in (0..5).rev() {
            assert_eq!(left(actions.take(&login).await), Ok(tries_left));
        }
        assert_eq!(left(actions.take(&login).await), Err("LOGIN_RATE_LIMIT"));

        actions.went_well(&login).await.unwrap();

        assert_eq!(left(actions.take(&login[..1]).await), Ok(4), "the owner begins anew");
        assert_eq!(
            left(actions.take(&login[1..]).await),
            Ok(14),
            "six tries, one given back, one more"
        );
        let told = world.dump().await.into_keys().collect::<String>();
        assert!(!told.contains("ann") && !told.contains("192"), "{told}");
    }

    #[tokio::test]
    async fn what_failed_is_given_back_and_what_was_refused_is_not() {
        let world = World::new(2).await;
        let node = world.node().await;
        let actions = actions(&node, 1);
        let asked = [(&LOGIN_EMAIL, ANN), (&AUTH, here())];
        let after = async |denied: Denied| {
            actions.take(&asked).await.unwrap();
            let done = actions.unless_failed(&asked, async { Err::<(), _>(denied) }).await;
            assert!(done.is_err());
            left(actions.take(&asked[..1]).await).unwrap()
        };

        assert_eq!(after(Fault::new("reach Postgres", "away").into()).await, 4);
        assert_eq!(after(Refusal::Busy.into()).await, 2);
        assert_eq!(after(No::WrongCredentials.into()).await, 0);
        assert_eq!(left(actions.take(&asked[1..]).await), Ok(2), "two of three tries");
    }

    #[tokio::test]
    async fn limits_by_address_are_as_wide_as_the_installation_wants_them() {
        let world = World::new(1).await;
        let node = world.node().await;

        assert_eq!(left(actions(&node, 3).take(&[(&AUTH, here())]).await), Ok(14));

        let without = actions(&node, 0).take(&[(&AUTH, here())]).await;
        assert!(matches!(without, Ok(None)));
        assert_eq!(
            left(actions(&node, 0).take(&[(&AUTH, here()), (&LOGIN_EMAIL, ANN)]).await),
            Ok(4)
        );
    }

    #[tokio::test]
    async fn a_lock_says_how_many_tries_are_left_and_then_its_code() {
        let world = World::new(1).await;
        let node = world.node().await;
        let actions = actions(&node, 1);
        for left in (0..5).rev() {
            assert_eq!(actions.count_try(&OTP_EMAIL, ANN).await.unwrap(), left);
        }

        let Err(Denied::Refused(refusal)) = actions.count_try(&OTP_EMAIL, ANN).await else {
            panic!("it must be shut");
        };

        assert_eq!(refusal.code(), "OTP_LOCKED");
        actions.clear_tries(&OTP_EMAIL, ANN).await.unwrap();
        assert_eq!(actions.count_try(&OTP_EMAIL, ANN).await.unwrap(), 4);
    }
}
