//! What can be said about a model, whether it runs here or not.

mod file;
mod nodes;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use bytes::Bytes;
use serde::Serialize;

use self::nodes::{Made, Types};
use super::{
    Choice, Dim, Engine, Limits, LoadError, Port, Signature, Sizes, Tensor,
    choice::{FREE_SIZES, has_classical, has_free_sizes},
    contain::contained,
    described::Description,
    evidence::Evidence,
    native,
    onnx::{file::ModelFile, model::decode, proto::ModelProto},
    operators::missing,
    sample::sized_inputs,
    tract,
};

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
    /// Shapes with the lengths that were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sized: Option<Sized>,
    /// Every node of the file: which engine and kernel runs it.
    pub nodes: Vec<NodeReport>,
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
    /// The classes that an output's columns stand for, where the model says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
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
    /// `tract`, `native`, or `dense` for a small network without branches.
    pub engine: &'static str,
    /// Why not tract, where it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Rows of several messages can be scored in one run.
    pub batches: bool,
    /// Multiplications with addition a row, where they are known: trees have none, and our own executor
    /// doesn't count them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiply_adds: Option<u64>,
    /// Weights, and the most that inner values take at one time for one row.
    pub memory_bytes: u64,
}

/// What a model takes and gives with certain lengths of its free dimensions, one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sized {
    pub inputs: Vec<(String, Vec<usize>)>,
    /// Of random numbers; empty where it doesn't answer them.
    pub outputs: Vec<(String, Vec<usize>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

impl Sized {
    /// By one run.
    fn of(engine: &dyn Engine, sizes: &Sizes) -> Sized {
        let signature = engine.signature();
        let inputs = sized_inputs(signature, 1, sizes, 0);
        let shapes = |ports: &[Port], tensors: &[Tensor]| {
            ports.iter().zip(tensors).map(|(port, of)| (port.name.clone(), of.shape.clone())).collect()
        };
        let unknown: Vec<&str> = sizes.unknown(signature).collect();
        if !unknown.is_empty() {
            let fault = Some(format!("the model has no size {}", unknown.join(", ")));
            return Sized { inputs: shapes(&signature.inputs, &inputs), outputs: vec![], fault };
        }
        let mut session = engine.session();
        let run = catch_unwind(AssertUnwindSafe(|| session.run(&inputs).map(<[Tensor]>::to_vec)));
        let (outputs, fault) = match run {
            Ok(Ok(outputs)) => (shapes(&signature.outputs, &outputs), None),
            Ok(Err(error)) => (vec![], Some(error.to_string())),
            Err(_) => (vec![], Some("the engine panicked".to_owned())),
        };
        Sized { inputs: shapes(&signature.inputs, &inputs), outputs, fault }
    }
}

/// A node of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeReport {
    pub name: String,
    pub operator: String,
    /// The version of its operator set that it follows, where our own table has the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// What runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<&'static str>,
    /// What it became there.
    pub kernel: String,
    /// What is approximated or differs from the specification, or why it can't run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub outputs: Vec<OutputReport>,
}

/// What a node makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutputReport {
    pub name: String,
    /// Its type and shape as they are inferred from the inputs': `float32[batch, 64]`, with `?` for lengths
    /// that only a run knows. Left out where nothing is known.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub ty: Option<String>,
}

/// An operator the engine lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingOperator {
    pub operator: String,
    pub nodes: Vec<String>,
    pub advice: String,
}

/// Describes a model; costs are those of one row, with these lengths of free dimensions, else with some that
/// the model takes. One that can't run is described from its file, with what stops it.
///
/// # Errors
/// [`LoadError`] only when the file itself can't be read: not there, too large, not ONNX, or
/// with external data that isn't in order.
pub fn inspect(
    path: &Path,
    limits: &Limits,
    choice: Choice,
    sizes: Option<&Sizes>,
) -> Result<Report, LoadError> {
    let file = ModelFile { path, limits };
    let bytes = Bytes::from(file.read()?);
    let proto = decode(bytes.clone(), &file)?;
    let mut report = file::facts(&proto, bytes.len() as u64);
    let classical = has_classical(&proto);
    let mut why = None;
    let free = has_free_sizes(&proto);
    if (choice == Choice::Tract || choice == Choice::Auto && !classical) && !free {
        let evidence = Evidence { choice, proto: &proto };
        let made = tract::describe(&bytes, &proto, &file);
        match made.and_then(|made| Ok((made, tract::load(&bytes, &proto, &file, &evidence)?))) {
            Ok((made, engine)) => {
                report.describe_tract(&proto, &made, &*engine, &file, sizes);
                return Ok(report);
            }
            Err(error @ LoadError::ExternalData { .. }) => return Err(error),
            Err(error) => why = Some(format!("tract: {}", reason(error))),
        }
    } else if free && choice != Choice::Native {
        why = Some(format!("tract: {FREE_SIZES}"));
    } else if classical {
        why = Some("trees, linear models and preparation run natively".into());
    }
    if choice == Choice::Tract {
        report.fault = why;
        report.nodes = nodes::nodes(&proto, &Made::Nothing, &Types::new());
        return Ok(report);
    }
    report.describe_native(&proto, why, &file, sizes);
    Ok(report)
}

/// An error without the file's name, which the report has already.
fn reason(error: LoadError) -> String {
    match error {
        LoadError::UnsupportedOperators { nodes, .. } => nodes.join("; "),
        LoadError::WithoutTract { .. } => "this build is without it".into(),
        LoadError::Unsupported { what, .. }
        | LoadError::Invalid { what, .. }
        | LoadError::OverLimit { what, .. } => what,
        other => other.to_string(),
    }
}

impl Report {
    fn ports(&mut self, signature: &Signature) {
        self.inputs = signature.inputs.iter().map(Into::into).collect();
        self.outputs = signature.outputs.iter().map(Into::into).collect();
        self.runs_here = true;
    }

    fn describe_tract(
        &mut self,
        proto: &ModelProto,
        made: &Description,
        engine: &dyn Engine,
        file: &ModelFile<'_>,
        sizes: Option<&Sizes>,
    ) {
        self.ports(&made.signature);
        self.sized = sizes.map(|sizes| Sized::of(engine, sizes));
        // Small networks run elsewhere with the same ports and the same costs.
        let engine = engine.name();
        self.running = Some(Running {
            engine,
            why: None,
            batches: made.signature.free_batch,
            multiply_adds: Some(made.multiply_adds),
            memory_bytes: self.parameter_bytes.saturating_add(made.activation_bytes),
        });
        let made = if engine == "dense" { Made::Dense } else { Made::Tract(&made.steps) };
        // Nobody's loss when our own executor can't say.
        let types = contained(file, || native::types(proto, file)).unwrap_or_default();
        self.nodes = nodes::nodes(proto, &made, &types);
    }

    fn describe_native(
        &mut self,
        proto: &ModelProto,
        why: Option<String>,
        file: &ModelFile<'_>,
        sizes: Option<&Sizes>,
    ) {
        match contained(file, || native::load(proto.clone(), file)) {
            Ok(engine) => {
                self.ports(engine.signature());
                self.sized = sizes.map(|sizes| Sized::of(&engine, sizes));
                self.running = Some(Running {
                    engine: "native",
                    why,
                    batches: engine.signature().free_batch,
                    multiply_adds: None,
                    memory_bytes: self.parameter_bytes.saturating_add(engine.activation_bytes(sizes)),
                });
                self.nodes = nodes::nodes(proto, &Made::Native(&engine.labels()), &engine.types());
            }
            Err(error) => {
                let lacks = missing(proto, &|domain, name| native::has(proto, domain, name));
                self.missing = lacks
                    .into_iter()
                    .map(|missing| MissingOperator {
                        operator: missing.operator,
                        nodes: missing.nodes,
                        advice: missing.advice,
                    })
                    .collect();
                if self.missing.is_empty() {
                    self.fault = Some(reason(error));
                }
                self.nodes = nodes::nodes(proto, &Made::Nothing, &Types::new());
            }
        }
    }
}

impl From<&Port> for PortReport {
    fn from(port: &Port) -> Self {
        let dims = port.dims.iter().map(|dim| match dim {
            Dim::Fixed(n) => DimReport::Fixed(*n),
            free => DimReport::Free(free.to_string()),
        });
        PortReport {
            name: port.name.clone(),
            element: port.element.name(),
            dims: dims.collect(),
            labels: port.labels.clone(),
        }
    }
}
