//! What is wrong with a model or a run, said by the part that found it; the node's name is added on
//! the way out.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The node, as `operator` and its name or first output; empty while nobody has said.
    pub node: String,
    /// A sentence without its subject's name: what is broken and, where it helps, what would not be.
    pub what: String,
    pub kind: FaultKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The model breaks a rule of ONNX.
    Invalid,
    /// Valid ONNX that this executor lacks.
    Unsupported,
    /// More memory or steps than allowed.
    Limit,
}

impl Fault {
    pub fn invalid(what: impl Into<String>) -> Self {
        Fault { node: String::new(), what: what.into(), kind: FaultKind::Invalid }
    }

    pub fn unsupported(what: impl Into<String>) -> Self {
        Fault { node: String::new(), what: what.into(), kind: FaultKind::Unsupported }
    }

    pub fn limit(what: impl Into<String>) -> Self {
        Fault { node: String::new(), what: what.into(), kind: FaultKind::Limit }
    }

    /// Says at which node, unless an inner one is named already.
    pub fn at(mut self, node: &str) -> Self {
        if self.node.is_empty() {
            self.node = node.into();
        }
        self
    }

    /// Says of what: `input 1 (B): is int64, must be float32`.
    pub fn about(mut self, subject: impl fmt::Display) -> Self {
        self.what = format!("{subject}: {}", self.what);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.node {
            "" => f.write_str(&self.what),
            node => write!(f, "node {node}: {}", self.what),
        }
    }
}

impl std::error::Error for Fault {}

/// A [`Fault::invalid`] from a format string.
macro_rules! fault {
    ($($arg:tt)*) => { $crate::native::fault::Fault::invalid(format!($($arg)*)) };
}
pub(crate) use fault;
