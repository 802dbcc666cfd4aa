//! `edgeward queue import`.

use std::path::Path;

use super::{by_lane, folder, progress_bar, records};
use crate::cli::{
    Failure,
    place_args::OutboxArgs,
    text::{grouped, print, print_json},
};
use edgeward_outbox::tools::import as take_on;

pub fn import(outbox: &OutboxArgs, file: &Path, json: bool, quiet: bool) -> Result<(), Failure> {
    let place = folder(outbox)?;
    let mut bar = progress_bar(quiet, "records");
    let mut progress = |done, total| bar.iter_mut().for_each(|bar| bar(done, total));
    let imported = take_on(&place, file, &mut progress).map_err(Failure::failed)?;
    if json {
        return print_json(&imported);
    }
    let before = match imported.before {
        0 => String::new(),
        before => format!(", {} of them before it was cut short", grouped(before)),
    };
    let (count, from) = (records(imported.records), &imported.from_store);
    print(&format!("{count} imported from outbox {from}{before}\n{}", by_lane(&imported.lanes)))
}
