//! One shard's lane: acts in, calls out, one call in flight.

use super::act::Words;
use super::{Act, LIBRARY, MAX_ACTS, Reply};
use crate::clock::{Clock, Stopwatch};
use crate::coord::connect::noticing_silence;
use crate::coord::keys::Keys;
use crate::coord::linger::Linger;
use crate::coord::node::Identity;
use crate::error::Fault;
use crate::ids::Shard;
use crate::metrics;
use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::{ClientLike, LuaInterface};
use fred::types::{Key, Value};
use fred::util::sha1_hash;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

static HASH: LazyLock<String> = LazyLock::new(|| sha1_hash(LIBRARY.as_str()));

/// Acts that may wait for a call; past that the callers wait in turn (nothing is dropped, the sender feels it).
const WAITING: usize = 1024;

/// How long the answer of a call is kept for the case that the client sends it again: longer than all its attempts.
const DONE_FOR: Duration = Duration::from_secs(60);

struct Waiting {
    act: Act,
    answer: oneshot::Sender<Result<Reply, Fault>>,
}

/// The callers' end of a shard's lane.
#[derive(Clone, Debug)]
pub struct Lane(mpsc::Sender<Waiting>);

impl Lane {
    /// Runs one act and waits for its answer.
    pub async fn run(&self, act: Act) -> Result<Reply, Fault> {
        let name = act.name;
        #[cfg(test)]
        super::tests::before(&act);
        let (answer, reply) = oneshot::channel();
        let gone = || Fault::new(name, "the lane has stopped");
        self.0.send(Waiting { act, answer }).await.map_err(|_| gone())?;
        let reply = reply.await.map_err(|_| gone())?;
        #[cfg(test)]
        reply.iter().for_each(super::tests::after);
        reply
    }
}

/// The loop's end: must be run by `ops`.
#[derive(Debug)]
pub struct LaneLoop {
    waiting: mpsc::Receiver<Waiting>,
    client: Client,
    keys: Keys,
    shard: Shard,
    identity: Identity,
    clock: Clock,
    inbox_cap: u64,
    linger: Linger,
    calls: u64,
}

/// How a lane treats Redis.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// Notices that may wait in one inbox.
    pub inbox_cap: u64,
    /// How far apart calls are kept when they follow each other closely.
    pub linger: Duration,
}

/// Makes a lane for one shard.
pub fn lane(
    client: Client,
    keys: Keys,
    shard: Shard,
    identity: Identity,
    clock: Clock,
    manners: Manners,
) -> (Lane, LaneLoop) {
    let (send, waiting) = mpsc::channel(WAITING);
    let looping = LaneLoop {
        waiting,
        client,
        keys,
        shard,
        identity,
        clock,
        inbox_cap: manners.inbox_cap,
        linger: Linger::new(manners.linger),
        calls: 0,
    };
    (Lane(send), looping)
}

impl LaneLoop {
    /// Runs until every [`Lane`] is gone.
    pub async fn run(mut self) {
        let mut batch = Vec::with_capacity(MAX_ACTS);
        while self.waiting.recv_many(&mut batch, MAX_ACTS).await > 0 {
            let watch = Stopwatch::start();
            let acts = batch.len();
            let outcome = self.call(&batch).await;
            metrics::SCRIPT_DURATION.record((), watch.elapsed().as_secs_f64());
            metrics::SCRIPT_BATCH.record((), batch.len() as f64);
            match outcome {
                Ok(replies) => {
                    for (waiting, reply) in batch.drain(..).zip(replies) {
                        // A caller that has gone away no longer wants to know.
                        let _ = waiting.answer.send(Reply::decode(waiting.act.name, reply));
                    }
                }
                Err(why) => {
                    for waiting in batch.drain(..) {
                        let _ = waiting.answer.send(Err(Fault::new(waiting.act.name, &why)));
                    }
                }
            }
            if self.waiting.len() < MAX_ACTS {
                self.linger.pass(acts).await;
            }
        }
    }

    async fn call(&mut self, batch: &[Waiting]) -> Result<Vec<Value>, Error> {
        self.calls += 1;
        let (keys, args) = self.words(batch);
        let answer = self.client.evalsha(HASH.as_str(), keys, args).await;
        let reply: Value = match noticing_silence(&self.client, answer).await {
            Err(e) if e.details().starts_with("NOSCRIPT") => {
                load(&self.client).await?;
                let (keys, args) = self.words(batch);
                self.client.evalsha(HASH.as_str(), keys, args).await?
            }
            other => other?,
        };
        match reply {
            Value::Array(replies) if replies.len() == batch.len() => Ok(replies),
            _ => Err(Error::new(
                fred::error::ErrorKind::Parse,
                "a call's answer has the wrong shape",
            )),
        }
    }

    /// KEYS and ARGV of a call (see `prelude.lua`).
    fn words(&self, batch: &[Waiting]) -> (Vec<Key>, Vec<Value>) {
        let node = self.identity.now();
        let (mut keys, mut args) = (Words::default(), Words::default());
        keys.add(self.keys.nodes(self.shard));
        keys.add(self.keys.done(self.shard, &node));
        keys.add(self.keys.gaps(self.shard));
        // Fixed width: the prelude compares this many leading bytes of the stored answer.
        args.add(format_args!("{:016x}", self.calls));
        args.add(&node);
        args.add(self.clock.now());
        args.add(self.keys.inbox_base(self.shard));
        args.add(self.inbox_cap);
        args.add(DONE_FOR.as_millis());
        args.add(batch.len());
        for Waiting { act, .. } in batch {
            let (key_count, arg_count) = act.count();
            act.keys().for_each(|key| keys.add(key));
            args.add(act.name);
            args.add(key_count);
            args.add(arg_count);
            act.args().for_each(|arg| args.add(arg));
        }
        (keys.split(), args.split().into_iter().map(Value::Bytes).collect())
    }
}

/// Puts the library into Redis (into every master of a cluster).
async fn load(client: &Client) -> Result<(), Error> {
    if client.is_clustered() {
        client.script_load_cluster(LIBRARY.as_str()).await
    } else {
        client.script_load(LIBRARY.as_str()).await
    }
}
