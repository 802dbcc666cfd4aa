//! One thread's state over the shared plan.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
};

use tract_onnx::tract_hir::internal::*;

use super::{fallback::Fallback, fault::reason, values};
use crate::{RunError, Session, Signature, Tensor as Ours, TensorData};

pub(super) struct TractSession {
    plan: Arc<TypedSimplePlan>,
    signature: Arc<Signature>,
    kinds: Arc<[DatumType]>,
    /// Absent before the first run and after one that failed half way.
    state: Option<TypedSimpleState>,
    outputs: Vec<Ours>,
    fallback: Option<Arc<Fallback>>,
    /// Our own executor's, from the first failure of tract on that it does not share.
    own: Option<Box<dyn Session>>,
}

impl TractSession {
    pub fn new(
        plan: Arc<TypedSimplePlan>,
        signature: Arc<Signature>,
        kinds: Arc<[DatumType]>,
        fallback: Option<Arc<Fallback>>,
    ) -> Self {
        let empty = |port: &crate::Port| Ours { shape: vec![0], data: TensorData::empty(port.element) };
        let outputs = signature.outputs.iter().map(empty).collect();
        TractSession { plan, signature, kinds, state: None, outputs, fallback, own: None }
    }

    /// Fills `outputs`.
    fn run_plan(&mut self, inputs: &[Ours]) -> Result<(), RunError> {
        #[cfg(test)]
        crate::tests::fallback::fail_where_told(inputs)?;
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
        Ok(())
    }

    /// What our own executor answers, if there is one and it does; it then runs the model from now on.
    fn run_own(&mut self, inputs: &[Ours]) -> bool {
        let Some(fallback) = &self.fallback else { return false };
        let Some(mut own) = fallback.session() else { return false };
        let answers = catch_unwind(AssertUnwindSafe(|| own.run(inputs).is_ok())).unwrap_or(false);
        if answers {
            fallback.take_over();
            self.own = Some(own);
        }
        answers
    }
}

impl Session for TractSession {
    fn run(&mut self, inputs: &[Ours]) -> Result<&[Ours], RunError> {
        self.signature.check(inputs)?;
        if self.own.is_none() {
            let in_use = self.fallback.as_ref().is_some_and(|fallback| fallback.is_in_use());
            self.own = self.fallback.as_ref().filter(|_| in_use).and_then(|fallback| fallback.session());
        }
        if self.own.is_none() {
            match catch_unwind(AssertUnwindSafe(|| self.run_plan(inputs))) {
                Ok(Ok(())) => return Ok(&self.outputs),
                Ok(Err(error)) if !self.run_own(inputs) => return Err(error),
                Err(panic) if !self.run_own(inputs) => resume_unwind(panic),
                _ => {}
            }
        }
        match &mut self.own {
            Some(own) => own.run(inputs),
            None => Err(RunError::Failed("there is nothing to run it".to_owned())),
        }
    }
}
