//! How a run of the daemon ended.

use crate::telemetry::Ledger;
use edgeward_core::domain::Books;

/// What a run leaves behind: its books, and what was not finished.
#[derive(Debug, Clone)]
pub struct RunReport {
    /// By pipeline, also those a reload removed.
    pub ledgers: Vec<(String, Ledger)>,
    /// What the drain did not finish; empty after a clean stop.
    pub left: Vec<Leftover>,
    /// True when a second signal cut the drain short.
    pub forced: bool,
    /// What died that the daemon can't live without.
    pub died: Option<String>,
}

impl RunReport {
    /// All pipelines' books added up.
    pub fn books(&self) -> Books {
        self.ledgers.iter().map(|(_, ledger)| ledger.books).sum()
    }
}

/// Something the drain did not finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Such as "pipeline press".
    pub whose: String,
    /// Such as "12 messages not scored".
    pub what: String,
}
