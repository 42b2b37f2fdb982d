//! The way to the server that holds a shard.
//!
//! On one server, also behind sentinels, the Redis client finds it and connects anew by itself. In a cluster each shard
//! has a road of its own, so that a master that is gone holds up nobody but its shards: the road looks up who serves the
//! shard's slot, and looks again whenever that server is gone, is silent, or says that it is another one. While the slot
//! moves from one master to another, commands wait.

use super::connect;
use super::watched::Watched;
use crate::clock::Stopwatch;
use crate::config;
use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::{ClientLike, ClusterInterface};
use fred::types::config::{Config, Server, ServerConfig};
use fred::types::{ConnectHandle, Value};
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Pause before looking again: a failover takes about a second at least.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Errors by which a server says that the slot is on its way to another one. What a call names is never all on one of
/// the two (some keys are not there at all), so neither would run it before the whole slot has arrived.
const ON_ITS_WAY: [&str; 2] = ["ASK", "TRYAGAIN"];

/// Errors by which a server says that another one serves the slot now, or soon.
const ELSEWHERE: [&str; 6] = ["MOVED", "CLUSTERDOWN", "READONLY", "LOADING", "MASTERDOWN", "UNBLOCKED"];

/// The members of a cluster that this node has heard of.
#[derive(Clone, Debug)]
pub(super) struct Atlas {
    named: Vec<Server>,
    heard_of: Arc<Mutex<BTreeSet<Server>>>,
}

impl Atlas {
    /// Those that the settings name.
    pub(super) fn new(config: &Config) -> Self {
        Self {
            named: config.server.hosts(),
            heard_of: Arc::default(),
        }
    }

    fn everyone(&self) -> Vec<Server> {
        let heard_of = self.heard_of.lock().unwrap_or_else(PoisonError::into_inner);
        let unnamed = heard_of.iter().filter(|server| !self.named.contains(server));
        self.named.iter().chain(unnamed).cloned().collect()
    }

    fn note(&self, members: BTreeSet<Server>) {
        *self.heard_of.lock().unwrap_or_else(PoisonError::into_inner) = members;
    }
}

/// A connection to one server, and the task that carries it: when that has ended, so has the connection.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) client: Client,
    pub(super) task: ConnectHandle,
}

impl Line {
    /// A goodbye that is not waited for long: the server may be gone.
    pub(super) async fn close(self) {
        if !self.task.is_finished() {
            quit(&self.client).await;
        }
    }
}

/// A way to one shard; clones share the connection.
#[derive(Clone, Debug)]
pub(super) struct Road(Way);

#[derive(Clone, Debug)]
enum Way {
    /// The client itself finds the server.
    Plain(Arc<Watched>),
    /// We do.
    Slot(Arc<Lookout>),
}

#[derive(Debug)]
struct Lookout {
    settings: config::Redis,
    slot: u16,
    atlas: Atlas,
    now: Mutex<Option<Line>>,
    /// Whether there was a connection before.
    lost: AtomicBool,
    /// One looks at a time; the others use what it finds.
    looking: tokio::sync::Mutex<()>,
}

impl Road {
    /// Through a client that finds the server by itself.
    pub(super) fn plain(client: Client) -> Self {
        Self(Way::Plain(Arc::new(Watched::new(client))))
    }

    /// To whoever in the cluster serves `key`.
    pub(super) fn to_key(settings: &config::Redis, key: &str, atlas: &Atlas) -> Self {
        Self(Way::Slot(Arc::new(Lookout {
            settings: settings.clone(),
            slot: fred::util::redis_keyslot(key.as_bytes()),
            atlas: atlas.clone(),
            now: Mutex::default(),
            lost: AtomicBool::default(),
            looking: tokio::sync::Mutex::default(),
        })))
    }

    /// Runs a command that is harmless to repeat; in a cluster on each server in turn that seems to be the right one, as
    /// long as one command may take.
    pub(super) async fn run<T, F>(&self, command: impl Fn(Client) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        match &self.0 {
            Way::Plain(watched) => watched.run(command).await,
            Way::Slot(lookout) => lookout.run(command).await,
        }
    }

    /// Closes the connection.
    pub(super) async fn close(&self) {
        match &self.0 {
            Way::Plain(watched) => quit(&watched.client).await,
            Way::Slot(lookout) => {
                let line = lookout.now().take();
                if let Some(line) = line {
                    line.close().await;
                }
            }
        }
    }
}

impl Lookout {
    fn now(&self) -> std::sync::MutexGuard<'_, Option<Line>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run<T, F>(self: &Arc<Self>, command: impl Fn(Client) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let watch = Stopwatch::start();
        loop {
            let left = self.settings.command_timeout.saturating_sub(watch.elapsed());
            let late = |_| Err(Error::new(ErrorKind::Timeout, "nobody serves the shard's slot"));
            let found = tokio::time::timeout(left, self.client()).await.unwrap_or_else(late);
            let failed = match found {
                Ok(client) => match command(client.clone()).await {
                    Err(error) if is_on_its_way(&error) => error,
                    Err(error) if is_elsewhere(&error) => {
                        self.forget(client).await;
                        error
                    }
                    answer => return answer,
                },
                Err(error) => error,
            };
            if watch.elapsed() >= self.settings.command_timeout {
                return Err(failed);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    fn living(&self) -> Option<Client> {
        let now = self.now();
        let living = now.as_ref().filter(|line| !line.task.is_finished());
        living.map(|line| line.client.clone())
    }

    async fn client(self: &Arc<Self>) -> Result<Client, Error> {
        if let Some(client) = self.living() {
            return Ok(client);
        }
        // Whoever no longer waits for it leaves the search to those who come next: it may take longer than a command.
        let lookout = self.clone();
        let finding = tokio::spawn(async move { lookout.find().await }).await;
        finding.unwrap_or_else(|broken| Err(Error::new(ErrorKind::Unknown, broken.to_string())))
    }

    async fn find(&self) -> Result<Client, Error> {
        let _looking = self.looking.lock().await;
        if let Some(client) = self.living() {
            return Ok(client);
        }
        let line = self.look().await?;
        let client = line.client.clone();
        *self.now() = Some(line);
        if self.lost.swap(false, Ordering::Relaxed) {
            crate::metrics::REDIS_RECONNECTS.one(());
        }
        Ok(client)
    }

    /// Not to be used again, unless somebody has replaced it already.
    async fn forget(&self, client: Client) {
        let line = self.now().take_if(|line| line.client.id() == client.id());
        if let Some(line) = line {
            self.lost.store(true, Ordering::Relaxed);
            // Whoever still waits on it is answered with an error, and looks again too.
            line.close().await;
        }
    }

    /// Asks one member after the other who serves the slot, and connects there. Nobody who gave no answer is asked, or
    /// gone to, twice: a dead host takes its time.
    async fn look(&self) -> Result<Line, Error> {
        let mut last = Error::new(ErrorKind::Cluster, "no member of the cluster is known");
        let mut unreached = BTreeSet::new();
        for member in self.atlas.everyone() {
            match self.follow(&member, &mut unreached).await {
                Ok(line) => return Ok(line),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn reach(&self, server: &Server, unreached: &mut BTreeSet<Server>) -> Result<Line, Error> {
        if unreached.contains(server) {
            return Err(Error::new(ErrorKind::Cluster, "it has just been tried"));
        }
        let reached = connect::to_server(&self.settings, server).await;
        if reached.is_err() {
            unreached.insert(server.clone());
        }
        reached
    }

    async fn follow(&self, member: &Server, unreached: &mut BTreeSet<Server>) -> Result<Line, Error> {
        let guide = self.reach(member, unreached).await?;
        let slots: Result<Value, Error> = guide.client.cluster_slots().await;
        let (members, master) = read_slots(slots?, self.slot, member);
        self.atlas.note(members);
        let Some(master) = master else {
            guide.close().await;
            return Err(Error::new(ErrorKind::Cluster, "nobody serves the shard's slot"));
        };
        if master == *member {
            return Ok(guide);
        }
        guide.close().await;
        self.reach(&master, unreached).await
    }
}

async fn quit(client: &Client) {
    // Nothing is left to be told to anybody when this fails.
    let _ = tokio::time::timeout(LOOK_AGAIN, client.quit()).await;
}

fn is_on_its_way(error: &Error) -> bool {
    ON_ITS_WAY.iter().any(|word| error.details().starts_with(word))
}

fn is_elsewhere(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::IO | ErrorKind::Timeout | ErrorKind::Canceled | ErrorKind::Cluster
    ) || ELSEWHERE.iter().any(|word| error.details().starts_with(word))
}

/// All members that `CLUSTER SLOTS` names, and the master of one slot. A member that does not know its own address is
/// the one that was asked.
pub(super) fn read_slots(reply: Value, slot: u16, asked: &Server) -> (BTreeSet<Server>, Option<Server>) {
    let (mut members, mut master) = (BTreeSet::new(), None);
    for range in reply.into_array() {
        let mut parts = range.into_array().into_iter();
        let (Some(first), Some(last)) = (number(parts.next()), number(parts.next())) else {
            continue;
        };
        for (at, member) in parts.enumerate() {
            let mut fields = member.into_array().into_iter();
            let host = fields
                .next()
                .and_then(Value::into_string)
                .filter(|host| !host.is_empty());
            let Some(port) = number(fields.next()) else { continue };
            let server = match host.as_deref() {
                Some("?") => continue,
                Some(host) => Server::new(host, port),
                None => Server::new(asked.host.clone(), port),
            };
            if at == 0 && (first..=last).contains(&slot) {
                master = Some(server.clone());
            }
            members.insert(server);
        }
    }
    (members, master)
}

fn number(value: Option<Value>) -> Option<u16> {
    value?.as_u64().and_then(|number| u16::try_from(number).ok())
}

/// Whether the settings name a cluster.
pub(super) fn is_cluster(config: &Config) -> bool {
    matches!(config.server, ServerConfig::Clustered { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(host: &str, port: i64) -> Value {
        Value::Array(vec![host.into(), port.into(), "id".into()])
    }

    #[test]
    fn the_master_of_a_slot_comes_first_and_every_member_is_heard_of() {
        let range = |first: i64, last: i64, members: Vec<Value>| {
            let ends = [Value::from(first), Value::from(last)];
            Value::Array(ends.into_iter().chain(members).collect())
        };
        let reply = Value::Array(vec![
            range(0, 99, vec![member("a", 1), member("b", 2)]),
            range(100, 16383, vec![member("", 3), member("?", 4)]),
        ]);
        let asked = Server::new("asked", 9);

        let (members, master) = read_slots(reply.clone(), 99, &asked);

        assert_eq!(master, Some(Server::new("a", 1)));
        let all = [Server::new("a", 1), Server::new("asked", 3), Server::new("b", 2)];
        assert_eq!(members.into_iter().collect::<Vec<_>>(), all);
        assert_eq!(read_slots(reply, 100, &asked).1, Some(Server::new("asked", 3)));
    }

    #[test]
    fn only_words_of_another_server_send_us_there() {
        let error = |kind, text: &'static str| Error::new(kind, text);

        assert!(is_on_its_way(&error(ErrorKind::Cluster, "ASK 5 127.0.0.1:7001")));
        assert!(is_on_its_way(&error(ErrorKind::Unknown, "TRYAGAIN Multiple keys")));
        assert!(!is_on_its_way(&error(ErrorKind::Cluster, "MOVED 5 127.0.0.1:7001")));
        assert!(is_elsewhere(&error(ErrorKind::Cluster, "MOVED 5 127.0.0.1:7001")));
        assert!(is_elsewhere(&error(ErrorKind::Unknown, "READONLY You can't write")));
        assert!(!is_elsewhere(&error(ErrorKind::Unknown, "NOSCRIPT No matching script")));
        assert!(!is_elsewhere(&error(ErrorKind::Unknown, "LOST ")));
    }
}
