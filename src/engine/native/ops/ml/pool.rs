//! Buffers that outlive a run: an operator is shared by all sessions and has no place of its own to
//! keep them.

use std::sync::Mutex;

/// As many buffers as ran at the same time at most.
pub(super) struct Pool<T>(Mutex<Vec<T>>);

impl<T: Default> Pool<T> {
    pub(super) fn new() -> Self {
        Pool(Mutex::new(vec![]))
    }

    /// Lends a buffer; what is in it is left from another run.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let free = || self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let taken = free().pop();
        let mut buffer = taken.unwrap_or_default();
        let result = f(&mut buffer);
        free().push(buffer);
        result
    }
}
