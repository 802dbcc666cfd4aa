//! A fault: key path, value, reason, where it was set, and a nearby name when a key looks misspelt. And what is
//! known of a key that was asked for.

use std::{cell::RefCell, collections::BTreeMap, fmt, ops::RangeInclusive};

/// One thing wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The key path, such as `pipelines.press.topics[1]`; empty for the whole file.
    pub path: String,
    /// The value as it was written, when there is one to show. Never a secret.
    pub value: Option<String>,
    pub reason: String,
    /// Where it was set.
    pub origin: Option<String>,
    /// What the user probably meant.
    pub suggestion: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}", self.path)?;
            if let Some(value) = &self.value {
                write!(f, " = {value}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.reason)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; did you mean `{suggestion}`?")?;
        }
        if let Some(origin) = &self.origin {
            write!(f, " ({origin})")?;
        }
        Ok(())
    }
}

/// What whoever asks for a key says of it: its documentation is held to that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// As one would write it; none where it has none, or follows from something else.
    pub default: Option<String>,
    /// Of a whole number.
    pub range: Option<RangeInclusive<u64>>,
    /// The words it may be.
    pub choices: Vec<String>,
}

/// Collects faults and warnings, and the keys that were asked for, while a tree is walked.
#[derive(Debug, Default)]
pub struct Faults {
    faults: RefCell<Vec<Fault>>,
    warnings: RefCell<Vec<Fault>>,
    known: RefCell<BTreeMap<String, Known>>,
}

impl Faults {
    pub fn new() -> Self {
        Faults::default()
    }

    pub fn push(&self, fault: Fault) {
        self.faults.borrow_mut().push(fault);
    }

    pub fn is_empty(&self) -> bool {
        self.faults.borrow().is_empty()
    }

    /// The faults so far, in the order they were found.
    pub fn into_vec(self) -> Vec<Fault> {
        let known = self.known.into_inner();
        let mut faults = self.faults.into_inner();
        for fault in faults.iter_mut().filter(|fault| fault.reason == UNKNOWN && fault.suggestion.is_none()) {
            fault.suggestion = elsewhere(&fault.path, known.keys());
        }
        faults
    }

    /// Every key path that was asked for, with `<name>` for a table's own names: what the
    /// configuration reference must describe, and how.
    pub fn known_keys(&self) -> BTreeMap<String, Known> {
        self.known.borrow().clone()
    }

    /// What only looks right, in the order it was found.
    pub fn warnings(&self) -> Vec<Fault> {
        self.warnings.borrow().clone()
    }

    pub(super) fn warn(&self, warning: Fault) {
        self.warnings.borrow_mut().push(warning);
    }

    /// Notes that a key is known, and what `note` has to say of it.
    pub(super) fn note_known(&self, pattern: String, note: impl FnOnce(&mut Known)) {
        note(self.known.borrow_mut().entry(pattern).or_default());
    }
}

/// The reason of a key that nobody asked for.
pub(super) const UNKNOWN: &str = "is not a known key";

/// Where a key belongs that stands in the wrong table.
fn elsewhere<'k>(path: &str, known: impl Iterator<Item = &'k String>) -> Option<String> {
    let last = path.rsplit('.').next().filter(|last| !last.is_empty())?;
    let same = |known: &&String| known.rsplit('.').next() == Some(last);
    // The shortest: what many tables have is most likely meant of the plainest.
    known.filter(same).min_by_key(|known| known.len()).cloned()
}
