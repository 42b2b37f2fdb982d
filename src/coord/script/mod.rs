//! Scripts and the lane they travel on.
//!
//! All acts (one .lua file each, beside the module that calls it) are assembled into one library; one call runs up to
//! [`MAX_ACTS`] of them. Per shard a node has one call in flight: while it travels, the next acts gather, so under load
//! many share one call and at rest an act goes at once (group commit). That also makes a node's acts on a shard run in
//! the order they were asked for.
//!
//! What every act may rely on stands in `prelude.lua`: the time, the fence against nodes without a lease, notices, and
//! that a call sent twice by the Redis client is answered, not repeated. A replica that takes over from its master may
//! not have heard the last calls: the first call that comes after finds that out, and `promised` repeats what matters,
//! `early` once more what came before its room.

mod act;
mod early;
mod lane;
mod promised;
#[cfg(test)]
mod promised_tests;
#[cfg(test)]
pub(in crate::coord) mod tests;

pub use act::Act;
pub(super) use lane::{Bounds, lane};
pub use lane::{Lane, LaneLoop};

use crate::error::Fault;
use fred::types::Value;
use std::sync::LazyLock;

/// Most acts in one call: keeps a call under a few milliseconds, so that it delays nobody noticeably.
pub const MAX_ACTS: usize = 64;

/// What an act answered: a word of the script's closed set, then values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    name: &'static str,
    items: Vec<String>,
}

impl Reply {
    /// The word.
    pub fn word(&self) -> &str {
        self.items.first().map_or("", String::as_str)
    }

    /// Whether it is the word alone.
    pub fn is_bare(&self) -> bool {
        self.values().is_empty()
    }

    /// The values after the word.
    pub fn values(&self) -> &[String] {
        self.items.get(1..).unwrap_or(&[])
    }

    /// The value at `at` (0 is the first after the word).
    pub fn text(&self, at: usize) -> Result<&str, Fault> {
        self.values().get(at).map(String::as_str).ok_or_else(|| self.unknown())
    }

    /// The value at `at`, parsed.
    pub fn value<T: std::str::FromStr>(&self, at: usize) -> Result<T, Fault> {
        self.text(at)?.parse().map_err(|_| self.unknown())
    }

    /// The fault of an answer that no wrapper knows.
    pub fn unknown(&self) -> Fault {
        Fault::new(
            self.name,
            format!("unknown answer {:?} with {} values", self.word(), self.values().len()),
        )
    }

    /// Decodes one act's answer.
    pub(super) fn decode(name: &'static str, value: Value) -> Result<Self, Fault> {
        let Value::Array(items) = value else {
            return Err(Fault::new(name, "the answer is no array"));
        };
        let items = items
            .into_iter()
            .map(|v| v.into_string().ok_or_else(|| Fault::new(name, "a value is no text")))
            .collect::<Result<Vec<_>, _>>()?;
        let reply = Self { name, items };
        match reply.word() {
            "fenced" => Err(Fault::new(name, FENCED)),
            "fault" => Err(Fault::new(name, reply.text(0).unwrap_or("script failed"))),
            _ => Ok(reply),
        }
    }
}

/// Why a fault happened when the node's lease was taken from it; the lease loop will find out and start anew.
pub const FENCED: &str = "this node holds no lease";

/// All acts: name and text. A new script is added here and nowhere else.
pub(super) const ACTS: &[(&str, &str)] = &[
    ("register", include_str!("../lease/register.lua")),
    ("renew", include_str!("../lease/renew.lua")),
    ("bury", include_str!("../lease/bury.lua")),
    ("rest", include_str!("../lease/rest.lua")),
    ("resign", include_str!("../lease/resign.lua")),
    ("claim_due", include_str!("../timers/claim_due.lua")),
    ("settle", include_str!("../timers/settle.lua")),
    ("attach", include_str!("../users/attach.lua")),
    ("recover", include_str!("../users/recover.lua")),
    ("detach", include_str!("../users/detach.lua")),
    ("set_mode", include_str!("../users/set_mode.lua")),
    ("enter", include_str!("../users/enter.lua")),
    ("seek", include_str!("../users/seek.lua")),
    ("give_up", include_str!("../users/give_up.lua")),
    ("recheck", include_str!("../users/recheck.lua")),
    ("claim", include_str!("../users/claim.lua")),
    ("unclaim", include_str!("../users/unclaim.lua")),
    ("release", include_str!("../users/release.lua")),
    ("reap_users", include_str!("../users/reap_users.lua")),
    ("revoke_logins", include_str!("../logins/revoke_logins.lua")),
    ("login_ended", include_str!("../logins/login_ended.lua")),
    ("join", include_str!("../queue/join.lua")),
    ("leave", include_str!("../queue/leave.lua")),
    ("peek", include_str!("../queue/peek.lua")),
    ("propose", include_str!("../queue/propose.lua")),
    ("settle_offer", include_str!("../queue/settle_offer.lua")),
    ("open", include_str!("../rooms/open.lua")),
    ("announce", include_str!("../rooms/announce.lua")),
    ("seat", include_str!("../rooms/seat.lua")),
    ("discard", include_str!("../rooms/discard.lua")),
    ("sit", include_str!("../rooms/sit.lua")),
    ("resume", include_str!("../rooms/resume.lua")),
    ("retell", include_str!("../rooms/retell.lua")),
    ("unsit", include_str!("../rooms/unsit.lua")),
    ("say", include_str!("../rooms/say.lua")),
    ("start_typing", include_str!("../rooms/start_typing.lua")),
    ("stop_typing", include_str!("../rooms/stop_typing.lua")),
    ("fade_typing", include_str!("../rooms/fade_typing.lua")),
    ("recall", include_str!("../rooms/recall.lua")),
    ("end", include_str!("../rooms/end.lua")),
    ("report", include_str!("../rooms/report.lua")),
    ("expire_hold", include_str!("../rooms/expire_hold.lua")),
    ("expire_idle", include_str!("../rooms/expire_idle.lua")),
    ("reap_rooms", include_str!("../rooms/reap_rooms.lua")),
    ("count", include_str!("../counts/count.lua")),
    ("publish", include_str!("../counts/publish.lua")),
    ("put_letter", include_str!("../post/put_letter.lua")),
    ("claim_letters", include_str!("../post/claim_letters.lua")),
    ("postpone_letter", include_str!("../post/postpone_letter.lua")),
    ("drop_letter", include_str!("../post/drop_letter.lua")),
    ("take_limits", include_str!("../limits/take_limits.lua")),
    ("return_limits", include_str!("../limits/return_limits.lua")),
    ("clear_limits", include_str!("../limits/clear_limits.lua")),
    ("count_try", include_str!("../limits/count_try.lua")),
    ("session_close", include_str!("../sessions/session_close.lua")),
    ("session_drop", include_str!("../sessions/session_drop.lua")),
    ("session_emit", include_str!("../sessions/session_emit.lua")),
    ("session_expire", include_str!("../sessions/session_expire.lua")),
    ("session_free", include_str!("../sessions/session_free.lua")),
    ("session_hand", include_str!("../sessions/session_hand.lua")),
    ("session_join", include_str!("../sessions/session_join.lua")),
    ("session_open", include_str!("../sessions/session_open.lua")),
    ("session_part", include_str!("../sessions/session_part.lua")),
    ("session_poll", include_str!("../sessions/session_poll.lua")),
    ("session_pong", include_str!("../sessions/session_pong.lua")),
    ("session_probe", include_str!("../sessions/session_probe.lua")),
    ("session_push", include_str!("../sessions/session_push.lua")),
    ("session_take", include_str!("../sessions/session_take.lua")),
    ("session_unprobe", include_str!("../sessions/session_unprobe.lua")),
    ("session_upgrade", include_str!("../sessions/session_upgrade.lua")),
    ("session_yield", include_str!("../sessions/session_yield.lua")),
];

/// Pieces that the acts on one subject share, under its name; they stand before the acts, in this order.
const SHARED: &[(&str, &[&str])] = &[
    (
        "users",
        &[
            include_str!("../users/shared.lua"),
            include_str!("../users/past.lua"),
            include_str!("../users/trail.lua"),
            include_str!("../users/seeking.lua"),
            include_str!("../users/come.lua"),
        ],
    ),
    ("queues", &[include_str!("../queue/line.lua")]),
    (
        "rooms",
        &[
            include_str!("../rooms/seats.lua"),
            include_str!("../rooms/nodes.lua"),
            include_str!("../rooms/tell.lua"),
            include_str!("../rooms/log.lua"),
            include_str!("../rooms/opening.lua"),
            include_str!("../rooms/pair.lua"),
            include_str!("../rooms/take.lua"),
            include_str!("../rooms/close.lua"),
        ],
    ),
    (
        "sessions",
        &[
            include_str!("../sessions/shared.lua"),
            include_str!("../sessions/kept.lua"),
            include_str!("../sessions/joined.lua"),
        ],
    ),
];

/// The library: prelude, shared pieces, acts, epilogue.
///
/// A function is made only for an act that is asked for, and for what it shares with others: making all of them would
/// cost more than most acts do.
pub(super) static LIBRARY: LazyLock<String> = LazyLock::new(|| {
    let mut text = String::from(include_str!("prelude.lua"));
    for (subject, pieces) in SHARED {
        let pieces = pieces.concat();
        text.push_str(&format!(
            "local {subject}\nlocal function share_{subject}()\n{pieces}\nend\n"
        ));
    }
    text.push_str("local function find(name)\n");
    for (name, body) in ACTS {
        text.push_str(&format!("if name == '{name}' then\n"));
        for (subject, _) in SHARED
            .iter()
            .filter(|(subject, _)| body.contains(&format!("{subject}.")))
        {
            text.push_str(&format!("if not {subject} then share_{subject}() end\n"));
        }
        text.push_str(&format!("return function(KEYS, ARGV)\n{body}\nend end\n"));
    }
    text.push_str("end\n");
    text.push_str(include_str!("epilogue.lua"));
    text
});
