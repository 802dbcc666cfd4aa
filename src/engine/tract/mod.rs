//! The one place that knows tract.
//!
//! The way of a model: [`file`] reads and decodes it, [`weights`] checks what it carries,
//! [`operators`] lists what the engine lacks, [`ports`] names free dimensions, [`chain`]
//! hands small networks to [`super::dense`], [`plan`] has tract
//! analyse and optimise it under watch, [`super::rows`] tries whether rows are independent, and
//! [`session`] runs it.

mod chain;
mod fault;
mod file;
mod operators;
mod plan;
mod ports;
mod report;
mod session;
mod trees;
mod values;
mod weights;

use std::{path::Path, sync::Arc};

use tract_onnx::{model::Onnx, pb::ModelProto, tract_hir::internal::*};

pub(super) use self::report::inspect;
use self::session::TractSession;
use super::{
    Dim, Engine, Limits, LoadError, Port, Session, Signature, onnx::file::ModelFile, rows::are_independent,
};

/// A model optimised by tract.
pub struct TractEngine {
    signature: Arc<Signature>,
    /// What the graph takes for each input.
    kinds: Arc<[DatumType]>,
    plan: Arc<TypedSimplePlan>,
}

/// Reads, checks and prepares a model.
///
/// # Errors
/// [`LoadError`]; a panic in tract is one too.
pub(super) fn load(path: &Path, limits: &Limits) -> Result<Arc<dyn Engine>, LoadError> {
    let file = ModelFile { path, limits };
    fault::contained(&file, || {
        let (mut proto, file_bytes) = file::read(&file)?;
        weights::check_and_complete(&mut proto, &file, file_bytes)?;
        let batch = settle(&mut proto, &file)?;
        if let Some(dense) = chain::recognise(&proto, batch.as_deref()) {
            return Ok(Arc::new(dense) as Arc<dyn Engine>);
        }
        Ok(Arc::new(TractEngine::build(proto, batch.as_deref(), &file)?) as Arc<dyn Engine>)
    })
}

/// Checks that the engine has all operators and names free dimensions; see [`ports::settle`].
fn settle(proto: &mut ModelProto, file: &ModelFile<'_>) -> Result<Option<String>, LoadError> {
    let missing = operators::missing(proto, &operators());
    if !missing.is_empty() {
        let nodes = missing.iter().map(operators::Missing::line).collect();
        return Err(LoadError::UnsupportedOperators { path: file.path.into(), nodes });
    }
    ports::settle(proto, file)
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
        let mut engine = TractEngine { signature: Arc::new(signature), kinds, plan };
        if engine.signature.free_batch && !are_independent(&engine.signature, &mut *engine.session()) {
            engine.signature = Arc::new(without_batch(&engine.signature, batch.unwrap_or("N")));
        }
        Ok(engine)
    }
}

impl Engine for TractEngine {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(TractSession::new(
            Arc::clone(&self.plan),
            Arc::clone(&self.signature),
            Arc::clone(&self.kinds),
        ))
    }
}

/// The operators the engine has.
fn operators() -> Onnx {
    let mut onnx = tract_onnx::onnx();
    // Not ONNX, and it allocates whatever its attribute says while the file is parsed.
    onnx.op_register.0.remove("ConstantLike");
    trees::register(&mut onnx);
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
    let free_batch = inputs
        .iter()
        .chain(&outputs)
        .all(|port| port.dims.first() == Some(&Dim::Batch) && port.row_len().is_some());
    let signature = Signature { inputs, outputs, free_batch };
    let signature = match (free_batch, batch) {
        (false, Some(batch)) => without_batch(&signature, batch),
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
    Ok(Port { name, element, dims: dims.collect() })
}

/// The same signature with its first dimension free, but not a batch.
fn without_batch(signature: &Signature, name: &str) -> Signature {
    let renamed = |ports: &[Port]| {
        let rename = |dim: &Dim| if *dim == Dim::Batch { Dim::Free(name.into()) } else { dim.clone() };
        ports.iter().map(|p| Port { dims: p.dims.iter().map(rename).collect(), ..p.clone() }).collect()
    };
    Signature { inputs: renamed(&signature.inputs), outputs: renamed(&signature.outputs), free_batch: false }
}
