//! What the outbox and its uplinks tell, as plain numbers.

/// The outbox at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutboxSnapshot {
    /// Bytes on disk, their bound, and what is free on the file system.
    pub bytes: u64,
    pub max_bytes: u64,
    pub free_bytes: u64,
    pub commits: u64,
    /// Inputs that were journaled because scoring took long.
    pub journaled: u64,
    pub wall_corrections: u64,
    pub lanes: Vec<LaneSnapshot>,
    pub uplinks: Vec<UplinkSnapshot>,
}

/// Results of one pipeline and class since the outbox was created:
/// `made + imported + replayed` = all of `ended` + `pending`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LaneSnapshot {
    pub pipeline: String,
    pub class: String,
    pub made: u64,
    pub imported: u64,
    pub replayed: u64,
    /// By the name of the bucket.
    pub ended: Vec<(&'static str, u64)>,
    pub pending: u64,
    /// Age of the oldest pending record, by its segment.
    pub oldest_secs: f64,
}

/// An uplink at one moment, since the daemon's start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UplinkSnapshot {
    pub name: String,
    pub connected: bool,
    /// Messages without their acknowledgement.
    pub in_flight: u64,
    pub messages: u64,
    /// Payload bytes handed to the connection.
    pub bytes: u64,
    pub delivered: u64,
}
