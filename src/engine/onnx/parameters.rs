//! How much a model has learnt.

use super::proto::{GraphProto, ModelProto, TensorProto};
use crate::native::Kind;

/// What the model has learnt: (numbers, bytes) in weights, constants and the attributes of trees.
pub(crate) fn parameters(proto: &ModelProto) -> (u64, u64) {
    let mut sum = (0, 0);
    if let Some(graph) = &proto.graph {
        add_parameters(graph, &mut sum);
    }
    sum
}

fn add_parameters(graph: &GraphProto, sum: &mut (u64, u64)) {
    let attributes = || graph.node.iter().flat_map(|node| &node.attribute);
    for tensor in graph.initializer.iter().chain(attributes().filter_map(|attribute| attribute.t.as_ref())) {
        let elements = elements(tensor).unwrap_or(0);
        sum.0 += elements;
        sum.1 += elements.saturating_mul(bits(tensor).unwrap_or(0)).div_ceil(8);
    }
    for attribute in attributes() {
        sum.0 += attribute.floats.len() as u64;
        sum.1 += 4 * attribute.floats.len() as u64;
        attribute.g.iter().chain(&attribute.graphs).for_each(|graph| add_parameters(graph, sum));
    }
}

fn elements(tensor: &TensorProto) -> Option<u64> {
    tensor.dims.iter().try_fold(1u64, |product, &dim| product.checked_mul(u64::try_from(dim).ok()?))
}

fn bits(tensor: &TensorProto) -> Option<u64> {
    Kind::from_code(i64::from(tensor.data_type))?.bits().map(u64::from)
}
