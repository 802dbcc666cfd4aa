//! A full disk: a small ext4 on a loop mount is filled until the store refuses. Each step is told by a
//! child, since a store may abort or hang.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    child::{self, Running, Silence},
    ranges::Ranges,
    record::{self, Batch},
    store::{self, Durability, Kind, Store},
};

const DISK_BYTES: u64 = 64 << 20;
/// A file that somebody else removes later.
const BALLAST: &str = "ballast";
const BALLAST_BYTES: usize = 8 << 20;
const BATCH: usize = 64;
const LIMIT: Duration = Duration::from_secs(60);

/// A mounted file system that goes away with this.
struct LoopDisk {
    mount: PathBuf,
    _dir: tempfile::TempDir,
}

impl LoopDisk {
    fn new(root: &Path) -> Result<Self> {
        let dir = tempfile::tempdir_in(root)?;
        let (image, mount) = (dir.path().join("image"), dir.path().join("mount"));
        File::create(&image)?.set_len(DISK_BYTES)?;
        fs::create_dir(&mount)?;
        // No blocks kept back for root: it would fill those, too.
        run("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), "-m".as_ref(), "0".as_ref(), image.as_ref()])?;
        run("mount", &["-o".as_ref(), "loop".as_ref(), image.as_ref(), mount.as_ref()])?;
        let disk = Self { mount, _dir: dir };
        let mut ballast = File::create(disk.mount.join(BALLAST))?;
        ballast.write_all(&vec![b'x'; BALLAST_BYTES])?;
        ballast.sync_all()?;
        Ok(disk)
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        let mount = self.mount.as_os_str();
        if run("umount", &[mount]).is_err() && run("umount", &["-l".as_ref(), mount]).is_err() {
            eprintln!("still mounted: {}", self.mount.display());
        }
    }
}

fn run(program: &str, arguments: &[&std::ffi::OsStr]) -> Result<()> {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new(program).args(arguments).env("PATH", path).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()).into())
}

/// What one step did before it was done, or failed: from child to parent.
#[derive(Serialize, Deserialize)]
struct Told {
    name: String,
    error: Option<String>,
    /// Appended with success, delivered, or read.
    ranges: Ranges,
}

/// The same, as it is reported.
#[derive(Serialize)]
pub struct Step {
    /// "fill": the process that filled the disk; "reopened": the one after it, which sees the ballast go;
    /// "room": the last one.
    pub phase: String,
    pub name: String,
    pub records: u64,
    pub error: Option<String>,
}

#[derive(Serialize)]
pub struct Full {
    pub store: Kind,
    pub disk_bytes: u64,
    pub steps: Vec<Step>,
    /// Found by the last process; nothing if it could not read.
    pub outcome: Option<Outcome>,
    /// Damaged or out of order.
    pub wrong: u64,
}

/// Records, when the disk has room again.
#[derive(Serialize)]
pub struct Outcome {
    /// Committed, not delivered, and not there.
    pub missing: u64,
    /// Of a delivery that failed, and gone.
    pub removed_by_failed: u64,
    /// Of an append that failed, and there.
    pub kept_by_failed: u64,
}

impl Full {
    pub fn step(&self, phase: &str, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.phase == phase && step.name == name)
    }
}

pub fn measure(kind: Kind, root: &Path) -> Result<Full> {
    let disk = LoopDisk::new(root)?;
    let mut found = Full { store: kind, disk_bytes: DISK_BYTES, steps: Vec::new(), outcome: None, wrong: 0 };
    let (mut committed, mut delivered, mut in_doubt) = (Ranges::default(), 0, 0);
    for phase in ["fill", "reopened", "room"] {
        // Numbers of an append that failed are not used again: it may have been kept.
        let next = committed.last().map_or(0, |last| last + 1 + 2 * BATCH as u64);
        let mut child = Running::start(phase, kind, &disk.mount, next)?;
        loop {
            let told = match child.next::<Told>(LIMIT)? {
                Ok(told) => told,
                Err(silence) => {
                    let error = match silence {
                        Silence::Ended(words) => words,
                        Silence::Hangs => format!("nothing for {} s", LIMIT.as_secs()),
                    };
                    Told { name: "process".into(), error: Some(error), ranges: Ranges::default() }
                }
            };
            let failed = told.error.is_some();
            match told.name.as_str() {
                "fill" | "append" | "append with room" => {
                    for &(first, last) in &told.ranges.runs {
                        committed.push_all(first, last);
                    }
                }
                "deliver" | "deliver with room" => {
                    delivered = told.ranges.last().map_or(delivered, |last| last + 1);
                    in_doubt = delivered + if failed { BATCH as u64 } else { 0 };
                }
                "read" => {
                    found.wrong += told.ranges.wrong;
                    let missing = committed.missing_in(&told.ranges, in_doubt);
                    found.outcome = (phase == "room" && !failed).then(|| Outcome {
                        missing,
                        removed_by_failed: committed.missing_in(&told.ranges, delivered) - missing,
                        kept_by_failed: told.ranges.missing_in(&committed, 0),
                    });
                }
                _ => {}
            }
            let over = told.name == "close" || told.name == "process" || (told.name == "open" && failed);
            let records = told.ranges.count();
            found.steps.push(Step { phase: phase.into(), name: told.name, records, error: told.error });
            if over {
                break;
            }
        }
    }
    Ok(found)
}

/// Fills the disk (or not), reads all, delivers half and appends a quarter; does so again after the ballast
/// is gone (or not); closes.
pub fn child(role: &str, kind: Kind, dir: &Path, mut next: u64) -> Result<()> {
    let opened = store::open(kind, dir, Durability::Sync);
    tell("open", &opened, Ranges::default())?;
    let Ok(mut store) = opened else { return Ok(()) };
    let mut ranges = Ranges::default();
    if role == "fill" {
        let done = append(&mut *store, &mut next, u64::MAX, &mut ranges);
        tell("fill", &done, ranges.clone())?;
    }
    let mut there = Ranges::default();
    let done = store.scan(&mut |payload| there.push(record::sequence(payload)));
    // A store that can't be read at the moment is still asked to deliver and to append.
    let count = there.count().max(ranges.count()).max(2 * BATCH as u64);
    tell("read", &done, there)?;
    turn(&mut *store, &mut next, count, ["deliver", "append"])?;
    if role == "reopened" {
        fs::remove_file(dir.join(BALLAST))?;
        File::open(dir)?.sync_all()?;
        turn(&mut *store, &mut next, count / 2, ["deliver with room", "append with room"])?;
    }
    tell("close", &store.close(), Ranges::default())
}

/// Delivers half of so many records, appends a quarter.
fn turn(store: &mut dyn Store, next: &mut u64, count: u64, names: [&str; 2]) -> Result<()> {
    let (mut ranges, mut done) = (Ranges::default(), Ok(1));
    while ranges.count() < count / 2 && matches!(done, Ok(1..)) {
        let mut batch = Ranges::default();
        done = store.deliver(BATCH, &mut |payload| batch.push(record::sequence(payload)));
        if done.is_ok() {
            batch.runs.iter().for_each(|run| ranges.push_all(run.0, run.1));
        }
    }
    tell(names[0], &done, ranges)?;
    let mut ranges = Ranges::default();
    let done = append(store, next, count / 4, &mut ranges);
    tell(names[1], &done, ranges)
}

fn append(store: &mut dyn Store, next: &mut u64, most: u64, ranges: &mut Ranges) -> Result<()> {
    let mut batch = Batch::default();
    while ranges.count() < most {
        batch.fill(*next, BATCH);
        *next += BATCH as u64;
        store.append(&batch)?;
        ranges.push_all(batch.first(), batch.last());
    }
    Ok(())
}

fn tell<T>(name: &str, done: &Result<T>, ranges: Ranges) -> Result<()> {
    let error = done.as_ref().err().map(ToString::to_string);
    child::say(&Told { name: name.into(), error, ranges })
}
