//! What the tests of this layer stand on: one private Redis per process, nodes on it, and dumps of everything they wrote.
//!
//! Time stands still at [`START`] and moves when a test says so. A dump is every key under the test's own prefix, as
//! readable text in which times are told from the start (`T+30000`), Redis's own times are `@` and ids of entries `#`.

use super::Coord;
use super::connect::{self, Opened};
use super::inbox::{InboxReader, Incoming};
use super::journal::JournalReader;
use super::notice::Notice;
use super::queue::OfferReader;
use crate::clock::{Clock, Millis};
use crate::config::{self, Secret, Settings};
use crate::error::Fault;
use crate::ids::{NodeId, RoomId, Shard, SocketId, Ticket, UserId};
use fred::clients::Client;
use fred::interfaces::ClientLike;
use fred::types::{ClusterHash, CustomCommand, Value};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, mpsc};
use std::time::Duration;

/// When every test begins.
pub(crate) const START: Millis = Millis(1_000_000_000_000);

/// Long enough for any test.
pub(crate) const LEASE: Duration = Duration::from_secs(3600);

/// Times from here on are Redis's own.
const REDIS_TIMES: u64 = 1_600_000_000_000;

static PORT: LazyLock<u16> = LazyLock::new(|| {
    let (send, started) = mpsc::channel();
    // The server dies with the thread that started it, so that thread must live as long as the process.
    std::thread::spawn(move || {
        let (_server, port) = start_redis();
        send.send(port).unwrap();
        loop {
            std::thread::park();
        }
    });
    started.recv().expect("a Redis server could be started")
});

/// Port of this process's own Redis.
pub(crate) fn redis_port() -> u16 {
    *PORT
}

/// A server that answers, and its port. It dies with the thread that calls this.
pub(crate) fn start_redis() -> (Child, u16) {
    for _ in 0..20 {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        // Debian's redis-tools holds the server under another name. At 500 Hz a read that waits 1 ms waits 2, not 100.
        let start = "server=$(command -v redis-server || command -v valkey-server || command -v redis-check-rdb)
            exec -a redis-server \"$server\" --port \"$0\" --hz 500 --bind 127.0.0.1 --save '' --appendonly no --dir \"$1\"";
        let mut server = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "bash", "-c", start, &port.to_string()])
            .arg(std::env::temp_dir())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("setpriv and bash are installed");
        let mut log = BufReader::new(server.stdout.take().unwrap()).lines();
        if log
            .by_ref()
            .any(|line| line.unwrap().contains("Ready to accept connections"))
        {
            std::thread::spawn(move || log.for_each(drop));
            return (server, port);
        }
        // Somebody else took the port first.
        let _ = server.wait();
    }
    panic!("no Redis server could be started");
}

/// Everything of one test: a prefix of its own, a clock, names for what was drawn at random.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) redis: Client,
    pub(crate) settings: config::Redis,
    pub(crate) inbox_cap: u64,
    names: Mutex<Vec<(String, String)>>,
}

/// One node; dropping it is a `kill -9`.
pub(crate) struct TestNode {
    pub(crate) coord: Coord,
    pub(crate) id: NodeId,
    pub(crate) inboxes: Vec<InboxReader>,
    pub(crate) offers: Vec<OfferReader>,
    pub(crate) journals: Vec<JournalReader>,
    lanes: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for TestNode {
    fn drop(&mut self) {
        self.lanes.iter().for_each(|lane| lane.abort());
    }
}

impl World {
    pub(crate) async fn new(shards: u8) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let settings = config::Redis {
            url: Secret::new(format!("redis://127.0.0.1:{}", redis_port())),
            prefix: format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            shards,
            ..Settings::default().redis
        };
        Self {
            clock: Clock::stopped(START),
            redis: connect::client(&settings).unwrap(),
            settings,
            inbox_cap: 10_000,
            names: Mutex::default(),
        }
    }

    /// A node that was opened but has no lease.
    pub(crate) async fn stranger(&self) -> TestNode {
        let opened = connect::open(&self.settings, self.inbox_cap, &self.clock);
        let Opened {
            coord,
            lanes,
            inboxes,
            offers,
            journals,
        } = opened.unwrap();
        let id = coord.identity().now();
        let count = self
            .names
            .lock()
            .unwrap()
            .iter()
            .filter(|n| n.1.starts_with('N'))
            .count();
        self.name(&id, &format!("N{}", count + 1));
        TestNode {
            coord,
            id,
            inboxes,
            offers,
            journals,
            lanes: lanes.into_iter().map(|lane| tokio::spawn(lane.run())).collect(),
        }
    }

    /// A node with a lease on every shard and its consumer groups made.
    pub(crate) async fn node(&self) -> TestNode {
        let node = self.stranger().await;
        for shard in node.coord.keys().shards() {
            node.coord.register(shard, self.clock.steady() + LEASE).await.unwrap();
        }
        node
    }

    /// From now on dumps say `name` for `drawn`.
    pub(crate) fn name(&self, drawn: &impl ToString, name: &str) {
        self.names.lock().unwrap().push((drawn.to_string(), name.to_owned()));
    }

    /// A room id that dumps call by `name`.
    pub(crate) fn room(&self, name: &str) -> RoomId {
        let room = RoomId::fresh(Shard(0));
        self.name(&room, name);
        room
    }

    pub(crate) async fn raw(&self, words: &[&str]) -> Value {
        raw(&self.redis, words).await.unwrap()
    }

    /// Every key under the prefix but those that each call touches: leases, epochs, stored answers.
    pub(crate) async fn dump(&self) -> BTreeMap<String, String> {
        let mut dump = self.dump_all().await;
        dump.retain(|key, _| !["done:", "nodes", "epoch"].iter().any(|k| bare(key).starts_with(k)));
        // Inboxes are looked at through their readers.
        dump.retain(|key, value| !(bare(key).starts_with("inbox:") && value.is_empty()));
        dump
    }

    pub(crate) async fn dump_all(&self) -> BTreeMap<String, String> {
        let prefix = format!("{}:", self.settings.prefix);
        let mut dump = BTreeMap::new();
        for key in texts(self.raw(&["KEYS", &format!("{prefix}*")]).await) {
            let kind = text(self.raw(&["TYPE", &key]).await);
            let mut value = match kind.as_str() {
                "string" if bare(key.strip_prefix(&prefix).unwrap()).starts_with("limit:") => {
                    packed_times(self.raw(&["GET", &key]).await)
                }
                "string" => text(self.raw(&["GET", &key]).await),
                "hash" => sorted(pairs(unpacked(self.raw(&["HGETALL", &key]).await), "=")),
                "zset" => pairs(texts(self.raw(&["ZRANGE", &key, "0", "-1", "WITHSCORES"]).await), "@").join(", "),
                "set" => sorted(texts(self.raw(&["SMEMBERS", &key]).await)),
                "list" => texts(self.raw(&["LRANGE", &key, "0", "-1"]).await).join(", "),
                "stream" => entries(self.raw(&["XRANGE", &key, "-", "+"]).await).join(" / "),
                other => panic!("{key} is a {other}"),
            };
            if kind != "stream" {
                value = self.readable(&value);
            }
            if self.raw(&["PTTL", &key]).await.as_i64().unwrap() >= 0 {
                value.push_str(" (ttl)");
            }
            let short = key.strip_prefix(&prefix).unwrap();
            let short = match self.settings.shards {
                1 => bare(short),
                _ => short,
            };
            dump.insert(self.readable(short), self.readable(&value));
        }
        dump
    }

    /// `text` with names for ids, and times told from the start.
    pub(crate) fn readable(&self, text: &str) -> String {
        let mut text = text.replace('\u{1f}', "|");
        for (drawn, name) in self.names.lock().unwrap().iter() {
            text = text.replace(drawn, name);
        }
        times(&text)
    }

    /// The names of nodes in the order of their ids, as scripts list them.
    pub(crate) fn in_order(&self, nodes: &[&TestNode]) -> String {
        let mut ids: Vec<_> = nodes.iter().map(|node| node.id.to_string()).collect();
        ids.sort();
        self.readable(&ids.join(" "))
    }
}

impl TestNode {
    /// What has come in on all shards, as readable lines `to: event`.
    pub(crate) async fn inbox(&mut self) -> Vec<Notice> {
        let mut notices = Vec::new();
        for reader in &mut self.inboxes {
            loop {
                let (_, incoming) = read(reader, Duration::from_millis(1)).await.unwrap();
                if incoming.is_empty() {
                    break;
                }
                notices.extend(incoming.into_iter().filter_map(|i| match i {
                    Incoming::Notice(notice) => Some(notice),
                    _ => None,
                }));
            }
        }
        self.coord.trim_inboxes().await.unwrap();
        notices
    }
}

/// What a read gives out, and the time of the first entry.
pub(crate) async fn read(reader: &mut InboxReader, wait: Duration) -> Result<(Option<Millis>, Vec<Incoming>), Fault> {
    let mut incoming = Vec::new();
    let first = reader.next(wait, |one, _| incoming.push(one)).await?;
    Ok((first, incoming))
}

/// Compares a whole dump; `expected` is written out in full.
#[track_caller]
pub(crate) fn assert_state(dump: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    let found: Vec<_> = dump.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected, "\nfound: {found:#?}");
}

pub(crate) async fn raw(client: &Client, words: &[&str]) -> Result<Value, fred::error::Error> {
    let command = CustomCommand::new(words[0].to_owned(), ClusterHash::FirstKey, false);
    let args: Vec<Value> = words[1..].iter().map(|w| Value::from(*w)).collect();
    client.custom(command, args).await
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub(crate) fn socket(name: &str) -> SocketId {
    SocketId::parse(name).unwrap()
}

pub(crate) fn ticket(name: &str) -> Ticket {
    Ticket::parse(name).unwrap()
}

/// `ms` after the start.
pub(crate) fn at(ms: u64) -> Millis {
    START + Duration::from_millis(ms)
}

fn bare(key: &str) -> &str {
    key.split_once("}:").map_or(key, |(_, rest)| rest)
}

pub(crate) fn text(value: Value) -> String {
    value.into_string().unwrap_or_default()
}

pub(crate) fn texts(value: Value) -> Vec<String> {
    value.into_array().into_iter().map(text).collect()
}

/// Times of 6 bytes each.
fn packed_times(value: Value) -> String {
    let bytes = value.into_owned_bytes().unwrap_or_default();
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
    let times: Vec<_> = bytes.chunks(6).map(|time| number(time).to_string()).collect();
    times.join(" ")
}

/// The fields of a hash; what somebody said lately (see `say.lua`) as how much, when, and the marks.
fn unpacked(hash: Value) -> Vec<String> {
    let bytes = |value: Value| value.into_owned_bytes().unwrap_or_default();
    let mut all: Vec<_> = hash.into_array().into_iter().map(bytes).collect();
    for pair in all.chunks_mut(2).filter(|pair| pair[0].starts_with(b"d:")) {
        let number = |bytes: &[u8]| bytes.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
        let (said, rest) = pair[1].split_at(4);
        let (times, marks) = rest[1..].split_at(6 * usize::from(rest[0]));
        let times: String = times.chunks(6).map(|time| format!("{} ", number(time))).collect();
        pair[1] = [format!("{} {times}", number(said)).as_bytes(), marks].concat();
    }
    all.into_iter()
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

fn pairs(flat: Vec<String>, between: &str) -> Vec<String> {
    flat.chunks(2).map(|p| format!("{}{between}{}", p[0], p[1])).collect()
}

fn sorted(mut rows: Vec<String>) -> String {
    rows.sort();
    rows.join(", ")
}

/// Each entry of a stream as `field=value field=value ...`.
pub(crate) fn entries(value: Value) -> Vec<String> {
    let entries = super::inbox::stream_entries(value).into_iter();
    entries
        .map(|e| {
            let fields: Vec<_> = e.fields.iter().map(|(f, v)| format!("{f}={v}")).collect();
            fields.join(" ")
        })
        .collect()
}

/// Runs of 13 digits are times.
fn times(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(from) = rest.find(|c: char| c.is_ascii_digit()) {
        out.push_str(&rest[..from]);
        rest = &rest[from..];
        let run = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, after) = rest.split_at(run);
        rest = after;
        if run % 13 != 0 {
            out.push_str(digits);
            continue;
        }
        for at in 0..run / 13 {
            let ms: u64 = digits[at * 13..(at + 1) * 13].parse().unwrap();
            match ms >= REDIS_TIMES {
                true => out.push('@'),
                false => out.push_str(&format!("T{:+}", ms as i64 - START.0 as i64)),
            }
        }
        let number = after
            .strip_prefix('-')
            .map_or(0, |n| n.find(|c: char| !c.is_ascii_digit()).unwrap_or(n.len()));
        if out.ends_with('@') && number > 0 {
            out.pop();
            out.push('#');
            rest = &after[1 + number..];
        }
    }
    out + rest
}
