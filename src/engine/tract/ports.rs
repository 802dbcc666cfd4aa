//! Inputs as the file declares them: every free dimension gets a name, so that one plan serves all sizes.

use std::collections::HashSet;

use tract_onnx::pb::{
    GraphProto, ModelProto, TensorShapeProto, TypeProto, ValueInfoProto,
    tensor_proto::DataType,
    tensor_shape_proto::{Dimension, dimension::Value},
    type_proto,
};

use crate::{Dim, ElementType, LoadError, Port, onnx::file::ModelFile};

/// Checks the declared inputs and names their free dimensions in place.
///
/// Exporters write a free dimension as a name, an expression, nothing at all (scikit-learn), `?`,
/// zero or minus one. The answer is the name of the first dimension when it is free in every
/// input and no two inputs name it differently: the candidate for the batch.
pub(super) fn settle(proto: &mut ModelProto, file: &ModelFile<'_>) -> Result<Option<String>, LoadError> {
    let Some(graph) = &mut proto.graph else { return Err(file.not_onnx("it has no graph")) };
    check_outputs_exist(graph, file)?;
    let weights: HashSet<String> = graph.initializer.iter().map(|tensor| tensor.name.clone()).collect();
    // Before IR version 4 the weights were listed among the inputs, as their default values.
    let mut inputs: Vec<_> = graph.input.iter_mut().filter(|input| !weights.contains(&input.name)).collect();
    if inputs.is_empty() {
        return Err(file.unsupported("it takes no input, so there is nothing to score"));
    }
    let mut names = Names::default();
    for input in &mut inputs {
        let dims = dims(input, file)?;
        names.0.extend(dims.iter().filter_map(|dim| symbol(dim).map(str::to_owned)));
    }
    let batch = name_batch(&mut inputs, &mut names, file)?;
    for input in inputs {
        let stem = identifier(&input.name);
        let dims = dims(input, file)?;
        for (axis, dim) in dims.iter_mut().enumerate() {
            if is_free(dim) && symbol(dim).is_none() {
                *dim = named(&names.fresh(&format!("{stem}_{axis}")));
            }
        }
        check_size(input, file)?;
    }
    Ok(batch)
}

/// The declared ports, for a report on a model that can't be loaded.
pub(super) fn declared(infos: &[ValueInfoProto], weights: &HashSet<&str>) -> Vec<Port> {
    let tensors = infos.iter().filter(|info| !weights.contains(&*info.name));
    tensors
        .filter_map(|info| {
            let Some(type_proto::Value::TensorType(tensor)) = info.r#type.as_ref()?.value.as_ref() else {
                return None;
            };
            let element = element(tensor.elem_type).ok()?;
            let dims = tensor.shape.iter().flat_map(|shape| &shape.dim).map(|dim| match &dim.value {
                Some(Value::DimValue(n)) if *n > 0 => Dim::Fixed(usize::try_from(*n).unwrap_or(usize::MAX)),
                Some(Value::DimParam(name)) if !name.is_empty() => Dim::Free(name.clone()),
                _ => Dim::Free("?".into()),
            });
            Some(Port { name: info.name.clone(), element, dims: dims.collect(), labels: vec![] })
        })
        .collect()
}

/// The element type the session takes for an ONNX one: half floats are converted at the edge.
pub(super) fn element(code: i32) -> Result<ElementType, String> {
    Ok(match DataType::try_from(code) {
        Ok(DataType::Float | DataType::Float16) => ElementType::F32,
        Ok(DataType::Double) => ElementType::F64,
        Ok(DataType::Int8) => ElementType::I8,
        Ok(DataType::Int16) => ElementType::I16,
        Ok(DataType::Int32) => ElementType::I32,
        Ok(DataType::Int64) => ElementType::I64,
        Ok(DataType::Uint8) => ElementType::U8,
        Ok(DataType::Uint16) => ElementType::U16,
        Ok(DataType::Uint32) => ElementType::U32,
        Ok(DataType::Uint64) => ElementType::U64,
        Ok(DataType::Bool) => ElementType::Bool,
        Ok(DataType::String) => ElementType::String,
        Ok(other) => return Err(other.as_str_name().into()),
        Err(_) => return Err(format!("number {code}")),
    })
}

/// A graph output that no node makes would only be found deep inside.
fn check_outputs_exist(graph: &GraphProto, file: &ModelFile<'_>) -> Result<(), LoadError> {
    let made: HashSet<&String> = graph
        .node
        .iter()
        .flat_map(|node| &node.output)
        .chain(graph.input.iter().map(|input| &input.name))
        .chain(graph.initializer.iter().map(|tensor| &tensor.name))
        .collect();
    match graph.output.iter().find(|output| !made.contains(&output.name)) {
        Some(output) => Err(file.not_onnx(format!("no node makes its output `{}`", output.name))),
        None => Ok(()),
    }
}

fn name_batch(
    inputs: &mut [&mut ValueInfoProto],
    names: &mut Names,
    file: &ModelFile<'_>,
) -> Result<Option<String>, LoadError> {
    let mut given = HashSet::new();
    for input in inputs.iter_mut() {
        match dims(input, file)?.first() {
            Some(dim) if is_free(dim) => given.extend(symbol(dim).map(str::to_owned)),
            _ => return Ok(None),
        }
    }
    if given.len() > 1 {
        return Ok(None);
    }
    let batch = given.into_iter().next().unwrap_or_else(|| names.fresh("N"));
    for input in inputs {
        dims(input, file)?[0] = named(&batch);
    }
    Ok(Some(batch))
}

/// The dimensions of an input, which must be a tensor with a shape.
fn dims<'i>(
    input: &'i mut ValueInfoProto,
    file: &ModelFile<'_>,
) -> Result<&'i mut Vec<Dimension>, LoadError> {
    let name = &input.name;
    let Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)), .. }) = &mut input.r#type else {
        return Err(file.unsupported(format!(
            "input `{name}` is not a tensor but a sequence, a map or an optional; export with plain tensors"
        )));
    };
    element(tensor.elem_type).map_err(|kind| {
        file.unsupported(format!(
            "input `{name}` has element type {kind}, which this engine lacks; export the model in float32"
        ))
    })?;
    match &mut tensor.shape {
        Some(TensorShapeProto { dim }) => Ok(dim),
        None => Err(file.unsupported(format!("input `{name}` declares no shape; export it with one"))),
    }
}

fn is_free(dim: &Dimension) -> bool {
    !matches!(dim.value, Some(Value::DimValue(n)) if n > 0)
}

/// The name of a free dimension, when it is a plain name. Expressions are given a new name: for
/// an input they say nothing a run would not show.
fn symbol(dim: &Dimension) -> Option<&str> {
    match &dim.value {
        Some(Value::DimParam(name)) if !name.is_empty() && identifier(name) == *name => Some(name),
        _ => None,
    }
}

fn named(name: &str) -> Dimension {
    Dimension { value: Some(Value::DimParam(name.into())), ..Dimension::default() }
}

/// `text` with everything that can't be in a dimension's name replaced.
fn identifier(text: &str) -> String {
    let mut name: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.insert(0, 'd');
    }
    name
}

#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    fn fresh(&mut self, stem: &str) -> String {
        let mut name = stem.to_owned();
        while !self.0.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}

/// One row of the input must be within the limit for a tensor.
fn check_size(input: &mut ValueInfoProto, file: &ModelFile<'_>) -> Result<(), LoadError> {
    let name = input.name.clone();
    let volume = dims(input, file)?.iter().try_fold(1u64, |product, dim| match dim.value {
        Some(Value::DimValue(n)) => product.checked_mul(u64::try_from(n).ok()?),
        _ => Some(product),
    });
    // Eight bytes: the widest element.
    match volume.and_then(|volume| volume.checked_mul(8)) {
        Some(bytes) if bytes <= file.limits.max_tensor_bytes => Ok(()),
        Some(bytes) => Err(file.tensor_too_large(format!("{bytes} bytes for an input `{name}`"))),
        None => Err(file.tensor_too_large(format!("more bytes than can be counted for an input `{name}`"))),
    }
}
