//! The operators of a model: which ones the engine lacks, where, and what to do about each.

use std::collections::BTreeMap;

use tract_onnx::{
    model::Onnx,
    pb::{GraphProto, ModelProto, NodeProto},
};

/// Operator sets whose names tract knows; an operator of the same name elsewhere is another one.
const DOMAINS: [&str; 4] = ["", "ai.onnx", "ai.onnx.ml", "com.microsoft"];

/// An operator the engine lacks.
pub(super) struct Missing {
    /// With its domain where it is not ONNX's own: `com.example.Frobnicate`.
    pub operator: String,
    /// The nodes that are it, in the file's order.
    pub nodes: Vec<String>,
    pub advice: String,
}

impl Missing {
    /// One line: ``Operator `ZipMap` (node `zip`): export with ...``.
    pub fn line(&self) -> String {
        const NAMED: usize = 3;
        let mut named: Vec<_> = self.nodes.iter().take(NAMED).map(|node| format!("`{node}`")).collect();
        let more = self.nodes.len() - named.len();
        if more > 0 {
            named.push(format!("{more} more"));
        }
        let noun = if self.nodes.len() == 1 { "node" } else { "nodes" };
        format!("Operator `{}` ({noun} {}): {}", self.operator, named.join(", "), self.advice)
    }
}

/// All operators the engine lacks, subgraphs and functions included, by name.
pub(super) fn missing(proto: &ModelProto, onnx: &Onnx) -> Vec<Missing> {
    let mut found: BTreeMap<String, Missing> = BTreeMap::new();
    each_node(proto, &mut |node, index| {
        let local = proto.functions.iter().any(|f| {
            f.name.as_deref() == Some(&node.op_type) && f.domain.as_deref().unwrap_or("") == node.domain
        });
        let known = DOMAINS.contains(&&*node.domain) && onnx.op_register.0.contains_key(&node.op_type);
        if known && !local {
            return;
        }
        let operator = qualified(node);
        let advice = if local { FUNCTION.into() } else { advice(node) };
        let entry =
            found.entry(operator.clone()).or_insert_with(|| Missing { operator, nodes: vec![], advice });
        entry.nodes.push(name(node, index));
    });
    found.into_values().collect()
}

/// How often each operator occurs, subgraphs included.
pub(super) fn counts(proto: &ModelProto) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    each_node(proto, &mut |node, _| *counts.entry(qualified(node)).or_default() += 1);
    counts
}

fn qualified(node: &NodeProto) -> String {
    match &*node.domain {
        "" | "ai.onnx" | "ai.onnx.ml" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    }
}

fn name(node: &NodeProto, index: usize) -> String {
    match (&*node.name, node.output.first()) {
        ("", Some(output)) if !output.is_empty() => output.clone(),
        ("", _) => format!("#{index}"),
        (name, _) => name.into(),
    }
}

fn each_node(proto: &ModelProto, visit: &mut dyn FnMut(&NodeProto, usize)) {
    if let Some(graph) = &proto.graph {
        each_in_graph(graph, visit);
    }
}

fn each_in_graph(graph: &GraphProto, visit: &mut dyn FnMut(&NodeProto, usize)) {
    for (index, node) in graph.node.iter().enumerate() {
        visit(node, index);
        for attribute in &node.attribute {
            attribute.g.iter().chain(&attribute.graphs).for_each(|graph| each_in_graph(graph, visit));
        }
    }
}

const FUNCTION: &str = "a function the model defines itself; inline it with `onnx.inliner.inline_local_functions` \
                        and export again";

fn advice(node: &NodeProto) -> String {
    match &*node.op_type {
        "ZipMap" => "export with zipmap off, `to_onnx(model, X[:1], options={'zipmap': False})`".into(),
        "SVMClassifier" | "SVMRegressor" => {
            "support vector machines are not supported by this engine yet; a tree ensemble or a linear model is"
                .into()
        }
        "Scaler" | "Imputer" | "Binarizer" => "not supported by this engine yet; do this step in the bundle's \
             field preparation (scale, offset, what a missing value becomes) and export the model behind it"
            .into(),
        "LabelEncoder" | "OneHotEncoder" | "DictVectorizer" | "FeatureVectorizer" | "CastMap" => {
            "not supported by this engine yet; export the model behind this step and send it numbers".into()
        }
        "TreeEnsemble" => "the newer form of tree ensembles is not supported by this engine yet; export with \
             `target_opset={'': 17, 'ai.onnx.ml': 3}`"
            .into(),
        "Loop" => "loops are not supported by this engine; export with a fixed number of steps".into(),
        op if op.starts_with("Sequence") || op.contains("Optional") || op == "ConcatFromSequence" => {
            "sequences and optionals are not supported by this engine; export with plain tensors".into()
        }
        op if op.starts_with("String") || op == "TfIdfVectorizer" => {
            "text operators are not supported by this engine; do this step before the message is sent".into()
        }
        _ if !DOMAINS.contains(&&*node.domain) => format!(
            "an operator of `{}`, not of ONNX; export with standard operators only",
            node.domain
        ),
        _ => "not supported by this engine yet; try another opset (`opset_version=17`) or replace the layer that \
              makes it"
            .into(),
    }
}
