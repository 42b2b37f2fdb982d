//! Which life of the node this is. A node that was given up for dead goes on under a new id.

use crate::ids::NodeId;
use std::sync::{Arc, PoisonError, RwLock};

/// The node's id of now, shared by everything that speaks for the node.
#[derive(Clone, Debug)]
pub struct Identity(Arc<RwLock<NodeId>>);

impl Identity {
    /// A first life.
    pub fn fresh() -> Self {
        Self(Arc::new(RwLock::new(NodeId::fresh())))
    }

    /// The id of now.
    pub fn now(&self) -> NodeId {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins a new life: calls of the old one are fenced for good.
    pub fn renew(&self) -> NodeId {
        let next = NodeId::fresh();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next.clone();
        next
    }
}
