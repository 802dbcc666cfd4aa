//! What can be said about a model, whether it runs here or not.

use std::path::Path;

use serde::Serialize;

use super::{Dim, Limits, LoadError, Port, tract};

/// A model, described. Numbers are for one row where the model takes rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Bytes of the model file.
    pub file_bytes: u64,
    /// The program that wrote it, with its version, as it says.
    pub producer: String,
    pub ir_version: i64,
    pub opsets: Vec<Opset>,
    pub inputs: Vec<PortReport>,
    pub outputs: Vec<PortReport>,
    /// Nodes in the file by operator, most frequent first; subgraphs included.
    pub operators: Vec<OperatorCount>,
    /// Numbers in weights, constants and trees.
    pub parameters: u64,
    pub parameter_bytes: u64,
    /// What runs it here, when it runs.
    pub running: Option<Running>,
    /// True when it will run on this machine.
    pub runs_here: bool,
    /// What stops it, when operators do: each with its nodes and what to do.
    pub missing: Vec<MissingOperator>,
    /// What else stops it.
    pub fault: Option<String>,
}

/// An operator set the model imports; the empty domain is ONNX's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Opset {
    pub domain: String,
    pub version: i64,
}

/// An input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortReport {
    pub name: String,
    pub element: &'static str,
    pub dims: Vec<DimReport>,
}

/// A dimension: a number, or the name of a free one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum DimReport {
    Fixed(usize),
    Free(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperatorCount {
    pub name: String,
    pub count: usize,
}

/// How a model runs here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Running {
    /// Rows of several messages can be scored in one run.
    pub batches: bool,
    /// Multiplications with addition a row. Trees have none.
    pub multiply_adds: u64,
    /// Weights, and the most that inner values take at one time for one row.
    pub memory_bytes: u64,
}

/// An operator the engine lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingOperator {
    pub operator: String,
    pub nodes: Vec<String>,
    pub advice: String,
}

/// Describes a model. One that can't run is described from its file, with what stops it.
///
/// # Errors
/// [`LoadError`] only when the file itself can't be read: not there, too large, not ONNX, or
/// with external data that isn't in order.
pub fn inspect(path: &Path, limits: &Limits) -> Result<Report, LoadError> {
    tract::inspect(path, limits)
}

impl From<&Port> for PortReport {
    fn from(port: &Port) -> Self {
        let dims = port.dims.iter().map(|dim| match dim {
            Dim::Fixed(n) => DimReport::Fixed(*n),
            free => DimReport::Free(free.to_string()),
        });
        PortReport { name: port.name.clone(), element: port.element.name(), dims: dims.collect() }
    }
}
