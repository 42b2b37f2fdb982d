//! Passwords to hashes, by Argon2id: off the threads that serve sockets, only so many at once (each takes memory and a
//! core), and with the same work whether there is an account or not.

use super::super::Denied;
use crate::config;
use crate::domain::account::{Password, PasswordHash};
use crate::domain::refusal::Refusal;
use crate::error::Fault;
use crate::metrics;
use argon2::password_hash::{PasswordHash as Phc, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Hashes and compares passwords.
#[derive(Debug)]
pub struct Hasher {
    argon: Argon2<'static>,
    turns: Arc<Semaphore>,
    patience: Duration,
    /// What passwords of nobody are compared with.
    decoy: Arc<OnceLock<String>>,
}

/// What came of comparing a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// It is the one.
    Same,
    /// It is the one, and this is its hash by the parameters of today.
    SameToRehash(PasswordHash),
    /// It is not, or there is none.
    Other,
}

impl Hasher {
    /// With the parameters of `settings`.
    pub fn new(settings: &config::Accounts) -> Self {
        let memory = (settings.hash_memory / 1024).try_into().unwrap_or(u32::MAX);
        let params = Params::new(memory, settings.hash_passes, 1, None).expect("the settings' ranges are Argon2's");
        Self {
            argon: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            turns: Arc::new(Semaphore::new(settings.hashes_at_once as usize)),
            patience: settings.hash_wait,
            decoy: Arc::default(),
        }
    }

    /// The hash of a new password.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, Denied> {
        let argon = self.argon.clone();
        self.work(move || hash(&argon, password.reveal()).map(PasswordHash))
            .await
    }

    /// Whether `password` is the one that `known` is the hash of. None takes as long and is never it.
    pub async fn compare(&self, known: Option<PasswordHash>, password: Password) -> Result<Compared, Denied> {
        let (argon, decoy) = (self.argon.clone(), self.decoy.clone());
        self.work(move || {
            let text = match &known {
                Some(known) => known.0.as_str(),
                None => match decoy.get() {
                    Some(made) => made,
                    None => {
                        let made = hash(&argon, "nobody's password")?;
                        decoy.get_or_init(|| made)
                    }
                },
            };
            let phc = Phc::new(text).map_err(failed)?;
            let same = verify(&argon, password.reveal(), &phc) && known.is_some();
            match (same, is_of_today(&argon, &phc)) {
                (false, _) => Ok(Compared::Other),
                (true, true) => Ok(Compared::Same),
                (true, false) => hash(&argon, password.reveal())
                    .map(PasswordHash)
                    .map(Compared::SameToRehash),
            }
        })
        .await
    }

    /// Does it on a thread of its own when it is its turn. Whoever gives up waiting for the answer keeps the turn until
    /// the work is done: the memory is in use until then.
    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Denied> {
        let turn = self.turn().await?;
        let done = tokio::task::spawn_blocking(move || {
            let result = job();
            drop(turn);
            result
        });
        Ok(done.await.map_err(failed)??)
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Denied> {
        match tokio::time::timeout(self.patience, self.turns.clone().acquire_owned()).await {
            Ok(turn) => Ok(turn.map_err(failed)?),
            Err(_) => Err(Refusal::Busy.into()),
        }
    }
}

fn failed(error: impl std::fmt::Display) -> Fault {
    Fault::new("hash password", error)
}

fn verify(argon: &Argon2<'_>, password: &str, phc: &Phc<'_>) -> bool {
    metrics::PASSWORD_HASHES.one("compare");
    argon.verify_password(password.as_bytes(), phc).is_ok()
}

fn hash(argon: &Argon2<'_>, password: &str) -> Result<String, Fault> {
    metrics::PASSWORD_HASHES.one("make");
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(failed)?;
    Ok(argon
        .hash_password(password.as_bytes(), &salt)
        .map_err(failed)?
        .to_string())
}

fn is_of_today(argon: &Argon2<'_>, phc: &Phc<'_>) -> bool {
    let (today, of) = (argon.params(), Params::try_from(phc));
    phc.algorithm == Algorithm::Argon2id.ident()
        && of
            .is_ok_and(|of| (of.m_cost(), of.t_cost(), of.p_cost()) == (today.m_cost(), today.t_cost(), today.p_cost()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Accounts, Settings};

    fn hasher(change: impl FnOnce(&mut Accounts)) -> Hasher {
        let mut settings = Settings::default().accounts;
        settings.hash_memory = 64 * 1024;
        settings.hash_passes = 1;
        change(&mut settings);
        Hasher::new(&settings)
    }

    fn password(text: &str) -> Password {
        Password::presented(text).unwrap()
    }

    #[tokio::test]
    async fn asvs_11_4_2_a_password_is_kept_as_a_salted_argon2id_hash() {
        let hasher = hasher(|_| {});

        let hashes = [
            hasher.hash(password("hunter2")).await.unwrap(),
            hasher.hash(password("hunter2")).await.unwrap(),
        ];

        assert!(
            hashes[0].0.starts_with("$argon2id$v=19$m=64,t=1,p=1$"),
            "{}",
            hashes[0].0
        );
        assert_ne!(hashes[0], hashes[1]);
        let [one, two] = hashes;
        assert_eq!(
            hasher.compare(Some(one), password("hunter2")).await.unwrap(),
            Compared::Same
        );
        assert_eq!(
            hasher.compare(Some(two), password("hunter3")).await.unwrap(),
            Compared::Other
        );
        assert_eq!(
            hasher.compare(None, password("nobody's password")).await.unwrap(),
            Compared::Other
        );
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_is_made_anew() {
        let old = hasher(|_| {}).hash(password("hunter2")).await.unwrap();
        let hasher = hasher(|settings| settings.hash_passes = 2);

        let compared = hasher.compare(Some(old), password("hunter2")).await.unwrap();

        let Compared::SameToRehash(new) = compared else {
            panic!("{compared:?}")
        };
        assert_eq!(
            hasher.compare(Some(new), password("hunter2")).await.unwrap(),
            Compared::Same
        );
    }

    #[tokio::test]
    async fn only_so_many_are_hashed_at_once_and_nobody_waits_for_ever() {
        let hasher = hasher(|settings| {
            settings.hashes_at_once = 1;
            settings.hash_wait = Duration::from_millis(20);
        });
        let taken = hasher.turns.clone().acquire_owned().await.unwrap();

        let refused = hasher.hash(password("hunter2")).await;
        drop(taken);

        assert!(matches!(refused, Err(Denied::Refused(Refusal::Busy))));
        assert!(hasher.hash(password("hunter2")).await.is_ok());
    }
}
