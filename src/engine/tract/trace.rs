//! Inner values: the model run with all of them as outputs.

use tract_onnx::{pb::ValueInfoProto, tract_hir::internal::*};

use super::{contained, fault::reason, file, operators, plan, ports, values, weights};
use crate::{
    LoadError, Tensor as Ours, TensorData,
    onnx::{file::ModelFile, proto::ModelProto},
};

/// The values called `names`, for one run of the model.
///
/// # Errors
/// As `load`; a run that fails; a value of a type that can't be exchanged.
pub(crate) fn trace(
    bytes: &[u8],
    ours: &ModelProto,
    names: &[String],
    inputs: &[Ours],
    file: &ModelFile<'_>,
) -> Result<Vec<Ours>, LoadError> {
    contained(file, || {
        let mut proto = file::decode(bytes, file)?;
        weights::check_and_complete(&mut proto, file, bytes.len() as u64)?;
        super::check_operators(ours, file)?;
        ports::settle(&mut proto, file)?;
        if let Some(graph) = &mut proto.graph {
            let output = |name: &String| ValueInfoProto { name: name.clone(), ..ValueInfoProto::default() };
            graph.output = names.iter().map(output).collect();
        }
        let failed = |error: TractError| file.unsupported(reason(&error));
        let model = plan::optimise(&proto, operators(), file)?;
        let mut kinds = vec![];
        for outlet in model.input_outlets().map_err(failed)? {
            kinds.push(model.outlet_fact(*outlet).map_err(failed)?.datum_type);
        }
        let plan = TypedSimplePlan::new(model).map_err(failed)?;
        let mut given: TVec<TValue> = tvec!();
        for (input, kind) in inputs.iter().zip(kinds) {
            given.push(values::into_tract(input, kind).map_err(failed)?.into_tvalue());
        }
        let answers = plan.run(given).map_err(failed)?;
        answers
            .iter()
            .map(|answer| {
                let element = values::element(answer.datum_type())
                    .ok_or_else(|| file.unsupported("an inner value has a type that can't be exchanged"))?;
                let mut value = Ours { shape: vec![], data: TensorData::empty(element) };
                values::from_tract(answer, &mut value).map_err(failed)?;
                Ok(value)
            })
            .collect()
    })
}
