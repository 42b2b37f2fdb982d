//! Which life of the node this is. A node that was given up for dead goes on under a new id.

use crate::ids::NodeId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// The node's id of now, shared by everything that speaks for the node.
#[derive(Clone, Debug)]
pub struct Identity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: watch::Sender<NodeId>,
    leaving: AtomicBool,
}

impl Identity {
    /// A first life.
    pub fn fresh() -> Self {
        Self(Arc::new(Inner {
            id: watch::Sender::new(NodeId::fresh()),
            leaving: AtomicBool::new(false),
        }))
    }

    /// The id of now.
    pub fn now(&self) -> NodeId {
        self.0.id.borrow().clone()
    }

    /// Begins a new life: calls of the old one are fenced for good.
    pub fn renew(&self) -> NodeId {
        let next = NodeId::fresh();
        self.0.id.send_replace(next.clone());
        next
    }

    /// Comes true when the life of that name is over.
    pub(super) async fn outlives(&self, life: &NodeId) {
        // It fails only when the sender is gone, which is here.
        let _ = self.0.id.subscribe().wait_for(|now| now != life).await;
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
