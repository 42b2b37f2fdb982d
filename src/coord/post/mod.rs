//! The post: letters that wait to be sent.
//!
//! `post:<medium>` (zset, one per shard) says when each is to be tried next, `letters:<medium>` (hash) what it says and
//! how often it was tried. Whoever takes a letter has it for a time; killed before it was dropped, the letter is tried
//! again by another: it is sent at least once. It is not in the journal, whose facts are stored in their order: a mail
//! server that is away must hold up nothing else.

#[cfg(test)]
mod tests;

use super::Coord;
use super::script::Act;
use crate::clock::Millis;
use crate::domain::letter::{Letter, Medium, Says};
use crate::error::Fault;
use crate::ids::{FactId, Shard, shard_of};

/// Letters that may wait on a shard: about 30 MB. More than this is no post, but somebody who makes us send it.
const MOST: usize = 50_000;

const US: char = '\u{1f}';

/// A letter that was taken to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its id, to be dropped or put off by.
    pub id: String,
    /// How often it was tried, this time included.
    pub attempt: u32,
    /// The letter; `None` when this release cannot read it.
    pub letter: Option<Letter>,
}

impl Coord {
    /// Posts a letter; whether there was room.
    pub async fn put_letter(&self, medium: Medium, letter: &Letter) -> Result<bool, Fault> {
        let shard = shard_of(letter.id.as_str(), self.keys().shards().count() as u8);
        let act = self.on_post("put_letter", shard, medium).arg(&letter.id);
        let reply = self.run(shard, act.arg(text(letter)).arg(MOST)).await?;
        match reply.word() {
            "posted" => Ok(true),
            "full" => Ok(false),
            _ => Err(reply.unknown()),
        }
    }

    /// Takes at most `most` letters that were to be tried by `by`; nobody else gets them before `until`.
    pub async fn claim_letters(
        &self,
        shard: Shard,
        medium: Medium,
        most: usize,
        [by, until]: [Millis; 2],
    ) -> Result<Vec<Taken>, Fault> {
        let act = self.on_post("claim_letters", shard, medium);
        let reply = self.run(shard, act.arg(most).arg(by).arg(until)).await?;
        if reply.word() != "letters" {
            return Err(reply.unknown());
        }
        let taken = |at: usize| {
            let id = reply.text(at)?.to_owned();
            let letter = read(&id, reply.text(at + 2)?);
            let attempt = reply.value(at + 1)?;
            Ok(Taken { id, attempt, letter })
        };
        (0..reply.values().len()).step_by(3).map(taken).collect()
    }

    /// Puts a letter off.
    pub async fn postpone_letter(&self, shard: Shard, medium: Medium, id: &str, at: Millis) -> Result<(), Fault> {
        let act = Act::new("postpone_letter").key(self.keys().post(shard, medium));
        let reply = self.run(shard, act.arg(id).arg(at)).await?;
        match reply.word() {
            "postponed" | "gone" => Ok(()),
            _ => Err(reply.unknown()),
        }
    }

    /// Forgets a letter.
    pub async fn drop_letter(&self, shard: Shard, medium: Medium, id: &str) -> Result<(), Fault> {
        let reply = self
            .run(shard, self.on_post("drop_letter", shard, medium).arg(id))
            .await?;
        match reply.word() {
            "dropped" => Ok(()),
            _ => Err(reply.unknown()),
        }
    }

    fn on_post(&self, name: &'static str, shard: Shard, medium: Medium) -> Act {
        let keys = self.keys();
        Act::new(name)
            .key(keys.post(shard, medium))
            .key(keys.letters(shard, medium))
    }
}

/// A letter as one text.
fn text(letter: &Letter) -> String {
    let plain = |text: &str| text.replace(US, "");
    let parts = [
        &plain(&letter.to),
        &plain(&letter.name),
        letter.says.as_str(),
        &plain(&letter.carries),
        &letter.at.to_string(),
    ];
    parts.join(&US.to_string())
}

fn read(id: &str, text: &str) -> Option<Letter> {
    let parts: Vec<_> = text.split(US).collect();
    let &[to, name, says, carries, at] = parts.as_slice() else {
        return None;
    };
    Some(Letter {
        id: FactId::parse(id)?,
        to: to.to_owned(),
        name: name.to_owned(),
        says: Says::parse(says)?,
        carries: carries.to_owned(),
        at: Millis(at.parse().ok()?),
    })
}
