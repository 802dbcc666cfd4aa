//! The file system's operations: each meets its fault or is passed on to the folder behind.

use std::{
    ffi::OsStr,
    fs::{self, Metadata, OpenOptions, Permissions},
    io,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::{Duration, SystemTime},
};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use rustix::fs::{FallocateFlags, fallocate, statvfs};

use super::{
    faults::{Faults, On, What},
    files::Files,
};

/// The kernel keeps nothing that it was told.
const TTL: Duration = Duration::ZERO;
const GENERATION: Generation = Generation(0);

pub struct Passing {
    files: Mutex<Files>,
    faults: Arc<Faults>,
}

impl Passing {
    pub fn new(behind: &Path, faults: Arc<Faults>) -> Passing {
        Passing { files: Mutex::new(Files::below(behind)), faults }
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap()
    }

    fn path(&self, parent: INodeNo, name: &OsStr) -> io::Result<PathBuf> {
        Ok(self.files().path(parent.0)?.join(name))
    }

    /// Waits or fails as told; what else a fault does is left to the operation.
    fn meet(&self, on: On) -> io::Result<Option<What>> {
        match self.faults.meet(on) {
            Some(What::Fail(error)) => Err(io::Error::from_raw_os_error(error.code())),
            Some(What::Slow(duration)) => {
                // This is the device: it is that slow.
                thread::sleep(duration);
                Ok(None)
            }
            other => Ok(other),
        }
    }

    fn attributes(&self, path: &Path) -> io::Result<FileAttr> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(attributes(self.files().number(path), &metadata))
    }

    fn do_create(&self, path: &Path, mode: u32) -> io::Result<(FileAttr, u64)> {
        self.meet(On::Create)?;
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(mode).open(path)?;
        let attributes = self.attributes(path)?;
        Ok((attributes, self.files().opened(attributes.ino.0, file)))
    }

    fn do_open(&self, number: u64) -> io::Result<u64> {
        self.meet(On::Open)?;
        let path = self.files().path(number)?;
        // Appending is the kernel's business: it tells each write its place.
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(self.files().opened(number, file))
    }

    fn do_read(&self, handle: FileHandle, offset: u64, size: u32) -> io::Result<Vec<u8>> {
        self.meet(On::Read)?;
        let open = self.files().handle(handle.0)?;
        let mut bytes = vec![0; size as usize];
        let mut read = 0;
        while read < bytes.len() {
            match open.file.read_at(&mut bytes[read..], offset + read as u64)? {
                0 => break,
                more => read += more,
            }
        }
        bytes.truncate(read);
        Ok(bytes)
    }

    fn do_write(&self, handle: FileHandle, offset: u64, data: &[u8]) -> io::Result<u32> {
        let fault = self.meet(On::Write)?;
        let mut files = self.files();
        let open = files.handle(handle.0)?;
        let whole = match fault {
            Some(What::Tear(keep)) => &data[..keep.min(data.len())],
            _ => data,
        };
        files.will_change(open.number, &open.file, offset, whole.len())?;
        open.file.write_all_at(whole, offset)?;
        self.faults.count_written(whole.len());
        match fault {
            Some(What::Tear(_)) => Err(io::Error::from_raw_os_error(Errno::EIO.code())),
            _ => Ok(data.len() as u32),
        }
    }

    fn do_sync(&self, handle: FileHandle) -> io::Result<()> {
        let fault = self.meet(On::Sync)?;
        let mut files = self.files();
        let open = files.handle(handle.0)?;
        if let Some(What::Lose) = fault {
            files.lose(open.number, &open.file)?;
            return Err(io::Error::from_raw_os_error(Errno::EIO.code()));
        }
        files.synced(open.number);
        Ok(())
    }

    fn do_allocate(&self, handle: FileHandle, offset: u64, length: u64, mode: i32) -> io::Result<()> {
        self.meet(On::Allocate)?;
        let mut files = self.files();
        let open = files.handle(handle.0)?;
        files.will_change(open.number, &open.file, offset, 0)?;
        let mode = FallocateFlags::from_bits_retain(mode.cast_unsigned());
        Ok(fallocate(&open.file, mode, offset, length)?)
    }

    fn do_truncate(&self, number: u64, handle: Option<FileHandle>, size: u64) -> io::Result<()> {
        self.meet(On::Truncate)?;
        let mut files = self.files();
        let file = match handle {
            Some(handle) => files.handle(handle.0)?.file,
            None => Arc::new(OpenOptions::new().read(true).write(true).open(files.path(number)?)?),
        };
        files.will_change(number, &file, size, usize::MAX)?;
        file.set_len(size)
    }

    fn do_getattr(&self, number: u64) -> io::Result<FileAttr> {
        let (path, open) = {
            let files = self.files();
            (files.path(number), files.any_open(number))
        };
        let metadata = match (path, open) {
            (Ok(path), _) => fs::symlink_metadata(path)?,
            (Err(_), Some(file)) => file.metadata()?,
            (Err(gone), None) => return Err(gone),
        };
        Ok(attributes(number, &metadata))
    }

    fn do_rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.meet(On::Rename)?;
        let mut files = self.files();
        fs::rename(from, to)?;
        files.moved(from, to);
        Ok(())
    }

    fn do_remove(&self, path: &Path, remove: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        self.meet(On::Unlink)?;
        let mut files = self.files();
        remove(path)?;
        files.forget(path);
        Ok(())
    }
}

fn attributes(number: u64, metadata: &Metadata) -> FileAttr {
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(metadata.ctime().max(0).cast_unsigned());
    FileAttr {
        ino: INodeNo(number),
        size: metadata.len(),
        blocks: metadata.blocks(),
        atime: metadata.accessed().unwrap_or(changed),
        mtime: metadata.modified().unwrap_or(changed),
        ctime: changed,
        crtime: changed,
        kind: FileType::from_std(metadata.file_type()).unwrap(),
        perm: (metadata.mode() & 0o7777) as u16,
        nlink: metadata.nlink() as u32,
        uid: metadata.uid(),
        gid: metadata.gid(),
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

fn answer(reply: ReplyEmpty, done: io::Result<()>) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error.into()),
    }
}

impl Filesystem for Passing {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.path(parent, name).and_then(|path| self.attributes(&path)) {
            Ok(attributes) => reply.entry(&TTL, &attributes, GENERATION),
            Err(error) => reply.error(error.into()),
        }
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.do_getattr(number.0) {
            Ok(attributes) => reply.attr(&TTL, &attributes),
            Err(error) => reply.error(error.into()),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        number: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        handle: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let set = || {
            if let Some(mode) = mode {
                let path = self.files().path(number.0)?;
                fs::set_permissions(path, Permissions::from_mode(mode & 0o7777))?;
            }
            if let Some(size) = size {
                self.do_truncate(number.0, handle, size)?;
            }
            self.do_getattr(number.0)
        };
        match set() {
            Ok(attributes) => reply.attr(&TTL, &attributes),
            Err(error) => reply.error(error.into()),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, reply: ReplyEntry) {
        let make = || {
            self.meet(On::Create)?;
            let path = self.path(parent, name)?;
            fs::create_dir(&path)?;
            fs::set_permissions(&path, Permissions::from_mode(mode & !umask & 0o7777))?;
            self.attributes(&path)
        };
        match make() {
            Ok(attributes) => reply.entry(&TTL, &attributes, GENERATION),
            Err(error) => reply.error(error.into()),
        }
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        match self.path(parent, name).and_then(|path| self.do_create(&path, mode & !umask & 0o7777)) {
            Ok((attributes, handle)) => {
                let flags = FopenFlags::FOPEN_DIRECT_IO;
                reply.created(&TTL, &attributes, GENERATION, FileHandle(handle), flags);
            }
            Err(error) => reply.error(error.into()),
        }
    }

    fn open(&self, _: &Request, number: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.do_open(number.0) {
            Ok(handle) => reply.opened(FileHandle(handle), FopenFlags::FOPEN_DIRECT_IO),
            Err(error) => reply.error(error.into()),
        }
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.do_read(handle, offset, size) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error.into()),
        }
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.do_write(handle, offset, data) {
            Ok(written) => reply.written(written),
            Err(error) => reply.error(error.into()),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.files().closed(handle.0);
        reply.ok();
    }

    fn fsync(&self, _: &Request, _: INodeNo, handle: FileHandle, _: bool, reply: ReplyEmpty) {
        answer(reply, self.do_sync(handle));
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer(reply, self.meet(On::SyncDir).map(|_| ()));
    }

    fn fallocate(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        answer(reply, self.do_allocate(handle, offset, length, mode));
    }

    fn readdir(&self, _: &Request, number: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        match self.files().list(number.0) {
            Ok(names) => {
                for (place, (number, kind, name)) in names.into_iter().enumerate().skip(offset as usize) {
                    let kind = FileType::from_std(kind).unwrap();
                    if reply.add(INodeNo(number), place as u64 + 1, kind, name) {
                        break;
                    }
                }
                reply.ok();
            }
            Err(error) => reply.error(error.into()),
        }
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let paths = || Ok((self.path(parent, name)?, self.path(new_parent, new_name)?));
        answer(reply, paths().and_then(|(from, to)| self.do_rename(&from, &to)));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let path = self.path(parent, name);
        answer(reply, path.and_then(|path| self.do_remove(&path, |path| fs::remove_file(path))));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let path = self.path(parent, name);
        answer(reply, path.and_then(|path| self.do_remove(&path, |path| fs::remove_dir(path))));
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let behind = self.files().path(1).and_then(|path| Ok(statvfs(&path)?));
        match behind {
            Ok(s) => {
                let free = |blocks: u64| match self.faults.told_free_bytes() {
                    Some(bytes) => bytes / s.f_frsize,
                    None => blocks,
                };
                let (size, unit) = (s.f_bsize as u32, s.f_frsize as u32);
                let (free, available) = (free(s.f_bfree), free(s.f_bavail));
                reply.statfs(s.f_blocks, free, available, s.f_files, s.f_ffree, size, 255, unit);
            }
            Err(error) => reply.error(error.into()),
        }
    }
}
