//! Two engines on the same inputs: how far apart are their answers?
//!
//! tract and our own executor share no code, so that what they agree on is very likely right. [`Pair`]
//! is an [`Engine`] that runs both and keeps count; [`parting`] finds the node where they part.

mod difference;
mod trace;

pub use difference::Difference;
pub use trace::{Parting, parting};

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Choice, Engine, Limits, LoadError, RunError, Session, Signature, load};
use crate::Tensor;

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Runs of both engines.
    pub runs: u64,
    /// Runs that one engine refused and the other didn't, with what it said.
    pub refused: Vec<String>,
    /// For each output of the model, in its order.
    pub outputs: Vec<Difference>,
}

/// Runs every input through two engines, answers as the first does, and notes how the second differs.
pub struct Pair {
    first: Arc<dyn Engine>,
    second: Arc<dyn Engine>,
    seen: Arc<Mutex<Seen>>,
}

impl Pair {
    /// Loads a model with tract and with our own executor.
    ///
    /// # Errors
    /// As [`load`], with which engine it was: the other one has nothing to be compared with.
    pub fn load(path: &Path, limits: &Limits) -> Result<Pair, (Choice, LoadError)> {
        let one = |choice| load(path, limits, choice).map_err(|error| (choice, error));
        Ok(Pair::new(one(Choice::Native)?, one(Choice::Tract)?))
    }

    pub fn new(first: Arc<dyn Engine>, second: Arc<dyn Engine>) -> Pair {
        let outputs = first.signature().outputs.iter().map(|port| Difference::new(&port.name)).collect();
        let seen = Arc::new(Mutex::new(Seen { outputs, ..Seen::default() }));
        Pair { first, second, seen }
    }

    /// What the two engines are called.
    pub fn names(&self) -> [&'static str; 2] {
        [self.first.name(), self.second.name()]
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Engine for Pair {
    fn signature(&self) -> &Signature {
        self.first.signature()
    }

    fn name(&self) -> &'static str {
        "both"
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(PairSession {
            first: self.first.session(),
            second: self.second.session(),
            names: (self.first.name(), self.second.name()),
            seen: Arc::clone(&self.seen),
        })
    }
}

struct PairSession {
    first: Box<dyn Session>,
    second: Box<dyn Session>,
    /// The engines' names.
    names: (&'static str, &'static str),
    seen: Arc<Mutex<Seen>>,
}

/// Refusals kept word for word.
const MAX_REFUSED: usize = 8;

impl Session for PairSession {
    fn run(&mut self, inputs: &[Tensor]) -> Result<&[Tensor], RunError> {
        let first = self.first.run(inputs);
        let second = self.second.run(inputs);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.runs += 1;
        let refused = match (&first, &second) {
            (Ok(first), Ok(second)) => {
                for (index, difference) in seen.outputs.iter_mut().enumerate() {
                    difference.add(&first[index], second.get(index));
                }
                None
            }
            (Ok(_), Err(error)) => Some((self.names.1, error)),
            (Err(error), Ok(_)) => Some((self.names.0, error)),
            (Err(_), Err(_)) => None,
        };
        if let Some((who, error)) = refused.filter(|_| seen.refused.len() < MAX_REFUSED) {
            let line = format!("{who} alone refuses run {}: {error}", seen.runs);
            seen.refused.push(line);
        }
        drop(seen);
        first
    }
}
