//! Who a socket belongs to, from the `auth` payload of its CONNECT (contract 1.2, 1.3). Nobody is turned away: what does
//! not prove an identity leads to the next weaker one.

use super::super::dialect::Dialect;
use super::super::member::Member;
use super::super::{Bearer, Passport, Socket};
use crate::actions::Actions;
use crate::clock::Millis;
use crate::domain::account::{GuestId, Identity, No, Standing};
use crate::domain::recovery::{Bookmark, Pid};
use crate::ids::{LoginId, UserId};
use serde_json::{Map, Value};
use std::sync::Arc;

/// What the original web app has for a token while nobody is logged in.
const NO_TOKEN: &str = "dev-guest-token";

/// Whether a socket is sent the lines that its own user says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// As the document says: "message delivered to both users".
    On,
    /// The original web app shows its own lines itself and would show them twice. It is known by the key `guestId`, which
    /// it always sends, even as null.
    Off,
}

/// Whether events carry bookmarks, as connection state recovery wants it. Clients that count their arguments say no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bookmarks {
    /// Events that a client must not miss have a last argument that says up to where it has heard.
    On,
    /// No event has.
    Off,
}

/// What a socket's handshake asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// Own lines.
    pub echo: Echo,
    /// Bookmarks.
    pub bookmarks: Bookmarks,
}

/// A handshake, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) who: Identity,
    pub(super) wishes: Wishes,
    /// The guest that it proves somebody to be.
    pub(super) guest: Option<GuestId>,
}

/// What a client brings that was here before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// Its session; none when that, or the bookmark, is none of ours.
    pub(super) pid: Option<Pid>,
    /// Up to where it has heard.
    pub(super) mark: Option<Bookmark>,
}

impl Hello {
    pub(super) fn member(self, socket: Arc<Socket>, since: Millis, unnoticed: Millis) -> Member {
        Member::arriving(socket, self.who, Dialect::Omegoo(self.wishes), since, unnoticed)
    }

    fn login(&self) -> String {
        match (&self.who.login, self.who.until) {
            (Some(login), Some(until)) => format!(" {login} {until}"),
            (Some(login), None) => format!(" {login}"),
            (None, _) => String::new(),
        }
    }

    /// What another node needs to go on with the socket.
    pub(super) fn passport(&self) -> Passport {
        let echo = match self.wishes.echo {
            Echo::On => "on",
            Echo::Off => "off",
        };
        let bookmarks = match self.wishes.bookmarks {
            Bookmarks::On => "on",
            Bookmarks::Off => "off",
        };
        Passport(format!(
            "{} {} {echo} {bookmarks}{}",
            self.who.user,
            self.who.standing.as_str(),
            self.login()
        ))
    }
}

/// The `auth` payload with the token of the header where it has none itself, as clients of voice rooms may send it (their
/// contract, 1.3).
pub(super) fn with_token(mut auth: Map<String, Value>, bearer: Option<Bearer>) -> Map<String, Value> {
    let has_none = match auth.get("token") {
        None | Some(Value::Null) => true,
        Some(token) => token == "",
    };
    if let Some(bearer) = bearer.filter(|_| has_none) {
        auth.insert("token".to_owned(), bearer.reveal().into());
    }
    auth
}

/// Whether the `auth` payload may be read. The original web app of one-to-one chat, which always sends `guestId`, is
/// let in as a guest with whatever token (contract 1.3); clients of voice rooms send nothing but the token, and get
/// themselves another one when they are told that it is no good (their contract, 1.4).
pub(super) fn must_be_readable(auth: &Map<String, Value>, actions: &Actions) -> Result<(), No> {
    let token = auth.get("token").and_then(Value::as_str).unwrap_or_default();
    match token.is_empty() || token == NO_TOKEN || auth.contains_key("guestId") {
        true => Ok(()),
        false => actions.must_be_good(token),
    }
}

/// Reads the `auth` payload. `echo: true/false` in it decides before the rule of the `guestId` key does.
pub(super) fn read(auth: &Map<String, Value>, actions: &Actions) -> Hello {
    let text = |key: &str| auth.get(key).and_then(Value::as_str);
    let echo = match auth.get("echo").and_then(Value::as_bool) {
        Some(true) => Echo::On,
        Some(false) => Echo::Off,
        None if auth.contains_key("guestId") => Echo::Off,
        None => Echo::On,
    };
    let refused = auth.get("recovery").and_then(Value::as_bool) == Some(false);
    let bookmarks = match actions.remembers_sessions() && !refused {
        true => Bookmarks::On,
        false => Bookmarks::Off,
    };
    let who = actions.identify(text("token"), text("guestId"));
    let guest = text("guestId").filter(|_| who.standing == Standing::Guest);
    Hello {
        who,
        wishes: Wishes { echo, bookmarks },
        guest: guest.and_then(|id| GuestId::parse(id, "guestId").ok()),
    }
}

/// What a client brings that was here before: socket.io-client puts it beside its `auth` payload.
pub(super) fn claim(auth: &Map<String, Value>) -> Option<Claim> {
    let pid = auth.get("pid").and_then(Value::as_str)?;
    let mark = match auth.get("offset") {
        // Who has heard nothing brings none.
        None | Some(Value::Null) => Some(None),
        Some(offset) => offset.as_str().and_then(Bookmark::parse).map(Some),
    };
    Some(Claim {
        pid: Pid::parse(pid).filter(|_| mark.is_some()),
        mark: mark.flatten(),
    })
}

/// Reads what [`Hello::passport`] wrote.
pub(super) fn from_passport(passport: &Passport) -> Option<Hello> {
    let mut words = passport.0.split(' ');
    let user = UserId::parse(words.next()?)?;
    let standing = Standing::parse(words.next()?)?;
    let echo = match words.next()? {
        "on" => Echo::On,
        "off" => Echo::Off,
        _ => return None,
    };
    let bookmarks = match words.next()? {
        "on" => Bookmarks::On,
        "off" => Bookmarks::Off,
        _ => return None,
    };
    // The release before wrote no login.
    let login = match words.next() {
        Some(login) => Some(LoginId::parse(login)?),
        None => None,
    };
    let until = match words.next() {
        Some(until) => Some(Millis(until.parse().ok()?)),
        None => None,
    };
    Some(Hello {
        who: Identity {
            user,
            standing,
            login,
            until,
        },
        wishes: Wishes { echo, bookmarks },
        guest: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{RecoveryKey, RoomId, Shard, SocketId};
    use serde_json::json;

    #[test]
    fn the_token_of_the_header_counts_where_the_payload_has_none() {
        let token = |auth: Value| {
            let auth = auth.as_object().unwrap().clone();
            with_token(auth, Some(Bearer::carried("header")))["token"].clone()
        };
        for none in [
            json!({}),
            json!({"token": null}),
            json!({"token": ""}),
            json!({"guestId": null}),
        ] {
            assert_eq!(token(none.clone()), "header", "{none}");
        }
        assert_eq!(token(json!({"token": "own"})), "own");
        assert_eq!(token(json!({"token": 7})), 7);
        assert!(with_token(Map::new(), None).is_empty());
    }

    #[test]
    fn a_bookmark_that_cannot_be_read_is_not_the_same_as_none() {
        let mark = Bookmark::After(RoomId::fresh(Shard(0)), Millis(7));
        let pid = Pid {
            sid: SocketId::fresh(),
            key: RecoveryKey::fresh(),
            epoch: "e1".into(),
            start: Bookmark::Start,
            began: Millis(1),
            user: UserId::parse("a").unwrap(),
            standing: Standing::Guest,
        };
        let claimed = |offset: Value| {
            let auth = json!({"pid": pid.to_string(), "offset": offset});
            let Claim { pid, mark } = claim(auth.as_object().unwrap()).unwrap();
            (pid, mark)
        };
        let ours = Some(pid.clone());

        assert_eq!(claimed(Value::Null), (ours.clone(), None));
        assert_eq!(claimed(json!(mark.to_string())), (ours, Some(mark)));
        for unreadable in [json!("text_queue_left"), json!(""), json!(7), json!({})] {
            assert_eq!(claimed(unreadable), (None, None));
        }
        assert_eq!(claim(&Map::new()), None);
    }

    #[test]
    fn a_passport_says_what_the_handshake_said() {
        for standing in [Standing::Registered, Standing::Guest, Standing::Passing] {
            for (echo, bookmarks) in [(Echo::On, Bookmarks::Off), (Echo::Off, Bookmarks::On)] {
                let hello = Hello {
                    who: Identity {
                        user: UserId::parse("user-1").unwrap(),
                        standing,
                        login: (standing == Standing::Registered).then(LoginId::fresh),
                        until: (standing == Standing::Registered).then_some(Millis(7)),
                    },
                    wishes: Wishes { echo, bookmarks },
                    guest: None,
                };

                assert_eq!(from_passport(&hello.passport()), Some(hello));
            }
        }
        assert_eq!(from_passport(&Passport("nonsense".into())), None);
    }
}
