//! A small disk of a test's own: ext4 on a loop mount, which fills up, breaks and is repaired.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
};

use rustix::fs::{FallocateFlags, fallocate, statvfs, syncfs};
use tempfile::TempDir;

use super::privilege::{Done, as_root, skip, system};

/// Unmounted when it is dropped, also with files open.
pub struct LoopDisk {
    mounted: PathBuf,
    image: PathBuf,
    repairs: u32,
    _folder: TempDir,
}

impl LoopDisk {
    /// A disk of so many bytes; its file system takes some of them. `None`, with the reason printed,
    /// where tests may not mount.
    pub fn new(bytes: u64) -> Option<LoopDisk> {
        if !as_root("a loop mount") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (mounted, image) = (folder.path().join("disk"), folder.path().join("image"));
        fs::create_dir(&mounted).unwrap();
        File::create(&image).unwrap().set_len(bytes).unwrap();
        system("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(&image).done();
        let disk = LoopDisk { mounted, image, repairs: 0, _folder: folder };
        if let Err(reason) = disk.mount() {
            skip("a loop mount", &reason);
            return None;
        }
        Some(disk)
    }

    fn mount(&self) -> Result<(), String> {
        let mut mount = system("mount");
        mount.args(["-o", "loop,errors=remount-ro"]).arg(&self.image).arg(&self.mounted).try_done()
    }

    /// Takes the disk away while its files are open, as a plug that is pulled does.
    pub fn take_away(&self) {
        system("umount").arg("-l").arg(&self.mounted).done();
    }

    /// Puts the same disk back. Not its image anew: that would be two file systems on one.
    pub fn give_back(&self) {
        let found = system("losetup").args(["-n", "-O", "NAME", "-j"]).arg(&self.image).output().unwrap();
        let device = String::from_utf8(found.stdout).unwrap().trim().to_owned();
        if device.is_empty() {
            self.mount().unwrap();
        } else {
            system("mount").args(["-o", "errors=remount-ro"]).arg(device).arg(&self.mounted).done();
        }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.mounted
    }

    /// Bytes that a file could still take.
    pub fn free_bytes(&self) -> u64 {
        let statistics = statvfs(&self.mounted).unwrap();
        statistics.f_bavail * statistics.f_frsize
    }

    fn ballast(&self) -> PathBuf {
        self.mounted.join("ballast")
    }

    /// Takes room away until at most `leave` bytes are free.
    pub fn fill(&self, leave: u64) {
        let file = OpenOptions::new().create(true).append(true).open(self.ballast()).unwrap();
        let mut step = u64::MAX;
        // Each round asks for what is left; the file system needs some of it for itself.
        while step > 0 {
            step = step.min(self.free_bytes().saturating_sub(leave));
            let end = file.metadata().unwrap().len();
            if step > 0 && fallocate(&file, FallocateFlags::empty(), end, step).is_err() {
                step /= 2;
            }
        }
    }

    /// Gives back what [`LoopDisk::fill`] took.
    pub fn free(&self) {
        fs::remove_file(self.ballast()).unwrap();
        // Blocks are free when the removal is in the journal.
        syncfs(File::open(&self.mounted).unwrap()).unwrap();
    }

    /// The file system finds an error in itself and turns read-only, also for files that are open.
    pub fn fail(&self) {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let place = self.mounted.to_str().unwrap();
        let line = mounts.lines().find(|line| line.split(' ').nth(1) == Some(place)).unwrap();
        let device = Path::new(line.split(' ').next().unwrap()).file_name().unwrap();
        let trigger = Path::new("/sys/fs/ext4").join(device).join("trigger_fs_error");
        fs::write(trigger, "a test").unwrap();
    }

    /// What an operator does then: a checked file system with what was on the disk, in the same
    /// place. Files that are open stay with the broken one: a file system that turned read-only by an
    /// error is never written again (Linux 6.14 and newer refuse to).
    pub fn repair(&mut self) {
        self.repairs += 1;
        let copy = self.image.with_extension(self.repairs.to_string());
        fs::copy(&self.image, &copy).unwrap();
        // 1: there was something to correct.
        system("e2fsck").args(["-f", "-y"]).arg(&copy).done_with(&[0, 1]);
        self.image = copy;
        // Over the broken one, so that there is no moment without a disk in this place: who looked
        // then would begin a new folder below the mount.
        self.mount().unwrap();
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        for _ in 0..=self.repairs {
            let unmounted = system("umount").arg(&self.mounted).try_done();
            if unmounted.is_err() {
                let _ = system("umount").arg("-l").arg(&self.mounted).try_done();
            }
        }
    }
}
