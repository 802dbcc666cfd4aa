//! What a model takes and gives, from its declarations, from what is inferred of it, and from trying it out.

use crate::{
    Dim, ElementType, Port, Signature, Sizes,
    native::{
        exec::{Bounds, Run},
        facts::{Dim as Length, Fact, Symbols, TensorFact, is_name},
        fault::{Fault, FaultKind, fault},
        graph::{Graph, Port as Declared},
        value::{Axis, Kind, Tensor, Type, Value, exchanged, from_port},
    },
    sample::{far_from_zero, sized_inputs},
    trial,
};

/// The ports of a model, and what its graph takes for each input.
pub struct Ports {
    pub signature: Signature,
    pub kinds: Vec<Kind>,
}

/// Settles the ports: free dimensions named, the batch found, outputs inferred and tried out where the
/// file says nothing of them.
///
/// # Errors
/// Inputs and outputs that are no tensors of an exchangeable type, or whose shape nobody knows.
pub fn settle(graph: &Graph, bounds: Bounds) -> Result<Ports, Fault> {
    if graph.inputs.is_empty() {
        return Err(Fault::unsupported("it takes no input, so there is nothing to score"));
    }
    let mut batch = batch_name(&graph.inputs);
    let mut inputs = vec![];
    let mut kinds = vec![];
    for declared in &graph.inputs {
        let about = |fault: Fault| fault.about(format!("input `{}`", declared.name));
        let (kind, axes) = tensor(&declared.ty).map_err(about)?;
        let axes =
            axes.ok_or_else(|| about(Fault::unsupported("declares no shape; export the model with one")))?;
        let element = exchanged(kind).map_err(about)?;
        let dims = axes.iter().enumerate().map(|(at, axis)| match (axis, &batch) {
            (Axis::Free(_), Some(_)) if at == 0 => Dim::Batch,
            (Axis::Fixed(n), _) => Dim::Fixed(*n),
            // What exporters write for all that are free is no name of one.
            (Axis::Free(name), _) if !is_name(name) => Dim::Free(format!("{}_{at}", declared.name)),
            (Axis::Free(name), _) => Dim::Free(name.clone()),
        });
        let port = Port { name: declared.name.clone(), element, dims: dims.collect(), labels: vec![] };
        check_size(&port, bounds).map_err(about)?;
        inputs.push(port);
        kinds.push(kind);
    }
    let mut signature = Signature { inputs, outputs: vec![], free_batch: false };
    let mut tried = try_out(graph, &signature, &kinds, bounds);
    // Too short in one row: then the first axis may be as long as it has to be, and is none of rows.
    if let (Err(_), Some(name)) = (&tried, &batch) {
        let lengths = signature.without_batch(name);
        if let Ok(answer) = try_out(graph, &lengths, &kinds, bounds) {
            (tried, signature, batch) = (Ok(answer), lengths, None);
        }
    }
    if let Err(fault) = &tried
        && is_certain(fault, &signature)
    {
        return Err(fault.clone());
    }
    for (index, output) in graph.outputs.iter().enumerate() {
        let tried = tried.as_ref().ok().map(|(sizes, values)| (sizes, &values[index]));
        let known = Known::of(&graph.fact(output.source), &output.ty, &graph.symbols);
        let port = output_port(&output.name, known, tried, &signature, batch.is_some());
        // Nothing declared and nothing came of trying: then why it failed is what matters.
        signature.outputs.push(port.map_err(|fault| match &tried {
            None => tried_fault(graph, &signature, &kinds, bounds).unwrap_or(fault),
            Some(_) => fault.about(format!("output `{}`", output.name)),
        })?);
    }
    signature.free_batch =
        signature.inputs.iter().chain(&signature.outputs).all(|port| port.dims.first() == Some(&Dim::Batch));
    if !signature.free_batch {
        signature = signature.without_batch(batch.as_deref().unwrap_or("N"));
    }
    Ok(Ports { signature, kinds })
}

/// The name of the first dimension when it is free in every input and no two name it differently:
/// the candidate for the batch.
fn batch_name(inputs: &[Declared]) -> Option<String> {
    let mut given: Option<&str> = None;
    for input in inputs {
        let Type::Tensor { axes: Some(axes), .. } = &input.ty else { return None };
        let Some(Axis::Free(name)) = axes.first() else { return None };
        if !name.is_empty() && given.replace(name).is_some_and(|other| other != name) {
            return None;
        }
    }
    Some(given.unwrap_or("N").into())
}

fn tensor(ty: &Type) -> Result<(Kind, Option<&[Axis]>), Fault> {
    match ty {
        Type::Tensor { kind, axes } => Ok((*kind, axes.as_deref())),
        Type::Sequence(_) => Err(Fault::unsupported("is a sequence; export the model with plain tensors")),
        Type::Map(..) => Err(Fault::unsupported("is a map; export the model with plain tensors")),
        Type::Optional(_) => Err(Fault::unsupported("is an optional; export the model with plain tensors")),
        Type::Unknown => Err(fault!("declares no type")),
    }
}

/// One row of the input must be within the limit for a tensor.
fn check_size(port: &Port, bounds: Bounds) -> Result<(), Fault> {
    let volume = port.dims.iter().try_fold(8u64, |product, dim| match dim {
        Dim::Fixed(n) => product.checked_mul(*n as u64),
        Dim::Batch | Dim::Free(_) => Some(product),
    });
    match volume {
        Some(bytes) if bytes <= bounds.max_tensor_bytes => Ok(()),
        _ => Err(Fault::limit(format!(
            "needs {} bytes a row, more than `limits.max_tensor_bytes` = {}",
            volume.map_or("more than can be counted".into(), |bytes| bytes.to_string()),
            bounds.max_tensor_bytes
        ))),
    }
}

/// True when a trial run failed for what the model is and not for what it was given: more memory than
/// allowed for one row; or anything at all, where inputs are real numbers (no indices, no text) and
/// no length but the batch is free.
fn is_certain(fault: &Fault, signature: &Signature) -> bool {
    let real = |port: &Port| matches!(port.element, ElementType::F32 | ElementType::F64);
    fault.kind == FaultKind::Limit || signature.inputs.iter().all(real) && !signature.has_free_sizes()
}

/// One run with random inputs of one row; where lengths are free, with the first that will do.
fn try_out(
    graph: &Graph,
    signature: &Signature,
    kinds: &[Kind],
    bounds: Bounds,
) -> Result<(Sizes, Vec<Value>), Fault> {
    let mut first = None;
    for sizes in trial::sizes(signature) {
        let inputs = sized_inputs(signature, 1, &sizes, 0);
        for inputs in [inputs.clone(), far_from_zero(inputs)] {
            let values =
                inputs.iter().zip(kinds).map(|(input, kind)| Ok(Some(from_port(input, *kind)?.into())));
            match Run::new(bounds).graph(graph, values.collect::<Result<Vec<_>, Fault>>()?, &[]) {
                Ok(values) => return Ok((sizes, values)),
                // That of the smallest is told: larger ones fail for being large.
                Err(fault) => drop(first.get_or_insert(fault)),
            }
        }
    }
    Err(first.unwrap_or_else(|| fault!("it was not tried")))
}

fn tried_fault(graph: &Graph, signature: &Signature, kinds: &[Kind], bounds: Bounds) -> Option<Fault> {
    try_out(graph, signature, kinds, bounds).err()
}

/// What is known of an output before it is tried.
struct Known {
    ty: Type,
    /// Lengths that are inferred, and so the same in every run.
    certain: Vec<Option<usize>>,
}

impl Known {
    /// What is inferred counts, what is declared completes it.
    fn of(fact: &Fact, declared: &Type, symbols: &Symbols) -> Self {
        let Fact::Tensor(TensorFact { kind, shape, .. }) = fact else {
            return Known { ty: declared.clone(), certain: vec![] };
        };
        let (declared_kind, declared_axes) = match declared {
            Type::Tensor { kind, axes } => (Some(*kind), axes.clone()),
            _ => (None, None),
        };
        let Some(kind) = kind.or(declared_kind) else {
            return Known { ty: declared.clone(), certain: vec![] };
        };
        let Some(shape) = shape else {
            return Known { ty: Type::Tensor { kind, axes: declared_axes }, certain: vec![] };
        };
        let declared_axes = declared_axes.filter(|axes| axes.len() == shape.len());
        let length = |dim: &Length| dim.number().and_then(|n| usize::try_from(n).ok());
        let certain = shape.iter().map(length).collect();
        let axes = shape.iter().enumerate().map(|(at, &dim)| match (length(&dim), &declared_axes) {
            (Some(length), _) => Axis::Fixed(length),
            (None, Some(axes)) => axes[at].clone(),
            (None, None) => Axis::Free(symbols.name(dim).unwrap_or_default().into()),
        });
        let axes = Some(axes.collect());
        Known { ty: Type::Tensor { kind, axes }, certain }
    }
}

fn output_port(
    name: &str,
    known: Known,
    tried: Option<(&Sizes, &Value)>,
    inputs: &Signature,
    batch: bool,
) -> Result<Port, Fault> {
    let sizes = tried.map(|(sizes, _)| sizes);
    let tried: Option<&Tensor> = match tried {
        Some((_, Value::Tensor(tensor))) => Some(tensor),
        Some((_, other)) => {
            return Err(Fault::unsupported(format!(
                "is {}, which has no form in a verdict; export the model with plain tensors (scikit-learn: `options={{'zipmap': False}}`)",
                other.describe()
            )));
        }
        None => None,
    };
    let (kind, axes) = match (&known.ty, tried) {
        (Type::Unknown, Some(tensor)) => (tensor.kind(), None),
        // What is there counts: exporters get output types wrong.
        (declared, Some(found)) => (found.kind(), tensor(declared)?.1),
        (declared, None) => tensor(declared)?,
    };
    // With no other free dimension than the batch, every length is the same in each run.
    let only_batch = !inputs.has_free_sizes();
    let shape = tried.map(Tensor::shape);
    let rank = shape.map_or_else(|| axes.map(<[Axis]>::len), |shape| Some(shape.len()));
    let rank = rank.ok_or_else(|| fault!("declares no shape, and a trial run didn't show it"))?;
    let axes = axes.filter(|axes| axes.len() == rank);
    let certain = |at: usize| known.certain.get(at).copied().flatten();
    // A name that an input has too, and another length than that: it is none of it.
    let is_itself = |name: &str, length: Option<usize>| {
        let dim = Dim::Free(name.to_owned());
        let is_of_input = inputs.inputs.iter().any(|port| port.dims.contains(&dim));
        let expected = sizes.filter(|_| is_of_input).map(|sizes| sizes.length(&dim, 1));
        expected.zip(length).is_none_or(|(expected, length)| expected == length)
    };
    let dims = (0..rank).map(|at| match (axes.map(|axes| &axes[at]), shape) {
        // One in every run, and not as many as there are rows.
        (_, Some(shape)) if certain(at) == Some(shape[at]) => Dim::Fixed(shape[at]),
        (_, Some(shape)) if at == 0 && batch && shape[0] == 1 => Dim::Batch,
        (Some(Axis::Fixed(n)), None) => Dim::Fixed(*n),
        (Some(Axis::Fixed(n)), Some(shape)) if *n == shape[at] => Dim::Fixed(*n),
        (Some(Axis::Free(_)), None) if at == 0 && batch => Dim::Batch,
        (_, Some(shape)) if only_batch && shape[at] > 0 => Dim::Fixed(shape[at]),
        (Some(Axis::Free(free)), shape) if is_name(free) && is_itself(free, shape.map(|shape| shape[at])) => {
            Dim::Free(free.clone())
        }
        _ => Dim::Free(format!("{name}_{at}")),
    });
    Ok(Port { name: name.into(), element: exchanged(kind)?, dims: dims.collect(), labels: vec![] })
}
