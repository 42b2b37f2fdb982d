//! People in pairs, one of each pair per side of the world, and what must hold for all of them in the end.

use super::client::Dial;
use super::client::person::Person;
use super::history::{Log, Moment, Violation, violations};
use super::world::World;
use super::{PATIENCE, eventually, holds_within};
use std::time::Duration;

/// People of one test; the even ones are the first of their pairs.
pub struct Company {
    /// Everybody.
    pub people: Vec<Person>,
}

impl Company {
    /// Pairs across the first two nodes of a world, in the middle of talking.
    pub async fn chatting(world: &World, pairs: usize) -> Self {
        let nodes = [world.dial_node(0), world.dial_node(1)];
        let company = Self::of_pairs(pairs, |side| vec![nodes[side].clone()]).await;
        company.babble();
        company.go_on(5).await;
        company
    }

    /// `count` pairs who have found each other; `dials` gives the addresses of the first and the second of a pair.
    pub async fn of_pairs(count: usize, dials: impl Fn(usize) -> Vec<Dial>) -> Self {
        let mut people = Vec::new();
        for pair in 0..count {
            let both = [0, 1].map(|side| Person::new(&format!("person-{pair}-{side}"), dials(side)));
            for person in &both {
                person.seek();
            }
            eventually("the pair is matched", async || {
                both.iter().all(|p| p.log().room().is_some())
            })
            .await;
            people.extend(both);
        }
        Self { people }
    }

    /// Everybody talks without end.
    pub fn babble(&self) {
        self.people.iter().for_each(Person::babble);
    }

    /// Everybody has had `more` further lines acknowledged.
    pub async fn go_on(&self, more: usize) {
        let before: Vec<_> = self.people.iter().map(|p| p.log().count(is_ack)).collect();
        let went_on = async || {
            let now = self.people.iter().map(|p| p.log().count(is_ack));
            now.zip(&before).all(|(now, before)| now >= before + more)
        };
        if !holds_within(PATIENCE * 2, went_on).await {
            panic!("not everybody goes on: {}", self.story());
        }
    }

    /// Nobody talks any more, and everything said has arrived; then no promise is broken.
    pub async fn settle(&self) {
        self.settle_but(|_| false).await;
    }

    /// The same, where something was not promised.
    pub async fn settle_but(&self, not_promised: impl Fn(&Violation) -> bool) {
        self.people.iter().for_each(Person::hush);
        let broken = || {
            let mut broken = self.broken();
            broken.retain(|violation| !not_promised(violation));
            broken
        };
        let settled = async || self.people.iter().all(|p| p.pending() == 0) && broken().is_empty();
        if !holds_within(PATIENCE * 2, settled).await {
            let broken = broken();
            let some: Vec<_> = broken.iter().take(12).collect();
            panic!("{} broken promises: {some:#?}\n{}", broken.len(), self.story());
        }
    }

    /// What is broken so far; lines that are still on their way count as lost.
    pub fn broken(&self) -> Vec<Violation> {
        violations(&self.logs())
    }

    /// Everybody's history.
    pub fn logs(&self) -> Vec<Log> {
        self.people.iter().map(Person::log).collect()
    }

    /// Nobody's room has ended.
    pub fn assert_nobody_ended(&self) {
        let endings: Vec<_> = self.logs().into_iter().map(|log| log.endings()).collect();
        assert!(
            endings.iter().all(Vec::is_empty),
            "rooms ended: {endings:?}\n{}",
            self.story()
        );
    }

    /// The longest time since `from` in which somebody heard nothing of the partner.
    pub fn longest_silence_since(&self, from: std::time::Instant) -> Duration {
        self.silences_since(from).into_iter().max().unwrap_or_default()
    }

    /// The same for each person.
    pub fn silences_since(&self, from: std::time::Instant) -> Vec<Duration> {
        let silences = self.logs().into_iter().map(|log| {
            let (room, _) = log.room().unwrap_or_default();
            let partners = |m: &Moment| matches!(m, Moment::Heard { room: r, text, .. } if *r == room && !text.starts_with(&log.who));
            let heard = log.moments.iter().filter(|(at, m)| *at >= from && partners(m)).map(|(at, _)| *at);
            let heard: Vec<_> = std::iter::once(from).chain(heard).collect();
            heard.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(Duration::MAX)
        });
        silences.collect()
    }

    /// The last moments of everybody but lines, for a failed test.
    pub fn story(&self) -> String {
        use std::fmt::Write;
        let mut story = String::new();
        for (person, log) in self.people.iter().zip(self.logs()) {
            let acks = log.count(is_ack);
            let _ = writeln!(
                story,
                "{}: connected {}, pending {}, acked {acks}",
                log.who,
                person.is_connected(),
                person.pending()
            );
            let no_line = |m: &Moment| !matches!(m, Moment::Heard { .. } | Moment::Acked { .. });
            let rest: Vec<_> = log.moments.iter().filter(|(_, m)| no_line(m)).collect();
            for (at, moment) in rest.iter().rev().take(12).rev() {
                let _ = writeln!(story, "    {:?} ago: {moment:?}", at.elapsed());
            }
        }
        story
    }
}

fn is_ack(moment: &Moment) -> bool {
    matches!(moment, Moment::Acked { .. })
}
