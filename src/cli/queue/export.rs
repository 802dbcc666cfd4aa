//! `edgeward queue export`.

use std::path::PathBuf;

use super::{by_lane, folder, progress_bar, records};
use crate::cli::{
    Failure,
    place_args::OutboxArgs,
    text::{bytes, print, print_json},
};
use edgeward_outbox::tools::{Select, Target, export as write};

pub fn export(
    outbox: &OutboxArgs,
    target: Option<PathBuf>,
    select: &Select,
    keep: bool,
    json: bool,
    quiet: bool,
) -> Result<(), Failure> {
    let place = folder(outbox)?;
    let target = match target {
        None => Target::Folder(PathBuf::from(".")),
        Some(path) if path.is_dir() => Target::Folder(path),
        Some(path) => Target::File(path),
    };
    let mut bar = progress_bar(quiet, "records");
    let mut progress = |done, total| bar.iter_mut().for_each(|bar| bar(done, total));
    let exported = write(&place, select, &target, keep, &mut progress).map_err(Failure::failed)?;
    if json {
        return print_json(&exported);
    }
    let Some(file) = &exported.file else { return print("nothing is pending: no file was written\n") };
    let verb = if exported.moved { "moved" } else { "copied" };
    print(&format!(
        "{} {verb} to {}, {}\n{}",
        records(exported.records),
        file.display(),
        bytes(exported.file_bytes),
        by_lane(&exported.lanes)
    ))
}
