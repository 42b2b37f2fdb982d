//! How often something may be tried: every limit, lock and cool-down, in one table. What is not in it is not limited
//! (`GET me` of either family above all: pages ask for it at every turn).
//!
//! A **window** allows so many within any stretch of its length. A **lock** counts tries of what may be guessed, and
//! with the last one shuts. Each is held against a **subject**; Redis knows a subject by its **mark** only.

use crate::ids::UserId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// By what the subject of a limit is told from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Where a request comes from.
    Ip,
    /// An e-mail address, whether anybody has it or not.
    Email,
    /// A telephone number.
    Phone,
    /// Somebody registered.
    User,
    /// A guest's id.
    Guest,
}

/// What a success does to the tries before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Success {
    /// It counts as a try.
    Counts,
    /// It does not count. Of addresses that many share: were all forgotten, whoever guesses the passwords of others
    /// would only have to log in as themselves from time to time.
    GivesBack,
    /// All is forgotten: only the owner can have done it.
    Clears,
}

/// A sliding window.
#[derive(Debug, PartialEq, Eq)]
pub struct Window {
    /// Its name in Redis and in the description; never reused for another limit.
    pub name: &'static str,
    /// Against whom it is held.
    pub by: By,
    /// How many fit in.
    pub most: u32,
    /// How long it is.
    pub within: Duration,
    /// What a success does.
    pub success: Success,
    /// The code that clients know it by.
    pub code: &'static str,
}

/// What shuts after too many tries.
#[derive(Debug, PartialEq, Eq)]
pub struct Lock {
    /// Its name in Redis.
    pub name: &'static str,
    /// Against whom it is held.
    pub by: By,
    /// Tries before it shuts; a success clears them.
    pub tries: u32,
    /// How long a try counts.
    pub within: Duration,
    /// How long it is shut.
    pub shut: Duration,
    /// The code that clients know it by.
    pub code: &'static str,
}

const MINUTE: Duration = Duration::from_secs(60);
const QUARTER: Duration = Duration::from_secs(15 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Every window.
macro_rules! windows {
    ($($(#[doc = $doc:literal])* $NAME:ident = $name:literal by $by:ident: $most:literal in $within:expr, $success:ident, $code:literal;)*) => {
        $( $(#[doc = $doc])* pub static $NAME: Window = Window {
            name: $name, by: By::$by, most: $most, within: $within, success: Success::$success, code: $code,
        }; )*
        /// All windows.
        pub static WINDOWS: &[&Window] = &[$(&$NAME),*];
    };
}

windows! {
    /// Omegoo: registering and logging in, whatever comes of it.
    AUTH = "auth" by Ip: 5 in MINUTE, Counts, "RATE_LIMIT_EXCEEDED";
    /// Omegoo: passwords tried for one account.
    LOGIN_EMAIL = "login-email" by Email: 5 in QUARTER, Clears, "LOGIN_RATE_LIMIT";
    /// Omegoo: passwords tried from one address.
    LOGIN_IP = "login-ip" by Ip: 20 in QUARTER, GivesBack, "LOGIN_RATE_LIMIT";
    /// Omegoo: links to a new password for one account.
    FORGOT_EMAIL = "forgot-email" by Email: 3 in QUARTER, Counts, "RESET_RATE_LIMIT";
    /// Omegoo: links to a new password asked for from one address.
    FORGOT_IP = "forgot-ip" by Ip: 10 in QUARTER, Counts, "RESET_RATE_LIMIT";
    /// Omegoo: a code is sent again after a minute.
    RESEND = "resend" by Email: 1 in MINUTE, Counts, "RESEND_COOLDOWN";
    /// Codes mailed to one address, whoever asks. Neither contract has it; anybody may name anybody's address.
    CODE_EMAIL = "code-email" by Email: 5 in QUARTER, Counts, "RESEND_COOLDOWN";
    /// Omegoo: a guest looks itself up.
    GUEST_VERIFY = "guest-verify" by Guest: 50 in QUARTER, Counts, "GUEST_RATE_LIMIT";
    /// Omegoo: a guest begins anew.
    GUEST_RESET = "guest-reset" by Guest: 10 in QUARTER, Counts, "GUEST_RATE_LIMIT";
    /// Omegoo: a guest is forgotten.
    GUEST_DELETE = "guest-delete" by Guest: 5 in QUARTER, Counts, "GUEST_RATE_LIMIT";
    /// Free2Talk: everything under its root but `HEAD` and `GET me`.
    V1 = "v1" by Ip: 150 in QUARTER, Counts, "RATE_LIMIT_EXCEEDED";
    /// Free2Talk: registering, logging in, Google; only what fails.
    V1_AUTH = "v1-auth" by Ip: 10 in QUARTER, GivesBack, "RATE_LIMIT_EXCEEDED";
    /// Free2Talk: passwords tried for one account. Neither contract has it; without it many addresses may guess for ever.
    V1_LOGIN_EMAIL = "v1-login-email" by Email: 10 in QUARTER, Clears, "RATE_LIMIT_EXCEEDED";
    /// Codes tried from one address, over all accounts. Neither contract has it; locks alone let one code be guessed at
    /// for many accounts.
    CODE_IP = "code-ip" by Ip: 30 in QUARTER, GivesBack, "RATE_LIMIT_EXCEEDED";
    /// Guests that one address may name: ids are chosen by clients. Neither contract has it.
    GUEST_IP = "guest-ip" by Ip: 150 in QUARTER, Counts, "GUEST_RATE_LIMIT";
    /// Codes sent to one telephone. Neither contract has it; each costs money.
    SMS_PHONE = "sms-phone" by Phone: 3 in QUARTER, Counts, "RESEND_COOLDOWN";
    /// Codes sent to telephones from one address. Neither contract has it.
    SMS_IP = "sms-ip" by Ip: 10 in HOUR, Counts, "RATE_LIMIT_EXCEEDED";
    /// The password before the new one, tried by who is logged in. Neither contract has it: a found device is no owner.
    PASSWORD = "password" by User: 5 in QUARTER, Clears, "RATE_LIMIT_EXCEEDED";
    /// Codes sent to addresses that somebody wants instead. Neither contract has it: each is a mail to a stranger.
    CHANGE_EMAIL = "change-email" by User: 5 in HOUR, Counts, "RATE_LIMIT_EXCEEDED";
    /// Pictures uploaded. Neither contract has it; each takes a core for a while.
    AVATAR = "avatar" by User: 20 in HOUR, Counts, "RATE_LIMIT_EXCEEDED";
}

/// Codes sent by e-mail.
pub static OTP_EMAIL: Lock = Lock {
    name: "otp-email",
    by: By::Email,
    tries: 5,
    within: Duration::from_secs(600),
    shut: Duration::from_secs(600),
    code: "OTP_LOCKED",
};

/// Codes sent to telephones: after the last try the code is gone, so the lock is as long as a code lives.
pub static OTP_PHONE: Lock = Lock {
    name: "otp-phone",
    by: By::Phone,
    tries: 3,
    within: Duration::from_secs(300),
    shut: Duration::from_secs(300),
    code: "OTP_LOCKED",
};

/// All locks.
pub static LOCKS: &[&Lock] = &[&OTP_EMAIL, &OTP_PHONE];

/// Whom a limit is held against.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    /// Where a request comes from.
    Ip(IpAddr),
    /// An e-mail address, as its account has it.
    Email(&'a str),
    /// A telephone number.
    Phone(&'a str),
    /// Somebody registered.
    User(&'a UserId),
    /// A guest's id.
    Guest(&'a str),
}

impl Subject<'_> {
    /// What kind of subject it is.
    pub fn by(&self) -> By {
        match self {
            Subject::Ip(_) => By::Ip,
            Subject::Email(_) => By::Email,
            Subject::Phone(_) => By::Phone,
            Subject::User(_) => By::User,
            Subject::Guest(_) => By::Guest,
        }
    }

    /// Who it is, without telling: the same for one subject under one key.
    pub fn mark(&self, key: &[u8]) -> Mark {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.update(&[self.by() as u8]);
        match self {
            Subject::Ip(ip) => mac.update(&network(*ip)),
            Subject::Email(text) => mac.update(text.trim().to_lowercase().as_bytes()),
            Subject::Phone(text) | Subject::Guest(text) => mac.update(text.as_bytes()),
            Subject::User(user) => mac.update(user.as_str().as_bytes()),
        }
        // 128 bits: nobody meets another's mark.
        Mark(URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..16]))
    }
}

impl fmt::Debug for Subject<'_> {
    /// Without who it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({:?})", self.by())
    }
}

/// What one customer of a network has: an address of version 4, or the first half of one of version 6, of whose other half
/// a customer may take any value.
fn network(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets()[..8].to_vec(),
    }
}

/// A subject, unreadable: 22 URL-safe characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark(String);

impl Mark {
    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a subject stands with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many there are.
    pub most: u32,
    /// In how long.
    pub within: Duration,
    /// How many are left.
    pub left: u32,
    /// How long until there is one more.
    pub frees_in: Duration,
    /// The limit's code.
    pub code: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn mark(subject: Subject<'_>) -> Mark {
        subject.mark(b"a key of the tests")
    }

    fn ip(text: &str) -> Subject<'static> {
        Subject::Ip(text.parse().unwrap())
    }

    #[test]
    fn every_limit_has_a_name_of_its_own_and_what_it_keeps_is_bounded() {
        let names: BTreeSet<_> = WINDOWS
            .iter()
            .map(|one| one.name)
            .chain(LOCKS.iter().map(|one| one.name))
            .collect();

        assert_eq!(names.len(), WINDOWS.len() + LOCKS.len());
        assert!(WINDOWS.iter().all(|one| (1..=200).contains(&one.most)));
        assert!(LOCKS.iter().all(|one| (1..=10).contains(&one.tries)));
        assert!(names.iter().all(|name| {
            name.bytes()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
        }));
    }

    #[test]
    fn the_numbers_are_those_of_the_contracts() {
        let row = |one: &Window| (one.by, one.most, one.within.as_secs(), one.code);

        assert_eq!(row(&AUTH), (By::Ip, 5, 60, "RATE_LIMIT_EXCEEDED"));
        assert_eq!(row(&LOGIN_EMAIL), (By::Email, 5, 900, "LOGIN_RATE_LIMIT"));
        assert_eq!(row(&LOGIN_IP), (By::Ip, 20, 900, "LOGIN_RATE_LIMIT"));
        assert_eq!(row(&FORGOT_EMAIL), (By::Email, 3, 900, "RESET_RATE_LIMIT"));
        assert_eq!(row(&FORGOT_IP), (By::Ip, 10, 900, "RESET_RATE_LIMIT"));
        assert_eq!(row(&RESEND), (By::Email, 1, 60, "RESEND_COOLDOWN"));
        assert_eq!(row(&GUEST_VERIFY), (By::Guest, 50, 900, "GUEST_RATE_LIMIT"));
        assert_eq!(row(&GUEST_RESET), (By::Guest, 10, 900, "GUEST_RATE_LIMIT"));
        assert_eq!(row(&GUEST_DELETE), (By::Guest, 5, 900, "GUEST_RATE_LIMIT"));
        assert_eq!(row(&V1), (By::Ip, 150, 900, "RATE_LIMIT_EXCEEDED"));
        assert_eq!(row(&V1_AUTH), (By::Ip, 10, 900, "RATE_LIMIT_EXCEEDED"));
        assert_eq!(
            (OTP_EMAIL.tries, OTP_EMAIL.shut.as_secs(), OTP_EMAIL.code),
            (5, 600, "OTP_LOCKED")
        );
        assert_eq!(OTP_PHONE.tries, 3);
    }

    #[test]
    fn a_mark_tells_subjects_apart_and_does_not_tell_who_they_are() {
        let somebody = mark(Subject::Email("ann@example.org"));

        assert_eq!(somebody, mark(Subject::Email(" Ann@Example.org")));
        assert_ne!(somebody, mark(Subject::Guest("ann@example.org")));
        assert_ne!(somebody, Subject::Email("ann@example.org").mark(b"another key"));
        assert_eq!(somebody.as_str().len(), 22);
        assert_eq!(format!("{:?}", Subject::Email("ann@example.org")), "Subject(Email)");
    }

    #[test]
    fn one_customer_of_a_network_is_one_subject() {
        assert_eq!(mark(ip("2001:db8:1:2::1")), mark(ip("2001:db8:1:2:ffff::9")));
        assert_ne!(mark(ip("2001:db8:1:2::1")), mark(ip("2001:db8:1:3::1")));
        assert_eq!(mark(ip("192.0.2.1")), mark(ip("::ffff:192.0.2.1")));
        assert_ne!(mark(ip("192.0.2.1")), mark(ip("192.0.2.2")));
    }
}
