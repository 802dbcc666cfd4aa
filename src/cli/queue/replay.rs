//! `edgeward queue replay`.

use super::{by_lane, folder, records};
use crate::cli::{
    Failure,
    place_args::OutboxArgs,
    text::{grouped, print, print_json},
};
use edgeward_outbox::tools::{Select, Since, replay as open_again};

pub fn replay(
    outbox: &OutboxArgs,
    since: Since,
    select: &Select,
    dry_run: bool,
    json: bool,
) -> Result<(), Failure> {
    let place = folder(outbox)?;
    let replayed = open_again(&place, select, since, dry_run).map_err(Failure::failed)?;
    if json {
        return print_json(&replayed);
    }
    let verb = if dry_run { "would be delivered again" } else { "will be delivered again" };
    let least = if replayed.remembers { "" } else { "at least " };
    let mut text = format!(
        "{} {verb}, of {least}{} that ended in that time\n{}",
        records(replayed.records),
        grouped(replayed.ended),
        by_lane(&replayed.lanes)
    );
    if replayed.left_alone > 0 {
        text += &format!("{} stay as they are: dropped or moved\n", records(replayed.left_alone));
    }
    let gone = replayed.ended.saturating_sub(replayed.records + replayed.left_alone);
    if gone > 0 {
        text += &format!("{} are not on disk any more (see outbox.keep_delivered_secs)\n", records(gone));
    }
    if !replayed.remembers {
        text += "the outbox does not remember as far back as was asked\n";
    }
    print(&text)
}
