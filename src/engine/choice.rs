//! Who may run a model: what was asked for, and what its file alone says.

use super::onnx::proto::{GraphProto, ModelProto};

/// Which engine shall run a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Choice {
    /// The one that suits the model.
    #[default]
    Auto,
    Tract,
    Native,
}

impl Choice {
    /// As configuration, bundles and the command line name them.
    pub const NAMES: [(&'static str, Choice); 3] =
        [("auto", Choice::Auto), ("tract", Choice::Tract), ("native", Choice::Native)];
}

/// Why tract runs no model with free sizes.
pub(super) const FREE_SIZES: &str = "it has free sizes besides the batch, and tract does not check what each message \
    brings; leave the engine at `auto`, which runs it natively";

/// True when an input has a free dimension besides the rows', which are the first axis where there are others.
pub(super) fn has_free_sizes(proto: &ModelProto) -> bool {
    let Some(graph) = &proto.graph else { return false };
    let is_weight = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    let inputs = graph.input.iter().filter(|input| !is_weight(&input.name));
    let shapes = inputs.filter_map(|input| input.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref());
    let mut inner = shapes.flat_map(|shape| shape.dim.iter().skip(usize::from(shape.dim.len() > 1)));
    inner.any(|dim| dim.value.is_none_or(|n| n <= 0))
}

/// True when a node, of a subgraph or a function too, is of `ai.onnx.ml`.
pub(super) fn has_classical(proto: &ModelProto) -> bool {
    fn in_graph(graph: &GraphProto) -> bool {
        graph.node.iter().any(|node| {
            node.domain == "ai.onnx.ml"
                || node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()).any(in_graph)
        })
    }
    let in_functions =
        || proto.functions.iter().flat_map(|f| &f.node).any(|node| node.domain == "ai.onnx.ml");
    proto.graph.as_ref().is_some_and(in_graph) || in_functions()
}
