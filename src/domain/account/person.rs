//! An account, as it is kept; and the closed sets of words in it, as they are written in Postgres and to clients.

use crate::clock::Millis;
use crate::ids::UserId;
use serde_json::Value;
use std::fmt;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$about])* $variant),* }

        impl $name {
            /// All words.
            pub const WORDS: &'static [&'static str] = &[$($word),*];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            /// Reads the word.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }
    };
}

words! {
    /// As somebody says of themselves.
    Gender { Male = "male", Female = "female", Others = "others" }
}

words! {
    /// What somebody may do here beyond talking.
    Role { User = "user", Admin = "admin", SuperAdmin = "super_admin" }
}

words! {
    /// Whether an account may be used.
    Status { Active = "active", Banned = "banned", Suspended = "suspended" }
}

words! {
    /// What an account may do, from its role, its subscription and whether it is verified.
    Tier { Guest = "guest", Verified = "verified", Premium = "premium", Admin = "admin", SuperAdmin = "super_admin" }
}

words! {
    /// Who is shown a profile whole. Nobody can be somebody's friend yet, so `friends` shows it to nobody else.
    Privacy { Public = "public", Friends = "friends", Private = "private" }
}

words! {
    /// How an account signs in.
    Provider { Email = "email", Google = "google", Both = "google+email", Device = "device" }
}

words! {
    /// Which API somebody signed in to; each has its own rules for logins.
    Family { Omegoo = "omegoo", Free2Talk = "free2talk" }
}

words! {
    /// Why a login ended before its time.
    Why {
        /// Its user said so.
        Logout = "logout",
        /// The user signed in on another device.
        Replaced = "replaced",
        /// The password was changed.
        Password = "password",
        /// A refresh token was used twice: somebody else may have it.
        Reuse = "reuse",
        /// The user was banned.
        Ban = "ban",
        /// The account is gone.
        Deleted = "deleted",
    }
}

/// What a password was turned into; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hash)")
    }
}

/// What somebody pays for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// `none`, `starter`, `standard` or `premium`.
    pub kind: String,
    /// Until when.
    pub until: Option<Millis>,
}

/// Why somebody may not use an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// For people.
    pub reason: String,
    /// None: for good.
    pub until: Option<Millis>,
}

/// Conversations with strangers that are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Calls {
    pub completed: i32,
    /// Of each, the minutes begun.
    pub minutes: i32,
}

/// A registered user.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub id: UserId,
    pub email: Option<String>,
    pub username: Option<String>,
    pub display_name: Option<String>,
    pub avatar_url: Option<String>,
    pub bio: Option<String>,
    pub native_languages: Vec<String>,
    pub learning_languages: Vec<String>,
    pub interests: Vec<String>,
    pub privacy: Privacy,
    pub gender: Gender,
    pub password_hash: Option<PasswordHash>,
    pub password_changed: Option<Millis>,
    pub provider: Provider,
    pub email_verified: bool,
    pub verified: bool,
    pub premium: bool,
    pub subscription: Subscription,
    pub role: Role,
    pub status: Status,
    pub ban_reason: Option<String>,
    pub banned_until: Option<Millis>,
    pub coins: i32,
    pub total_chats: i32,
    pub daily_chats: i32,
    pub calls: Calls,
    pub last_coin_claim: Millis,
    pub preferences: Value,
    pub created: Millis,
    pub updated: Millis,
    pub last_active: Millis,
}

impl Tier {
    /// As the document counts them.
    pub const fn number(self) -> u8 {
        match self {
            Tier::Guest => 0,
            Tier::Verified => 1,
            Tier::Premium => 2,
            Tier::Admin => 3,
            Tier::SuperAdmin => 4,
        }
    }

    /// The highest number.
    pub const MOST: u8 = Tier::SuperAdmin.number();

    /// The tier of a number.
    pub fn numbered(number: i64) -> Option<Self> {
        let all = [
            Tier::Guest,
            Tier::Verified,
            Tier::Premium,
            Tier::Admin,
            Tier::SuperAdmin,
        ];
        all.into_iter().find(|tier| i64::from(tier.number()) == number)
    }
}

impl Account {
    /// What it may do: the role first, then what is paid for, then what is proven.
    pub fn tier(&self) -> Tier {
        match (self.role, self.premium, self.verified) {
            (Role::SuperAdmin, ..) => Tier::SuperAdmin,
            (Role::Admin, ..) => Tier::Admin,
            (Role::User, true, _) => Tier::Premium,
            (Role::User, false, true) => Tier::Verified,
            (Role::User, false, false) => Tier::Guest,
        }
    }

    /// Whether its coins of the day are still to be given at `now`. Days begin at midnight UTC, on every node at once.
    pub fn is_due_for_coins(&self, now: Millis) -> bool {
        self.last_coin_claim < day_of(now)
    }

    /// Why it may not be used at `now`, if so. A ban that has run out is none.
    pub fn ban(&self, now: Millis) -> Option<Ban> {
        let holds = match self.status {
            Status::Active => false,
            Status::Banned | Status::Suspended => self.banned_until.is_none_or(|until| until > now),
        };
        holds.then(|| Ban {
            reason: self
                .ban_reason
                .clone()
                .unwrap_or_else(|| "Violation of the rules".to_owned()),
            until: self.banned_until,
        })
    }
}

/// When the day of `now` began.
pub fn day_of(now: Millis) -> Millis {
    const DAY: u64 = 24 * 60 * 60 * 1000;
    Millis(now.0 - now.0 % DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_have_the_numbers_from_0_to_4() {
        for number in 0..5 {
            assert_eq!(
                Tier::numbered(number).map(|tier| i64::from(tier.number())),
                Some(number)
            );
        }
        assert_eq!((Tier::numbered(-1), Tier::numbered(5)), (None, None));
    }

    #[test]
    fn a_day_begins_at_midnight() {
        // 2025-05-01T12:00Z
        let noon = Millis(1_746_100_800_000);
        let midnight = Millis(noon.0 - 12 * 3_600_000);

        assert_eq!((day_of(noon), day_of(midnight)), (midnight, midnight));
        assert_eq!(day_of(Millis(midnight.0 - 1)), Millis(midnight.0 - 24 * 3_600_000));
    }
}
