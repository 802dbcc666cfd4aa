//! `edgeward queue drop`.

use serde::Serialize;

use super::{by_lane, folder, records};
use crate::cli::{
    Failure,
    place_args::OutboxArgs,
    text::{print, print_json},
};
use edgeward_outbox::tools::{LaneCount, Select, Since, Snapshot, drop_records};

#[derive(Serialize)]
struct Dropped {
    records: u64,
    /// They were only counted.
    dry_run: bool,
    lanes: Vec<LaneCount>,
}

pub fn drop(
    outbox: &OutboxArgs,
    mut select: Select,
    before: Option<Since>,
    dry_run: bool,
    json: bool,
) -> Result<(), Failure> {
    let place = folder(outbox)?;
    if let Some(before) = before {
        let snapshot = Snapshot::read(&place.dir).map_err(Failure::failed)?;
        select.older = Some(snapshot.clock().age_of(before));
    }
    let lanes = drop_records(&place, &select, dry_run).map_err(Failure::failed)?;
    let count = lanes.iter().map(|lane| lane.records).sum();
    if json {
        return print_json(&Dropped { records: count, dry_run, lanes });
    }
    let verb = if dry_run { "would be dropped" } else { "dropped" };
    print(&format!("{} {verb}\n{}", records(count), by_lane(&lanes)))
}
