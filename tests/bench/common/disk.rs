//! The disk below a folder: what it is, what was written to it, and how to forget what it holds.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::fs::Advice;

const SECTOR_BYTES: u64 = 512;
/// Magic numbers of file systems in memory (statfs(2)).
const TMPFS: i64 = 0x0102_1994;
const RAMFS: i64 = 0x8584_58f6;

/// The block device and the file system that hold a folder.
pub struct Disk {
    dir: File,
    stat: PathBuf,
    /// Device, model, file system and mount options, in one line.
    pub name: String,
}

impl Disk {
    /// Refuses a file system in memory, and one whose block device has no counters.
    pub fn of(path: &Path) -> Result<Disk, String> {
        let said = |e: std::io::Error| format!("{}: {e}", path.display());
        let dir = File::open(path).map_err(said)?;
        let kind = rustix::fs::fstatfs(&dir).map_err(|e| said(e.into()))?.f_type as i64;
        if kind == TMPFS || kind == RAMFS {
            return Err(format!("{}: in memory (tmpfs); name a folder on a disk by --dir", path.display()));
        }
        let number = dir.metadata().map_err(said)?.dev();
        let number = format!("{}:{}", rustix::fs::major(number), rustix::fs::minor(number));
        let folder = Path::new("/sys/dev/block").join(&number);
        let stat = folder.join("stat");
        if !stat.exists() {
            return Err(format!(
                "{}: no block device of its own ({number}); name another folder by --dir",
                path.display()
            ));
        }
        let name = name(&folder, &number, path).map_err(said)?;
        Ok(Disk { dir, stat, name })
    }

    /// Bytes written to the device since it came up, by anybody, after everything held back went out.
    pub fn written(&self) -> Result<u64, String> {
        rustix::fs::syncfs(&self.dir).map_err(|e| format!("syncfs: {e}"))?;
        let stat = fs::read_to_string(&self.stat).map_err(|e| e.to_string())?;
        let sectors = stat.split_whitespace().nth(6).and_then(|field| field.parse::<u64>().ok());
        Ok(sectors.ok_or("the device's counters can't be read")? * SECTOR_BYTES)
    }
}

fn name(folder: &Path, number: &str, path: &Path) -> std::io::Result<String> {
    // A partition's queue and model are those of the disk it is on.
    let folder = fs::canonicalize(folder)?;
    let whole = if folder.join("partition").exists() { folder.join("..") } else { folder.clone() };
    let read = |name: &str| fs::read_to_string(whole.join(name)).unwrap_or_default().trim().to_owned();
    let model = [read("device/vendor"), read("device/model")].concat();
    let bytes = fs::read_to_string(folder.join("size"))?.trim().parse::<u64>().unwrap_or(0) * SECTOR_BYTES;
    let (kind, options) = mount(number, path)?;
    Ok(format!(
        "{} ({}{} GB, write cache: {}), {kind} ({options})",
        folder.file_name().unwrap_or_default().to_string_lossy(),
        if model.is_empty() { String::new() } else { format!("{model}, ") },
        bytes / 1_000_000_000,
        read("queue/write_cache"),
    ))
}

/// Type and options of the mount with this device number that holds the path.
fn mount(number: &str, path: &Path) -> std::io::Result<(String, String)> {
    let path = fs::canonicalize(path)?;
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    let mut best: Option<(usize, String, String)> = None;
    for line in table.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let (left, right): (Vec<_>, Vec<_>) = (left.split(' ').collect(), right.split(' ').collect());
        let ours = left.len() > 5 && right.len() > 2 && left[2] == number && path.starts_with(left[4]);
        if ours && best.as_ref().is_none_or(|(length, ..)| left[4].len() >= *length) {
            best = Some((left[4].len(), right[0].to_owned(), format!("{},{}", left[5], right[2])));
        }
    }
    let (_, kind, options) = best.unwrap_or((0, "unknown file system".to_owned(), String::new()));
    let mut seen: Vec<&str> = Vec::new();
    for option in options.split(',') {
        if !seen.contains(&option) {
            seen.push(option);
        }
    }
    Ok((kind, seen.join(",")))
}

/// Files of a folder, with the bytes they take on disk.
pub fn files(dir: &Path) -> std::io::Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        found.push((entry.path(), entry.metadata()?.blocks() * SECTOR_BYTES));
    }
    Ok(found)
}

/// Takes a folder's files out of the page cache, as after a reboot.
pub fn forget(dir: &Path) -> std::io::Result<()> {
    for (path, _) in files(dir)? {
        let file = File::open(path)?;
        file.sync_all()?;
        rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?;
    }
    Ok(())
}
