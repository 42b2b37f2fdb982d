//! Writing to people outside: a letter is posted at once and carried later, by whichever node looks after the post, so
//! that no request waits for a mail server.

use super::Actions;
use crate::clock::Millis;
use crate::coord::post::Taken;
use crate::domain::letter::{self, Carried, Letter, Medium, Says};
use crate::error::Fault;
use crate::ids::Shard;
use crate::metrics;
use std::time::Duration;
use tokio::sync::Notify;

/// Letters carried side by side on a shard.
pub const BATCH: usize = 8;

/// How long whoever took letters has them: longer than any attempt may take.
const CLAIM: Duration = Duration::from_secs(120);

/// Wakes this node's carriers when there is something to carry.
#[derive(Debug, Default)]
pub(super) struct Bells {
    mail: Notify,
    sms: Notify,
}

impl Bells {
    fn of(&self, medium: Medium) -> &Notify {
        match medium {
            Medium::Mail => &self.mail,
            Medium::Sms => &self.sms,
        }
    }
}

impl Actions {
    /// Comes back when a letter was posted on this node, since the last time or from now on.
    pub async fn letter_posted(&self, medium: Medium) {
        self.bells.of(medium).notified().await;
    }

    /// Posts a letter. It is on its way when this comes back, whatever becomes of this node.
    pub async fn write_to(&self, medium: Medium, to: &str, name: &str, says: Says, carries: &str) -> Result<(), Fault> {
        let letter = Letter::new(to, name, says, carries, self.now());
        match self.coord.put_letter(medium, &letter).await? {
            true => {
                self.bells.of(medium).notify_one();
                Ok(())
            }
            false => Err(Fault::new("post a letter", "too many letters wait")),
        }
    }

    /// Carries some of the letters that were to be tried by `by`; how many there were.
    pub async fn carry_letters(&self, shard: Shard, medium: Medium, by: Millis) -> Result<usize, Fault> {
        let until = self.now() + CLAIM;
        let taken = self.coord.claim_letters(shard, medium, BATCH, [by, until]).await?;
        let count = taken.len();
        let attempts = taken.into_iter().map(|taken| self.carry(shard, medium, taken));
        futures_util::future::try_join_all(attempts).await?;
        Ok(count)
    }

    async fn carry(&self, shard: Shard, medium: Medium, taken: Taken) -> Result<(), Fault> {
        let Taken { id, attempt, letter } = taken;
        let outcome = match letter {
            None => Carried::Refused("this release cannot read it".into()),
            Some(letter) if letter.stale(self.now()) => Carried::Refused("it came too late".into()),
            Some(letter) if letter.says == Says::Reset => match self.with_link(letter).await {
                Ok(Some(letter)) => self.send(medium, &letter).await,
                // Anybody may ask for a link to any address; whether it has an account is found out here, unseen.
                Ok(None) => return self.coord.drop_letter(shard, medium, &id).await,
                Err(_) => Carried::NotNow("the account cannot be looked up".into()),
            },
            Some(letter) => self.send(medium, &letter).await,
        };
        let medium_name = medium.as_str();
        match outcome {
            Carried::Sent => metrics::LETTERS.one([medium_name, "sent"]),
            Carried::Refused(why) => {
                metrics::LETTERS.one([medium_name, "dropped"]);
                tracing::warn!(letter = %id, attempt, "a letter ({medium_name}) was dropped: {why}");
            }
            Carried::NotNow(why) => {
                metrics::LETTERS.one([medium_name, "put_off"]);
                let wait = letter::wait_after(attempt);
                tracing::warn!(letter = %id, attempt, "a letter ({medium_name}) waits for {} s: {why}", wait.as_secs());
                return self.coord.postpone_letter(shard, medium, &id, self.now() + wait).await;
            }
        }
        self.coord.drop_letter(shard, medium, &id).await
    }

    async fn send(&self, medium: Medium, letter: &Letter) -> Carried {
        match medium {
            Medium::Mail => self.outside.mail.send(letter).await,
            Medium::Sms => self.outside.sms.send(letter).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::Outside;
    use crate::config::{Secret, Settings};
    use crate::coord::testing::{TestNode, World};
    use crate::store::Store;
    use std::sync::Arc;

    const S0: Shard = Shard(0);
    const MAIL: Medium = Medium::Mail;

    fn actions(node: &TestNode, mail: &str) -> Actions {
        let mut settings = Settings::default();
        settings.mail.url = Some(Secret::new(mail));
        settings.mail.timeout = Duration::from_secs(2);
        let outside = Outside::open(&settings).unwrap();
        let store = Store::open(&settings.postgres).unwrap();
        Actions::new(node.coord.clone(), store, Arc::new(settings)).with(outside)
    }

    async fn carry(actions: &Actions) -> usize {
        actions.carry_letters(S0, MAIL, actions.now()).await.unwrap()
    }

    fn count(folder: &tempfile::TempDir) -> usize {
        std::fs::read_dir(folder.path()).unwrap().count()
    }

    #[tokio::test]
    async fn a_letter_is_carried_once_and_leaves_nothing() {
        let world = World::new(1).await;
        let node = world.node().await;
        let folder = tempfile::tempdir().unwrap();
        let actions = actions(&node, &format!("file:{}", folder.path().display()));
        actions
            .write_to(MAIL, "ann@example.org", "Ann", Says::Welcome, "")
            .await
            .unwrap();

        assert_eq!((carry(&actions).await, carry(&actions).await), (1, 0));

        assert_eq!(count(&folder), 1);
        assert!(world.dump().await.is_empty());
    }

    #[tokio::test]
    async fn a_letter_waits_longer_each_time_its_server_is_away_and_is_given_up_when_it_is_stale() {
        let world = World::new(1).await;
        let node = world.node().await;
        // Nobody listens there: the port was free a moment ago and is taken again by nobody who speaks SMTP.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let actions = actions(&node, &format!("smtp://127.0.0.1:{port}"));
        actions
            .write_to(MAIL, "ann@example.org", "Ann", Says::Code, "123456")
            .await
            .unwrap();

        for wait in [5, 20, 80, 320] {
            assert_eq!(carry(&actions).await, 1);
            world.clock.advance(Duration::from_millis(wait * 1000 - 1));
            assert_eq!(carry(&actions).await, 0, "before {wait} s");
            world.clock.advance(Duration::from_millis(1));
        }
        assert_eq!(carry(&actions).await, 1);
        world.clock.advance(Duration::from_secs(600));

        assert_eq!(carry(&actions).await, 1);
        assert!(world.dump().await.is_empty(), "a code of 17 minutes ago helps nobody");
    }

    #[tokio::test]
    async fn a_letter_of_a_node_that_was_killed_while_it_carried_it_is_carried_by_another() {
        let world = World::new(1).await;
        let (one, two) = (world.node().await, world.node().await);
        let folder = tempfile::tempdir().unwrap();
        let actions = actions(&two, &format!("file:{}", folder.path().display()));
        actions
            .write_to(MAIL, "ann@example.org", "Ann", Says::Welcome, "")
            .await
            .unwrap();
        let now = world.clock.now();
        one.coord
            .claim_letters(S0, MAIL, BATCH, [now, now + CLAIM])
            .await
            .unwrap();
        drop(one);
        assert_eq!(carry(&actions).await, 0);

        world.clock.advance(CLAIM);

        assert_eq!(carry(&actions).await, 1);
        assert_eq!(count(&folder), 1);
        assert!(world.dump().await.is_empty());
    }
}
