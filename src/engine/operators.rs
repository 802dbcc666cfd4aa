//! The operators of a model: which ones an engine lacks, where, and what to do about each.

use std::collections::BTreeMap;

use super::onnx::proto::{GraphProto, ModelProto, NodeProto};

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

/// All operators an engine lacks, subgraphs and functions included, by name. `has` says of a domain
/// (empty for ONNX's own) and a name whether the engine has it.
pub(super) fn missing(proto: &ModelProto, has: &dyn Fn(&str, &str) -> bool) -> Vec<Missing> {
    let mut found: BTreeMap<String, Missing> = BTreeMap::new();
    each_node(proto, &mut |node, index| {
        if has(plain(&node.domain), &node.op_type) {
            return;
        }
        let operator = qualified(node);
        let advice = advice(node);
        let entry =
            found.entry(operator.clone()).or_insert_with(|| Missing { operator, nodes: vec![], advice });
        entry.nodes.push(name(node, index));
    });
    found.into_values().collect()
}

/// ONNX's own domain has two spellings.
pub(super) fn plain(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

/// True when the model itself defines the operator, as a function.
pub(super) fn is_function(proto: &ModelProto, domain: &str, name: &str) -> bool {
    proto.functions.iter().any(|function| function.name == name && plain(&function.domain) == domain)
}

/// How often each operator occurs, subgraphs included.
pub(super) fn counts(proto: &ModelProto) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    each_node(proto, &mut |node, _| *counts.entry(qualified(node)).or_default() += 1);
    counts
}

pub(super) fn qualified(node: &NodeProto) -> String {
    match &*node.domain {
        "" | "ai.onnx" | "ai.onnx.ml" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    }
}

/// How reports name a node: its own name, else what it makes.
pub(super) fn name(node: &NodeProto, index: usize) -> String {
    match (&*node.name, node.output.first()) {
        ("", Some(output)) if !output.is_empty() => output.clone(),
        ("", _) => format!("#{index}"),
        (name, _) => name.into(),
    }
}

/// Visits every node with its index in its graph: subgraphs and functions too.
pub(super) fn each_node(proto: &ModelProto, visit: &mut dyn FnMut(&NodeProto, usize)) {
    if let Some(graph) = &proto.graph {
        each_in_graph(graph, visit);
    }
    for function in &proto.functions {
        each_of(&function.node, visit);
    }
}

fn each_in_graph(graph: &GraphProto, visit: &mut dyn FnMut(&NodeProto, usize)) {
    each_of(&graph.node, visit);
}

fn each_of(nodes: &[NodeProto], visit: &mut dyn FnMut(&NodeProto, usize)) {
    for (index, node) in nodes.iter().enumerate() {
        visit(node, index);
        for attribute in &node.attribute {
            attribute.g.iter().chain(&attribute.graphs).for_each(|graph| each_in_graph(graph, visit));
        }
    }
}

fn advice(node: &NodeProto) -> String {
    match plain(&node.domain) {
        "" | "ai.onnx.ml" => {
            "not supported here yet; try another opset (`opset_version=17`) or replace the layer that makes it"
                .into()
        }
        "com.microsoft" => "an operator of ONNX Runtime, not of ONNX; export without its optimiser".into(),
        "com.microsoft.nchwc" => {
            "its weights are laid out for the processor on which ONNX Runtime optimised the file, and nothing in the file \
             says which; optimise it up to the level `extended`"
                .into()
        }
        domain => format!("an operator of `{domain}`, not of ONNX; export with standard operators only"),
    }
}
