//! What a small file could make of itself: functions written out again and again, tensors that are
//! nearly empty, one file read for many tensors. All of it is counted while the graph is built.

use prost::Message;

use crate::{
    native::{
        exec::Bounds,
        fault::Fault,
        value::{Kind, Weights},
    },
    onnx::proto::{AttributeProto, GraphProto, ModelProto, SparseTensorProto, TensorProto},
};

/// Nodes a model may have beside those in the file, once its functions are written out where they
/// are called.
const MORE_NODES: usize = 1 << 17;
/// Bytes of results of computing with constants that are kept.
const FOLDED_BYTES: u64 = 512 << 20;
/// Turns of loops while constants are computed.
const FOLDED_TURNS: u64 = 100_000;

/// What is left of each budget.
#[derive(Clone, Copy)]
pub struct Spent {
    nodes: usize,
    bytes: u64,
    folded_bytes: u64,
    pub turns: u64,
}

impl Spent {
    pub fn new(proto: &ModelProto, weights: Weights<'_>, bounds: Bounds) -> Self {
        let in_functions: usize = proto.functions.iter().map(|function| function.node.len()).sum();
        let in_graph = proto.graph.as_ref().map_or(0, |graph| nodes(graph, 0));
        let bytes = weights
            .file
            .map_or(bounds.max_tensor_bytes.saturating_mul(2), |file| file.limits.max_model_bytes);
        let nodes = in_graph.saturating_add(in_functions).saturating_add(MORE_NODES);
        Spent { nodes, bytes, folded_bytes: FOLDED_BYTES, turns: FOLDED_TURNS }
    }

    pub fn node(&mut self) -> Result<(), Fault> {
        self.nodes = self.nodes.checked_sub(1).ok_or_else(|| {
            Fault::limit("the model's functions, written out where they are called, have too many nodes")
        })?;
        Ok(())
    }

    /// Whether `bytes` more of constants may be kept.
    pub fn fold(&mut self, bytes: usize) -> bool {
        let left = self.folded_bytes.checked_sub(bytes as u64);
        self.folded_bytes = left.unwrap_or(self.folded_bytes);
        left.is_some()
    }

    /// An attribute, which a function's node has once for every call.
    pub fn attribute(&mut self, attribute: &AttributeProto, in_function: bool) -> Result<(), Fault> {
        let copied = if in_function { attribute.encoded_len() as u64 } else { 0 };
        let tensors = attribute.t.as_ref().map_or(0, outside);
        let sparse = attribute.sparse_tensor.iter().map(dense).fold(0, u64::saturating_add);
        self.take(copied.saturating_add(tensors).saturating_add(sparse))
    }

    /// The weights of a graph.
    pub fn graph(&mut self, graph: &GraphProto) -> Result<(), Fault> {
        let tensors = graph.initializer.iter().map(outside).fold(0, u64::saturating_add);
        let sparse = graph.sparse_initializer.iter().map(dense).fold(0, u64::saturating_add);
        self.take(tensors.saturating_add(sparse))
    }

    fn take(&mut self, bytes: u64) -> Result<(), Fault> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or_else(|| {
            Fault::limit(
                "its weights outside the file, sparse tensors and functions, written out, need more than \
                 `limits.max_model_bytes`",
            )
        })?;
        Ok(())
    }
}

fn nodes(graph: &GraphProto, depth: usize) -> usize {
    // As deep as the parser lets messages be.
    if depth > 100 {
        return 0;
    }
    let inside = graph.node.iter().flat_map(|node| &node.attribute).flat_map(|attribute| &attribute.g);
    inside.map(|graph| nodes(graph, depth + 1)).sum::<usize>() + graph.node.len()
}

/// Bytes of a tensor that is kept in another file.
fn outside(tensor: &TensorProto) -> u64 {
    if tensor.data_location == 0 { 0 } else { size(&tensor.dims, tensor.data_type) }
}

/// Bytes of a sparse tensor written out.
fn dense(sparse: &SparseTensorProto) -> u64 {
    size(&sparse.dims, sparse.values.as_ref().map_or(0, |values| values.data_type))
}

fn size(dims: &[i64], kind: i32) -> u64 {
    let bits = Kind::from_code(i64::from(kind)).and_then(Kind::bits).unwrap_or(128);
    let len = dims.iter().fold(1u64, |len, &dim| len.saturating_mul(u64::try_from(dim).unwrap_or(0)));
    len.saturating_mul(u64::from(bits.max(8))) / 8
}
