//! The batch being filled: one growing tensor an input, and the units that wait.

use super::{
    features::Taker,
    payload::Row,
    plan::{InputPlan, Plan},
    scorer::Unit,
    source::{LastKnown, SourceState},
    spec::{WindowLayout, WindowSpec},
};
use crate::domain::{ElementType, Rejection, Tensor, TensorData};

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
        takers: &[Taker],
        row: &Row,
        last_known: &mut [Option<LastKnown>],
        numbers: &mut Vec<f64>,
    ) -> Result<(), Rejection> {
        for (i, (plan, taker)) in plans.iter().zip(takers).enumerate() {
            let appended = if let TensorData::String(texts) = &mut self.inputs[i].data {
                taker.texts(row, texts)
            } else {
                debug_assert!(plan.element != ElementType::String, "strings were handled above");
                numbers.clear();
                taker
                    .numbers(row, last_known, numbers)
                    .and_then(|()| taker.cast(numbers, &mut self.inputs[i].data))
            };
            if let Err(rejection) = appended {
                self.undo(plans);
                return Err(rejection);
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Appends a source's whole window as a row.
    pub fn append_window(
        &mut self,
        plans: &[InputPlan],
        takers: &[Taker],
        window: WindowSpec,
        state: &SourceState,
        numbers: &mut Vec<f64>,
    ) -> Result<(), Rejection> {
        for (i, (plan, taker)) in plans.iter().zip(takers).enumerate() {
            let (readings, features) = (&state.windows[i][..], plan.step_len);
            let series = match window.layout {
                WindowLayout::TimeFeature => readings,
                WindowLayout::FeatureTime => {
                    numbers.clear();
                    for feature in 0..features {
                        numbers.extend((0..window.length).map(|t| readings[t * features + feature]));
                    }
                    &numbers[..]
                }
            };
            if let Err(rejection) = taker.cast(series, &mut self.inputs[i].data) {
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
