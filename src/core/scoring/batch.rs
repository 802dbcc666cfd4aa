//! The batch being filled: one growing tensor an input, and the units that wait.

use super::{
    declared::WindowLayout,
    features::Taker,
    last_known::LastKnown,
    payload::Row,
    plan::{InputPlan, Plan},
    prepare::RunningState,
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
    /// In the order they came; those in the batch take its rows in turn.
    pub units: Vec<Unit>,
}

impl Batch {
    pub fn new(plan: &Plan) -> Self {
        let empty = |input: &InputPlan| Tensor::new(vec![0], TensorData::empty(input.element));
        Batch { inputs: plan.inputs.iter().map(empty).collect(), rows: 0, units: Vec::new() }
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
        last_known: &mut [Option<LastKnown>],
        running: &mut Vec<Vec<RunningState>>,
        numbers: &mut Vec<f64>,
    ) -> Result<(), Rejection> {
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
            let appended = if let TensorData::String(texts) = &mut self.inputs[i].data {
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

    /// Appends a source's window as a row.
    pub fn append_window(
        &mut self,
        plans: &[InputPlan],
        takers: &mut [Taker],
        layout: WindowLayout,
        state: &SourceState,
        cut: Cut,
        numbers: &mut Vec<f64>,
    ) -> Result<(), Rejection> {
        let Cut { readings, begin_ns } = cut;
        for (i, (plan, taker)) in plans.iter().zip(takers).enumerate() {
            let features = plan.step_len;
            let series = &state.windows[i][readings.start * features..readings.end * features];
            numbers.clear();
            let made = match (taker.preparer(), begin_ns, layout) {
                (Some(preparer), Some(begin_ns), _) => {
                    let offsets = state.timed.times[readings.clone()].iter().map(|time| time - begin_ns);
                    preparer.timed(offsets, series, numbers).map(|()| &numbers[..])
                }
                (Some(preparer), None, _) => preparer.whole(series, numbers).map(|()| &numbers[..]),
                (None, _, WindowLayout::TimeFeature) => Ok(series),
                (None, _, WindowLayout::FeatureTime) => {
                    for feature in 0..features {
                        numbers.extend(series.iter().skip(feature).step_by(features));
                    }
                    Ok(&numbers[..])
                }
            };
            let data = &mut self.inputs[i].data;
            let appended = made.and_then(|made| match plan.prepared {
                Some(_) => taker.cast_prepared(made, data),
                None => taker.cast(made, data),
            });
            if let Err(rejection) = appended {
                self.undo(plans);
                return Err(rejection);
            }
        }
        self.rows += 1;
        Ok(())
    }

    fn undo(&mut self, plans: &[InputPlan]) {
        for (input, plan) in self.inputs.iter_mut().zip(plans) {
            input.data.truncate(self.rows * plan.unit_len);
        }
    }

    /// Settles the shapes for a run and returns the number of rows.
    pub fn close(&mut self, plans: &[InputPlan], free_batch: bool) -> usize {
        for (input, plan) in self.inputs.iter_mut().zip(plans) {
            input.shape.clear();
            if free_batch {
                input.shape.push(self.rows);
            }
            input.shape.extend_from_slice(&plan.dims);
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

fn copy_range(from: &TensorData, range: std::ops::Range<usize>, to: &mut TensorData) {
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
