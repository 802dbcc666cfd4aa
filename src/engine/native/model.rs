//! A model behind [`crate::Engine`].

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    Engine, LoadError, RunError, Session, Signature, Sizes, Tensor as Ours, TensorData,
    native::{
        build::build,
        exec::{Bounds, Run, Stepped},
        facts::Symbols,
        fault::{Fault, FaultKind},
        graph::Graph,
        ops, ports,
        value::{Kind, Value, Weights, exchanged, from_port, to_port},
    },
    onnx::{
        file::ModelFile,
        model::{labels, unzip},
        proto::{GraphProto, ModelProto},
    },
    operators::{Missing, is_function, missing},
    rows::are_independent,
    sample::sized_inputs,
    trial::trial_sizes,
};

/// A checked graph with its ports.
pub struct NativeEngine {
    graph: Arc<Graph>,
    signature: Arc<Signature>,
    kinds: Arc<[Kind]>,
    bounds: Bounds,
}

/// True when our own executor has an operator, or the model defines it.
pub fn has(proto: &ModelProto, domain: &str, name: &str) -> bool {
    ops::find(domain, name).is_some() || is_function(proto, domain, name)
}

/// True when every input is a weight.
fn takes_nothing(proto: &ModelProto) -> bool {
    let weight = |graph: &GraphProto, name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    proto.graph.as_ref().is_none_or(|graph| graph.input.iter().all(|input| weight(graph, &input.name)))
}

/// Checks a decoded model and prepares it.
///
/// # Errors
/// [`LoadError`] with the node and the rule it breaks, or the operator that is not there.
pub fn load(mut proto: ModelProto, file: &ModelFile<'_>) -> Result<NativeEngine, LoadError> {
    let bounds = bounds(file);
    let error = |fault: Fault| load_error(fault, file);
    let graph = graph(&mut proto, file)?;
    let mut ports = ports::settle(&graph, bounds).map_err(error)?;
    if let Some(proto) = &proto.graph {
        for port in &mut ports.signature.outputs {
            port.labels = labels(proto, &port.name).unwrap_or_default();
        }
    }
    drop(proto);
    let mut engine = NativeEngine {
        graph: Arc::new(graph),
        signature: Arc::new(ports.signature),
        kinds: ports.kinds.into(),
        bounds,
    };
    if engine.signature.free_batch && !are_independent(&engine.signature, &mut *engine.session()) {
        engine.signature = Arc::new(engine.signature.without_batch("N"));
    }
    Ok(engine)
}

/// The checked graph; weights are taken out of the decoded model.
fn graph(proto: &mut ModelProto, file: &ModelFile<'_>) -> Result<Graph, LoadError> {
    let bounds = bounds(file);
    let weights = Weights { file: Some(file), max_tensor_bytes: bounds.max_tensor_bytes };
    let lacks = missing(proto, &|domain, name| has(proto, domain, name));
    if !lacks.is_empty() {
        let nodes = lacks.iter().map(Missing::line).collect();
        return Err(LoadError::UnsupportedOperators { path: file.path.into(), nodes });
    }
    if takes_nothing(proto) {
        return Err(file.unsupported("it takes no input, so there is nothing to score"));
    }
    unzip(proto);
    build(proto, weights, bounds).map_err(|fault| load_error(fault, file))
}

pub(super) fn bounds(file: &ModelFile<'_>) -> Bounds {
    Bounds { max_tensor_bytes: file.limits.max_tensor_bytes, max_loop_turns: file.limits.max_loop_turns }
}

pub(super) fn load_error(fault: Fault, file: &ModelFile<'_>) -> LoadError {
    let path = file.path.into();
    match fault.kind {
        FaultKind::Invalid => LoadError::Invalid { path, what: fault.to_string() },
        FaultKind::Unsupported => LoadError::Unsupported { path, what: fault.to_string() },
        FaultKind::Limit => LoadError::OverLimit { path, what: fault.to_string() },
    }
}

impl NativeEngine {
    /// The steps left to a run, as messages name them; those of subgraphs too.
    pub fn labels(&self) -> Vec<String> {
        let mut labels = vec![];
        each_label(&self.graph, &mut labels);
        labels
    }

    /// What is known of every value that a node makes, by its name; see [`types`].
    pub fn types(&self) -> HashMap<String, String> {
        shown(&self.graph)
    }

    /// One run with every inner value of the outermost graph that has a form outside it, in the order in
    /// which they are made.
    ///
    /// # Errors
    /// What failed, in words.
    pub fn trace(&self, inputs: &[Ours]) -> Result<Vec<Inner>, String> {
        let own: HashSet<&str> = self
            .graph
            .steps
            .iter()
            .flat_map(|step| &step.outputs)
            .flatten()
            .map(|(_, name)| &**name)
            .collect();
        let mut inner = vec![];
        let mut seen = |step: Stepped<'_>, values: &[Value]| {
            for (value, output) in values.iter().zip(step.outputs) {
                let (Value::Tensor(tensor), Some((_, name))) = (value, output) else { continue };
                let Ok(element) = exchanged(tensor.kind()) else { continue };
                let mut value = Ours { shape: vec![], data: TensorData::empty(element) };
                if own.contains(&**name) && to_port(tensor, &mut value).is_ok() {
                    inner.push(Inner { node: step.label.to_owned(), name: name.clone(), value });
                }
            }
        };
        let values = self.values(inputs).map_err(|fault| fault.to_string())?;
        let done = Run::watched(self.bounds, &mut seen).graph(&self.graph, values, &[]);
        done.map_err(|fault| fault.to_string())?;
        Ok(inner)
    }

    fn values(&self, inputs: &[Ours]) -> Result<Vec<Option<Value>>, Fault> {
        inputs
            .iter()
            .zip(&*self.kinds)
            .map(|(input, kind)| Ok(Some(from_port(input, *kind)?.into())))
            .collect()
    }

    /// The most that inner values take at one time for one row of random numbers; 0 when they don't run. Free
    /// dimensions have these lengths, or some with which they do.
    pub fn activation_bytes(&self, sizes: Option<&Sizes>) -> u64 {
        let mut held: HashMap<String, usize> = HashMap::new();
        let (mut now, mut peak) = (0usize, 0usize);
        let mut seen = |step: Stepped<'_>, values: &[Value]| {
            for (value, output) in values.iter().zip(step.outputs) {
                if let Some((_, name)) = output {
                    now += value.bytes();
                    held.insert(name.clone(), value.bytes());
                }
            }
            peak = peak.max(now);
            for name in step.last_reads {
                now -= held.remove(name).unwrap_or(0);
            }
        };
        let some = || trial_sizes(&self.signature, &mut *self.session());
        let sizes = sizes.cloned().unwrap_or_else(some);
        let inputs = sized_inputs(&self.signature, 1, &sizes, 0);
        let Ok(values) = self.values(&inputs) else { return 0 };
        match Run::watched(self.bounds, &mut seen).graph(&self.graph, values, &[]) {
            Ok(_) => peak as u64,
            Err(_) => 0,
        }
    }
}

/// A value between two nodes.
pub struct Inner {
    /// The node that made it.
    pub node: String,
    pub name: String,
    pub value: Ours,
}

/// The inferred type and shape of every value that a node makes, by its name. A name that stands for values
/// of several types, as in a function that is called twice, is left out.
///
/// # Errors
/// As [`load`].
pub fn types(proto: &ModelProto, file: &ModelFile<'_>) -> Result<HashMap<String, String>, LoadError> {
    let bounds = bounds(file);
    let weights = Weights { file: Some(file), max_tensor_bytes: bounds.max_tensor_bytes };
    let graph = build(proto, weights, bounds).map_err(|fault| load_error(fault, file))?;
    Ok(shown(&graph))
}

fn shown(graph: &Graph) -> HashMap<String, String> {
    fn all(graph: &Graph, symbols: &Symbols, types: &mut HashMap<String, Option<String>>) {
        for made in &graph.made {
            let shown = graph.fact(made.source).shown(symbols);
            types
                .entry(made.name.clone())
                .and_modify(|own| {
                    if *own != shown {
                        *own = None;
                    }
                })
                .or_insert(shown);
        }
        let inside = graph.steps.iter().flat_map(|step| &step.subgraphs);
        inside.for_each(|graph| all(graph, symbols, types));
    }
    let mut types = HashMap::new();
    all(graph, &graph.symbols, &mut types);
    types.into_iter().filter_map(|(name, shown)| Some((name, shown?))).collect()
}

fn each_label(graph: &Graph, labels: &mut Vec<String>) {
    for step in &graph.steps {
        labels.push(step.label.clone());
        step.subgraphs.iter().for_each(|graph| each_label(graph, labels));
    }
}

impl Engine for NativeEngine {
    fn name(&self) -> &'static str {
        "native"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn session(&self) -> Box<dyn Session> {
        let empty = |port: &crate::Port| Ours { shape: vec![0], data: TensorData::empty(port.element) };
        Box::new(NativeSession {
            graph: Arc::clone(&self.graph),
            signature: Arc::clone(&self.signature),
            kinds: Arc::clone(&self.kinds),
            bounds: self.bounds,
            outputs: self.signature.outputs.iter().map(empty).collect(),
        })
    }
}

struct NativeSession {
    graph: Arc<Graph>,
    signature: Arc<Signature>,
    kinds: Arc<[Kind]>,
    bounds: Bounds,
    outputs: Vec<Ours>,
}

impl Session for NativeSession {
    fn run(&mut self, inputs: &[Ours]) -> Result<&[Ours], RunError> {
        self.signature.check(inputs)?;
        let failed = |fault: Fault| RunError::Failed(fault.to_string());
        let mut values: Vec<Option<Value>> = Vec::with_capacity(inputs.len());
        for (input, kind) in inputs.iter().zip(&*self.kinds) {
            values.push(Some(from_port(input, *kind).map_err(failed)?.into()));
        }
        let answers = Run::new(self.bounds).graph(&self.graph, values, &[]).map_err(failed)?;
        for ((answer, output), port) in answers.iter().zip(&mut self.outputs).zip(&self.signature.outputs) {
            let about = |fault: Fault| failed(fault.about(format!("output `{}`", port.name)));
            to_port(answer.tensor().map_err(about)?, output).map_err(about)?;
        }
        Ok(&self.outputs)
    }
}
