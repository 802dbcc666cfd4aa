//! From the messages of a model to a [`Graph`].

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use super::{
    order::{label, order},
    spent::Spent,
};
use crate::{
    native::{
        attributes::{Attributes, Node},
        exec::{Args, Bounds, Run},
        facts::Symbols,
        fault::{Fault, fault},
        graph::{Graph, Made, Output, Port, Source, Step, Subgraph},
        infer::infer,
        ops,
        value::{Type, Value, Weights, decode},
    },
    onnx::{
        NEWEST_OPSET,
        proto::{AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto},
    },
};

/// Calls of functions inside functions, and graphs inside graphs, together.
const MAX_DEPTH: usize = 32;
/// Larger results of computing with constants are computed in every run instead of being kept.
const MAX_FOLDED_BYTES: usize = 64 << 20;

/// What is the same in every graph of a model.
struct Model<'m> {
    weights: Weights<'m>,
    bounds: Bounds,
    /// By domain, name and overload.
    functions: HashMap<[&'m str; 3], &'m FunctionProto>,
}

/// Checks a model's graph and prepares every node.
///
/// # Errors
/// The first rule the model breaks, or operator that is not there, or node that fails in every run, with
/// the node's name.
pub fn build(proto: &ModelProto, weights: Weights<'_>, bounds: Bounds) -> Result<Graph, Fault> {
    let graph = proto.graph.as_ref().ok_or_else(|| fault!("the model has no graph"))?;
    let functions = proto.functions.iter().map(|f| ([plain(&f.domain), &f.name, &f.overload], f)).collect();
    let model = Model { weights, bounds, functions };
    let frame = Frame { opsets: opsets(&proto.opset_import)?, call: None, depth: 0 };
    let mut spent = Spent::new(proto, weights, bounds);
    let mut builder = Builder::new(&model, None, &mut spent);
    builder.graph(graph, &frame)?;
    let mut graph = builder.finish();
    infer(&mut graph)?;
    Ok(graph)
}

/// ONNX's own domain has two spellings.
fn plain(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

fn opsets(imports: &[OperatorSetIdProto]) -> Result<HashMap<&str, i64>, Fault> {
    let mut opsets: HashMap<&str, i64> = HashMap::new();
    for import in imports {
        let domain = plain(&import.domain);
        if domain.is_empty() && import.version > NEWEST_OPSET {
            return Err(Fault::unsupported(format!(
                "it was made for opset {}, the newest this program knows is {NEWEST_OPSET}; export with an older one (`opset_version=17`), or update edgeward",
                import.version
            )));
        }
        // scikit-learn's exporter lists some sets twice.
        let version = opsets.entry(domain).or_default();
        *version = import.version.max(*version);
    }
    Ok(opsets)
}

/// An attribute under the name its node gives it, which may be another than where it stands.
type Named<'m> = (&'m str, &'m AttributeProto);

/// Whose nodes are being read: the model's or a function's.
struct Frame<'m> {
    opsets: HashMap<&'m str, i64>,
    /// The function and the attributes of the node that calls it.
    call: Option<(&'m FunctionProto, &'m [Named<'m>])>,
    depth: usize,
}

impl<'m> Frame<'m> {
    /// The attributes of a node, those that stand for the caller's replaced.
    fn attributes(&self, node: &'m NodeProto) -> Vec<Named<'m>> {
        let resolve = |attribute: &'m AttributeProto| {
            if attribute.ref_attr_name.is_empty() {
                return Some((&*attribute.name, attribute));
            }
            let (function, given) = self.call?;
            let defaults = function.attribute_proto.iter().map(|value| (&*value.name, value));
            let mut values = given.iter().copied().chain(defaults);
            let (_, value) = values.find(|(name, _)| *name == attribute.ref_attr_name)?;
            Some((&*attribute.name, value))
        };
        node.attribute.iter().filter_map(resolve).collect()
    }
}

/// One graph in the making.
struct Builder<'b, 'm> {
    model: &'b Model<'m>,
    /// The graph around this one, for names that are not ours.
    outer: Option<&'b Builder<'b, 'm>>,
    /// `None` for an output that is known to be left out.
    names: HashMap<String, Option<Source>>,
    graph: Graph,
    /// Graphs around this one.
    depth: usize,
    /// What all graphs together have taken.
    spent: &'b mut Spent,
}

impl<'b, 'm> Builder<'b, 'm> {
    fn new(model: &'b Model<'m>, outer: Option<&'b Builder<'b, 'm>>, spent: &'b mut Spent) -> Self {
        let graph = Graph {
            inputs: vec![],
            outputs: vec![],
            constants: vec![],
            steps: vec![],
            slots: 0,
            captures: vec![],
            declared: HashMap::new(),
            made: vec![],
            facts: Arc::new(OnceLock::new()),
            symbols: Symbols::default(),
        };
        let depth = outer.map_or(0, |outer| outer.depth + 1);
        Builder { model, outer, names: HashMap::new(), graph, depth, spent }
    }

    fn graph(&mut self, proto: &GraphProto, frame: &Frame<'_>) -> Result<(), Fault> {
        self.spent.graph(proto)?;
        let mut defaults = HashMap::new();
        for tensor in &proto.initializer {
            let value = Value::Tensor(decode::tensor(tensor, self.model.weights)?);
            if defaults.insert(&*tensor.name, value).is_some() {
                return Err(fault!("two weights are called `{}`", tensor.name));
            }
        }
        for sparse in &proto.sparse_initializer {
            let value = Value::Tensor(decode::sparse(sparse, self.model.weights)?);
            let name = sparse.values.as_ref().map_or("", |values| &values.name);
            if defaults.insert(name, value).is_some() {
                return Err(fault!("two weights are called `{name}`"));
            }
        }
        for input in &proto.input {
            let ty = Type::of(input.r#type.as_ref())
                .map_err(|fault| fault.about(format!("input `{}`", input.name)))?;
            // Before IR version 4 the weights were listed among the inputs. In a subgraph too they are
            // what they say, never what a caller gives.
            if defaults.contains_key(&*input.name) {
                continue;
            }
            let slot = self.slot();
            self.bind(&input.name, Some(Source::Slot(slot)))?;
            self.graph.inputs.push(Port { name: input.name.clone(), ty, slot });
        }
        for (name, value) in defaults {
            let constant = self.constant(value);
            self.bind(name, Some(constant))?;
        }
        self.nodes(&proto.node, frame)?;
        for output in &proto.output {
            let ty = Type::of(output.r#type.as_ref())
                .map_err(|fault| fault.about(format!("output `{}`", output.name)))?;
            let source = self
                .resolve(&output.name)
                .flatten()
                .ok_or_else(|| fault!("no node makes its output `{}`", output.name))?;
            self.graph.outputs.push(Output { name: output.name.clone(), ty, source });
        }
        self.declare(proto);
        Ok(())
    }

    /// Keeps the types that the file declares of values that steps make. One that is no type is none.
    fn declare(&mut self, proto: &GraphProto) {
        let made: HashMap<&str, usize> = (self.graph.made.iter().filter(|made| made.own))
            .filter_map(|made| match made.source {
                Source::Slot(slot) => Some((&*made.name, slot)),
                Source::Constant(_) => None,
            })
            .collect();
        // Outputs last: what they declare counts.
        for info in proto.value_info.iter().chain(&proto.output) {
            if let (Some(&slot), Ok(ty)) = (made.get(&*info.name), Type::of(info.r#type.as_ref()))
                && ty != Type::Unknown
            {
                self.graph.declared.insert(slot, ty);
            }
        }
    }

    fn nodes(&mut self, nodes: &[NodeProto], frame: &Frame<'_>) -> Result<(), Fault> {
        for index in order(nodes)? {
            let node = &nodes[index];
            self.node(node, frame).map_err(|fault| fault.at(&label(node)))?;
        }
        Ok(())
    }

    fn node(&mut self, node: &NodeProto, frame: &Frame<'_>) -> Result<(), Fault> {
        self.spent.node()?;
        let mut inputs = Vec::with_capacity(node.input.len());
        for name in &node.input {
            inputs.push(match &**name {
                "" => None,
                name => self.resolve(name).ok_or_else(|| {
                    fault!("reads `{name}`, which is neither an input nor a weight nor made by a node")
                })?,
            });
        }
        let attributes = frame.attributes(node);
        for (_, attribute) in &attributes {
            self.spent.attribute(attribute, frame.call.is_some())?;
        }
        let domain = plain(&node.domain);
        if let Some(function) = self.model.functions.get(&[domain, &*node.op_type, &node.overload]) {
            return self.call(function, node, inputs, &attributes, frame);
        }
        let opset = *frame
            .opsets
            .get(domain)
            .ok_or_else(|| fault!("is of operator set `{domain}`, which the model doesn't import"))?;
        let entry = ops::find(domain, &node.op_type).ok_or_else(|| {
            Fault::unsupported(format!(
                "there is no operator `{}` here{}",
                node.op_type,
                ops::nearest(domain, &node.op_type)
            ))
        })?;
        let (graphs, captures) = self.subgraphs(&attributes, frame)?;
        let subgraphs = graphs.iter().map(|(_, graph)| Subgraph::clone(graph)).collect();
        let prepared = Node {
            opset,
            attributes: Attributes { all: attributes.clone(), weights: self.model.weights },
            inputs: inputs.iter().map(Option::is_some).collect(),
            outputs: node.output.iter().map(|output| !output.is_empty()).collect(),
            graphs,
        };
        let op = (entry.prepare)(&prepared)?;
        let rule = entry.infer.rule(&prepared);
        drop(prepared);
        let mut step = Step {
            label: label(node),
            op,
            varies: entry.varies,
            rule,
            inputs,
            captures,
            subgraphs,
            frees: vec![],
            last_reads: vec![],
            outputs: vec![],
        };
        if let Some(values) = self.fold(&step, node.output.len())? {
            for (name, value) in node.output.iter().zip(values).filter(|(name, _)| !name.is_empty()) {
                let source = self.constant(value);
                self.bind(name, Some(source))?;
                self.graph.made.push(Made { name: name.clone(), source, own: frame.call.is_none() });
            }
            return Ok(());
        }
        for name in &node.output {
            let output = if name.is_empty() {
                None
            } else {
                let source = Source::Slot(self.slot());
                self.bind(name, Some(source))?;
                self.graph.made.push(Made { name: name.clone(), source, own: frame.call.is_none() });
                Some((self.graph.slots - 1, name.clone()))
            };
            step.outputs.push(output);
        }
        self.graph.steps.push(step);
        Ok(())
    }

    /// What a node makes when all it reads is known. In a subgraph a fault leaves the node to the run,
    /// which may never come to it; in the graph itself every run would come to it.
    fn fold(&mut self, step: &Step, outputs: usize) -> Result<Option<Vec<Value>>, Fault> {
        let Some(args) = self.known(step) else { return Ok(None) };
        let max_loop_turns = self.model.bounds.max_loop_turns.min(self.spent.turns);
        let mut run = Run::new(Bounds { max_loop_turns, ..self.model.bounds });
        let values = (step.op)(&mut run, args);
        self.spent.turns = self.spent.turns.saturating_sub(run.turns());
        let values = match values {
            Ok(values) => values,
            Err(fault) if self.outer.is_none() && run.turns() < max_loop_turns => return Err(fault),
            Err(_) => return Ok(None),
        };
        let bytes = values.iter().fold(0usize, |sum, value| sum.saturating_add(value.bytes()));
        // What stands in the file as it is takes nothing more.
        let stands = step.inputs.is_empty() && step.captures.is_empty();
        let fits = stands || bytes <= MAX_FOLDED_BYTES && self.spent.fold(bytes);
        Ok((values.len() >= outputs && fits).then(|| values.into_vec()))
    }

    /// The inputs and captures of a step, when all of them are constants.
    fn known(&self, step: &Step) -> Option<Args> {
        if step.varies {
            return None;
        }
        let constant = |source: &Source| match source {
            Source::Constant(at) => Some(self.graph.constants[*at].clone()),
            Source::Slot(_) => None,
        };
        let inputs = step
            .inputs
            .iter()
            .map(|source| source.as_ref().map_or(Some(None), |source| constant(source).map(Some)))
            .collect::<Option<_>>()?;
        Some(Args::new(inputs, step.captures.iter().map(constant).collect::<Option<_>>()?))
    }

    /// Writes out a function where it is called: its body sees its parameters and nothing else.
    fn call(
        &mut self,
        function: &FunctionProto,
        node: &NodeProto,
        inputs: Vec<Option<Source>>,
        attributes: &[Named<'_>],
        frame: &Frame<'_>,
    ) -> Result<(), Fault> {
        self.check_depth(frame.depth + 1)?;
        if inputs.len() > function.input.len() || node.output.len() > function.output.len() {
            return Err(fault!(
                "function `{}` has {} inputs and {} outputs",
                function.name,
                function.input.len(),
                function.output.len()
            ));
        }
        let inner = Frame {
            opsets: opsets(&function.opset_import)?,
            call: Some((function, attributes)),
            depth: frame.depth + 1,
        };
        let inputs = inputs.into_iter().chain(std::iter::repeat(None));
        let parameters = function.input.iter().cloned().zip(inputs).collect();
        let ours = std::mem::replace(&mut self.names, parameters);
        let outer = self.outer.take();
        let done = self.nodes(&function.node, &inner);
        self.outer = outer;
        let body = std::mem::replace(&mut self.names, ours);
        done?;
        for (name, result) in node.output.iter().zip(&function.output).filter(|(name, _)| !name.is_empty()) {
            let source =
                body.get(result).copied().flatten().ok_or_else(|| {
                    fault!("function `{}` doesn't make its output `{result}`", function.name)
                })?;
            self.bind(name, Some(source))?;
            self.graph.made.push(Made { name: name.clone(), source, own: frame.call.is_none() });
        }
        Ok(())
    }

    /// The graphs among a node's attributes, and where what they read from outside is found.
    fn subgraphs(&mut self, attributes: &[Named<'_>], frame: &Frame<'_>) -> Result<Subgraphs, Fault> {
        let mut graphs = vec![];
        let mut captures = vec![];
        for (name, attribute) in attributes {
            let Some(proto) = &attribute.g else { continue };
            self.check_depth(frame.depth + 1)?;
            let mut spent = *self.spent;
            let mut inner = Builder::new(self.model, Some(self), &mut spent);
            inner.graph(proto, frame).map_err(|fault| fault.about(format!("in `{name}`")))?;
            let graph = inner.finish();
            *self.spent = spent;
            for (name, _) in &graph.captures {
                let source = self.resolve(name).flatten();
                captures.push(source.ok_or_else(|| fault!("reads `{name}`, which is not there"))?);
            }
            graphs.push((name.to_string(), Arc::new(graph)));
        }
        Ok((graphs, captures))
    }

    /// Where a name's value is: ours, or of a graph around us. `Some(None)`: known to be left out.
    fn resolve(&mut self, name: &str) -> Option<Option<Source>> {
        if let Some(source) = self.names.get(name) {
            return Some(*source);
        }
        let source = match self.outer?.look_up(name)? {
            None => None,
            Some(Known::Constant(value)) => Some(self.constant(value)),
            Some(Known::Later) => {
                let slot = self.slot();
                self.graph.captures.push((name.into(), slot));
                Some(Source::Slot(slot))
            }
        };
        self.names.insert(name.into(), source);
        Some(source)
    }

    /// What a subgraph may know of a name: nothing, that it is left out, its value, or that a run
    /// will have it.
    fn look_up(&self, name: &str) -> Option<Option<Known>> {
        match self.names.get(name) {
            Some(None) => Some(None),
            Some(Some(Source::Constant(at))) => {
                Some(Some(Known::Constant(self.graph.constants[*at].clone())))
            }
            Some(Some(Source::Slot(_))) => Some(Some(Known::Later)),
            None => self.outer?.look_up(name),
        }
    }

    /// Every level of calls and graphs is a level of recursion here and in a run.
    fn check_depth(&self, calls: usize) -> Result<(), Fault> {
        if self.depth + calls > MAX_DEPTH {
            return Err(Fault::limit(format!(
                "functions and graphs stand in each other more than {MAX_DEPTH} deep; does a function call itself?"
            )));
        }
        Ok(())
    }

    fn bind(&mut self, name: &str, source: Option<Source>) -> Result<(), Fault> {
        match self.names.insert(name.into(), source) {
            // A name of the graph around us may have been resolved here before it is made anew.
            Some(_) if self.outer.is_none() => Err(fault!("`{name}` is made twice")),
            _ => Ok(()),
        }
    }

    fn slot(&mut self) -> usize {
        self.graph.slots += 1;
        self.graph.slots - 1
    }

    fn constant(&mut self, value: Value) -> Source {
        self.graph.constants.push(value);
        Source::Constant(self.graph.constants.len() - 1)
    }

    /// The graph, with the last reader of every slot told to free it.
    fn finish(mut self) -> Graph {
        let mut names: Vec<Option<String>> = vec![None; self.graph.slots];
        for (slot, name) in self.graph.steps.iter().flat_map(|step| &step.outputs).flatten() {
            names[*slot] = Some(name.clone());
        }
        let mut kept = vec![false; self.graph.slots];
        for output in &self.graph.outputs {
            if let Source::Slot(slot) = output.source {
                kept[slot] = true;
            }
        }
        for step in self.graph.steps.iter_mut().rev() {
            let made = step.outputs.iter().flatten().map(|(slot, _)| *slot);
            let read = step.inputs.iter().flatten().chain(&step.captures).filter_map(|source| match source {
                Source::Slot(slot) => Some(*slot),
                Source::Constant(_) => None,
            });
            for slot in read.chain(made).collect::<Vec<_>>() {
                if !std::mem::replace(&mut kept[slot], true) {
                    step.frees.push(slot);
                    step.last_reads.extend(names[slot].clone());
                }
            }
        }
        self.graph
    }
}

/// The graphs among a node's attributes by name, and what they read from around them.
type Subgraphs = (Vec<(String, Subgraph)>, Vec<Source>);

enum Known {
    Constant(Value),
    Later,
}
