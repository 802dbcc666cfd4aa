//! The decoded model, checked to be ONNX at all.

use bytes::Bytes;
use prost::Message;

use super::{
    file::ModelFile,
    proto::{AttributeProto, GraphProto, ModelProto, NodeProto, attribute_type},
};
use crate::LoadError;

/// Decodes a file's bytes; tensors share them.
///
/// Protobuf decodes many byte strings that were never an ONNX model, so what every model has is
/// checked too: an IR version, operator sets, a graph with nodes and outputs.
pub(crate) fn decode(bytes: Bytes, file: &ModelFile<'_>) -> Result<ModelProto, LoadError> {
    let proto = ModelProto::decode(bytes).map_err(|error| file.not_onnx(error.to_string()))?;
    let graph = proto.graph.as_ref().ok_or_else(|| file.not_onnx("it has no graph"))?;
    let lacks = [
        (proto.ir_version <= 0, "it has no IR version"),
        (proto.opset_import.is_empty(), "it names no operator set"),
        (graph.output.is_empty(), "its graph has no outputs"),
        (graph.node.is_empty(), "its graph has no nodes"),
    ];
    match lacks.iter().find(|(lacks, _)| *lacks) {
        Some((_, what)) => Err(file.not_onnx(*what)),
        None => Ok(proto),
    }
}

/// Replaces each `ZipMap` that makes an output of the model by what it reads: the numbers alone, a
/// row for each row, which is what everybody wants. What the columns are called, [`labels`] tells.
pub(crate) fn unzip(proto: &mut ModelProto) {
    let Some(graph) = &mut proto.graph else { return };
    let outputs: Vec<_> = graph.output.iter().map(|output| output.name.clone()).collect();
    let mut unzipped = vec![];
    for node in &mut graph.node {
        let made = node.output.first().filter(|output| outputs.contains(output));
        if node.op_type != "ZipMap" || node.domain != "ai.onnx.ml" {
            continue;
        }
        let Some(made) = made else { continue };
        unzipped.push(made.clone());
        node.op_type = "Identity".into();
        node.domain.clear();
    }
    if unzipped.is_empty() {
        return;
    }
    for output in graph.output.iter_mut().filter(|output| unzipped.contains(&output.name)) {
        output.r#type = None;
    }
    if !proto.opset_import.iter().any(|set| matches!(&*set.domain, "" | "ai.onnx")) {
        proto
            .opset_import
            .push(super::proto::OperatorSetIdProto { domain: String::new(), version: super::NEWEST_OPSET });
    }
}

/// The classes that the columns of a model's output stand for, where the model says so: the labels of
/// the classifier whose scores it gives.
pub(crate) fn labels(graph: &GraphProto, output: &str) -> Option<Vec<String>> {
    const PASSES_ON: [&str; 5] = ["Identity", "Cast", "Normalizer", "ZipMap", "Softmax"];
    let mut name = output;
    // As long as the graph at most, so that a circle ends.
    for _ in 0..=graph.node.len() {
        let node = graph.node.iter().find(|node| node.output.iter().any(|made| made == name))?;
        if let Some(labels) = own_labels(node) {
            let is_scores = node.op_type == "ZipMap" || node.output.get(1).is_some_and(|made| made == name);
            return is_scores.then_some(labels);
        }
        if !PASSES_ON.contains(&&*node.op_type) {
            return None;
        }
        name = node.input.first()?;
    }
    None
}

fn own_labels(node: &NodeProto) -> Option<Vec<String>> {
    if node.domain != "ai.onnx.ml" {
        return None;
    }
    let texts = |attribute: &AttributeProto| {
        let texts = attribute.strings.iter().map(|text| String::from_utf8_lossy(text).into_owned());
        texts.collect::<Vec<_>>()
    };
    node.attribute
        .iter()
        .find_map(|attribute| match (&*attribute.name, attribute.r#type) {
            ("classlabels_strings" | "classlabels_string", attribute_type::STRINGS) => Some(texts(attribute)),
            ("classlabels_int64s" | "classlabels_ints", attribute_type::INTS) => {
                Some(attribute.ints.iter().map(ToString::to_string).collect())
            }
            _ => None,
        })
        .filter(|labels| !labels.is_empty())
}
