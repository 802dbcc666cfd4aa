//! The one place that knows tract.
//!
//! The way of a model: [`file`] reads and decodes it, [`weights`] checks what it carries,
//! [`ports`] names free dimensions, [`chain`] hands small networks to [`super::dense`], [`plan`] has tract
//! analyse and optimise it under watch, [`super::rows`] tries whether rows are independent, and
//! [`session`] runs it.

mod chain;
mod describe;
mod fallback;
mod fault;
mod file;
mod plan;
mod ports;
mod session;
mod trace;
mod values;
mod weights;

use std::sync::Arc;

use tract_onnx::{model::Onnx, pb::ModelProto, tract_hir::internal::*};

pub(super) use self::{describe::describe, trace::trace};
use self::{fallback::Fallback, session::TractSession};
use super::{
    Choice, Dim, Engine, LoadError, Port, Session, Signature,
    choice::FREE_SIZES,
    contain::contained,
    evidence::Evidence,
    onnx::{file::ModelFile, proto::ModelProto as Proto},
    operators::{Missing, is_function, missing},
    rows::are_independent,
};

/// A model optimised by tract.
pub struct TractEngine {
    signature: Arc<Signature>,
    /// What the graph takes for each input.
    kinds: Arc<[DatumType]>,
    plan: Arc<TypedSimplePlan>,
    fallback: Option<Arc<Fallback>>,
}

/// Reads, checks and prepares a model, unless there is evidence against it. Unless tract was asked for by name, our
/// own executor runs it from the first failure on that it doesn't share.
///
/// # Errors
/// [`LoadError`]; a panic in tract is one too.
pub(super) fn load(
    bytes: &[u8],
    ours: &Proto,
    file: &ModelFile<'_>,
    evidence: &Evidence<'_>,
) -> Result<Arc<dyn Engine>, LoadError> {
    let settled = |engine: &dyn Engine, multiply_adds| match evidence.against(engine, multiply_adds, file) {
        Some(why) => Err(file.unsupported(why)),
        None => Ok(()),
    };
    contained(file, || {
        let mut proto = file::decode(bytes, file)?;
        weights::check_and_complete(&mut proto, file, bytes.len() as u64)?;
        check_operators(ours, file)?;
        let batch = ports::settle(&mut proto, file)?;
        if let Some(dense) = chain::recognise(&proto, batch.as_deref()) {
            settled(&dense, 0)?;
            return Ok(Arc::new(dense) as Arc<dyn Engine>);
        }
        let mut engine = TractEngine::build(proto, batch.as_deref(), file)?;
        settled(&engine, describe::costs(&engine.plan).map_or(0, |(count, _)| count))?;
        if engine.signature.free_batch && !are_independent(&engine.signature, &mut *engine.session()) {
            return Err(file.unsupported(MIXED_ROWS));
        }
        engine.fallback = (evidence.choice == Choice::Auto).then(|| Arc::new(Fallback::new(file)));
        Ok(Arc::new(engine) as Arc<dyn Engine>)
    })
}

const MIXED_ROWS: &str = "tract gives a row other bits alone than together with others; leave the engine at `auto`, \
    which runs it natively";

/// Operator sets whose names tract knows; an operator of the same name elsewhere is another one.
const DOMAINS: [&str; 3] = ["", "ai.onnx.ml", "com.microsoft"];

/// Checks that tract has all operators. It takes no functions of the model's own.
fn check_operators(ours: &Proto, file: &ModelFile<'_>) -> Result<(), LoadError> {
    let register = operators().op_register;
    let missing = missing(ours, &|domain, name| {
        DOMAINS.contains(&domain) && register.0.contains_key(name) && !is_function(ours, domain, name)
    });
    if missing.is_empty() {
        return Ok(());
    }
    Err(LoadError::UnsupportedOperators {
        path: file.path.into(),
        nodes: missing.iter().map(Missing::line).collect(),
    })
}

impl TractEngine {
    /// Analyses and optimises a checked model whose ports are settled; `batch` is the name of
    /// their free first dimension.
    fn build(proto: ModelProto, batch: Option<&str>, file: &ModelFile<'_>) -> Result<Self, LoadError> {
        let names: Vec<_> =
            proto.graph.iter().flat_map(|graph| &graph.output).map(|o| o.name.clone()).collect();
        let model = plan::optimise(&proto, operators(), file)?;
        drop(proto);
        let (signature, kinds) = signature(&model, names, batch, file)?;
        let failed = |error: TractError| file.unsupported(fault::reason(&error));
        let plan = TypedSimplePlan::new(model).map_err(failed)?;
        if signature.has_free_sizes() {
            return Err(file.unsupported(FREE_SIZES));
        }
        Ok(TractEngine { signature: Arc::new(signature), kinds, plan, fallback: None })
    }
}

impl Engine for TractEngine {
    fn name(&self) -> &'static str {
        match &self.fallback {
            Some(fallback) if fallback.is_in_use() => "native",
            _ => "tract",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(TractSession::new(
            Arc::clone(&self.plan),
            Arc::clone(&self.signature),
            Arc::clone(&self.kinds),
            self.fallback.clone(),
        ))
    }
}

/// The operators the engine has.
fn operators() -> Onnx {
    let mut onnx = tract_onnx::onnx();
    // Not ONNX, and it allocates whatever its attribute says while the file is parsed.
    onnx.op_register.0.remove("ConstantLike");
    onnx
}

fn signature(
    model: &TypedModel,
    output_names: Vec<String>,
    batch: Option<&str>,
    file: &ModelFile<'_>,
) -> Result<(Signature, Arc<[DatumType]>), LoadError> {
    let failed = |error: TractError| file.unsupported(fault::reason(&error));
    let mut inputs = vec![];
    let mut kinds = vec![];
    for outlet in model.input_outlets().map_err(failed)? {
        let fact = model.outlet_fact(*outlet).map_err(failed)?;
        inputs.push(port(model.node(outlet.node).name.clone(), fact, batch, file)?);
        kinds.push(fact.datum_type);
    }
    let mut outputs = vec![];
    for (outlet, name) in model.output_outlets().map_err(failed)?.iter().zip(output_names) {
        outputs.push(port(name, model.outlet_fact(*outlet).map_err(failed)?, batch, file)?);
    }
    let free_batch = inputs.iter().chain(&outputs).all(|port| port.dims.first() == Some(&Dim::Batch));
    let signature = Signature { inputs, outputs, free_batch };
    let signature = match (free_batch, batch) {
        (false, Some(batch)) => signature.without_batch(batch),
        _ => signature,
    };
    Ok((signature, kinds.into()))
}

fn port(
    name: String,
    fact: &TypedFact,
    batch: Option<&str>,
    file: &ModelFile<'_>,
) -> Result<Port, LoadError> {
    let element = values::element(fact.datum_type).ok_or_else(|| {
        file.unsupported(format!(
            "`{name}` has elements of type {:?}, which can't be exchanged",
            fact.datum_type
        ))
    })?;
    let dims = fact.shape.iter().enumerate().map(|(axis, dim)| match dim {
        TDim::Val(n) => Dim::Fixed(usize::try_from(*n).unwrap_or(0)),
        TDim::Sym(symbol) if axis == 0 && Some(&*symbol.to_string()) == batch => Dim::Batch,
        other => Dim::Free(other.to_string()),
    });
    Ok(Port { name, element, dims: dims.collect(), labels: vec![] })
}
