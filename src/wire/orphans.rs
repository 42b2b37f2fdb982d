//! Polling sessions of a node that begins a new life: they go on with whichever node gets their next request, this one
//! too.

use super::connection::End;
use super::dialogue::Dialogue;
use super::directory::Held;
use super::engine::Engine;
use crate::ids::SessionId;
use futures_util::StreamExt;

/// Sessions set free at once.
const AT_ONCE: usize = 64;

/// A session that was let go of and still has its node, in its record.
#[derive(Clone, Debug)]
pub struct Orphan {
    session: SessionId,
    epoch: u64,
}

impl<D: Dialogue> Engine<D> {
    /// The node's life is over. Lets go of all who poll: another node may have them already, and two must not take one
    /// seat from each other. Of a node that `slept` what it has read may be old.
    pub fn let_go_of_polls(&self, slept: bool) -> Vec<Orphan> {
        self.0.life.ends(slept);
        let let_go = |held: Held| {
            held.connection.end(End::Orphaned);
            Orphan {
                session: held.connection.sid().clone(),
                epoch: held.epoch,
            }
        };
        self.0.directory.all_held().into_iter().map(let_go).collect()
    }

    /// The next life has begun. Those that nobody else has are anybody's from now on, and polls that wait for them ask
    /// again: until the lease of the life before ends they would take it for their owner. Polls that wait here are
    /// known by the name of that life.
    pub async fn set_free(&self, orphans: Vec<Orphan>) {
        self.0.life.begins();
        let each = orphans.into_iter().map(|Orphan { session, epoch }| async move {
            if let Err(fault) = self.0.coord.session_free(&session, epoch, &[]).await {
                tracing::warn!(%fault, "a polling session waits for the end of a lease");
            }
        });
        futures_util::stream::iter(each)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
        self.0.directory.wake_all();
    }
}
