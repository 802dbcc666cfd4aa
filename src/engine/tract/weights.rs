//! The tensors a model carries: what they declare against what is there, and data kept outside.

use tract_onnx::pb::{
    GraphProto, ModelProto, SparseTensorProto, TensorProto,
    tensor_proto::{DataLocation, DataType},
};

use crate::{
    LoadError,
    onnx::{external, file::ModelFile},
};

/// Checks every tensor of the model and brings data from outside the file in, so that the
/// model is whole and no one needs to open a file again.
///
/// `file_bytes` is what the model file itself has; with the external data it must stay within
/// `max_model_bytes`.
pub(super) fn check_and_complete(
    proto: &mut ModelProto,
    file: &ModelFile<'_>,
    file_bytes: u64,
) -> Result<(), LoadError> {
    let mut total_bytes = file_bytes;
    each_tensor(proto, &mut |tensor| {
        let what = Declared::of(tensor, file)?;
        if tensor.data_location == Some(DataLocation::External as i32) {
            let bytes = what.bytes.ok_or_else(|| {
                file.unsupported(format!("tensor `{}` keeps strings outside the model file", tensor.name))
            })?;
            total_bytes = total_bytes.saturating_add(bytes);
            if total_bytes > file.limits.max_model_bytes {
                return Err(file.model_too_large(format!("{total_bytes} bytes with its external data")));
            }
            bring_in(tensor, bytes, file)
        } else {
            what.matches_data(tensor, file)?;
            widen_unsigned(tensor);
            Ok(())
        }
    })
}

fn elements(tensor: &TensorProto) -> Option<u64> {
    tensor.dims.iter().try_fold(1u64, |product, &dim| product.checked_mul(u64::try_from(dim).ok()?))
}

/// Bits of one element; `None` for strings and unknown types.
fn bits(tensor: &TensorProto) -> Option<u64> {
    Some(match DataType::try_from(tensor.data_type).ok()? {
        DataType::Bool | DataType::Int8 | DataType::Uint8 => 8,
        DataType::Int16 | DataType::Uint16 | DataType::Float16 | DataType::Bfloat16 => 16,
        DataType::Float | DataType::Int32 | DataType::Uint32 => 32,
        DataType::Double | DataType::Int64 | DataType::Uint64 | DataType::Complex64 => 64,
        DataType::Complex128 => 128,
        DataType::Float8e4m3fn
        | DataType::Float8e4m3fnuz
        | DataType::Float8e5m2
        | DataType::Float8e5m2fnuz => 8,
        DataType::Uint4 | DataType::Int4 | DataType::Float4e2m1 => 4,
        DataType::Undefined | DataType::String => return None,
    })
}

/// What a tensor says about itself.
struct Declared {
    kind: DataType,
    elements: u64,
    /// `None` for strings.
    bytes: Option<u64>,
}

impl Declared {
    fn of(tensor: &TensorProto, file: &ModelFile<'_>) -> Result<Self, LoadError> {
        let name = &tensor.name;
        let kind = DataType::try_from(tensor.data_type).unwrap_or(DataType::Undefined);
        let Some(elements) = elements(tensor) else {
            let dims = &tensor.dims;
            if dims.iter().any(|&dim| dim < 0) {
                return Err(file.not_onnx(format!("tensor `{name}` has a negative dimension: {dims:?}")));
            }
            let what = format!("more bytes than can be counted for a tensor `{name}` of dimensions {dims:?}");
            return Err(file.tensor_too_large(what));
        };
        match kind {
            DataType::Undefined => {
                return Err(file.not_onnx(format!(
                    "tensor `{name}` has element type {}, which ONNX does not define",
                    tensor.data_type
                )));
            }
            DataType::Bool
            | DataType::Int8
            | DataType::Uint8
            | DataType::Int16
            | DataType::Uint16
            | DataType::Float16
            | DataType::Float
            | DataType::Int32
            | DataType::Uint32
            | DataType::Double
            | DataType::Int64
            | DataType::Uint64
            | DataType::String => {}
            other => {
                return Err(file.unsupported(format!(
                    "tensor `{name}` has element type {}, which this engine lacks; export the model in float32",
                    other.as_str_name()
                )));
            }
        }
        let bytes = bits(tensor).map(|bits| elements.saturating_mul(bits / 8));
        if bytes.unwrap_or(elements) > file.limits.max_tensor_bytes {
            return Err(file.tensor_too_large(format!(
                "{} bytes for a tensor `{name}` of dimensions {:?}",
                bytes.unwrap_or(elements),
                tensor.dims
            )));
        }
        Ok(Declared { kind, elements, bytes })
    }

    /// Data is kept as raw bytes or in the typed field of the element type (`onnx.proto3`).
    fn matches_data(&self, tensor: &TensorProto, file: &ModelFile<'_>) -> Result<(), LoadError> {
        let (held, declared, unit) = if !tensor.raw_data.is_empty() {
            let Some(bytes) = self.bytes else {
                return Err(file.not_onnx(format!("tensor `{}` has strings as raw bytes", tensor.name)));
            };
            (tensor.raw_data.len() as u64, bytes, "bytes")
        } else {
            let held = match self.kind {
                DataType::Float => tensor.float_data.len(),
                DataType::Double => tensor.double_data.len(),
                DataType::Int64 => tensor.int64_data.len(),
                DataType::Uint32 | DataType::Uint64 => tensor.uint64_data.len(),
                DataType::String => tensor.string_data.len(),
                _ => tensor.int32_data.len(),
            };
            (held as u64, self.elements, "elements")
        };
        if held == declared {
            return Ok(());
        }
        Err(file.not_onnx(format!(
            "tensor `{}` of dimensions {:?} should have {declared} {unit} and has {held}",
            tensor.name, tensor.dims
        )))
    }
}

/// tract looks for u32 and u64 elements in fields of other types than ONNX puts them in; raw
/// bytes are read the same way by everyone.
fn widen_unsigned(tensor: &mut TensorProto) {
    if !tensor.raw_data.is_empty() {
        return;
    }
    let values = std::mem::take(&mut tensor.uint64_data);
    match DataType::try_from(tensor.data_type) {
        // A u32 is kept in a u64; what doesn't fit was never a u32.
        Ok(DataType::Uint32) => {
            tensor.raw_data = values.iter().flat_map(|&v| (v as u32).to_le_bytes()).collect();
        }
        Ok(DataType::Uint64) => tensor.raw_data = values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        _ => {}
    }
}

/// Reads a tensor's external data into the tensor.
fn bring_in(tensor: &mut TensorProto, bytes: u64, file: &ModelFile<'_>) -> Result<(), LoadError> {
    let entry = |key: &str| tensor.external_data.iter().find(|e| e.key == key).map(|e| e.value.as_str());
    tensor.raw_data = external::read(file, &tensor.name, &tensor.dims, bytes, &entry)?;
    tensor.data_location = None;
    tensor.external_data.clear();
    Ok(())
}

type Visit<'v> = dyn FnMut(&mut TensorProto) -> Result<(), LoadError> + 'v;

/// Every dense tensor of the model: weights, constants in attributes, in subgraphs, in functions.
fn each_tensor(proto: &mut ModelProto, visit: &mut Visit<'_>) -> Result<(), LoadError> {
    if let Some(graph) = &mut proto.graph {
        each_in_graph(graph, visit)?;
    }
    for node in proto.functions.iter_mut().flat_map(|function| &mut function.node) {
        each_in_attributes(&mut node.attribute, visit)?;
    }
    Ok(())
}

fn each_in_graph(graph: &mut GraphProto, visit: &mut Visit<'_>) -> Result<(), LoadError> {
    graph.initializer.iter_mut().try_for_each(&mut *visit)?;
    graph.sparse_initializer.iter_mut().try_for_each(|sparse| each_in_sparse(sparse, visit))?;
    graph.node.iter_mut().try_for_each(|node| each_in_attributes(&mut node.attribute, visit))
}

fn each_in_attributes(
    attributes: &mut [tract_onnx::pb::AttributeProto],
    visit: &mut Visit<'_>,
) -> Result<(), LoadError> {
    for attribute in attributes {
        attribute.t.iter_mut().chain(&mut attribute.tensors).try_for_each(&mut *visit)?;
        for sparse in attribute.sparse_tensor.iter_mut().chain(&mut attribute.sparse_tensors) {
            each_in_sparse(sparse, visit)?;
        }
        attribute
            .g
            .iter_mut()
            .chain(&mut attribute.graphs)
            .try_for_each(|graph| each_in_graph(graph, visit))?;
    }
    Ok(())
}

fn each_in_sparse(sparse: &mut SparseTensorProto, visit: &mut Visit<'_>) -> Result<(), LoadError> {
    sparse.values.iter_mut().chain(&mut sparse.indices).try_for_each(visit)
}
