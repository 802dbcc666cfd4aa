//! A disk in memory that can die at every operation, and then be found in any state that a real
//! one may be in: what was synced is there; of what was not, any part. For tests and fuzz targets.
#![allow(clippy::unwrap_used, dead_code)]

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::store::disk::{Disk, DiskFile};

/// Sectors are written whole or not at all.
pub const SECTOR_BYTES: u64 = 512;

#[derive(Debug, Clone, Default)]
struct FileState {
    durable: Vec<u8>,
    /// Writes since the last sync: offset and bytes.
    unsynced: Vec<(u64, Vec<u8>)>,
    /// Its length as set, written or not: synced, and now.
    sized: (u64, u64),
}

impl FileState {
    fn current(&self) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for (offset, data) in &self.unsynced {
            put(&mut bytes, *offset, data);
        }
        bytes
    }
}

fn put(bytes: &mut Vec<u8>, offset: u64, data: &[u8]) {
    let (begin, end) = (offset as usize, offset as usize + data.len());
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[begin..end].copy_from_slice(data);
}

/// A change of names since the last sync of the folder.
#[derive(Debug, Clone)]
enum NameChange {
    Create(String, usize),
    Remove(String),
    Rename(String, String),
}

#[derive(Debug, Default)]
struct Inner {
    files: HashMap<usize, FileState>,
    next_id: usize,
    durable_names: BTreeMap<String, usize>,
    names: BTreeMap<String, usize>,
    unsynced_names: Vec<NameChange>,
    operations: u64,
    die_at: Option<u64>,
    dead: bool,
    /// Syncs return and do nothing.
    lying: bool,
    free_bytes: u64,
    /// Fails from the operation of this number on, with one of these errors each.
    fail: (u64, Vec<io::ErrorKind>),
    /// Lets so many syncs of files pass, then fails so many, with this error.
    failing_syncs: (u64, u64),
    failing_with: Option<io::ErrorKind>,
}

impl Inner {
    /// Counts an operation that changes something; an error when it is the last one.
    fn operation(&mut self) -> io::Result<()> {
        self.operations += 1;
        if self.dead || self.die_at == Some(self.operations) {
            self.dead = true;
            return Err(io::Error::other("the power is off"));
        }
        let (first, kinds) = &self.fail;
        let at = self.operations.checked_sub(*first).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| kinds.get(at)).map_or(Ok(()), |kind| Err((*kind).into()))
    }

    fn used_bytes(&self) -> u64 {
        self.names.values().map(|id| self.files[id].current().len() as u64).sum()
    }
}

/// Which parts of what was not synced are found after the crash: one choice for each.
pub trait Choose {
    /// Of an unsynced change of names: whether it is there.
    fn name(&mut self) -> bool;
    /// Of an unsynced write of so many sectors: which are there, from and to.
    fn sectors(&mut self, count: u64) -> (u64, u64);
}

/// The disk; clones share it.
#[derive(Debug, Clone, Default)]
pub struct FaultyDisk {
    inner: Arc<Mutex<Inner>>,
}

impl FaultyDisk {
    pub fn new(free_bytes: u64) -> Self {
        let disk = FaultyDisk::default();
        disk.lock().free_bytes = free_bytes;
        disk
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Dies at the operation of this number, counted from 1.
    pub fn die_at(&self, operation: u64) {
        self.lock().die_at = Some(operation);
    }

    pub fn is_dead(&self) -> bool {
        self.lock().dead
    }

    pub fn lie(&self) {
        self.lock().lying = true;
    }

    /// Fails the operation after so many more.
    pub fn fail_in(&self, more: u64, kind: io::ErrorKind) {
        self.fail_for(more, 1, kind);
    }

    /// Fails `count` operations, the first of them after so many more.
    pub fn fail_for(&self, more: u64, count: u64, kind: io::ErrorKind) {
        self.fail_with(more, (0..count).map(|_| kind).collect());
    }

    /// Fails one operation for each error, the first of them after so many more.
    pub fn fail_with(&self, more: u64, kinds: Vec<io::ErrorKind>) {
        let mut inner = self.lock();
        inner.fail = (inner.operations + more, kinds);
    }

    /// Fails `count` syncs of files after `more`, and nothing else.
    pub fn fail_syncs(&self, more: u64, count: u64) {
        self.fail_syncs_for(more, count, io::ErrorKind::Other);
    }

    /// As [`FaultyDisk::fail_syncs`], for this reason.
    pub fn fail_syncs_for(&self, more: u64, count: u64, kind: io::ErrorKind) {
        let mut inner = self.lock();
        (inner.failing_syncs, inner.failing_with) = ((more, count), Some(kind));
    }

    /// Puts a file there, durably.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut inner = self.lock();
        let id = inner.next_id;
        inner.next_id += 1;
        let sized = bytes.len() as u64;
        let file = FileState { durable: bytes, unsynced: Vec::new(), sized: (sized, sized) };
        inner.files.insert(id, file);
        inner.names.insert(name.to_owned(), id);
        inner.durable_names = inner.names.clone();
    }

    pub fn set_free_bytes(&self, bytes: u64) {
        self.lock().free_bytes = bytes;
    }

    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    pub fn used_bytes(&self) -> u64 {
        self.lock().used_bytes()
    }

    /// Flips a bit of a file, durably.
    pub fn flip(&self, name: &str, at: usize) {
        let mut inner = self.lock();
        let id = inner.names[name];
        inner.files.get_mut(&id).unwrap().durable[at] ^= 1;
    }

    pub fn durable_len(&self, name: &str) -> usize {
        let inner = self.lock();
        inner.files[&inner.names[name]].durable.len()
    }

    /// How many choices a crash now leaves open.
    pub fn open_choices(&self) -> usize {
        let inner = self.lock();
        let sized = |file: &FileState| usize::from(file.sized.0 != file.sized.1);
        let writes: usize = inner.files.values().map(|file| file.unsynced.len() + sized(file)).sum();
        inner.unsynced_names.len() + writes
    }

    /// The disk as it is found after a crash now, as `choose` has it.
    pub fn crashed(&self, choose: &mut dyn Choose) -> FaultyDisk {
        let inner = self.lock();
        let mut names = inner.durable_names.clone();
        for change in &inner.unsynced_names {
            if !choose.name() {
                continue;
            }
            match change {
                NameChange::Create(name, id) => {
                    names.insert(name.clone(), *id);
                }
                NameChange::Remove(name) => {
                    names.remove(name);
                }
                NameChange::Rename(from, to) => {
                    if let Some(id) = names.remove(from) {
                        names.insert(to.clone(), id);
                    }
                }
            }
        }
        let mut files = HashMap::new();
        let mut ids: Vec<_> = inner.files.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            let file = &inner.files[&id];
            let mut found = file.durable.clone();
            for (offset, data) in &file.unsynced {
                let first = offset / SECTOR_BYTES;
                let last = (offset + data.len() as u64).div_ceil(SECTOR_BYTES);
                let (from, to) = choose.sectors(last - first);
                let begin = ((first + from) * SECTOR_BYTES).max(*offset);
                let end = ((first + to) * SECTOR_BYTES).min(offset + data.len() as u64);
                if begin < end {
                    put(&mut found, begin, &data[(begin - offset) as usize..(end - offset) as usize]);
                }
            }
            // As much in doubt as a write.
            let sized =
                if file.sized.0 == file.sized.1 || choose.name() { file.sized.1 } else { file.sized.0 };
            files.insert(id, FileState { durable: found, unsynced: Vec::new(), sized: (sized, sized) });
        }
        let crashed = FaultyDisk::new(inner.free_bytes);
        {
            let mut after = crashed.lock();
            after.next_id = inner.next_id;
            after.files = files;
            after.durable_names = names.clone();
            after.names = names;
        }
        crashed
    }
}

#[derive(Debug)]
struct Handle {
    disk: FaultyDisk,
    id: usize,
}

impl Disk for FaultyDisk {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let inner = self.lock();
        let len = |id: &usize| (inner.files[id].current().len() as u64).max(inner.files[id].sized.1);
        Ok(inner.names.iter().map(|(name, id)| (name.clone(), len(id))).collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut inner = self.lock();
        inner.operation()?;
        if inner.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = inner.next_id;
        inner.next_id += 1;
        inner.files.insert(id, FileState::default());
        inner.names.insert(name.to_owned(), id);
        inner.unsynced_names.push(NameChange::Create(name.to_owned(), id));
        Ok(Arc::new(Handle { disk: self.clone(), id }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let id = *self.lock().names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(Handle { disk: self.clone(), id }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut inner = self.lock();
        inner.operation()?;
        let id = inner.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        inner.names.insert(to.to_owned(), id);
        inner.unsynced_names.push(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut inner = self.lock();
        inner.operation()?;
        inner.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
        inner.unsynced_names.push(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut inner = self.lock();
        inner.operation()?;
        if !inner.lying {
            inner.durable_names = inner.names.clone();
            inner.unsynced_names.clear();
        }
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let inner = self.lock();
        Ok(inner.free_bytes.saturating_sub(inner.used_bytes()))
    }
}

impl DiskFile for Handle {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut inner = self.disk.lock();
        // Dying in a write: the write itself is one of the things in doubt.
        let died = inner.operation();
        let was_dead = inner.dead && inner.die_at != Some(inner.operations);
        if was_dead {
            return died;
        }
        let file = inner.files.get_mut(&self.id).unwrap();
        let grown = (offset + bytes.len() as u64).saturating_sub(file.current().len() as u64);
        if died.is_ok() && inner.used_bytes() + grown > inner.free_bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = inner.files.get_mut(&self.id).unwrap();
        file.unsynced.push((offset, bytes.to_vec()));
        died
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut inner = self.disk.lock();
        inner.operation()?;
        inner.files.get_mut(&self.id).unwrap().sized.1 = bytes;
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let file = self.disk.lock().files[&self.id].clone();
        let mut current = file.current();
        current.resize(current.len().max(file.sized.1 as usize), 0);
        let from = current.get(offset as usize..).unwrap_or_default();
        let count = from.len().min(buffer.len());
        buffer[..count].copy_from_slice(&from[..count]);
        Ok(count)
    }

    fn sync(&self) -> io::Result<()> {
        let mut inner = self.disk.lock();
        let sync = match inner.failing_syncs {
            (0, 0) => Ok(()),
            (0, left) => {
                inner.failing_syncs = (0, left - 1);
                Err(inner.failing_with.unwrap_or(io::ErrorKind::Other).into())
            }
            (more, count) => {
                inner.failing_syncs = (more - 1, count);
                Ok(())
            }
        };
        if let Err(error) = inner.operation().and(sync) {
            // Linux marks the pages clean: what they held is gone, and the next sync succeeds.
            if !inner.dead {
                inner.files.get_mut(&self.id).unwrap().unsynced.clear();
            }
            return Err(error);
        }
        if !inner.lying {
            let file = inner.files.get_mut(&self.id).unwrap();
            file.durable = file.current();
            file.unsynced.clear();
            file.sized.0 = file.sized.1;
        }
        Ok(())
    }
}
