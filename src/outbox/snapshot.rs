//! The outbox and its uplinks in plain numbers, for metrics and status.

use super::{
    handle::Outbox,
    store::{Fate, State},
};

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

/// The outbox now; the uplinks are added by who has them.
pub fn snapshot(outbox: &Outbox) -> OutboxSnapshot {
    let health = outbox.health();
    let shared = outbox.shared();
    let state = shared.state();
    OutboxSnapshot {
        bytes: health.bytes,
        max_bytes: health.max_bytes,
        free_bytes: health.free_bytes,
        commits: health.commits,
        journaled: health.journaled,
        wall_corrections: state.wall_corrections,
        lanes: lanes(&state, outbox.now_ms()),
        uplinks: Vec::new(),
    }
}

fn lanes(state: &State, now_ms: u64) -> Vec<LaneSnapshot> {
    let results = state.lanes.iter().enumerate().filter(|(_, lane)| !lane.is_input());
    let lanes = results.map(|(at, lane)| {
        let live = |segment: &&super::store::Segment| {
            let of = segment.runs.iter().filter(|run| usize::from(run.lane) == at);
            of.map(|run| lane.live_in(run.first, run.end)).sum::<u64>() > 0
        };
        let oldest = state.segments.iter().find(live);
        let age_ms = oldest.map_or(0, |segment| now_ms.saturating_sub(segment.oldest_at_ms));
        LaneSnapshot {
            pipeline: state.pipelines[usize::from(lane.pipeline)].name.clone(),
            class: lane.class.clone(),
            made: lane.books.made,
            imported: lane.books.imported,
            replayed: lane.books.replayed,
            ended: Fate::ALL.iter().map(|fate| (fate.name(), lane.books.ended(*fate))).collect(),
            pending: lane.books.pending(),
            oldest_secs: age_ms as f64 / 1000.0,
        }
    });
    lanes.collect()
}
