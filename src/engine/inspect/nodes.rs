//! Who runs each node.

use std::collections::HashMap;

use super::{NodeReport, OutputReport};
use crate::{
    native,
    onnx::proto::ModelProto,
    operators::{each_node, is_function, name, plain, qualified},
};

/// What a node of the file became in the engine that runs it.
pub(super) enum Made<'m> {
    /// tract's steps after optimisation: name and operator.
    Tract(&'m [(String, String)]),
    /// A chain of dense layers.
    Dense,
    /// Our own executor; the labels of the steps that are left to a run.
    Native(&'m [String]),
    /// Nothing runs it.
    Nothing,
}

/// Inferred types and shapes, by the name of the value.
pub(super) type Types = HashMap<String, String>;

/// A line for each node of the file, subgraphs and functions included.
pub(super) fn nodes(proto: &ModelProto, made: &Made<'_>, types: &Types) -> Vec<NodeReport> {
    let opsets: HashMap<&str, i64> =
        proto.opset_import.iter().map(|set| (plain(&set.domain), set.version)).collect();
    let mut reports = vec![];
    each_node(proto, &mut |node, index| {
        let domain = plain(&node.domain);
        let entry = native::find(domain, &node.op_type);
        let opset = opsets.get(domain).copied().unwrap_or_default();
        let version = entry.and_then(|entry| entry.since.iter().rev().find(|since| **since <= opset));
        let name = name(node, index);
        let mut report = NodeReport {
            operator: qualified(node),
            version: version.copied(),
            engine: None,
            kernel: String::new(),
            note: None,
            name,
            outputs: (node.output.iter().filter(|output| !output.is_empty()))
                .map(|output| OutputReport { name: output.clone(), ty: types.get(output).cloned() })
                .collect(),
        };
        match made {
            Made::Tract(steps) => {
                report.engine = Some("tract");
                report.kernel = tract_kernel(steps, &report.name, &node.output);
            }
            Made::Dense => {
                report.engine = Some("dense");
                report.kernel = "chain of dense layers".into();
            }
            Made::Native(steps) => {
                report.engine = Some("native");
                report.note = entry.and_then(|entry| entry.note).map(Into::into);
                let label = native::label(node);
                report.kernel = if is_function(proto, domain, &node.op_type) {
                    "function, written out".into()
                } else if steps.contains(&label) {
                    node.op_type.clone()
                } else {
                    "computed at load".into()
                };
            }
            Made::Nothing => {
                if entry.is_none() && !is_function(proto, domain, &node.op_type) {
                    report.note = Some("no engine here has this operator".into());
                }
            }
        }
        reports.push(report);
    });
    reports
}

/// tract names what it makes of a node after the node.
fn tract_kernel(steps: &[(String, String)], name: &str, outputs: &[String]) -> String {
    let of = |name: &str| {
        let inner = format!("{name}.");
        let own = steps.iter().filter(|(step, _)| step == name || step.starts_with(&inner));
        own.map(|(_, operator)| operator.clone()).collect::<Vec<_>>()
    };
    let mut kernels = of(name);
    if let (true, Some(output)) = (kernels.is_empty(), outputs.first()) {
        kernels = of(output);
    }
    kernels.dedup();
    if kernels.is_empty() {
        "merged into a neighbour or computed at load".into()
    } else {
        kernels.join(" + ")
    }
}
