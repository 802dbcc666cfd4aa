//! The batch being filled: one growing tensor an input, and the units that wait.

use super::{
    declared::WindowLayout,
    features::Taker,
    payload::Row,
    plan::{Given, InputPlan, Plan},
    source::SourceState,
    unit::Unit,
};
use crate::domain::{ElementType, Rejection, Tensor, TensorData};

/// Which of a source's readings a window has.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    pub readings: std::ops::Range<usize>,
    /// Of a window by time.
    pub begin_ns: Option<i64>,
}

#[derive(Debug)]
pub(super) struct Batch {
    pub inputs: Vec<Tensor>,
    /// Complete rows in `inputs`.
    pub rows: usize,
    /// Lengths of the plan's sizes, the same for all rows.
    pub lengths: Vec<usize>,
    /// In the order they came; those in the batch take its rows in turn.
    pub units: Vec<Unit>,
}

impl Batch {
    pub fn new(plan: &Plan) -> Self {
        let empty = |input: &InputPlan| Tensor::new(vec![0], TensorData::empty(input.element));
        let inputs = plan.inputs.iter().map(empty).collect();
        Batch { inputs, rows: 0, lengths: vec![0; plan.sizes.len()], units: Vec::new() }
    }

    /// Appends one reading as a row.
    ///
    /// # Errors
    /// What does not fit the model; nothing is appended then.
    pub fn append(
        &mut self,
        plans: &[InputPlan],
        takers: &mut [Taker],
        row: &Row,
        state: &mut SourceState,
        numbers: &mut Vec<f64>,
    ) -> Result<(), Rejection> {
        let SourceState { last_known, running, carried, .. } = state;
        if takers.iter().any(Taker::runs_on) {
            // Nothing may be learned from a reading that another input refuses.
            for taker in takers.iter() {
                numbers.clear();
                taker.numbers(row, last_known, numbers)?;
                taker.admit(numbers)?;
            }
            running.resize_with(takers.len(), Vec::new);
        }
        for (i, (plan, taker)) in plans.iter().zip(takers).enumerate() {
            let appended = if let Some(filled) = self.append_given(plan, i, taker, carried, numbers) {
                filled
            } else if let TensorData::String(texts) = &mut self.inputs[i].data {
                taker.texts(row, texts)
            } else {
                debug_assert!(plan.element != ElementType::String, "strings were handled above");
                numbers.clear();
                let data = &mut self.inputs[i].data;
                taker.numbers(row, last_known, numbers).and_then(|()| {
                    if taker.preparer().is_none() {
                        return taker.cast(numbers, data);
                    }
                    taker.admit(numbers)?;
                    if let Some(states) = running.get_mut(i) {
                        taker.take(states, numbers);
                    }
                    let mut made = Vec::new();
                    if let Some(preparer) = taker.preparer() {
                        preparer.whole(numbers, &mut made)?;
                    }
                    taker.cast_prepared(&made, data)
                })
            };
            if let Err(rejection) = appended {
                self.undo(plans);
                return Err(rejection);
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Appends a source's window as a row. Where windows have as many points in time as there were readings, the
    /// batch is empty before.
    ///
    /// # Errors
    /// What does not fit the model; nothing is appended then.
    pub fn append_window(
        &mut self,
        plan: &Plan,
        takers: &mut [Taker],
        state: &SourceState,
        cut: &Cut,
        numbers: &mut Vec<f64>,
    ) -> Result<(), Rejection> {
        self.lengths.fill(0);
        // What no message brings may be as long as what messages do.
        let (series, given): (Vec<usize>, Vec<usize>) =
            (0..takers.len()).partition(|at| plan.inputs[*at].source.is_of_messages());
        for at in series.into_iter().chain(given) {
            numbers.clear();
            let (input, taker) = (&plan.inputs[at], &mut takers[at]);
            if let Err(rejection) = self.append_series(plan, input, at, taker, state, cut, numbers) {
                self.undo(&plan.inputs);
                return Err(rejection);
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Fills an input that no message does; `carried` is what the source's unit before left.
    fn append_given(
        &mut self,
        input: &InputPlan,
        at: usize,
        taker: &Taker,
        carried: &[TensorData],
        numbers: &mut Vec<f64>,
    ) -> Option<Result<(), Rejection>> {
        let given = taker.given()?;
        let len = input.unit_len(&self.lengths);
        if let Given::State { place, .. } = given
            && let Some(left) = carried.get(*place).filter(|left| left.len() == len)
        {
            copy_range(left, 0..len, &mut self.inputs[at].data);
            return Some(Ok(()));
        }
        numbers.clear();
        given.fill(&self.lengths, len, numbers);
        Some(taker.cast(numbers, &mut self.inputs[at].data))
    }

    #[allow(clippy::too_many_arguments)]
    fn append_series(
        &mut self,
        plan: &Plan,
        input: &InputPlan,
        at: usize,
        taker: &mut Taker,
        state: &SourceState,
        cut: &Cut,
        numbers: &mut Vec<f64>,
    ) -> Result<(), Rejection> {
        if let Some(filled) = self.append_given(input, at, taker, &state.carried, numbers) {
            return filled;
        }
        let Cut { readings, begin_ns } = cut;
        let features = input.step();
        let series = &state.windows[at][readings.start * features..readings.end * features];
        let layout = plan.spec.window.map(|window| window.layout).unwrap_or_default();
        let made = match (taker.preparer(), begin_ns, layout) {
            (Some(preparer), Some(begin_ns), _) => {
                let offsets = state.timed.times[readings.clone()].iter().map(|time| time - begin_ns);
                preparer.timed(offsets, series, numbers)?;
                &numbers[..]
            }
            (Some(preparer), None, _) => {
                preparer.whole(series, numbers)?;
                &numbers[..]
            }
            (None, _, WindowLayout::TimeFeature) => series,
            (None, _, WindowLayout::FeatureTime) => {
                for feature in 0..features {
                    numbers.extend(series.iter().skip(feature).step_by(features));
                }
                &numbers[..]
            }
        };
        plan.settle_time(input, made.len(), &mut self.lengths)?;
        let data = &mut self.inputs[at].data;
        match input.prepared {
            Some(_) => taker.cast_prepared(made, data),
            None => taker.cast(made, data),
        }
    }

    fn undo(&mut self, plans: &[InputPlan]) {
        for (input, plan) in self.inputs.iter_mut().zip(plans) {
            input.data.truncate(self.rows * plan.unit_len(&self.lengths));
        }
    }

    /// Settles the shapes for a run and returns the number of rows.
    pub fn close(&mut self, plans: &[InputPlan], free_batch: bool) -> usize {
        for (input, plan) in self.inputs.iter_mut().zip(plans) {
            input.shape.clear();
            if free_batch {
                input.shape.push(self.rows);
            }
            input.shape.extend(plan.axes.iter().map(|axis| axis.len(&self.lengths)));
        }
        self.rows
    }

    pub fn clear(&mut self) {
        self.rows = 0;
        for input in &mut self.inputs {
            input.data.clear();
        }
    }
}

/// Row `row` of `rows` as a tensor of its own.
pub(super) fn slice_row(tensor: &Tensor, row: usize, rows: usize) -> Tensor {
    let len = tensor.data.len() / rows;
    let mut data = TensorData::empty(tensor.element());
    copy_range(&tensor.data, row * len..(row + 1) * len, &mut data);
    let mut shape = tensor.shape.clone();
    if let Some(first) = shape.first_mut() {
        *first /= rows;
    }
    Tensor::new(shape, data)
}

/// Appends a part of `from`; both have one element type.
pub(super) fn copy_range(from: &TensorData, range: std::ops::Range<usize>, to: &mut TensorData) {
    macro_rules! copy {
        ($($variant:ident),*) => {
            match (from, to) {
                $((TensorData::$variant(from), TensorData::$variant(to)) => to.extend_from_slice(&from[range]),)*
                _ => unreachable!("both have one element type"),
            }
        };
    }
    copy!(F32, F64, I8, I16, I32, I64, U8, U16, U32, U64, Bool, String);
}
