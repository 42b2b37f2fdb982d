//! One shard's lane: acts in, calls out, one call in flight.

use super::act::Words;
use super::early::Early;
use super::promised::Promised;
use super::{Act, FENCED, LIBRARY, MAX_ACTS, Reply};
use crate::clock::{Clock, Stopwatch};
use crate::coord::keys::Keys;
use crate::coord::linger::{Linger, Manners};
use crate::coord::node::Identity;
use crate::coord::road::Road;
use crate::error::Fault;
use crate::ids::{NodeId, Shard};
use crate::metrics;
use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::LuaInterface;
use fred::types::{Key, Value};
use fred::util::sha1_hash;
use std::collections::VecDeque;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

static HASH: LazyLock<String> = LazyLock::new(|| sha1_hash(LIBRARY.as_str()));

/// Acts that may wait for a call; past that the callers wait in turn (nothing is dropped, the sender feels it).
const WAITING: usize = 1024;

/// How the prelude says that calls it should know of are not known.
const LOST: &str = "LOST";

/// How long the answer of a call is kept for the case that the client sends it again, and as proof that the server has
/// heard of it: longer than Redis may be away.
const DONE_FOR: Duration = Duration::from_secs(600);

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
    road: Road,
    keys: Keys,
    shard: Shard,
    identity: Identity,
    clock: Clock,
    inbox_cap: u64,
    linger: Linger,
    /// In whose name calls are made now.
    node: NodeId,
    calls: u64,
    /// The last call of this node's life that was answered; 0 when the server cannot be expected to know of one.
    answered: u64,
    promised: Promised,
    /// Acts to be repeated before anything new.
    owed: VecDeque<Act>,
    /// Acts that were, and whose time had not come.
    early: Early,
}

/// How a lane treats Redis.
#[derive(Debug)]
pub(in crate::coord) struct Bounds {
    /// Notices that may wait in one inbox.
    pub(in crate::coord) inbox_cap: u64,
    /// How calls are held back.
    pub(in crate::coord) manners: Manners,
}

/// Makes a lane for one shard.
pub(in crate::coord) fn lane(
    road: Road,
    keys: Keys,
    shard: Shard,
    identity: Identity,
    clock: Clock,
    bounds: Bounds,
) -> (Lane, LaneLoop) {
    let (send, waiting) = mpsc::channel(WAITING);
    let looping = LaneLoop {
        waiting,
        road,
        keys,
        shard,
        node: identity.now(),
        identity,
        clock,
        inbox_cap: bounds.inbox_cap,
        linger: Linger::new(bounds.manners),
        calls: 0,
        answered: 0,
        promised: Promised::default(),
        owed: VecDeque::new(),
        early: Early::default(),
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
                Ok((call, replies)) => {
                    for (Waiting { act, answer }, reply) in batch.drain(..).zip(replies) {
                        let reply = Reply::decode(act.name, reply);
                        if act
                            .promise
                            .is_some_and(|word| reply.as_ref().is_ok_and(|r| r.word() == word))
                        {
                            self.promised.keep(call, act);
                        }
                        // A caller that has gone away no longer wants to know.
                        let _ = answer.send(reply);
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

    /// Repeats what was promised where the server does not know of it, then makes the call; its number and its answers.
    async fn call(&mut self, batch: &[Waiting]) -> Result<(u64, Vec<Value>), Error> {
        if self.identity.now() != self.node {
            self.begin_a_new_life().await?;
        }
        self.owed.extend(self.early.due());
        self.repeat().await?;
        let acts: Vec<_> = batch.iter().map(|waiting| &waiting.act).collect();
        let answers = match self.send(&acts).await {
            Err(error) if error.details().starts_with(LOST) => {
                self.owe(error.details());
                self.repeat().await?;
                self.send(&acts).await
            }
            answers => answers,
        };
        let call = self.calls;
        // This call may have been the one by which the node is heard again. What fails is tried with the next.
        let _ = self.repeat().await;
        answers.map(|replies| (call, replies))
    }

    /// What the life before was promised is looked after first: the next one is not known to the server.
    async fn begin_a_new_life(&mut self) -> Result<(), Error> {
        if self.answered > 0
            && let Err(error) = self.send(&[]).await
        {
            if !error.details().starts_with(LOST) {
                return Err(error);
            }
            self.owe(error.details());
        }
        self.node = self.identity.now();
        self.answered = 0;
        Ok(())
    }

    /// The server has not heard of calls after the one that it names.
    fn owe(&mut self, lost: &str) {
        let known = lost.strip_prefix(LOST).map(str::trim);
        // One that knows of no call at all has lost everything: what was promised has nothing to stand on.
        let known = known
            .and_then(|id| u64::from_str_radix(id, 16).ok())
            .unwrap_or(u64::MAX);
        // What was promised lately and is lost was promised, or repeated, before what is owed still.
        let lost = self.promised.after(known);
        lost.into_iter().rev().for_each(|act| self.owed.push_front(act));
        self.answered = 0;
        self.early.begin();
        metrics::CALLS_LOST.one(());
        tracing::error!(
            shard = %self.shard,
            "shard {} has a server that has not heard of calls another one answered: {} acts are repeated",
            self.shard,
            self.owed.len()
        );
    }

    /// Until nothing is owed, or the node is not heard (it registers first, under a new name).
    async fn repeat(&mut self) -> Result<(), Error> {
        while !self.owed.is_empty() {
            let acts: Vec<_> = self.owed.drain(..self.owed.len().min(MAX_ACTS)).collect();
            let sent = self.send(&acts.iter().collect::<Vec<_>>()).await;
            let fenced = |replies: &Vec<Value>| replies.first().cloned().is_some_and(is_fenced);
            match sent {
                Ok(replies) if !fenced(&replies) => {
                    let call = self.calls;
                    for (act, reply) in acts.into_iter().zip(replies) {
                        match Reply::decode(act.name, reply) {
                            Ok(reply) if self.early.is_it(reply.word()) => self.early.put(act),
                            _ => self.promised.keep(call, act),
                        }
                    }
                }
                // Once more with the next call: what was repeated already is recognised, or is there twice under one id.
                unheard => {
                    acts.into_iter().rev().for_each(|act| self.owed.push_front(act));
                    match unheard {
                        // One more server, which has not heard of what was repeated first.
                        Err(error) if error.details().starts_with(LOST) => self.owe(error.details()),
                        unheard => return unheard.map(drop),
                    }
                }
            }
        }
        Ok(())
    }

    async fn send(&mut self, acts: &[&Act]) -> Result<Vec<Value>, Error> {
        self.calls += 1;
        let (keys, args) = self.pack(acts);
        let (keys, args) = (&keys, &args);
        let by_hash = |client: Client| async move { client.evalsha(HASH.as_str(), keys.clone(), args.clone()).await };
        // A server that does not have the script remembers it from here on.
        let whole = |client: Client| async move { client.eval(LIBRARY.as_str(), keys.clone(), args.clone()).await };
        let reply: Value = match self.road.run(by_hash).await {
            Err(e) if e.details().starts_with("NOSCRIPT") => self.road.run(whole).await?,
            other => other?,
        };
        match reply {
            Value::Array(replies) if replies.len() == acts.len() => {
                self.answered = self.calls;
                Ok(replies)
            }
            _ => Err(Error::new(
                fred::error::ErrorKind::Parse,
                "a call's answer has the wrong shape",
            )),
        }
    }

    /// KEYS and ARGV of a call (see `prelude.lua`).
    fn pack(&self, acts: &[&Act]) -> (Vec<Key>, Vec<Value>) {
        let (mut keys, mut args) = (Words::default(), Words::default());
        keys.add(self.keys.nodes(self.shard));
        keys.add(self.keys.done(self.shard, &self.node));
        keys.add(self.keys.gaps(self.shard));
        // Fixed width: the prelude compares this many leading bytes of the stored answer.
        args.add(format_args!("{:016x}", self.calls));
        args.add(&self.node);
        args.add(self.clock.now());
        args.add(self.keys.inbox_base(self.shard));
        args.add(self.inbox_cap);
        args.add(DONE_FOR.as_millis());
        match self.answered {
            0 => args.add(""),
            answered => args.add(format_args!("{answered:016x}")),
        }
        args.add(acts.len());
        for act in acts {
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

fn is_fenced(reply: Value) -> bool {
    matches!(Reply::decode("repeat", reply), Err(fault) if fault.why == FENCED)
}
