//! What tract made of a model: its steps and what a row costs.

use tract_onnx::tract_hir::internal::*;

use super::{TractEngine, contained, file, plan::at_one, ports, weights};
use crate::{
    Engine, LoadError,
    described::Description,
    onnx::{file::ModelFile, proto::ModelProto},
};

/// Builds the model as `load` does and describes it.
///
/// # Errors
/// As `load`.
pub(crate) fn describe(
    bytes: &[u8],
    ours: &ModelProto,
    file: &ModelFile<'_>,
) -> Result<Description, LoadError> {
    contained(file, || {
        let mut proto = file::decode(bytes, file)?;
        weights::check_and_complete(&mut proto, file, bytes.len() as u64)?;
        super::check_operators(ours, file)?;
        let batch = ports::settle(&mut proto, file)?;
        let engine = TractEngine::build(proto, batch.as_deref(), file)?;
        let (multiply_adds, activation_bytes) = costs(&engine.plan).unwrap_or_default();
        let model = engine.plan.model();
        let step = |node: &TypedNode| (node.name.clone(), node.op.name().into_owned());
        let steps = engine.plan.order_without_consts().iter().map(|&at| step(model.node(at))).collect();
        Ok(Description { signature: engine.signature().clone(), multiply_adds, activation_bytes, steps })
    })
}

/// Multiply-adds, and the peak of inner values in bytes, both for one row.
pub(super) fn costs(plan: &TypedSimplePlan) -> TractResult<(u64, u64)> {
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
