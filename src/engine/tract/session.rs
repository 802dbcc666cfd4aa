//! One thread's state over the shared plan.

use std::sync::Arc;

use tract_onnx::tract_hir::internal::*;

use super::{fault::reason, values};
use crate::{RunError, Session, Signature, Tensor as Ours, TensorData};

pub(super) struct TractSession {
    plan: Arc<TypedSimplePlan>,
    signature: Arc<Signature>,
    kinds: Arc<[DatumType]>,
    /// Absent before the first run and after one that failed half way.
    state: Option<TypedSimpleState>,
    outputs: Vec<Ours>,
}

impl TractSession {
    pub fn new(plan: Arc<TypedSimplePlan>, signature: Arc<Signature>, kinds: Arc<[DatumType]>) -> Self {
        let empty = |port: &crate::Port| Ours { shape: vec![0], data: TensorData::empty(port.element) };
        let outputs = signature.outputs.iter().map(empty).collect();
        TractSession { plan, signature, kinds, state: None, outputs }
    }
}

impl Session for TractSession {
    fn run(&mut self, inputs: &[Ours]) -> Result<&[Ours], RunError> {
        self.signature.check(inputs)?;
        let failed = |error: TractError| RunError::Failed(reason(&error));
        let mut values: TVec<TValue> = tvec!();
        for (input, kind) in inputs.iter().zip(&*self.kinds) {
            values.push(values::into_tract(input, *kind).map_err(failed)?.into_tvalue());
        }
        // Taken out, so that a failure or a panic leaves no half-run state behind.
        let mut state = match self.state.take() {
            Some(state) => state,
            None => self.plan.spawn().map_err(failed)?,
        };
        let answers = state.run(values).map_err(failed)?;
        for (answer, output) in answers.iter().zip(&mut self.outputs) {
            values::from_tract(answer, output).map_err(failed)?;
        }
        self.state = Some(state);
        Ok(&self.outputs)
    }
}
