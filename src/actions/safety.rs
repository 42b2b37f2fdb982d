//! Reporting a partner.

use super::{Actions, Denied};
use crate::coord::rooms::Report;
use crate::domain::safety::{self, Violation};
use crate::ids::{FactId, RoomId, UserId};
use crate::metrics;

impl Actions {
    /// `reporter` reports the partner: the last lines are kept, the room ends, both are told.
    pub async fn report(
        &self,
        reporter: &UserId,
        room: RoomId,
        reported: &UserId,
        violation: Violation,
        description: &str,
    ) -> Result<(), Denied> {
        let report = Report {
            id: &FactId::fresh(),
            room,
            reporter,
            reported,
            violation,
            description: &safety::description(description),
            lines: self.settings.chat.report_lines as usize,
        };
        let people = self.coord.report(&report, self.end_rules()).await??;
        metrics::ROOMS_ENDED.one("reported");
        self.let_go(room, &people).await?;
        Ok(())
    }
}
