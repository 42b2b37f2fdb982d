//! Under a login: the comparison of its password. Under a read with a token: the one query that says whose it is.

use crate::actions::account::hashing::Hasher;
use crate::actions::account::tokens::{Keyring, Purpose};
use crate::clock::{Clock, Stopwatch};
use crate::config::Settings;
use crate::domain::account::Password;
use crate::error::Fault;
use crate::ids::UserId;
use crate::store::Store;
use std::time::Duration;

/// Compares passwords, one after another, for so many seconds; prints `median_us N`.
pub(super) async fn password(settings: &Settings, seconds: u64) -> Result<(), Fault> {
    let hasher = Hasher::new(&settings.accounts);
    let password = Password::presented("a password that somebody has").ok_or(Fault::new("floor", "no password"))?;
    let refused = |denied| Fault::new("floor", format!("{denied:?}"));
    let hash = hasher.hash(password.clone()).await.map_err(refused)?;
    again_and_again(seconds, async || {
        let compared = hasher.compare(Some(hash.clone()), password.clone()).await;
        compared.map(|_| ()).map_err(refused)
    })
    .await
}

/// Asks whose token it is, one time after another, for so many seconds; prints `median_us N`.
pub(super) async fn read(settings: &Settings, token: &str, seconds: u64) -> Result<(), Fault> {
    let (store, clock) = (Store::open(&settings.postgres)?, Clock::system());
    let no_token = || Fault::new("floor", "not a token of somebody here");
    let keyring = Keyring::new(&settings.jwt);
    let proof = keyring
        .verify(token, Purpose::Access, clock.now())
        .map_err(|_| no_token())?;
    let user = UserId::parse_uuid(proof.user.as_str()).ok_or_else(no_token)?;
    again_and_again(seconds, async || {
        let found = store.standing(&user, proof.login.as_ref(), clock.now()).await?;
        found.map(|_| ()).ok_or_else(no_token)
    })
    .await
}

async fn again_and_again(seconds: u64, act: impl AsyncFn() -> Result<(), Fault>) -> Result<(), Fault> {
    act().await?;
    let (all, mut took) = (Stopwatch::start(), Vec::new());
    while all.elapsed() < Duration::from_secs(seconds) {
        let begun = Stopwatch::start();
        act().await?;
        took.push(begun.elapsed());
    }
    took.sort();
    println!("median_us {}", took[took.len() / 2].as_micros());
    Ok(())
}
