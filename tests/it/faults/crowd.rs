//! The people of an arena: they seek, talk, type, fall silent, lose their connections, come back, leave; each by dice of
//! its own.

use super::arena::{Arena, HOLD};
use crate::harness::client::person::{Person, Return};
use crate::harness::history::Log;
use crate::harness::holds_within;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Wait for a partner before asking again.
const ASK_AGAIN: Duration = Duration::from_secs(4);
/// Longest wait for everybody to be there and to have said the last word, once everything works.
const CALM_WITHIN: Duration = Duration::from_secs(40);
/// How often somebody looks around.
const GLANCE: Duration = Duration::from_millis(100);

/// Everybody.
pub(super) struct Crowd {
    people: Vec<Arc<Person>>,
    lives: Vec<JoinHandle<()>>,
    over: watch::Sender<bool>,
}

impl Crowd {
    /// So many people begin to live.
    pub(super) fn gather(count: usize, seed: u64, arena: &Arena) -> Self {
        let (over, watching) = watch::channel(false);
        let (mut people, mut lives) = (Vec::new(), Vec::new());
        for number in 0..count {
            let (name, dials) = (format!("p{number:03}"), arena.dials(number));
            let returns = [Return::Waits, Return::TakesUp, Return::Asks, Return::TakesUp][number % 4];
            let person = Arc::new(Person::returning(&name, dials, returns));
            let life = Life {
                person: person.clone(),
                dice: StdRng::seed_from_u64(seed.wrapping_mul(1_000_003) + number as u64),
                over: watching.clone(),
            };
            lives.push(tokio::spawn(life.run()));
            people.push(person);
        }
        Self { people, lives, over }
    }

    /// Everybody's history.
    pub(super) fn logs(&self) -> Vec<Log> {
        self.people.iter().map(|person| person.log()).collect()
    }

    /// Nobody begins anything new; everybody says a last word where they believe to be, and it is answered. Who is not
    /// done in the end.
    pub(super) async fn calm_down(&mut self) -> Vec<String> {
        let _ = self.over.send(true);
        for life in self.lives.drain(..) {
            let _ = life.await;
        }
        for person in &self.people {
            person.hush();
            person.pace(Duration::from_millis(50));
        }
        let connected = async || self.people.iter().all(|person| person.is_connected());
        holds_within(CALM_WITHIN, connected).await;
        for (number, person) in self.people.iter().enumerate() {
            person.say(&format!("the last word of {number}"));
        }
        let answered = |person: &Person| person.is_connected() && (person.pending() == 0 || person.room().is_none());
        holds_within(CALM_WITHIN, async || self.people.iter().all(|person| answered(person))).await;
        let left = self.people.iter().filter(|person| !answered(person));
        let name = |person: &Arc<Person>| {
            format!(
                "{} is not heard (pending {}, connected {})",
                person.log().who,
                person.pending(),
                person.is_connected()
            )
        };
        left.map(name).collect()
    }

    /// Everybody leaves queue and room; who is still in a room in the end.
    pub(super) async fn leave(&self) -> Vec<String> {
        self.people.iter().for_each(|person| person.stop_seeking());
        let mut asked = Instant::now() - ASK_AGAIN;
        holds_within(CALM_WITHIN, async || {
            let seated = self.people.iter().filter(|person| person.room().is_some());
            if asked.elapsed() >= ASK_AGAIN {
                asked = Instant::now();
                seated.clone().for_each(|person| person.leave());
            }
            seated.count() == 0
        })
        .await;
        let left = self
            .people
            .iter()
            .filter_map(|person| Some((person.log().who, person.room()?)));
        left.map(|(who, room)| format!("{who} cannot leave {room}")).collect()
    }

    /// Everybody goes: some say goodbye, some are just gone.
    pub(super) async fn go(&mut self) {
        for person in self.people.iter().step_by(2) {
            person.part(Duration::from_secs(3600));
        }
        let parted = async || self.people.iter().step_by(2).all(|person| !person.is_connected());
        holds_within(CALM_WITHIN, parted).await;
        self.people.clear();
    }
}

/// What somebody does all day.
struct Life {
    person: Arc<Person>,
    dice: StdRng,
    over: watch::Receiver<bool>,
}

impl Life {
    async fn run(mut self) {
        while !self.is_over() {
            if self.person.room().is_none() {
                self.pass(0, 800, |_| false).await;
                self.person.seek();
                let ms = ASK_AGAIN.as_millis() as u64;
                self.pass(ms, ms + 1, |person| person.room().is_some()).await;
                continue;
            }
            self.talk().await;
            self.part().await;
        }
        self.person.hush();
    }

    fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    /// Lets some time pass, unless something happens before.
    async fn pass(&mut self, from_ms: u64, to_ms: u64, happened: impl Fn(&Person) -> bool) {
        let end = Instant::now() + Duration::from_millis(self.dice.random_range(from_ms..to_ms));
        while Instant::now() < end && !self.is_over() && !happened(&self.person) {
            tokio::time::sleep_until(end.min(Instant::now() + GLANCE)).await;
        }
    }

    /// A conversation, until it bores one or ends.
    async fn talk(&mut self) {
        let room = self.person.room();
        let end = Instant::now() + Duration::from_millis(self.dice.random_range(2000..20_000));
        self.person
            .pace(Duration::from_millis(self.dice.random_range(200..1500)));
        // Some only listen.
        if self.dice.random_ratio(4, 5) {
            self.person.babble();
        }
        while Instant::now() < end && self.person.room() == room && !self.is_over() {
            let here = room.clone();
            self.pass(300, 3000, move |person| person.room() != here).await;
            let short = Duration::from_millis(self.dice.random_range(20..2000));
            match self.dice.random_range(0..100) {
                0..10 => self.person.type_something(),
                10..17 => self.person.vanish(short),
                17..20 => self.person.vanish(HOLD + short),
                20..23 => self.person.part(short),
                23..26 => self.person.reconnect(),
                _ => {}
            }
        }
        self.person.hush();
    }

    async fn part(&mut self) {
        let room = self.person.room();
        if room.is_none() {
            return;
        }
        self.pass(50, 2000, |person| person.pending() == 0).await;
        match self.dice.random_range(0..100) {
            0..55 => self.person.leave(),
            55..60 => self.person.report(),
            60..68 => self.person.vanish(HOLD * 2),
            // Silence, until the other one leaves or the room is closed for it.
            68..80 => {}
            _ => return,
        }
        self.pass(15_000, 25_000, move |person| person.room() != room).await;
    }
}
