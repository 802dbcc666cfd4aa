//! When tract fails at what our own executor answers: our own runs the model from then on.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use bytes::Bytes;

use crate::{
    Engine, Limits, Session,
    contain::contained,
    native,
    onnx::{file::ModelFile, model::decode},
};

/// Our own executor for a model that tract runs, loaded when it is needed.
pub(super) struct Fallback {
    path: PathBuf,
    limits: Limits,
    /// The file that tract's was made from, by its length and when it was changed: another is another model.
    stamp: Option<Stamp>,
    own: OnceLock<Option<Arc<dyn Engine>>>,
    /// tract failed once where our own did not.
    is_in_use: AtomicBool,
}

type Stamp = (u64, Option<SystemTime>);

impl Fallback {
    pub fn new(file: &ModelFile<'_>) -> Self {
        Fallback {
            path: file.path.into(),
            limits: *file.limits,
            stamp: stamp(file),
            own: OnceLock::new(),
            is_in_use: AtomicBool::new(false),
        }
    }

    pub fn is_in_use(&self) -> bool {
        self.is_in_use.load(Ordering::Relaxed)
    }

    /// From now on our own runs it.
    pub fn take_over(&self) {
        self.is_in_use.store(true, Ordering::Relaxed);
    }

    /// A session of our own, if the model is still there and can be run by it.
    pub fn session(&self) -> Option<Box<dyn Session>> {
        let load = || {
            let file = ModelFile { path: &self.path, limits: &self.limits };
            if self.stamp.is_none() || stamp(&file) != self.stamp {
                return None;
            }
            let proto = decode(Bytes::from(file.read().ok()?), &file).ok()?;
            let own = contained(&file, || native::load(proto, &file)).ok()?;
            Some(Arc::new(own) as Arc<dyn Engine>)
        };
        self.own.get_or_init(load).as_ref().map(|own| own.session())
    }
}

fn stamp(file: &ModelFile<'_>) -> Option<Stamp> {
    let metadata = fs::metadata(file.path).ok()?;
    Some((metadata.len(), metadata.modified().ok()))
}
