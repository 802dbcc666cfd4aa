//! Weights outside the model file. See "External Tensor Data" in ONNX's IR.md.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Component, Path, PathBuf},
};

use super::{
    file::ModelFile,
    proto::{GraphProto, ModelProto, NodeProto, TensorProto},
};
use crate::{LoadError, native::Kind};

/// Reads `bytes` bytes for a tensor; `entry` looks up the tensor's `external_data` (`location`,
/// `offset`, `length`).
pub(crate) fn read<'e>(
    file: &ModelFile<'_>,
    tensor: &str,
    dims: &[i64],
    bytes: u64,
    entry: &dyn Fn(&str) -> Option<&'e str>,
) -> Result<Vec<u8>, LoadError> {
    let location = entry("location").unwrap_or_default().to_owned();
    let refuse = |why: String| LoadError::ExternalData {
        path: file.path.into(),
        tensor: tensor.into(),
        location: location.clone(),
        why,
    };
    let number = |key: &str| {
        entry(key)
            .map(str::parse::<u64>)
            .transpose()
            .map_err(|_| refuse(format!("with a `{key}` that is no number")))
    };
    let offset = number("offset")?.unwrap_or(0);
    let length = number("length")?;
    if length.is_some_and(|length| length != bytes) {
        let length = length.unwrap_or_default();
        return Err(refuse(format!("{length} bytes of it, but its dimensions {:?} need {bytes}", dims)));
    }
    let path = confine(file.path, &location).map_err(refuse)?;
    let mut outside = File::open(&path).map_err(|error| refuse(format!("which can't be read: {error}")))?;
    let held = outside.metadata().map_err(|error| refuse(format!("which can't be read: {error}")))?.len();
    if offset.checked_add(bytes).is_none_or(|end| end > held) {
        return Err(refuse(format!("which has {held} bytes, not the {bytes} from byte {offset} on")));
    }
    let mut data = vec![0; usize::try_from(bytes).map_err(|_| refuse("too large for this machine".into()))?];
    outside
        .seek(SeekFrom::Start(offset))
        .and_then(|_| outside.read_exact(&mut data))
        .map_err(|error| refuse(format!("which can't be read: {error}")))?;
    Ok(data)
}

/// The real path of external data, which must be a regular file inside the model's own folder.
fn confine(model: &Path, location: &str) -> Result<PathBuf, String> {
    let location = Path::new(location);
    if location.as_os_str().is_empty() {
        return Err("without saying where".into());
    }
    if !location.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err("which is not a name inside the model's own folder".into());
    }
    let folder = model.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let real = |path: &Path| path.canonicalize().map_err(|error| format!("which can't be read: {error}"));
    let folder = real(folder)?;
    let path = real(&folder.join(location))?;
    if !path.starts_with(&folder) {
        return Err("a link that leads out of the model's own folder".into());
    }
    if !path.is_file() {
        return Err("which is not a regular file".into());
    }
    Ok(path)
}

/// Checks, without reading it, that what lies outside is where it may be and not too much together with the
/// model file's own `file_bytes`.
///
/// # Errors
/// [`LoadError::ExternalData`], [`LoadError::TooLarge`].
pub(crate) fn check(proto: &ModelProto, file_bytes: u64, file: &ModelFile<'_>) -> Result<(), LoadError> {
    let mut total = file_bytes;
    for tensor in tensors(proto).into_iter().filter(|tensor| tensor.data_location != 0) {
        let location = location(tensor).unwrap_or_default();
        confine(file.path, location).map_err(|why| LoadError::ExternalData {
            path: file.path.into(),
            tensor: tensor.name.clone(),
            location: location.into(),
            why,
        })?;
        total = total.saturating_add(bytes_of(tensor));
        if total > file.limits.max_model_bytes {
            return Err(file.model_too_large(format!("{total} bytes with its external data")));
        }
    }
    Ok(())
}

/// The files beside a model in which it keeps weights, each once, as the model names them.
pub(crate) fn files(proto: &ModelProto) -> Vec<String> {
    let mut files: Vec<String> =
        tensors(proto).into_iter().filter_map(location).map(ToOwned::to_owned).collect();
    files.sort();
    files.dedup();
    files
}

fn location(tensor: &TensorProto) -> Option<&str> {
    tensor.external_data.iter().find(|entry| entry.key == "location").map(|entry| &*entry.value)
}

/// Bytes that the tensor has, as its dimensions and its type say; 0 for a type that ONNX lacks.
fn bytes_of(tensor: &TensorProto) -> u64 {
    let bits = Kind::from_code(i64::from(tensor.data_type)).and_then(Kind::bits).unwrap_or(0);
    let size = |dim: &i64| u64::try_from(*dim).unwrap_or(0);
    let elements = tensor.dims.iter().map(size).fold(1, u64::saturating_mul);
    elements.saturating_mul(u64::from(bits)) / 8
}

/// Every dense tensor of the model: weights, constants in attributes, in subgraphs, in functions.
fn tensors(proto: &ModelProto) -> Vec<&TensorProto> {
    let mut tensors = vec![];
    proto.graph.iter().for_each(|graph| in_graph(graph, &mut tensors));
    proto.functions.iter().for_each(|function| in_nodes(&function.node, &mut tensors));
    tensors
}

fn in_graph<'p>(graph: &'p GraphProto, tensors: &mut Vec<&'p TensorProto>) {
    tensors.extend(&graph.initializer);
    in_nodes(&graph.node, tensors);
}

fn in_nodes<'p>(nodes: &'p [NodeProto], tensors: &mut Vec<&'p TensorProto>) {
    for attribute in nodes.iter().flat_map(|node| &node.attribute) {
        tensors.extend(attribute.t.iter().chain(&attribute.tensors));
        attribute.g.iter().chain(&attribute.graphs).for_each(|graph| in_graph(graph, tensors));
    }
}
