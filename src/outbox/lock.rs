//! One process writes an outbox: the lock is the file `lock` in its folder.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Held as long as it lives; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why an outbox can't be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("the outbox in {} is in use by process {pid}: stop it first", dir.display())]
    InUse { dir: PathBuf, pid: String },
    #[error("can't open the outbox in {}: {source}; it must be a folder that this user may write", dir.display())]
    Io {
        dir: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Lock {
    /// Takes the lock of the outbox in `dir`, which must exist.
    ///
    /// # Errors
    /// [`LockError::InUse`] with the pid of whoever has it.
    pub fn take(dir: &Path) -> Result<Lock, LockError> {
        let failed = |source| LockError::Io { dir: dir.to_owned(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(dir.join("lock"))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _ = file.read_to_string(&mut pid);
                let pid = if pid.trim().is_empty() { "unknown".into() } else { pid.trim().to_owned() };
                return Err(LockError::InUse { dir: dir.to_owned(), pid });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        // The pid is for people; a disk without room must not keep the daemon from starting.
        if let Err(error) = written {
            tracing::debug!(%error, "the pid can't be written into the lock");
        }
        Ok(Lock { _file: file })
    }
}
