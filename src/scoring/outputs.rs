//! From the model's output tensors to the named outputs of one unit.

use std::sync::Arc;

use super::{
    plan::{OutputPlan, Plan},
    spec::{Metric, OutputKind},
    verdict::{OutputValue, Value},
};
use crate::domain::{Reason, Rejection, Tensor, TensorData};

/// Makes the named outputs; labels are shared texts, made once.
#[derive(Debug)]
pub(super) struct OutputMaker {
    outputs: Vec<(OutputPlan, Arc<str>, Vec<Arc<str>>)>,
}

impl OutputMaker {
    pub fn new(plan: &Plan) -> Self {
        let outputs = plan.outputs.iter().map(|output| {
            let labels = match &output.spec.kind {
                OutputKind::Label { labels } | OutputKind::Probabilities { labels, .. } => labels.as_slice(),
                _ => &[],
            };
            let labels = labels.iter().map(|label| Arc::from(label.as_str())).collect();
            (output.clone(), Arc::from(output.spec.name.as_str()), labels)
        });
        OutputMaker { outputs: outputs.collect() }
    }

    /// The outputs of row `row` of `rows`.
    ///
    /// # Errors
    /// [`Reason::OutputNotFinite`], or [`Reason::ModelFailed`] when an output has another shape
    /// than its plan.
    pub fn make(
        &mut self,
        tensors: &[Tensor],
        inputs: &[Tensor],
        row: usize,
        rows: usize,
        made: &mut Vec<(Arc<str>, OutputValue)>,
    ) -> Result<(), Rejection> {
        made.clear();
        for (plan, name, labels) in &mut self.outputs {
            let output = Slice::of(&tensors[plan.tensor], row, rows)
                .ok_or_else(|| unshaped(&plan.spec.tensor, &tensors[plan.tensor], rows))?;
            let value = match &plan.spec.kind {
                OutputKind::Label { labels: known } => OutputValue::One(label(&output, known, labels)?),
                OutputKind::Probabilities { top_k, .. } => probabilities(&output, labels, *top_k),
                OutputKind::Value { index } => OutputValue::One(
                    output.get(*index).ok_or_else(|| unshaped(&plan.spec.tensor, output.tensor, rows))?,
                ),
                OutputKind::Vector => {
                    OutputValue::Many((0..output.len).filter_map(|i| output.get(i)).collect())
                }
                OutputKind::ReconstructionError { metric, .. } => {
                    let input = plan.against.and_then(|at| Slice::of(&inputs[at], row, rows));
                    let error = input.and_then(|input| reconstruction_error(&output, &input, *metric));
                    let error = error.ok_or_else(|| unshaped(&plan.spec.tensor, output.tensor, rows))?;
                    OutputValue::One(Value::F32(error))
                }
            };
            check_finite(name, &value)?;
            made.push((name.clone(), value));
        }
        Ok(())
    }
}

/// One row of a tensor.
struct Slice<'t> {
    tensor: &'t Tensor,
    start: usize,
    len: usize,
}

impl<'t> Slice<'t> {
    fn of(tensor: &'t Tensor, row: usize, rows: usize) -> Option<Self> {
        let total = tensor.data.len();
        if !total.is_multiple_of(rows) || total == 0 {
            return None;
        }
        let len = total / rows;
        Some(Slice { tensor, start: row * len, len })
    }

    fn get(&self, index: usize) -> Option<Value> {
        if index >= self.len {
            return None;
        }
        let at = self.start + index;
        Some(match &self.tensor.data {
            TensorData::F32(v) => Value::F32(v[at]),
            TensorData::F64(v) => Value::F64(v[at]),
            TensorData::I8(v) => Value::Integer(v[at].into()),
            TensorData::I16(v) => Value::Integer(v[at].into()),
            TensorData::I32(v) => Value::Integer(v[at].into()),
            TensorData::I64(v) => Value::Integer(v[at]),
            TensorData::U8(v) => Value::Unsigned(v[at].into()),
            TensorData::U16(v) => Value::Unsigned(v[at].into()),
            TensorData::U32(v) => Value::Unsigned(v[at].into()),
            TensorData::U64(v) => Value::Unsigned(v[at]),
            TensorData::Bool(v) => Value::Bool(v[at]),
            TensorData::String(v) => Value::Text(v[at].as_str().into()),
        })
    }
}

/// A class number is looked up in the labels; text is the label itself.
fn label(output: &Slice<'_>, known: &[String], labels: &[Arc<str>]) -> Result<Value, Rejection> {
    let value =
        output.get(0).ok_or_else(|| Rejection::new(Reason::ModelFailed, "the model gave no label"))?;
    if labels.is_empty() {
        return Ok(value);
    }
    let class = match &value {
        Value::Integer(i) => usize::try_from(*i).ok(),
        Value::Unsigned(u) => usize::try_from(*u).ok(),
        Value::Bool(b) => Some(usize::from(*b)),
        Value::Text(text) => known.iter().position(|label| **label == **text),
        Value::F32(_) | Value::F64(_) => None,
    };
    class.and_then(|class| labels.get(class)).map(|label| Value::Text(label.clone())).ok_or_else(|| {
        let detail = format!("the model answered class {value:?}, `labels` has {}", labels.len());
        Rejection::new(Reason::ModelFailed, detail)
    })
}

fn probabilities(output: &Slice<'_>, labels: &mut Vec<Arc<str>>, top_k: Option<usize>) -> OutputValue {
    // Without declared labels the classes are numbered.
    while labels.len() < output.len {
        labels.push(labels.len().to_string().into());
    }
    let mut classes: Vec<(Arc<str>, Value)> =
        (0..output.len).filter_map(|i| Some((labels[i].clone(), output.get(i)?))).collect();
    if let Some(k) = top_k {
        // Stable: of equal probabilities the lower class number comes first.
        classes.sort_by(|(_, a), (_, b)| b.as_f64().unwrap_or(0.0).total_cmp(&a.as_f64().unwrap_or(0.0)));
        classes.truncate(k);
        return OutputValue::Ranked(classes);
    }
    OutputValue::Probabilities(classes)
}

/// Summed in f64 in the tensor's order, so that the same values give the same bits.
fn reconstruction_error(output: &Slice<'_>, input: &Slice<'_>, metric: Metric) -> Option<f32> {
    if output.len != input.len {
        return None;
    }
    let sum = match (&output.tensor.data, &input.tensor.data) {
        (TensorData::F32(a), TensorData::F32(b)) => {
            let a = &a[output.start..output.start + output.len];
            let b = &b[input.start..input.start + input.len];
            let difference = a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b));
            sum(difference, metric)
        }
        _ => {
            let pairs = (0..output.len).map(|i| Some(output.get(i)?.as_f64()? - input.get(i)?.as_f64()?));
            sum(pairs.collect::<Option<Vec<f64>>>()?.into_iter(), metric)
        }
    };
    let mean = sum / output.len as f64;
    Some(if metric == Metric::Rmse { mean.sqrt() } else { mean } as f32)
}

fn sum(differences: impl Iterator<Item = f64>, metric: Metric) -> f64 {
    match metric {
        Metric::Mse | Metric::Rmse => differences.map(|d| d * d).sum(),
        Metric::Mae => differences.map(f64::abs).sum(),
    }
}

fn check_finite(name: &str, value: &OutputValue) -> Result<(), Rejection> {
    let finite = match value {
        OutputValue::One(value) => value.is_finite(),
        OutputValue::Many(values) => values.iter().all(Value::is_finite),
        OutputValue::Probabilities(classes) | OutputValue::Ranked(classes) => {
            classes.iter().all(|(_, p)| p.is_finite())
        }
    };
    if finite {
        return Ok(());
    }
    let detail = format!("output `{name}` of the model is NaN or infinite");
    Err(Rejection::new(Reason::OutputNotFinite, detail))
}

fn unshaped(name: &str, tensor: &Tensor, rows: usize) -> Rejection {
    let detail = format!("the model's output `{name}` has shape {:?} for {rows} rows", tensor.shape);
    Rejection::new(Reason::ModelFailed, detail)
}
