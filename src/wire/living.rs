//! The connections of this node.

use super::connection::{Connection, End};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All connections whose protocol state is on this node.
#[derive(Default, Debug)]
pub(super) struct Living(Mutex<HashMap<usize, Arc<Connection>>>);

/// A connection's place: during an upgrade two have the same session.
fn place(connection: &Arc<Connection>) -> usize {
    Arc::as_ptr(connection) as usize
}

impl Living {
    fn map(&self) -> MutexGuard<'_, HashMap<usize, Arc<Connection>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, connection: &Arc<Connection>) {
        self.map().insert(place(connection), connection.clone());
    }

    pub(super) fn remove(&self, connection: &Arc<Connection>) {
        self.map().remove(&place(connection));
    }

    pub(super) fn len(&self) -> usize {
        self.map().len()
    }

    /// How many are WebSockets, and how many polling sessions.
    pub(super) fn count(&self) -> (usize, usize) {
        let map = self.map();
        let websockets = map
            .values()
            .filter(|connection| connection.outbox.is_websocket())
            .count();
        (websockets, map.len() - websockets)
    }

    /// Connections that fulfil a condition.
    pub(super) fn select(&self, mut wanted: impl FnMut(&Arc<Connection>) -> bool) -> Vec<Arc<Connection>> {
        self.map()
            .values()
            .filter(|connection| wanted(connection))
            .cloned()
            .collect()
    }

    /// Ends up to `count` connections; how many were ended.
    pub(super) fn end_some(&self, count: usize, end: End) -> usize {
        let chosen: Vec<_> = {
            let map = self.map();
            map.values().filter(|c| !c.is_over()).take(count).cloned().collect()
        };
        for connection in &chosen {
            connection.end(end);
        }
        chosen.len()
    }
}
