//! From the checked protobuf to tract's optimised graph, watching sizes on the way.
//!
//! tract computes constant parts of a graph while it analyses it, and looks at the size of a
//! result only once it has it: `ConstantOfShape` of 10^12 elements would be allocated. So the
//! analysis is driven from here, node by node, and each node's output shape is checked before
//! the node is computed.

use std::collections::BTreeSet;

use tract_onnx::{
    model::{Onnx, ParseResult},
    pb::ModelProto,
    tract_hir::{
        infer::{Factoid, InferenceFact},
        internal::*,
    },
};

use super::fault::reason;
use crate::{LoadError, onnx::file::ModelFile};

/// Results larger than this are not computed by tract's analysis whatever we say.
const EAGER_BYTES: usize = tract_core::optim::CONST_FOLD_MEM_BUDGET as usize;

/// The optimised graph. Free dimensions stay symbols under their names in the file.
pub(super) fn optimise(
    proto: &ModelProto,
    onnx: Onnx,
    file: &ModelFile<'_>,
) -> Result<TypedModel, LoadError> {
    let limit = file.limits.max_tensor_bytes;
    // Exported shapes of inner values are often stale (a batch of one under a free input), so
    // they are only used when the analysis needs them.
    let first = typed(proto, onnx.clone().with_ignore_value_info(true), limit);
    let typed = match first {
        Err(Halt::Failed(first)) => {
            typed(proto, onnx, limit).map_err(|second| second.without(Halt::Failed(first)))
        }
        other => other,
    };
    typed
        .and_then(|typed| {
            check_facts(&typed, limit)?;
            let decluttered = typed.into_decluttered()?;
            check_facts(&decluttered, limit)?;
            Ok(decluttered.into_optimized()?)
        })
        .map_err(|halt| match halt {
            Halt::TooLarge(what) => file.tensor_too_large(what),
            Halt::Failed(error) => file.unsupported(reason(&error)),
        })
}

/// Why planning stopped.
enum Halt {
    TooLarge(String),
    Failed(TractError),
}

impl Halt {
    /// Of two failures the first is told, unless the second says more.
    fn without(self, first: Halt) -> Halt {
        match self {
            Halt::TooLarge(_) => self,
            Halt::Failed(_) => first,
        }
    }
}

impl From<TractError> for Halt {
    fn from(error: TractError) -> Self {
        Halt::Failed(error)
    }
}

fn typed(proto: &ModelProto, onnx: Onnx, limit: u64) -> Result<TypedModel, Halt> {
    let ParseResult { mut model, unresolved_inputs, .. } = onnx.parse(proto, None)?;
    if let Some(name) = unresolved_inputs.first() {
        return Err(Halt::Failed(anyhow!("a node reads `{name}`, which nothing makes")));
    }
    analyse(&mut model, limit)?;
    Ok(model.into_typed()?)
}

/// Infers types and shapes until nothing new is learnt.
fn analyse(model: &mut InferenceModel, limit: u64) -> Result<(), Halt> {
    let mut waiting: BTreeSet<usize> = (0..model.nodes().len()).collect();
    while let Some(id) = waiting.pop_first() {
        let what = format!("node `{}` ({})", model.node(id).name, model.node(id).op.name());
        for (outlet, fact) in learn(model, id, &what, limit)? {
            let known = model.outlet_fact(outlet)?;
            let unified = known.unify(&fact).with_context(|| what.clone())?;
            if unified == *known {
                continue;
            }
            check_fact(&what, &unified, limit)?;
            model.set_outlet_fact(outlet, unified)?;
            let successors = &model.node(outlet.node).outputs[outlet.slot].successors;
            waiting.extend(successors.iter().map(|inlet| inlet.node).filter(|&node| node != id));
            if outlet.node != id {
                waiting.insert(outlet.node);
            }
        }
    }
    Ok(())
}

/// What one node says about its inputs, its outputs and what else it looks at.
fn learn(
    model: &mut InferenceModel,
    id: usize,
    what: &str,
    limit: u64,
) -> Result<Vec<(OutletId, InferenceFact)>, Halt> {
    let node = model.node(id);
    let observed_outlets = node.op.observe_outlets(model, node)?;
    let outlets: Vec<OutletId> = node
        .inputs
        .iter()
        .copied()
        .chain((0..node.outputs.len()).map(|slot| OutletId::new(id, slot)))
        .chain(observed_outlets)
        .collect();
    let (n_inputs, n_outputs) = (node.inputs.len(), node.outputs.len());
    let known: Vec<InferenceFact> =
        outlets.iter().map(|&outlet| model.outlet_fact(outlet).cloned()).collect::<TractResult<_>>()?;
    let part = |range: std::ops::Range<usize>| known[range].iter().collect::<TVec<_>>();
    let (ins, outs, seen) =
        (part(0..n_inputs), part(n_inputs..n_inputs + n_outputs), part(n_inputs + n_outputs..known.len()));
    let op = &mut model.node_mut(id).op;
    // Only a node whose inputs are all known and small is computed by the analysis.
    let constants: Option<Vec<_>> = ins.iter().map(|fact| fact.value.concretize()).collect();
    let computed = constants.filter(|constants| {
        !constants.is_empty() && constants.iter().all(|t| t.len() * t.datum_type().size_of() <= EAGER_BYTES)
    });
    if let Some(constants) = computed {
        // What it would be, before it is: a failure here comes again below and says why.
        check_range(op.name().as_ref(), what, &constants, limit)?;
        if let Ok((_, shapes, _)) = op.infer_facts(ins.clone(), outs.clone(), seen.clone()) {
            check_result(what, &constants, &shapes, limit)?;
        }
    }
    let (ins, outs, seen) = op.infer(ins, outs, seen).with_context(|| what.to_owned())?;
    Ok(outlets.into_iter().zip(ins.into_iter().chain(outs).chain(seen)).collect())
}

/// Would computing a node with these inputs make something larger than the limit?
fn check_result(
    what: &str,
    constants: &[Arc<Tensor>],
    results: &[InferenceFact],
    limit: u64,
) -> Result<(), Halt> {
    for fact in results {
        check_fact(what, fact, limit)?;
        if !fact.shape.is_concrete() {
            // Its size comes out of its inputs' values, and those could be anything.
            let bound: f64 = constants.iter().map(|tensor| largest_product(tensor)).product();
            if bound > limit as f64 {
                return Err(Halt::TooLarge(format!("a result of unknown size at {what}")));
            }
        }
    }
    Ok(())
}

/// A range's length is worked out here: tract's own inference keeps 32 bits of it.
fn check_range(name: &str, what: &str, constants: &[Arc<Tensor>], limit: u64) -> Result<(), Halt> {
    let [from, to, step] = constants else { return Ok(()) };
    if name != "Range" {
        return Ok(());
    }
    let number = |tensor: &Tensor| tensor.cast_to_scalar::<f64>();
    let length = (number(to)? - number(from)?) / number(step)?;
    // Not the other way round: 0 / 0 must be refused as well.
    if length * 8.0 <= limit as f64 {
        Ok(())
    } else {
        Err(Halt::TooLarge(format!("{length} steps of {what}")))
    }
}

/// The product of all values over one of a small number tensor: the size it could stand for.
fn largest_product(tensor: &Tensor) -> f64 {
    if tensor.len() > 64 {
        return 1.0;
    }
    let values = tensor.cast_to::<f64>().ok();
    let product = values.as_ref().and_then(|t| t.try_as_plain_ram().ok()).and_then(|view| {
        Some(view.as_slice::<f64>().ok()?.iter().filter(|v| v.abs() > 1.0).map(|v| v.abs()).product())
    });
    product.unwrap_or(1.0)
}

fn check_fact(what: &str, fact: &InferenceFact, limit: u64) -> Result<(), Halt> {
    let width = fact.datum_type.concretize().map_or(1, |dt| dt.size_of());
    let dims = fact.shape.dims().map(|dim| dim.concretize());
    let volume = dims.flatten().try_fold(width as u64, |product, dim| product.checked_mul(at_one(&dim)?));
    within(what, volume, limit)
}

fn check_facts(model: &TypedModel, limit: u64) -> Result<(), Halt> {
    for node in model.nodes() {
        for output in &node.outputs {
            let width = output.fact.datum_type.size_of() as u64;
            let volume =
                output.fact.shape.iter().try_fold(width, |product, dim| product.checked_mul(at_one(dim)?));
            within(&format!("node `{}` ({})", node.name, node.op.name()), volume, limit)?;
        }
    }
    Ok(())
}

fn within(what: &str, bytes: Option<u64>, limit: u64) -> Result<(), Halt> {
    match bytes {
        Some(bytes) if bytes <= limit => Ok(()),
        Some(bytes) => Err(Halt::TooLarge(format!("{bytes} bytes for the result of {what}"))),
        None => Err(Halt::TooLarge(format!("more bytes than can be counted for the result of {what}"))),
    }
}

/// A dimension with every symbol at one: what one row needs. `None` when it is beyond counting.
pub(super) fn at_one(dim: &TDim) -> Option<u64> {
    let mut values = SymbolValues::default();
    for symbol in dim.symbols() {
        values.set(&symbol, 1);
    }
    match dim.eval(&values).to_i64() {
        // A number below zero is one that overflowed; an expression may just want longer rows.
        Ok(n) if n < 0 && dim.symbols().is_empty() => None,
        Ok(n) => Some(u64::try_from(n).unwrap_or(0)),
        // An expression that one row doesn't settle says nothing about size.
        Err(_) => Some(1),
    }
}
