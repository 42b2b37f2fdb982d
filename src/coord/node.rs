//! Which life of the node this is. A node that was given up for dead goes on under a new id.

use crate::ids::NodeId;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// The node's id of now, shared by everything that speaks for the node.
#[derive(Clone, Debug)]
pub struct Identity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: RwLock<NodeId>,
    leaving: AtomicBool,
}

impl Identity {
    /// A first life.
    pub fn fresh() -> Self {
        Self(Arc::new(Inner {
            id: RwLock::new(NodeId::fresh()),
            leaving: AtomicBool::new(false),
        }))
    }

    /// The id of now.
    pub fn now(&self) -> NodeId {
        self.0.id.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins a new life: calls of the old one are fenced for good.
    pub fn renew(&self) -> NodeId {
        let next = NodeId::fresh();
        *self.0.id.write().unwrap_or_else(PoisonError::into_inner) = next.clone();
        next
    }

    /// From now on the node takes nothing over: it is about to end.
    pub fn leave(&self) {
        self.0.leaving.store(true, Ordering::Release);
    }

    /// Who takes over what has no owner when this node finds it: itself, or nobody (an empty name) while it is leaving.
    pub(super) fn heir(&self) -> String {
        match self.0.leaving.load(Ordering::Acquire) {
            true => String::new(),
            false => self.now().to_string(),
        }
    }
}
