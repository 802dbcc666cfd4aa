//! `edgeward queue`: the operator's hands in the outbox.

pub mod args;
mod drop;
mod export;
mod import;
mod ls;
mod place;
mod replay;
mod show;
mod stat;

pub use place::{folder, progress_bar};

use args::{QueueArgs, QueueCommand, SelectArgs};

use super::{Failure, text::grouped};
use edgeward_outbox::tools::{LaneCount, Select};

pub fn run(args: QueueArgs) -> Result<(), Failure> {
    use QueueCommand as C;
    match args.command {
        C::Stat { outbox, json } => stat::stat(&outbox, json),
        C::Ls { outbox, select, since, oldest, limit, json } => {
            let wanted = ls::Wanted { since, oldest, limit };
            ls::ls(&outbox, select.into(), &wanted, json)
        }
        C::Show { outbox, id, class, pipeline, sequence, json } => {
            show::show(&outbox, id, class.zip(pipeline).zip(sequence), json)
        }
        C::Export { outbox, target, select, keep, json, quiet } => {
            export::export(&outbox, target, &select.into(), keep, json, quiet)
        }
        C::Import { outbox, file, json, quiet } => import::import(&outbox, &file, json, quiet),
        C::Drop { outbox, class, pipeline, before, dry_run, yes: _, json } => {
            let select = Select { classes: class, pipeline, ..Select::default() };
            drop::drop(&outbox, select, before, dry_run, json)
        }
        C::Replay { outbox, since, select, dry_run, json } => {
            replay::replay(&outbox, since, &select.into(), dry_run, json)
        }
    }
}

impl From<SelectArgs> for Select {
    fn from(args: SelectArgs) -> Self {
        Select { classes: args.class, pipeline: args.pipeline, ..Select::default() }
    }
}

/// `12 records`, with what they are.
fn records(count: u64) -> String {
    format!("{} {}", grouped(count), if count == 1 { "record" } else { "records" })
}

/// One line a pipeline and class.
fn by_lane(lanes: &[LaneCount]) -> String {
    let line = |lane: &LaneCount| format!("  {}/{}: {}\n", lane.pipeline, lane.class, grouped(lane.records));
    lanes.iter().map(line).collect()
}
