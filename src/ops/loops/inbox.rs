//! Reads a shard's inbox and gives everything to the sockets it is for.

use super::stumbled;
use crate::actions::Actions;
use crate::coord::inbox::{InboxReader, Incoming};
use crate::domain::room::Offset;
use crate::ids::NodeId;
use crate::metrics;
use crate::wire::hub::{Hub, Stray};
use crate::wire::omegoo::Omegoo;
use crate::wire::{Engine, Namespaces};
use std::time::Duration;

/// How long a read waits on the server when nothing comes.
const WAIT: Duration = Duration::from_secs(1);

/// Runs for one shard.
pub async fn run(mut inbox: InboxReader, actions: Actions, hub: Hub, engine: Engine<Namespaces<Omegoo>>) {
    let mut strays = Vec::new();
    loop {
        let give = |one: Incoming, node: &NodeId| match one {
            Incoming::Notice(notice) => strays.extend(hub.deliver(notice, node)),
            Incoming::Signal(signal) => engine.signal(&signal),
            Incoming::Counts(shard, counts) => hub.note_counts(shard, counts),
        };
        match inbox.next(WAIT, give).await {
            Ok(Some(first)) => metrics::RELAY_LAG.record((), (actions.clock().steady() - first).as_secs_f64()),
            Ok(None) => {}
            Err(fault) => stumbled("inbox", &fault).await,
        }
        strays = unsit(&actions, strays).await;
    }
}

/// Takes sockets that have gone out of the seats they were given meanwhile; those that could not be are tried again.
async fn unsit(actions: &Actions, strays: Vec<Stray>) -> Vec<Stray> {
    let mut left = Vec::new();
    for stray in strays {
        let since = Offset::at(actions.clock().steady());
        if let Err(fault) = actions.leave_seat(&stray.user, &stray.socket, stray.room, since).await {
            stumbled("inbox", &fault).await;
            left.push(stray);
        }
    }
    left
}
