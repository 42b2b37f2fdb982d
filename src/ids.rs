//! Names of things: nodes, sockets, users, rooms, messages, tickets.
//!
//! Every id is a newtype that can only be made by drawing a fresh one or by parsing text from outside; the rest of
//! the code never passes a bare string for one. No rule lives here, only shape: length, alphabet, and which shard a
//! room is written on.

use rand::Rng;
use sha2::{Digest, Sha256};
use std::fmt;

/// Characters that may stand in an id that came from outside; none of them means anything to Redis or our notices.
fn is_id_char(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.' | b':')
}

const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn draw(alphabet: &[u8], len: usize) -> String {
    let mut rng = rand::rng();
    (0..len)
        .map(|_| alphabet[rng.random_range(0..alphabet.len())] as char)
        .collect()
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, max $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// Longest accepted text, in bytes.
            pub const MAX_LEN: usize = $max;

            /// Takes text from outside; `None` when it is empty, too long, or has a character that ids never have.
            pub fn parse(text: &str) -> Option<Self> {
                let fits = (1..=Self::MAX_LEN).contains(&text.len());
                (fits && text.bytes().all(is_id_char)).then(|| Self(text.into()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// One life of one node process. A node that lost its lease comes back under a new id.
    NodeId, max 32
);
text_id!(
    /// A Socket.IO socket (one namespace of one connection): 20 URL-safe characters.
    SocketId, max 32
);
text_id!(
    /// An Engine.IO session: 20 URL-safe characters. Knowing it is the only proof of owning it.
    SessionId, max 32
);
text_id!(
    /// A person, registered or guest. Opaque: nothing may be concluded from its text.
    UserId, max 64
);
text_id!(
    /// A chat message, `<ms>_<9 base36>`; the same in every delivery of the message.
    MessageId, max 40
);
text_id!(
    /// One stay in a queue. A ticket that no longer matches means the seeker left and came back.
    Ticket, max 24
);
text_id!(
    /// A message id chosen by the sender so that a retry of the same message is one message.
    ClientMessageId, max 64
);
text_id!(
    /// What a client must know, beside the public parts, to take up its session again: 22 URL-safe characters.
    RecoveryKey, max 32
);
text_id!(
    /// A fact in the journal; makes storing it twice harmless.
    FactId, max 40
);

text_id!(
    /// A login of a registered user: what tokens stand for, until it ends.
    LoginId, max 36
);

impl LoginId {
    /// A new login.
    pub fn fresh() -> Self {
        Self(uuid::Uuid::new_v4().to_string().into())
    }

    /// Takes only the form that we write.
    pub fn parse_uuid(text: &str) -> Option<Self> {
        uuid_text(text).map(Self)
    }
}

/// A UUID's text, hyphenated and in small letters.
fn uuid_text(text: &str) -> Option<Box<str>> {
    let uuid = (text.len() == 36).then(|| uuid::Uuid::try_parse(text).ok()).flatten()?;
    Some(uuid.as_hyphenated().to_string().into())
}

impl NodeId {
    /// A name for this life of this process.
    pub fn fresh() -> Self {
        Self(draw(BASE36, 10).into())
    }
}

impl SocketId {
    /// Unguessable (120 bits).
    pub fn fresh() -> Self {
        Self(draw(URL_SAFE, 20).into())
    }
}

impl SessionId {
    /// Unguessable (120 bits): it is a bearer secret of the polling transport.
    pub fn fresh() -> Self {
        Self(draw(URL_SAFE, 20).into())
    }
}

impl RecoveryKey {
    /// Unguessable (132 bits).
    pub fn fresh() -> Self {
        Self(draw(URL_SAFE, 22).into())
    }
}

impl MessageId {
    /// A message said at `now_ms` (Unix milliseconds).
    pub fn fresh(now_ms: u64) -> Self {
        Self(format!("{now_ms}_{}", draw(BASE36, 9)).into())
    }
}

impl ClientMessageId {
    /// Four characters that tell it from nearly all others.
    pub fn mark(&self) -> String {
        let hash = fnv1a(&self.0);
        let letter = |at: u32| char::from(URL_SAFE[(hash >> (6 * at)) as usize % 64]);
        (0..4).map(letter).collect()
    }
}

impl Ticket {
    /// A new stay in a queue.
    pub fn fresh() -> Self {
        Self(draw(BASE36, 12).into())
    }
}

impl FactId {
    /// A new fact.
    pub fn fresh() -> Self {
        Self(uuid::Uuid::new_v4().to_string().into())
    }
}

/// What the ids of guests begin with.
const GUEST: &str = "guest-";

impl UserId {
    /// A new registered user.
    pub fn registered() -> Self {
        Self(uuid::Uuid::new_v4().to_string().into())
    }

    /// A registered user's id; none for the ids of guests and of other servers.
    pub fn parse_uuid(text: &str) -> Option<Self> {
        uuid_text(text).map(Self)
    }

    /// A visitor without any identity: one per connection, `user-<ms>-<9 base36>`.
    pub fn passing(now_ms: u64) -> Self {
        Self(format!("user-{now_ms}-{}", draw(BASE36, 9)).into())
    }

    /// A guest known by a device's 64-digit id: stable over connections, and not the id itself (it is a secret of
    /// that device). Its first 16 digits, which everybody is told (contract 1.3), then 16 of the hash of all of them, which
    /// nobody is: who knows the first is not yet that guest.
    pub fn guest(device: &str) -> Option<Self> {
        let hex = device.len() == 64 && device.bytes().all(|c| c.is_ascii_hexdigit());
        hex.then(|| {
            let device = device.to_ascii_lowercase();
            let digest = Sha256::digest(&device);
            let proof = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
            Self(format!("{GUEST}{}.{}", &device[..16], proof.collect::<String>()).into())
        })
    }

    /// The id as others are told it.
    pub fn shown(&self) -> &str {
        match self.0.split_once('.') {
            Some((shown, proof)) if shown.starts_with(GUEST) && shown.len() == 22 && proof.len() == 16 => shown,
            _ => &self.0,
        }
    }
}

/// One hash tag of Redis: everything that a script touches at once shares it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Shard(pub u8);

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A conversation. A version 4 UUID whose first byte is the shard the room lives on, so that a room stays where it is
/// when the number of shards changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(uuid::Uuid);

impl RoomId {
    /// A new room on `shard`.
    pub fn fresh(shard: Shard) -> Self {
        let mut bytes = *uuid::Uuid::new_v4().as_bytes();
        bytes[0] = shard.0;
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// Takes the hyphenated form; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 36)
            .then(|| uuid::Uuid::try_parse(text).ok())
            .flatten()
            .map(Self)
    }

    /// Where the room lives. The caller checks it against the number of shards.
    pub fn shard(&self) -> Shard {
        Shard(self.0.as_bytes()[0])
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// FNV-1a: where a name lives among `shards`. Stable over releases and machines, which is all that is asked of it.
pub fn shard_of(name: &str, shards: u8) -> Shard {
    Shard((fnv1a(name) % u64::from(shards.max(1))) as u8)
}

fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_id_names_its_shard_and_survives_its_text() {
        let room = RoomId::fresh(Shard(5));

        assert_eq!(room.shard(), Shard(5));
        assert_eq!(RoomId::parse(&room.to_string()), Some(room));
    }

    #[test]
    fn ids_from_outside_refuse_what_redis_or_a_notice_could_misread() {
        for bad in ["", "a b", "a\u{1f}b", "a{b}", "a/b", "é"] {
            assert_eq!(UserId::parse(bad), None, "{bad:?}");
        }
        assert_eq!(UserId::parse(&"a".repeat(65)), None);
        assert!(UserId::parse(&"a".repeat(64)).is_some());
    }

    #[test]
    fn a_guest_is_known_by_all_digits_and_shown_by_the_first_16() {
        let of = |device: &str| UserId::guest(device).unwrap();
        let device = format!("ABCDEF0123456789{}", "a".repeat(48));
        let other = format!("ABCDEF0123456789{}", "b".repeat(48));

        assert_eq!(of(&device), of(&device.to_ascii_lowercase()));
        assert_ne!(of(&device), of(&other));
        for guest in [of(&device), of(&other)] {
            assert_eq!(guest.shown(), "guest-abcdef0123456789");
            assert_eq!(UserId::parse(guest.as_str()), Some(guest));
        }
        for id in ["user-1.5", "guest-2", "guest-abcdef0123456789"] {
            assert_eq!(UserId::parse(id).unwrap().shown(), id);
        }
        assert_eq!(UserId::guest("abc"), None);
        assert_eq!(UserId::guest(&"g".repeat(64)), None);
    }

    #[test]
    fn shards_are_spread_and_stable() {
        assert_eq!(shard_of("anyone", 1), Shard(0));
        let hit: std::collections::BTreeSet<_> = (0..100).map(|i| shard_of(&format!("user-{i}"), 6)).collect();
        assert_eq!(hit.len(), 6);
    }
}
