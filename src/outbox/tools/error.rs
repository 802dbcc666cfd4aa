//! What can go wrong with a tool, in words that say what to do.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::stored::FORMAT;
use crate::{LockError, store::OpenError};

#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    #[error("there is no outbox in {}", .0.display())]
    NoOutbox(PathBuf),
    #[error(
        "no segment of the outbox in {} has a readable head ({files}): a daemon that starts sets them aside \
         and begins anew",
        dir.display()
    )]
    Unreadable { dir: PathBuf, files: String },
    #[error("the outbox in {}: {source}", dir.display())]
    Open {
        dir: PathBuf,
        #[source]
        source: OpenError,
    },
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("can't {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the outbox in {} changes faster than it can be read: try again", .0.display())]
    Restless(PathBuf),
    #[error("no class `{name}` in this outbox; there are: {}", known.join(", "))]
    NoClass { name: String, known: Vec<String> },
    #[error("no pipeline `{name}` in this outbox; there are: {}", known.join(", "))]
    NoPipeline { name: String, known: Vec<String> },
    #[error("class `input` holds inputs that are still to be scored here, not results to carry away")]
    Inputs,
    #[error("{} is there already: an exported file is never overwritten", .0.display())]
    Exists(PathBuf),
    #[error("{} is not an exported backlog: {why}", path.display())]
    NotABacklog { path: PathBuf, why: &'static str },
    #[error(
        "{} has format {found}, this edgeward reads {FORMAT}: import it with the newer edgeward that wrote it",
        path.display()
    )]
    NewerBacklog { path: PathBuf, found: u32 },
    #[error("{} is damaged ({why}): nothing of it was imported; copy it again", path.display())]
    DamagedBacklog { path: PathBuf, why: String },
    #[error("{} was imported before: its {records} records are not taken on twice", path.display())]
    ImportedBefore { path: PathBuf, records: u64 },
    #[error(
        "{records} records of {} are still pending in this same outbox: it was exported with --keep",
        path.display()
    )]
    StillHere { path: PathBuf, records: u64 },
    #[error(
        "no room for {}: it takes about {needed} bytes and {left} are left of `outbox.max_bytes` = {max}; \
         {taken} of {records} records were taken on. Raise it, or let the backlog be delivered, and import again",
        path.display()
    )]
    NoRoom { path: PathBuf, needed: u64, left: u64, max: u64, taken: u64, records: u64 },
}

impl ToolError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl Fn(io::Error) -> ToolError + use<> {
        let path = path.to_owned();
        move |source| ToolError::Io { action, path: path.clone(), source }
    }
}
