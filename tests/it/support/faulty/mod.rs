//! A file system in user space that passes everything on to a folder, with faults that a test
//! switches on while it runs.
//!
//! Nothing is synced for real: a sync here costs what the test says. The kernel caches nothing
//! (direct IO), so that a reader sees what a failed or torn write left behind.

mod faults;
mod files;
mod passing;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use fuser::{BackgroundSession, Config, MountOption};
use tempfile::TempDir;

pub use faults::{Fault, Faults, On, What};
pub use fuser::Errno;

use super::privilege::{Done, as_root, skip, system};
use passing::Passing;

/// Unmounted when it is dropped, also with files open.
pub struct FaultyDisk {
    pub faults: Arc<Faults>,
    session: Option<BackgroundSession>,
    mounted: PathBuf,
    behind: PathBuf,
    _folder: TempDir,
}

impl FaultyDisk {
    /// An empty file system without faults. `None`, with the reason printed, where tests may not
    /// mount.
    pub fn new() -> Option<FaultyDisk> {
        if !as_root("a file system in user space") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (mounted, behind) = (folder.path().join("disk"), folder.path().join("behind"));
        fs::create_dir(&mounted).unwrap();
        fs::create_dir(&behind).unwrap();
        let faults = Arc::<Faults>::default();
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("faulty".into()), MountOption::DefaultPermissions];
        // A slow sync must not hold what others do.
        config.n_threads = Some(4);
        match fuser::spawn_mount(Passing::new(&behind, faults.clone()), &mounted, &config) {
            Ok(session) => {
                let session = Some(session);
                Some(FaultyDisk { faults, session, mounted, behind, _folder: folder })
            }
            Err(reason) => {
                skip("a file system in user space", &reason.to_string());
                None
            }
        }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.mounted
    }

    /// The folder behind: the same files without faults.
    pub fn behind(&self) -> &Path {
        &self.behind
    }
}

impl Drop for FaultyDisk {
    fn drop(&mut self) {
        // Whoever waits for a fault to end gets on.
        self.faults.clear();
        // Lazily first: with files open the session's own way fails and its threads would stay.
        let _ = system("umount").arg("-l").arg(&self.mounted).try_done();
        drop(self.session.take());
    }
}
