//! Which number stands for which file behind, and what was written since the last sync.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use fuser::Errno;

/// The number of the root, as FUSE has it.
const ROOT: u64 = 1;

pub struct Files {
    paths: HashMap<u64, PathBuf>,
    numbers: HashMap<PathBuf, u64>,
    open: HashMap<u64, Open>,
    /// By the file's number, the oldest first.
    unsynced: HashMap<u64, Vec<Before>>,
    last_number: u64,
    last_handle: u64,
}

#[derive(Clone)]
pub struct Open {
    pub number: u64,
    pub file: Arc<File>,
}

/// What a place held before it was changed.
struct Before {
    length: u64,
    offset: u64,
    bytes: Vec<u8>,
}

impl Files {
    pub fn below(root: &Path) -> Files {
        Files {
            paths: HashMap::from([(ROOT, root.to_owned())]),
            numbers: HashMap::from([(root.to_owned(), ROOT)]),
            open: HashMap::new(),
            unsynced: HashMap::new(),
            last_number: ROOT,
            last_handle: 0,
        }
    }

    pub fn path(&self, number: u64) -> io::Result<PathBuf> {
        self.paths.get(&number).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The number of a path, the same as long as something is there.
    pub fn number(&mut self, path: &Path) -> u64 {
        if let Some(number) = self.numbers.get(path) {
            return *number;
        }
        self.last_number += 1;
        self.paths.insert(self.last_number, path.to_owned());
        self.numbers.insert(path.to_owned(), self.last_number);
        self.last_number
    }

    /// Nothing is at this path any more; who has it open keeps it.
    pub fn forget(&mut self, path: &Path) {
        if let Some(number) = self.numbers.remove(path) {
            self.paths.remove(&number);
        }
    }

    /// What was below `from` is below `to` now.
    pub fn moved(&mut self, from: &Path, to: &Path) {
        self.forget(to);
        let below: Vec<PathBuf> =
            self.numbers.keys().filter(|path| path.starts_with(from)).cloned().collect();
        for path in below {
            let rest = path.strip_prefix(from).unwrap();
            let new = if rest.as_os_str().is_empty() { to.to_owned() } else { to.join(rest) };
            let number = self.numbers.remove(&path).unwrap();
            self.paths.insert(number, new.clone());
            self.numbers.insert(new, number);
        }
    }

    pub fn opened(&mut self, number: u64, file: File) -> u64 {
        self.last_handle += 1;
        self.open.insert(self.last_handle, Open { number, file: Arc::new(file) });
        self.last_handle
    }

    pub fn handle(&self, handle: u64) -> io::Result<Open> {
        self.open.get(&handle).cloned().ok_or_else(|| io::Error::from_raw_os_error(Errno::EBADF.code()))
    }

    pub fn closed(&mut self, handle: u64) {
        self.open.remove(&handle);
    }

    /// Any open file of that number: for one that is unlinked and open.
    pub fn any_open(&self, number: u64) -> Option<Arc<File>> {
        self.open.values().find(|open| open.number == number).map(|open| open.file.clone())
    }

    /// Keeps what `length` bytes at `offset` are before they change.
    pub fn will_change(&mut self, number: u64, file: &File, offset: u64, length: usize) -> io::Result<()> {
        let size = file.metadata()?.len();
        let there = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX).min(length);
        let mut bytes = vec![0; there];
        file.read_exact_at(&mut bytes, offset)?;
        self.unsynced.entry(number).or_default().push(Before { length: size, offset, bytes });
        Ok(())
    }

    /// All of it is on the disk.
    pub fn synced(&mut self, number: u64) {
        self.unsynced.remove(&number);
    }

    /// All of it is gone.
    pub fn lose(&mut self, number: u64, file: &File) -> io::Result<()> {
        for before in self.unsynced.remove(&number).unwrap_or_default().iter().rev() {
            file.set_len(before.length)?;
            file.write_all_at(&before.bytes, before.offset)?;
        }
        Ok(())
    }

    /// Names in a folder with their numbers, `.` and `..` first.
    pub fn list(&mut self, number: u64) -> io::Result<Vec<(u64, fs::FileType, PathBuf)>> {
        let path = self.path(number)?;
        let kind = fs::metadata(&path)?.file_type();
        let mut names = vec![(number, kind, ".".into()), (number, kind, "..".into())];
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            names.push((self.number(&entry.path()), entry.file_type()?, entry.file_name().into()));
        }
        Ok(names)
    }
}
