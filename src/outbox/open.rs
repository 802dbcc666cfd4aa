//! Opening an outbox for writing, and ending it.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Instant,
};

use super::{
    handle::{Inner, Outbox},
    lock::{Lock, LockError},
    store::{Fresh, OpenError, Recovery, Store, StoreOptions, disk::Folder},
    writer::{Writer, WriterOptions},
};
use crate::settings::OutboxSettings;
use edgeward_core::crypto;

/// Why an outbox can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("the outbox in {}: {source}", dir.display())]
    Open {
        dir: PathBuf,
        #[source]
        source: OpenError,
    },
    #[error("the system gave no random numbers: {0}")]
    NoRandomness(std::io::Error),
    #[error("the system gave no thread: {0}; raise its limits (`ulimit -u`)")]
    NoThread(std::io::Error),
}

/// The store's options as configured.
pub fn store_options(config: &OutboxSettings) -> StoreOptions {
    StoreOptions {
        max_bytes: config.max_bytes,
        min_free_bytes: config.min_free_bytes,
        segment_bytes: config.segment_bytes,
        durability: config.durability,
        compress: config.compress,
        keep_delivered_ms: u64::try_from(config.keep_delivered.as_millis()).unwrap_or(u64::MAX),
        classes: config.classes.iter().map(|class| (class.name.clone(), class.policy.clone())).collect(),
        ..StoreOptions::default()
    }
}

/// The writer's thread, with the lock.
#[derive(Debug)]
pub struct OutboxThread {
    thread: JoinHandle<()>,
    _lock: Lock,
}

/// Opens the outbox and starts its writer.
///
/// # Errors
/// [`OutboxError`]: in use, not ours to write, of a newer format. Damage is none of them: it is
/// counted, told in [`Recovery`], and gone on from.
pub fn open(config: &OutboxSettings) -> Result<(Outbox, OutboxThread, Recovery), OutboxError> {
    let lock = prepare(&config.dir)?;
    let fresh = || crypto::new_epoch().map(|epoch| epoch.0).map_err(OutboxError::NoRandomness);
    let fresh = Fresh { store: fresh()?, epoch: fresh()? };
    let disk = Arc::new(Folder::new(&config.dir));
    let (store, recovery) = Store::open(disk, store_options(config), fresh)
        .map_err(|source| OutboxError::Open { dir: config.dir.clone(), source })?;
    let outbox = Outbox {
        inner: Arc::<Inner>::default(),
        shared: store.shared(),
        disk: store.disk(),
        id: store.id(),
        opened_at_ms: store.now_ms(),
        opened: Instant::now(),
    };
    let options = WriterOptions {
        classes: config.classes.clone(),
        journal_after: config.journal_after,
        max_unacked_bytes: config.max_unacked_bytes,
        durability: config.durability,
    };
    let mut writer = Writer::new(store, outbox.clone(), options);
    tell(&mut writer, &recovery);
    let end = outbox.clone();
    let thread = std::thread::Builder::new().name("outbox".into()).spawn(move || {
        let _end = End(end);
        writer.run();
    });
    let thread = thread.map_err(OutboxError::NoThread)?;
    Ok((outbox, OutboxThread { thread, _lock: lock }, recovery))
}

fn prepare(dir: &Path) -> Result<Lock, LockError> {
    let create = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    create.map_err(|source| LockError::Io { dir: dir.to_owned(), source })?;
    Lock::take(dir)
}

fn tell(writer: &mut Writer, recovery: &Recovery) {
    if recovery.torn_bytes > 0 {
        tracing::info!(
            bytes = recovery.torn_bytes,
            "the last commit was cut short; nobody was told it had been stored"
        );
    }
    if !recovery.unreadable.is_empty() {
        let files = recovery.unreadable.join(", ");
        tracing::error!(files, "files of the outbox can't be read at all and were set aside");
        writer.damaged(format!(
            "{files} can't be read and were set aside; what they held is not known: look at the disk"
        ));
    }
    if recovery.damage.is_empty() {
        return;
    }
    let records: u64 = recovery.damage.iter().map(|damage| damage.records).sum();
    let files: std::collections::BTreeSet<&str> =
        recovery.damage.iter().map(|damage| damage.file.as_str()).collect();
    let files = files.into_iter().collect::<Vec<_>>().join(", ");
    tracing::error!(records, files, "records of the outbox are missing or unreadable");
    writer.damaged(format!(
        "{records} records are missing or unreadable in {files}, counted as damaged: look at the disk"
    ));
}

/// However the writer ends, nobody waits for it any more.
struct End(Outbox);

impl Drop for End {
    fn drop(&mut self) {
        self.0.ended();
    }
}

impl OutboxThread {
    /// The writer is gone; before [`OutboxThread::close`] that is a death: nothing is stored any more.
    pub fn is_dead(&self) -> bool {
        self.thread.is_finished()
    }

    /// Writes what waits and ends the writer. Blocks for about a sync. False when it had died.
    pub fn close(self, outbox: &Outbox) -> bool {
        outbox.lock().closing = true;
        outbox.inner.wake.notify_all();
        outbox.inner.room.notify_all();
        let lived = self.thread.join().is_ok();
        if !lived {
            tracing::error!("the outbox's writer had died: what it had not stored is with the broker");
        }
        lived
    }
}
