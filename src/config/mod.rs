//! Every setting: name, type, default, range and meaning, each declared once.
//!
//! Settings come from defaults, then the TOML file that `PALAVER_CONFIG` names, then variables `PALAVER_*` (`__`
//! between section and name). [`table`] prints what is declared here for the README. No other module reads the
//! environment, and nothing here knows what a setting is used for beyond its range.

mod check;
mod load;
mod value;

pub use load::{FILE_VARIABLE, Wrong};
pub use value::{Cookies, LogFormat, Secret};

use load::Reader;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use value::Value;

/// One line of the table of settings.
#[derive(Debug, Clone, Copy)]
struct Row {
    name: &'static str,
    kind: &'static str,
    default: &'static str,
    range: &'static [&'static str],
    about: &'static [&'static str],
}

/// Declares a section: per setting its meaning, name, type, default, and (where it has one) its range.
macro_rules! section {
    (
        $(#[doc = $about:literal])* $Section:ident at $at:literal {
            $( $(#[doc = $doc:literal])* $field:ident: $type:ty = $default:literal $(in $least:literal $most:literal)?; )*
        }
        $(with $($inner:ident: $Inner:ident),*)?
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $Section {
            $( $(#[doc = $doc])* pub $field: $type, )*
            $( $( #[doc = concat!("Settings `", stringify!($inner), ".*`.")] pub $inner: $Inner, )* )?
        }

        impl $Section {
            pub(in crate::config) const ROWS: &[Row] = &[ $( Row {
                name: concat!($at, stringify!($field)),
                kind: <$type as Value>::KIND,
                default: $default,
                range: &[$($least, $most)?],
                about: &[$($doc),*],
            } ),* ];

            pub(in crate::config) fn read(from: &mut Reader) -> Self {
                Self {
                    $( $field: from.take(concat!($at, stringify!($field)), $default, &[$($least, $most)?]), )*
                    $( $( $inner: $Inner::read(from), )* )?
                }
            }
        }
    };
}

mod outside;
pub use outside::{Files, Geo, Google, Mail, Sms};

section! {
    /// All settings of a node.
    Settings at "" {
        /// Where the node listens for HTTP and sockets.
        listen: SocketAddr = "0.0.0.0:3001";
        /// A separate listener for `/metrics`, with `/live` and `/ready`. Empty: `/metrics` is on the main listener.
        metrics_listen: Option<SocketAddr> = "";
        /// Origins of web pages that may call us, on HTTP and on every socket transport. `*` allows all.
        origins: Vec<String> = "https://omegoo.app,https://omegoo.chat,https://www.omegoo.chat,http://localhost:3000";
        /// Largest body of an HTTP request; a picture that is uploaded may have 5 MiB.
        max_body: usize = "128KiB" in "1KiB" "64MiB";
        /// How long the body of an HTTP request may take to arrive, for each MiB that it may have.
        body_timeout: Duration = "10s" in "100ms" "5m";
        /// Proxies that write down where a request comes from (`X-Forwarded-For`). 0: it is whoever opened the connection.
        trusted_proxies: u8 = "0" in "0" "16";
        /// What is logged, as tracing-subscriber's filter directives.
        log: String = "info";
        /// How it is logged: `text` or `json`.
        log_format: LogFormat = "text";
    }
    with redis: Redis, postgres: Postgres, jwt: Jwt, accounts: Accounts, sockets: Sockets, chat: Chat, queue: Queue, limits: Limits, mail: Mail, sms: Sms, google: Google, files: Files, geo: Geo, lease: Lease, drain: Drain
}

section! {
    /// The Redis that nodes share.
    Redis at "redis." {
        /// `redis://host:port`, `redis-cluster://host:port?node=host:port` (any members) or
        /// `redis-sentinel://host:port?node=host:port&sentinelServiceName=name` (sentinels); `rediss...` for TLS; user
        /// name and password before the host.
        url: Secret = "redis://127.0.0.1:6379";
        /// PEM file of the authority that signed the servers' certificates. Empty: those that the machine trusts.
        tls_ca: Option<String> = "";
        /// PEM file of this node's certificate, for servers that ask for one.
        tls_cert: Option<String> = "";
        /// PEM file of its key.
        tls_key: Option<String> = "";
        /// First part of every key, so that several installations can share one Redis.
        prefix: String = "palaver";
        /// Shards that keys are spread over. All nodes of an installation must agree (one that does not is not ready, and says so); more than 1 is for a cluster.
        shards: u8 = "1" in "1" "64";
        /// Notices that wait in Redis for one node; a node that falls further behind tells its sockets their state anew.
        inbox: u32 = "50000" in "100" "10000000";
        /// How long, for each living node and up to 10 ms in all, a call to Redis or a read of an inbox is held back when they follow each other closely, so that more is done in one; `0s`: never.
        linger: Duration = "2ms" in "0s" "50ms";
        /// Longest wait for the answer to one command.
        command_timeout: Duration = "5s" in "100ms" "1m";
        /// Longest wait for a connection.
        connect_timeout: Duration = "5s" in "100ms" "1m";
        /// Longest wait between two attempts to connect again.
        reconnect_max_wait: Duration = "2s" in "100ms" "1m";
    }
}

section! {
    /// The Postgres that keeps what must outlive a chat.
    Postgres at "postgres." {
        /// `postgres://user:password@host:port/database`.
        url: Secret = "postgres://palaver@127.0.0.1:5432/palaver";
        /// Most connections of this node.
        max_connections: u32 = "8" in "1" "1000";
        /// Longest wait for a connection.
        connect_timeout: Duration = "3s" in "100ms" "1m";
        /// Longest wait for the answer to one query.
        query_timeout: Duration = "5s" in "100ms" "1m";
        /// How long a conversation's metadata and a report's evidence are kept.
        keep_for: Duration = "90d" in "1d" "3650d";
    }
}

section! {
    /// Tokens of registered users.
    Jwt at "jwt." {
        /// HS256 keys, at least 16 characters each; tokens are signed with the first, and those signed with any of them are
        /// accepted (the new first, then the old while its tokens live). Empty: there are no accounts and everyone is a guest.
        secrets: Vec<Secret> = "";
        /// Issuer that our tokens name. Tokens of other servers that share a secret may name another.
        issuer: String = "palaver";
        /// Audience that our tokens name, and that a token must name. Empty: not asked for.
        audience: Option<String> = "";
        /// How long after its end a token is still accepted, for clocks that differ.
        leeway: Duration = "5s" in "0s" "5m";
    }
}

section! {
    /// People who come back.
    Accounts at "accounts." {
        /// Domains of the mail providers that people may register with in the Omegoo API. Empty: all.
        email_domains: Vec<String> = "gmail.com,googlemail.com,outlook.com,hotmail.com,live.com,msn.com,yahoo.com,yahoo.co.in,icloud.com,me.com,mac.com,aol.com,zoho.com,zohomail.com,protonmail.com,proton.me,gmx.com,gmx.de,yandex.com,yandex.ru";
        /// How long an access token is good for.
        access_for: Duration = "15m" in "10s" "24h";
        /// The same for the Omegoo web app, which has no refresh token.
        web_access_for: Duration = "7d" in "10s" "90d";
        /// How long a refresh token is good for; each exchange begins it anew, until `login_for` is over.
        refresh_for: Duration = "7d" in "1m" "365d";
        /// How long a login holds at most, however often its tokens are exchanged.
        login_for: Duration = "90d" in "1m" "3650d";
        /// How long the refresh token before the last exchange is still answered: two tabs may refresh at once.
        refresh_leeway: Duration = "10s" in "0s" "1m";
        /// How long somebody who signs up is waited for.
        sign_up_for: Duration = "15m" in "1m" "7d";
        /// Secrets that proven telephone numbers are kept under, at least 16 characters each: new ones under the first, and
        /// those of `jwt.secrets` are tried after them. Empty: numbers are known until the secret of `jwt.secrets` that
        /// they were proven under is dropped.
        phone_secrets: Vec<Secret> = "";
        /// How long the archive of a deleted account is kept.
        archive_for: Duration = "365d" in "1d" "3650d";
        /// Address of the Omegoo web app, for links in mails.
        web_url: String = "http://localhost:3000";
        /// Memory that hashing one password takes (Argon2id).
        hash_memory: usize = "19MiB" in "64KiB" "1024MiB";
        /// How often it goes through that memory.
        hash_passes: u32 = "2" in "1" "20";
        /// Passwords hashed at once on this node; each takes a core and `hash_memory`.
        hashes_at_once: u32 = "2" in "1" "64";
        /// Longest wait for one's turn; then the answer is 503.
        hash_wait: Duration = "5s" in "100ms" "1m";
        /// Coins that everybody of the Omegoo API has at least, at the first request of a day (UTC).
        daily_coins: u32 = "50" in "1" "1000000";
        /// Cookies of the Free2Talk API: `lax` and `strict` for a web app on the same site (they are `Secure` when the request
        /// came by https), `cross-site` for one on another site (`SameSite=None; Secure`, which needs https).
        cookies: Cookies = "lax";
    }
}

section! {
    /// Engine.IO and Socket.IO.
    Sockets at "sockets." {
        /// Path of the socket endpoint.
        path: String = "/socket.io/";
        /// How often the server pings each connection.
        ping_interval: Duration = "25s" in "100ms" "5m";
        /// How long it waits for the pong.
        ping_timeout: Duration = "20s" in "100ms" "5m";
        /// How long a connection may live without a namespace.
        connect_timeout: Duration = "45s" in "100ms" "5m";
        /// How long a WebSocket that upgrades a polling session may take.
        upgrade_timeout: Duration = "10s" in "100ms" "5m";
        /// Largest packet accepted; announced to clients as `maxPayload`.
        max_payload: usize = "64KiB" in "1KiB" "16MiB";
        /// Bytes waiting for one slow reader before it is closed.
        outbox: usize = "256KiB" in "16KiB" "16MiB";
        /// Packets per second that one connection may send, on average.
        packets_per_second: u32 = "50" in "1" "100000";
        /// Packets that it may send at once.
        packet_burst: u32 = "200" in "1" "100000";
        /// Most connections on this node; above it new ones are refused with 503.
        max_connections: u32 = "50000" in "1" "1000000";
        /// How long a client whose connection broke may take up its session again and is told exactly what it missed
        /// (Socket.IO's connection state recovery). 0: never.
        recovery_window: Duration = "60s" in "0s" "10m";
        /// Clients whose identity and room are being looked up at once on this node; each shard of Redis has its share.
        arrivals_at_once: u32 = "256" in "1" "100000";
        /// Clients that may wait for that; with more, new clients are asked to come back later (close code 1013), those
        /// that take up a session are not.
        arrivals_waiting: u32 = "5000" in "0" "1000000";
        /// Most sockets of one user on all nodes; a further one is refused.
        per_user: u32 = "16" in "1" "1000";
    }
}

section! {
    /// Conversations.
    Chat at "chat." {
        /// Characters in a message.
        message_max_chars: u32 = "1000" in "1" "10000";
        /// Messages that one person may send within `rate_window`.
        rate_limit: u32 = "10" in "1" "60";
        /// The sliding window of `rate_limit`.
        rate_window: Duration = "10s" in "100ms" "10m";
        /// After how long without news a partner's typing is over.
        typing_fade: Duration = "3s" in "100ms" "1m";
        /// How long the seat of a person who lost the connection is kept.
        seat_hold: Duration = "30s" in "1s" "10m";
        /// After how long without a message a room is closed.
        room_idle: Duration = "30m" in "1s" "24h";
        /// Messages that are frozen with a report, and sent to a person who comes back.
        report_lines: u32 = "30" in "1" "500";
        /// Entries that a room's log keeps; messages, comings and goings.
        room_log: u32 = "200" in "10" "10000";
        /// How long an ended room is remembered, so that a late request gets the right answer.
        tombstone: Duration = "60s" in "1s" "1h";
    }
}

section! {
    /// Finding a partner.
    Queue at "queue." {
        /// How long a seeker waits before the first pairing.
        eligible_after: Duration = "150ms" in "0s" "10s";
        /// How often seekers are paired.
        pair_every: Duration = "50ms" in "5ms" "10s";
        /// Most pairs made at once.
        pair_batch: u32 = "500" in "1" "5000";
        /// Partners that a person is not paired with again so soon.
        recent_partners: u32 = "5" in "0" "50";
        /// How soon.
        recent_for: Duration = "5m" in "0s" "24h";
        /// How long a seeker without any connection may come back to the place of before.
        seeker_absence: Duration = "10s" in "1s" "10m";
    }
}

section! {
    /// How often people may try things (`domain::limits` has the table).
    Limits at "limits." {
        /// Limits by address are this many times as wide: where many people share one. 0: there are none.
        per_ip: u32 = "1" in "0" "20";
    }
}

section! {
    /// What is held for a time, and picked up by others after it.
    Lease at "lease." {
        /// How long a node counts as alive after it last said so.
        node_for: Duration = "10s" in "1s" "5m";
        /// How often it says so. At least three times within `node_for`.
        renew_every: Duration = "1s" in "100ms" "1m";
        /// How long one node keeps a shard (fires its timers, pairs its seekers) after it last said so.
        keeper_for: Duration = "3s" in "300ms" "1m";
        /// How long a node may take over a timer that it claimed.
        timer_claim: Duration = "10s" in "1s" "5m";
        /// How long a node may take to seat an offered pair before another tries.
        offer_claim: Duration = "3s" in "500ms" "5m";
    }
}

section! {
    /// Stopping a node without losing anything.
    Drain at "drain." {
        /// How long the node says "not ready" before it sends anyone away: as long as a balancer needs to notice.
        not_ready_for: Duration = "2s" in "0s" "5m";
        /// Over how long its sockets are told to come back elsewhere.
        spread_over: Duration = "5s" in "0s" "10m";
        /// Longest wait for balancers that still send requests, and then for what is being answered.
        finish_within: Duration = "10s" in "0s" "10m";
    }
}

/// Settings, and variables that looked like settings and are none (to be logged).
#[derive(Debug)]
pub struct Loaded {
    /// The settings, checked.
    pub settings: Settings,
    /// Names of variables with our prefix that nobody reads.
    pub ignored: Vec<String>,
}

impl Settings {
    /// Settings of this process: from its environment and the file that it names.
    pub fn load() -> Result<Loaded, Wrong> {
        let file = std::env::var_os(FILE_VARIABLE);
        let variables =
            std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
        Self::from_sources(file.as_ref().map(Path::new), variables)
    }

    /// Settings from a file and given variables.
    pub fn from_sources(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Loaded, Wrong> {
        let known = rows().map(|row| row.name).collect();
        let mut reader = Reader::new(&known, file, variables)?;
        let settings = Self::read(&mut reader);
        let mut wrong = reader.wrong;
        wrong.extend(check::together(&settings));
        match wrong.is_empty() {
            true => Ok(Loaded {
                settings,
                ignored: reader.ignored,
            }),
            false => Err(Wrong(wrong)),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let loaded = Self::from_sources(None, std::iter::empty());
        loaded.expect("a test holds that the defaults are right").settings
    }
}

fn rows() -> impl Iterator<Item = &'static Row> {
    let sections = [
        Settings::ROWS,
        Redis::ROWS,
        Postgres::ROWS,
        Jwt::ROWS,
        Accounts::ROWS,
        Sockets::ROWS,
        Chat::ROWS,
        Queue::ROWS,
        Limits::ROWS,
        Mail::ROWS,
        Sms::ROWS,
        Google::ROWS,
        Files::ROWS,
        Geo::ROWS,
        Lease::ROWS,
        Drain::ROWS,
    ];
    sections.into_iter().flatten()
}

/// All settings as a Markdown table.
pub fn table() -> String {
    let mut out = String::from("| variable | type | default | range | meaning |\n|---|---|---|---|---|\n");
    for row in rows() {
        let default = if row.default.is_empty() {
            String::new()
        } else {
            format!("`{}`", row.default.replace(',', ", "))
        };
        let range = row.range.join(" to ");
        let about: String = row.about.concat();
        let name = load::variable_of(row.name);
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "| `{name}` | {} | {default} | {range} | {} |",
            row.kind,
            about.trim()
        );
    }
    out
}

#[cfg(test)]
mod tests;
