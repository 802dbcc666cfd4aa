//! The facts of an inspection: from the protobuf, and from the plan where there is one.

use std::{collections::HashSet, path::Path};

use tract_onnx::{pb::ModelProto, tract_hir::internal::*};

use super::{TractEngine, fault, file, operators, plan::at_one, ports, weights};
use crate::engine::{
    Engine, Limits, LoadError,
    onnx::file::ModelFile,
    inspect::{MissingOperator, OperatorCount, Opset, Report, Running},
};

/// See [`crate::engine::inspect`].
pub(in crate::engine) fn inspect(path: &Path, limits: &Limits) -> Result<Report, LoadError> {
    let model_file = ModelFile { path, limits };
    let (mut proto, file_bytes) = file::read(&model_file)?;
    weights::check_and_complete(&mut proto, &model_file, file_bytes)?;
    let mut report = of_file(&proto, file_bytes);
    // Small networks run elsewhere with the same ports and the same costs.
    let built = fault::contained(&model_file, || {
        let batch = super::settle(&mut proto, &model_file)?;
        TractEngine::build(proto, batch.as_deref(), &model_file)
    });
    match built {
        Ok(engine) => {
            let signature = engine.signature();
            report.inputs = signature.inputs.iter().map(Into::into).collect();
            report.outputs = signature.outputs.iter().map(Into::into).collect();
            report.runs_here = true;
            let (multiply_adds, activation_bytes) = costs(&engine.plan).unwrap_or_default();
            report.running = Some(Running {
                batches: signature.free_batch,
                multiply_adds,
                memory_bytes: report.parameter_bytes.saturating_add(activation_bytes),
            });
        }
        Err(LoadError::UnsupportedOperators { .. }) => {}
        Err(LoadError::Unsupported { what, .. }) => report.fault = Some(what),
        Err(error) => report.fault = Some(error.to_string()),
    }
    Ok(report)
}

fn of_file(proto: &ModelProto, file_bytes: u64) -> Report {
    let graph = proto.graph.as_ref();
    let weight_names: HashSet<&str> =
        graph.iter().flat_map(|graph| &graph.initializer).map(|tensor| &*tensor.name).collect();
    let declared = |infos: &[_]| ports::declared(infos, &weight_names).iter().map(Into::into).collect();
    let mut counts: Vec<_> =
        operators::counts(proto).into_iter().map(|(name, count)| OperatorCount { name, count }).collect();
    // Already by name; a stable sort keeps that among equals.
    counts.sort_by_key(|operator| std::cmp::Reverse(operator.count));
    let (parameters, parameter_bytes) = weights::parameters(proto);
    let missing = operators::missing(proto, &super::operators());
    Report {
        file_bytes,
        producer: format!("{} {}", proto.producer_name, proto.producer_version).trim().into(),
        ir_version: proto.ir_version,
        opsets: opsets(proto),
        inputs: graph.map_or_else(Vec::new, |graph| declared(&graph.input)),
        outputs: graph.map_or_else(Vec::new, |graph| declared(&graph.output)),
        operators: counts,
        parameters,
        parameter_bytes,
        running: None,
        runs_here: false,
        missing: missing
            .into_iter()
            .map(|missing| MissingOperator {
                operator: missing.operator,
                nodes: missing.nodes,
                advice: missing.advice,
            })
            .collect(),
        fault: None,
    }
}

/// scikit-learn's exporter lists some sets twice; once is enough.
fn opsets(proto: &ModelProto) -> Vec<Opset> {
    let mut opsets: Vec<Opset> = vec![];
    for import in &proto.opset_import {
        let domain = if import.domain == "ai.onnx" { "" } else { &*import.domain };
        let opset = Opset { domain: domain.into(), version: import.version };
        if !opsets.contains(&opset) {
            opsets.push(opset);
        }
    }
    opsets
}

/// Multiply-adds, and the peak of inner values in bytes, both for one row.
fn costs(plan: &TypedSimplePlan) -> TractResult<(u64, u64)> {
    let model = plan.model();
    let mut multiply_adds = 0u64;
    for &node in plan.order_without_consts() {
        // tract counts the polynomials inside sigmoid and tanh as well.
        if model.node(node).op_is::<tract_core::ops::element_wise::ElementWiseOp>() {
            continue;
        }
        let inputs = model.node_input_facts(node)?;
        for (cost, count) in model.node(node).op.cost(&inputs)? {
            if matches!(cost, Cost::FMA(_)) {
                multiply_adds = multiply_adds.saturating_add(at_one(&count).unwrap_or(0));
            }
        }
    }
    let is_computed = |node: &TypedNode| !node.op_is::<tract_core::ops::konst::Const>();
    let steps = model.eval_tmp_memory_usage(plan.order_without_consts(), is_computed)?;
    let peak = steps.iter().filter_map(|(_, bytes)| at_one(bytes)).max().unwrap_or(0);
    Ok((multiply_adds, peak))
}
