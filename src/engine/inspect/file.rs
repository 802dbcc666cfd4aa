//! What the file itself says.

use std::collections::HashSet;

use super::{DimReport, OperatorCount, Opset, PortReport, Report};
use crate::{
    native::{Axis, Type},
    onnx::{
        parameters::parameters,
        proto::{ModelProto, ValueInfoProto},
    },
    operators::{counts, plain},
};

/// A report of the file alone: nothing is known yet of how it runs.
pub(super) fn facts(proto: &ModelProto, file_bytes: u64) -> Report {
    let graph = proto.graph.as_ref();
    let weights: HashSet<&str> =
        graph.iter().flat_map(|graph| &graph.initializer).map(|tensor| &*tensor.name).collect();
    let ports = |infos: &[ValueInfoProto]| {
        infos.iter().filter(|info| !weights.contains(&*info.name)).filter_map(port).collect()
    };
    let mut operators: Vec<_> =
        counts(proto).into_iter().map(|(name, count)| OperatorCount { name, count }).collect();
    // Already by name; a stable sort keeps that among equals.
    operators.sort_by_key(|operator| std::cmp::Reverse(operator.count));
    let (parameters, parameter_bytes) = parameters(proto);
    Report {
        file_bytes,
        producer: format!("{} {}", proto.producer_name, proto.producer_version).trim().into(),
        ir_version: proto.ir_version,
        opsets: opsets(proto),
        inputs: graph.map_or_else(Vec::new, |graph| ports(&graph.input)),
        outputs: graph.map_or_else(Vec::new, |graph| ports(&graph.output)),
        operators,
        parameters,
        parameter_bytes,
        running: None,
        runs_here: false,
        sized: None,
        nodes: vec![],
        missing: vec![],
        fault: None,
    }
}

/// scikit-learn's exporter lists some sets twice; once is enough.
fn opsets(proto: &ModelProto) -> Vec<Opset> {
    let mut opsets: Vec<Opset> = vec![];
    for import in &proto.opset_import {
        let opset = Opset { domain: plain(&import.domain).into(), version: import.version };
        if !opsets.contains(&opset) {
            opsets.push(opset);
        }
    }
    opsets
}

fn port(info: &ValueInfoProto) -> Option<PortReport> {
    let Ok(Type::Tensor { kind, axes }) = Type::of(info.r#type.as_ref()) else { return None };
    let dims = axes.unwrap_or_default().into_iter().map(|axis| match axis {
        Axis::Fixed(n) => DimReport::Fixed(n),
        Axis::Free(name) if name.is_empty() => DimReport::Free("?".into()),
        Axis::Free(name) => DimReport::Free(name),
    });
    let element = crate::native::exchanged(kind).map_or(kind.name(), |element| element.name());
    Some(PortReport { name: info.name.clone(), element, dims: dims.collect(), labels: vec![] })
}
