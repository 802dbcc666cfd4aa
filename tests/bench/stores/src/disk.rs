//! The disk below a folder: what it is, what was written to it, and how to forget what it holds.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::fs::Advice;
use serde::Serialize;

use crate::Result;

const SECTOR: u64 = 512;
const TMPFS: i64 = 0x0102_1994;
const RAMFS: i64 = 0x8584_58f6;

/// The block device and the file system that hold a folder.
pub struct Disk {
    dir: File,
    stat: PathBuf,
    pub name: DiskName,
}

#[derive(Clone, Serialize)]
pub struct DiskName {
    pub device: String,
    pub model: String,
    pub bytes: u64,
    pub rotational: bool,
    pub write_cache: String,
    pub file_system: String,
    pub mount_options: String,
}

impl Disk {
    /// Refuses a file system in memory, and one whose block device has no counters.
    pub fn of(path: &Path) -> Result<Self> {
        let dir = File::open(path)?;
        let kind = rustix::fs::fstatfs(&dir)?.f_type as i64;
        if kind == TMPFS || kind == RAMFS {
            return Err(
                format!("{}: in memory (tmpfs); name a folder on a disk by --dir", path.display()).into()
            );
        }
        let number = dir.metadata()?.dev();
        let number = format!("{}:{}", rustix::fs::major(number), rustix::fs::minor(number));
        let folder = Path::new("/sys/dev/block").join(&number);
        let stat = folder.join("stat");
        if !stat.exists() {
            return Err(format!(
                "{}: its file system has no block device of its own ({number}); name another folder by --dir",
                path.display()
            )
            .into());
        }
        let (file_system, mount_options) = mount(&number, path)?;
        // A partition's queue and model are those of the disk it is on.
        let folder = fs::canonicalize(folder)?;
        let whole = if folder.join("partition").exists() { folder.join("..") } else { folder.clone() };
        let read = |name: &str| fs::read_to_string(whole.join(name)).unwrap_or_default().trim().to_owned();
        let words = [read("device/vendor"), read("device/model"), read("serial")];
        let model =
            words.iter().filter(|word| !word.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ");
        let size = fs::read_to_string(folder.join("size"))?;
        let name = DiskName {
            device: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            model: if model.is_empty() { "unknown".into() } else { model },
            bytes: size.trim().parse::<u64>()? * SECTOR,
            rotational: read("queue/rotational") == "1",
            write_cache: read("queue/write_cache"),
            file_system,
            mount_options,
        };
        Ok(Self { dir, stat, name })
    }

    /// Writes out everything the file system holds back.
    pub fn flush(&self) -> Result<()> {
        Ok(rustix::fs::syncfs(&self.dir)?)
    }

    /// Bytes written to the device since it came up, by anybody.
    pub fn written(&self) -> Result<u64> {
        let stat = fs::read_to_string(&self.stat)?;
        let sectors = stat.split_whitespace().nth(6).ok_or("the device's counters are too short")?;
        Ok(sectors.parse::<u64>()? * SECTOR)
    }
}

/// Type and options of the mount with this device number that holds the path.
fn mount(number: &str, path: &Path) -> Result<(String, String)> {
    let path = fs::canonicalize(path)?;
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    let mut best: Option<(usize, String, String)> = None;
    for line in table.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let (left, right): (Vec<_>, Vec<_>) = (left.split(' ').collect(), right.split(' ').collect());
        if left.get(2) != Some(&number) || left.len() < 6 || right.len() < 3 || !path.starts_with(left[4]) {
            continue;
        }
        if best.as_ref().is_none_or(|(length, ..)| left[4].len() >= *length) {
            best = Some((left[4].len(), right[0].to_owned(), format!("{},{}", left[5], right[2])));
        }
    }
    let (_, kind, options) = best.ok_or_else(|| format!("{}: in no mount", path.display()))?;
    let mut seen = Vec::new();
    for option in options.split(',') {
        if !seen.contains(&option) {
            seen.push(option);
        }
    }
    Ok((kind, seen.join(",")))
}

/// Files below a folder, with their sizes on disk in bytes.
pub fn files(dir: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let (mut found, mut folders) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let meta = entry.metadata()?;
            if meta.is_dir() {
                folders.push(entry.path());
            } else {
                found.push((entry.path(), meta.blocks() * SECTOR));
            }
        }
    }
    Ok(found)
}

/// Takes a folder's files out of the page cache, as after a reboot.
pub fn forget(dir: &Path) -> Result<()> {
    for (path, _) in files(dir)? {
        let file = File::open(path)?;
        file.sync_all()?;
        rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?;
    }
    Ok(())
}

/// A number of `/proc/self/status` (kB there), in bytes.
pub fn memory(key: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let number =
        line.and_then(|line| line.split_whitespace().next()).ok_or("no such line in /proc/self/status")?;
    Ok(number.parse::<u64>()? << 10)
}

/// Bytes this process caused to be written, by `/proc/self/io`.
pub fn caused() -> Result<u64> {
    let io = fs::read_to_string("/proc/self/io")?;
    let number = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).ok_or("no write_bytes")?;
    Ok(number.parse()?)
}
