//! A fault: key path, value, reason, where it was set, and a nearby name when a key looks misspelt.

use std::{cell::RefCell, collections::BTreeSet, fmt};

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

/// Collects faults and warnings, and the keys that were asked for, while a tree is walked.
#[derive(Debug, Default)]
pub struct Faults {
    faults: RefCell<Vec<Fault>>,
    warnings: RefCell<Vec<Fault>>,
    known: RefCell<BTreeSet<String>>,
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
        self.faults.into_inner()
    }

    /// Every key path that was asked for, with `<name>` for a table's own names: what the
    /// configuration reference must describe.
    pub fn known_keys(&self) -> Vec<String> {
        self.known.borrow().iter().cloned().collect()
    }

    /// What only looks right, in the order it was found.
    pub fn warnings(&self) -> Vec<Fault> {
        self.warnings.borrow().clone()
    }

    pub(super) fn warn(&self, warning: Fault) {
        self.warnings.borrow_mut().push(warning);
    }

    pub(super) fn note_known(&self, pattern: String) {
        self.known.borrow_mut().insert(pattern);
    }
}
