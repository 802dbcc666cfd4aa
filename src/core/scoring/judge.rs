//! From the model's answer to a verdict: outputs, conditions, identity.

use std::sync::Arc;

use super::{
    condition,
    outputs::{AnswerRow, OutputMaker},
    plan::Plan,
    source::SourceTable,
    unit::{Outcome, Settled, Unit, UnitState},
    verdict::Verdict,
};
use crate::{
    crypto,
    decide::Held,
    domain::{Rejection, ResultId, Tensor},
};

/// The model's answer to a batch.
pub(super) struct Answer<'a> {
    pub tensors: &'a [Tensor],
    pub inputs: &'a [Tensor],
    pub rows: usize,
}

pub(super) struct Judge {
    plan: Arc<Plan>,
    pipeline: String,
    outputs: OutputMaker,
    conditions: Vec<Arc<str>>,
    verdict: Verdict,
}

impl Judge {
    pub fn new(plan: Arc<Plan>, pipeline: String) -> Self {
        let names = plan.conditions.iter().map(|condition| Arc::from(condition.spec.name.as_str()));
        Judge {
            outputs: OutputMaker::new(&plan),
            conditions: names.collect(),
            pipeline,
            plan,
            verdict: Verdict {
                id: ResultId([0; 16]),
                input_id: crate::domain::InputId::Own(String::new()),
                reading: 0,
                source: None,
                time: None,
                outputs: Vec::new(),
                conditions: Vec::new(),
                copied: None,
                window: None,
            },
        }
    }

    /// Settles one unit; `answer` carries the row for a unit that is in the batch.
    pub fn settle(
        &mut self,
        unit: Unit,
        answer: Result<(&Answer<'_>, usize), Rejection>,
        sources: &mut SourceTable,
        settle: &mut dyn FnMut(Settled<'_>),
    ) {
        let Unit { message, input_id, state, .. } = &unit;
        let (message, input_id) = (*message, input_id.clone());
        let (source, number) = (unit.source.clone(), unit.number);
        let source = source.as_ref();
        let rejected = |rejection: &Rejection, settle: &mut dyn FnMut(Settled<'_>)| {
            settle(Settled {
                message,
                input_id: &input_id,
                source,
                number,
                outcome: Outcome::Rejected(rejection),
            });
        };
        match (state, answer) {
            // What is known already must not move conditions a second time.
            (UnitState::InBatch, Ok(_)) if unit.replayed => {
                settle(Settled { message, input_id: &input_id, source, number, outcome: Outcome::Merged });
            }
            (UnitState::Merged, _) => {
                settle(Settled { message, input_id: &input_id, source, number, outcome: Outcome::Merged });
            }
            (UnitState::Rejected(rejection), _) => rejected(rejection, settle),
            (UnitState::InBatch, Err(rejection)) => rejected(&rejection, settle),
            (UnitState::InBatch, Ok((answer, row))) => match self.judge(unit, answer, row, sources) {
                Ok(()) => {
                    let outcome = Outcome::Verdict(&self.verdict);
                    settle(Settled { message, input_id: &input_id, source, number, outcome });
                }
                Err(rejection) => rejected(&rejection, settle),
            },
        }
    }

    fn judge(
        &mut self,
        unit: Unit,
        answer: &Answer<'_>,
        row: usize,
        sources: &mut SourceTable,
    ) -> Result<(), Rejection> {
        let verdict = &mut self.verdict;
        let frame = unit.frame.as_ref();
        let (tensors, inputs) = (answer.tensors, answer.inputs);
        let (rows, batched) = (answer.rows, self.plan.free_batch);
        let answer = AnswerRow { tensors, inputs, row, rows, batched, frame };
        self.outputs.make(answer, &mut verdict.outputs)?;
        verdict.conditions.clear();
        if self.plan.conditions.is_empty() && !self.plan.smooths() {
            self.outputs.finish(&mut Vec::new(), &mut verdict.outputs);
        } else {
            let state = sources.get(unit.source.as_deref().unwrap_or(""), unit.now)?;
            self.outputs.finish(&mut state.steady, &mut verdict.outputs);
            // A window by time is of the moment it ends.
            let span = unit.window.as_ref().and_then(|window| window.span);
            let secs = span.map(|span| span.end_ns).or(unit.time_ns).map(|ns| ns as f64 / 1e9);
            state.conditions.resize(self.plan.conditions.len(), Held::default());
            let held = state.conditions.iter_mut();
            for ((condition, name), held) in self.plan.conditions.iter().zip(&self.conditions).zip(held) {
                let (_, output) = &verdict.outputs[condition.output];
                let now = condition::holds(&condition.spec, output, held.now);
                verdict.conditions.push((name.clone(), held.step(now, secs, condition.spec.hold)));
            }
        }
        let mut id = unit.input_id.to_string();
        // One reading may close several windows.
        if let Some(span) = unit.window.as_ref().and_then(|window| window.span) {
            id.extend(["@", &span.begin_ns.to_string()]);
        }
        verdict.id = crypto::result_id(&id, &self.pipeline, unit.reading);
        verdict.input_id = unit.input_id;
        verdict.reading = unit.reading;
        verdict.source = unit.source;
        verdict.time = unit.time;
        verdict.copied = unit.copied;
        verdict.window = unit.window;
        Ok(())
    }
}
