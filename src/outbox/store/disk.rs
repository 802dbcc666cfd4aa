//! The few things the store asks of a file system, so that a test can be the file system.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

/// One folder, flat.
///
/// What is written is durable after [`DiskFile::sync`]; a file's name (created, renamed, removed)
/// after [`Disk::sync_names`].
pub trait Disk: Send + Sync {
    /// Names and sizes in bytes of the files there are.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;
    /// A new file; fails if there is one of that name.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// A file to read.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&self, name: &str) -> io::Result<()>;
    fn sync_names(&self) -> io::Result<()>;
    /// Bytes that somebody without privileges may still write to the file system.
    fn free_bytes(&self) -> io::Result<u64>;

    /// Whether the folder is still where it was.
    ///
    /// # Errors
    /// [`Gone`], as the error's inner one.
    fn look(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The file system that held the folder is not mounted there any more.
#[derive(Debug, thiserror::Error)]
#[error("{} is not on the file system it was on: is that mounted?", path.display())]
pub struct Gone {
    path: PathBuf,
}

/// Whether an error says so.
pub fn is_gone(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Gone>())
}

/// An open file.
pub trait DiskFile: Send + Sync {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Fills `buffer` as far as the file goes; returns how far.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    fn sync(&self) -> io::Result<()>;
    /// Sets the file's length before it is written: ext4 then writes about half as much for a small
    /// append (tests/bench/stores). Takes no room; what was not written reads as zeros.
    fn set_len(&self, bytes: u64) -> io::Result<()>;
}

/// A folder of the real file system.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The device it is on, as far as it was seen.
    device: Mutex<Option<u64>>,
}

impl Folder {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let device = std::fs::metadata(&path).ok().map(|metadata| metadata.dev());
        Folder { path, device: Mutex::new(device) }
    }

    /// The device of the folder, or of what is left of the way to it.
    fn device_now(&self) -> io::Result<u64> {
        let mut nearest = self.path.as_path();
        loop {
            match std::fs::metadata(nearest) {
                Ok(metadata) => return Ok(metadata.dev()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let here = Path::new(".");
                    nearest = nearest.parent().filter(|up| !up.as_os_str().is_empty()).unwrap_or(here);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// A file of a log is there, so that it is no bare mount point.
    fn has_log(&self) -> bool {
        self.list().is_ok_and(|files| files.iter().any(|(name, _)| name.starts_with("segment-")))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Disk for Folder {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            // One may vanish between being listed and being looked at.
            let Ok(metadata) = entry.metadata() else { continue };
            if let (true, Ok(name)) = (metadata.is_file(), entry.file_name().into_string()) {
                files.push((name, metadata.len()));
            }
        }
        Ok(files)
    }

    fn look(&self) -> io::Result<()> {
        let now = self.device_now()?;
        let mut device = self.device.lock().expect("nothing panics under this lock");
        match *device {
            Some(before) if before == now => Ok(()),
            // The same disk may come back under another number.
            Some(_) if !self.has_log() => Err(io::Error::other(Gone { path: self.path.clone() })),
            _ => {
                *device = Some(now);
                Ok(())
            }
        }
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        // Nothing is begun below the mount point of a disk that was taken away.
        self.look()?;
        let path = self.path.join(name);
        // What sensors said is nobody else's business.
        let create = || OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        let file = create().or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
            // Somebody removed the folder.
            DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
            create()
        })?;
        Ok(Arc::new(file))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(File::open(self.path.join(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

impl DiskFile for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match FileExt::read_at(self, &mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()?;
        // Somebody removed the file, or its folder: what was written is nowhere.
        if self.metadata()?.nlink() == 0 {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the file was removed"));
        }
        Ok(())
    }
}
