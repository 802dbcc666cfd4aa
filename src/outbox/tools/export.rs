//! A backlog into one file: written, synced and named before anything ends here.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    Flow, Place, Progress, Select, Snapshot, ToolError,
    browse::browse,
    carry::Writer,
    change::{Change, LaneCount, counts, pending},
};
use crate::store::{Fate, INPUT_CLASS, RangeSet};
use edgeward_core::crypto::hex;

/// Where the file goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    File(PathBuf),
    /// Into this folder, named by its content.
    Folder(PathBuf),
}

/// What was exported.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    /// None: there was nothing to export, and no file was written.
    pub file: Option<PathBuf>,
    pub sha256: Option<String>,
    pub file_bytes: u64,
    pub records: u64,
    /// They ended here as `moved`; else they are copies.
    pub moved: bool,
    pub lanes: Vec<LaneCount>,
}

/// Moves the selected pending results into a file, or copies them (`keep`; then a daemon may run).
/// A crash in between leaves a copy in the file, never a loss.
///
/// # Errors
/// A daemon that runs (unless `keep`), class `input`, a file that exists, what the file system says.
pub fn export(
    place: &Place,
    select: &Select,
    target: &Target,
    keep: bool,
    progress: Progress<'_>,
) -> Result<Exported, ToolError> {
    if select.classes.iter().any(|class| class == INPUT_CLASS) {
        return Err(ToolError::Inputs);
    }
    if let Target::File(path) = target
        && path.exists()
    {
        return Err(ToolError::Exists(path.clone()));
    }
    if keep {
        let snapshot = Snapshot::read(&place.dir)?;
        let (exported, _) = write(&snapshot, select, target, progress)?;
        return Ok(exported);
    }
    let (mut change, snapshot) = Change::open(place)?;
    let (mut exported, records) = write(&snapshot, select, target, progress)?;
    change.end(&records, Fate::Moved)?;
    exported.moved = true;
    Ok(exported)
}

type Written = (Exported, BTreeMap<u16, RangeSet>);

fn write(
    snapshot: &Snapshot,
    select: &Select,
    target: &Target,
    progress: Progress<'_>,
) -> Result<Written, ToolError> {
    select.check(&snapshot.state)?;
    let mut select = select.clone();
    if select.classes.is_empty() {
        let classes = snapshot.state.lanes.iter().filter(|lane| !lane.is_input());
        select.classes = classes.map(|lane| lane.class.clone()).collect();
        select.classes.sort();
        select.classes.dedup();
    }
    let wanted = pending(snapshot, &select)?;
    let total: u64 = counts(snapshot, &wanted).iter().map(|lane| lane.records).sum();
    let mut nothing =
        Exported { file: None, sha256: None, file_bytes: 0, records: 0, moved: false, lanes: Vec::new() };
    if select.classes.is_empty() || total == 0 {
        return Ok((nothing, BTreeMap::new()));
    }
    let part = Part::beside(target);
    let mut writer = Writer::create(&part.path, snapshot.id)?;
    let mut records: BTreeMap<u16, RangeSet> = BTreeMap::new();
    let mut done = 0;
    // What is most urgent is read first at the other end, as far as names tell: class by class.
    for class in select.classes.clone() {
        let of_class = Select { classes: vec![class], ..select.clone() };
        browse(snapshot, &of_class, false, &mut |record| {
            writer.record(
                &record.pipeline,
                &record.class,
                record.epoch,
                record.sequence,
                &record.payload,
                record.envelope.as_deref(),
            )?;
            records.entry(record.lane).or_default().insert(record.sequence..record.sequence + 1);
            done += 1;
            if done % 256 == 0 {
                progress(done, total.max(done));
            }
            Ok(Flow::Continue(()))
        })?;
    }
    let (hash, index) = writer.finish()?;
    progress(index.records, index.records);
    if index.records == 0 {
        return Ok((nothing, BTreeMap::new()));
    }
    let sha256 = hex(&hash);
    let file = match target {
        Target::File(path) => path.clone(),
        Target::Folder(folder) => folder.join(format!("backlog-{}.edgeward", &sha256[..16])),
    };
    nothing.file_bytes = fs::metadata(&part.path).map_err(ToolError::io("read", &part.path))?.len();
    part.keep(&file)?;
    let lanes = counts(snapshot, &records);
    let exported =
        Exported { file: Some(file), sha256: Some(sha256), records: index.records, lanes, ..nothing };
    Ok((exported, records))
}

/// A file that is not whole; removed unless it is kept.
struct Part {
    path: PathBuf,
}

impl Part {
    fn beside(target: &Target) -> Part {
        let path = match target {
            Target::Folder(folder) => folder.join(format!("backlog-{}.part", std::process::id())),
            Target::File(path) => {
                let mut name = path.file_name().unwrap_or_default().to_owned();
                name.push(".part");
                path.with_file_name(name)
            }
        };
        Part { path }
    }

    /// Gives it its name, durably.
    fn keep(self, name: &Path) -> Result<(), ToolError> {
        // A file of the same name that is named by its content has the same content.
        fs::rename(&self.path, name).map_err(ToolError::io("write", name))?;
        let folder = name.parent().filter(|folder| !folder.as_os_str().is_empty());
        match File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()) {
            // Some file systems of removable media can't sync a folder.
            Err(error)
                if !matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
            {
                Err(ToolError::io("write", name)(error))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After `keep` there is none of this name.
        let _ = fs::remove_file(&self.path);
    }
}
