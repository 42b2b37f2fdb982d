//! What became of the lines of a load, counted.

use serde::Serialize;

/// What became of lines, of those that are measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    pub(crate) acknowledged: u64,
    /// Accepted, or never refused, and not heard by the partner.
    pub(crate) lost: u64,
    /// Heard again, with the same id.
    pub(crate) duplicated: u64,
    /// Heard again, with another id: two lines were made of one.
    pub(crate) doubled: u64,
    pub(crate) out_of_order: u64,
    pub(crate) refused: u64,
    /// Under way when a connection ended or the room did, and never confirmed: nobody can tell.
    pub(crate) unanswered: u64,
    /// Answered, but whoever was to hear it had just left or did not come back.
    pub(crate) unheard: u64,
    /// Neither accepted nor refused, though nobody was cut off meanwhile; heard or not.
    pub(crate) unacknowledged: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.acknowledged += other.acknowledged;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.doubled += other.doubled;
        self.out_of_order += other.out_of_order;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.unheard += other.unheard;
        self.unacknowledged += other.unacknowledged;
    }
}
