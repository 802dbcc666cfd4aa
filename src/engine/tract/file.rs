//! The model as tract decodes it, checked to be ONNX at all.

use tract_onnx::{pb::ModelProto, tract_hir::internal::Framework};

use crate::{
    LoadError,
    onnx::{NEWEST_OPSET, file::ModelFile},
};

/// Decodes the file.
///
/// Protobuf decodes many byte strings that were never an ONNX model, so what every model has is
/// checked too: an IR version, operator sets, a graph with outputs.
pub(super) fn decode(mut bytes: &[u8], file: &ModelFile<'_>) -> Result<ModelProto, LoadError> {
    let proto = tract_onnx::onnx()
        .proto_model_for_read(&mut bytes)
        .map_err(|error| file.not_onnx(format!("{error:#}")))?;
    let graph = proto.graph.as_ref().ok_or_else(|| file.not_onnx("it has no graph"))?;
    if proto.ir_version <= 0 {
        return Err(file.not_onnx("it has no IR version"));
    }
    if proto.opset_import.is_empty() {
        return Err(file.not_onnx("it names no operator set"));
    }
    let newer = proto
        .opset_import
        .iter()
        .find(|set| matches!(set.domain.as_str(), "" | "ai.onnx") && set.version > NEWEST_OPSET);
    if let Some(set) = newer {
        return Err(file.unsupported(format!(
                "it was made for opset {}, the newest this program knows is {NEWEST_OPSET}; export with an older one (`opset_version=17`), or update edgeward",
                set.version
            )));
    }
    if graph.output.is_empty() {
        return Err(file.not_onnx("its graph has no outputs"));
    }
    if graph.node.is_empty() {
        return Err(file.not_onnx("its graph has no nodes"));
    }
    Ok(proto)
}
