//! Who a socket belongs to, from the `auth` payload of its CONNECT (contract 1.2, 1.3). Nobody is turned away: what does
//! not prove an identity leads to the next weaker one.

use super::super::dialect::Dialect;
use super::super::member::Member;
use super::super::{Passport, Socket};
use crate::actions::Actions;
use crate::clock::Millis;
use crate::domain::account::{Identity, Standing};
use crate::ids::UserId;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Whether a socket is sent the lines that its own user says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// As the document says: "message delivered to both users".
    On,
    /// The original web app shows its own lines itself and would show them twice. It is known by the key `guestId`, which
    /// it always sends, even as null.
    Off,
}

/// A handshake, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    who: Identity,
    echo: Echo,
}

impl Hello {
    pub(super) fn member(self, socket: Arc<Socket>, since: Millis) -> Member {
        Member::arriving(socket, self.who, Dialect::Omegoo(self.echo), since)
    }

    /// What another node needs to go on with the socket.
    pub(super) fn passport(&self) -> Passport {
        let standing = match self.who.standing {
            Standing::Registered => "registered",
            Standing::Guest => "guest",
            Standing::Passing => "passing",
        };
        let echo = match self.echo {
            Echo::On => "on",
            Echo::Off => "off",
        };
        Passport(format!("{} {standing} {echo}", self.who.user))
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
    Hello {
        who: actions.identify(text("token"), text("guestId")),
        echo,
    }
}

/// Reads what [`Hello::passport`] wrote.
pub(super) fn from_passport(passport: &Passport) -> Option<Hello> {
    let mut words = passport.0.split(' ');
    let user = UserId::parse(words.next()?)?;
    let standing = match words.next()? {
        "registered" => Standing::Registered,
        "guest" => Standing::Guest,
        "passing" => Standing::Passing,
        _ => return None,
    };
    let echo = match words.next()? {
        "on" => Echo::On,
        "off" => Echo::Off,
        _ => return None,
    };
    Some(Hello {
        who: Identity { user, standing },
        echo,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passport_says_what_the_handshake_said() {
        for standing in [Standing::Registered, Standing::Guest, Standing::Passing] {
            for echo in [Echo::On, Echo::Off] {
                let hello = Hello {
                    who: Identity {
                        user: UserId::parse("user-1").unwrap(),
                        standing,
                    },
                    echo,
                };

                assert_eq!(from_passport(&hello.passport()), Some(hello));
            }
        }
        assert_eq!(from_passport(&Passport("nonsense".into())), None);
    }
}
