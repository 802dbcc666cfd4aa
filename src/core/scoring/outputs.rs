//! From the model's output tensors to the named outputs of one unit.

use std::sync::Arc;

use super::{
    declared::{Metric, OutputKind, ScoreSpec, Smooth, TextSpec},
    objects,
    plan::{OutputPlan, Plan},
    slice::Slice,
    smooth::Steady,
    verdict::{OutputValue, Value},
};
use crate::{
    decide::{Ctc, argmax},
    domain::{Reason, Rejection, Tensor, TensorData},
    vision::Frame,
};

/// Makes the named outputs; labels are shared texts, made once.
#[derive(Debug)]
pub(super) struct OutputMaker {
    outputs: Vec<(OutputPlan, Arc<str>, Vec<Arc<str>>)>,
}

/// One row of the model's answer.
#[derive(Clone, Copy)]
pub(super) struct AnswerRow<'a> {
    pub tensors: &'a [Tensor],
    pub inputs: &'a [Tensor],
    pub row: usize,
    pub rows: usize,
    /// The first axis of its outputs is the rows'.
    pub batched: bool,
    /// How the unit's image lies in the model's.
    pub frame: Option<&'a Frame>,
}

impl OutputMaker {
    pub fn new(plan: &Plan) -> Self {
        let outputs = plan.outputs.iter().map(|output| {
            let labels = match &output.spec.kind {
                OutputKind::Label { labels, .. }
                | OutputKind::Probabilities { labels, .. }
                | OutputKind::TopK { labels, .. } => labels.as_slice(),
                OutputKind::Detections(detections) => detections.labels.as_slice(),
                _ => &[],
            };
            let labels = labels.iter().map(|label| Arc::from(label.as_str())).collect();
            (output.clone(), Arc::from(output.spec.name.as_str()), labels)
        });
        OutputMaker { outputs: outputs.collect() }
    }

    /// The outputs of a row, before they are steadied and ranked by [`finish`](Self::finish).
    ///
    /// # Errors
    /// [`Reason::OutputNotFinite`], or [`Reason::ModelFailed`] when an output has another shape
    /// than its plan.
    pub fn make(
        &mut self,
        answer: AnswerRow<'_>,
        made: &mut Vec<(Arc<str>, OutputValue)>,
    ) -> Result<(), Rejection> {
        made.clear();
        for (plan, name, labels) in &mut self.outputs {
            let value = make_one(plan, labels, answer)?;
            check_finite(name, &value)?;
            made.push((name.clone(), value));
        }
        Ok(())
    }

    /// Steadies and ranks; `steady` is what is remembered of the source's outputs.
    pub fn finish(&self, steady: &mut Vec<Option<Steady>>, made: &mut [(Arc<str>, OutputValue)]) {
        steady.resize_with(self.outputs.len(), || None);
        for (((plan, ..), (_, value)), steady) in self.outputs.iter().zip(made).zip(steady) {
            let smooth = plan.spec.smooth;
            let steady = smooth.map(|smooth| steady.get_or_insert_with(|| Steady::new(smooth)));
            match (smooth, steady) {
                (Some(Smooth::Mean(_)), Some(steady)) => {
                    steady.numbers(value);
                    rank(&plan.spec.kind, value);
                }
                (_, steady) => {
                    rank(&plan.spec.kind, value);
                    if let Some(steady) = steady {
                        steady.label(value);
                    }
                }
            }
        }
    }
}

fn make_one(
    plan: &OutputPlan,
    labels: &mut Vec<Arc<str>>,
    answer: AnswerRow<'_>,
) -> Result<OutputValue, Rejection> {
    let AnswerRow { tensors, inputs, row, rows, batched, frame } = answer;
    if let (OutputKind::Detections(spec), Some(objects)) = (&plan.spec.kind, &plan.objects) {
        let found = objects::read(spec, objects, labels, (tensors, plan.tensor), (row, rows), frame)?;
        return Ok(OutputValue::Objects(found));
    }
    let tensor = &tensors[plan.tensor];
    let misshapen = || unshaped(&plan.spec.tensor, tensor, rows);
    // Of a length that varies, nothing is an answer too.
    let part = match &plan.spec.kind {
        OutputKind::Vector | OutputKind::Tensor => Slice::or_empty(tensor, row, rows),
        _ => Slice::of(tensor, row, rows),
    };
    let output = part.ok_or_else(misshapen)?;
    Ok(match &plan.spec.kind {
        OutputKind::Label { labels: known, argmax: false } => {
            OutputValue::One(label(&output, known, labels)?)
        }
        OutputKind::Label { .. } | OutputKind::Probabilities { .. } | OutputKind::TopK { .. } => {
            probabilities(&output, labels, &plan.spec.scores)
        }
        OutputKind::Value { index } => {
            let value = if plan.spec.scores.is_none() {
                output.get(*index)
            } else {
                scored(&output, &plan.spec.scores).into_iter().nth(*index)
            };
            OutputValue::One(value.ok_or_else(misshapen)?)
        }
        OutputKind::Vector => OutputValue::Many(scored(&output, &plan.spec.scores)),
        OutputKind::Tensor => {
            let shape = tensor.shape.get(usize::from(batched)..).unwrap_or_default().to_vec();
            OutputValue::Tensor { shape, data: scored(&output, &plan.spec.scores) }
        }
        OutputKind::ReconstructionError { metric, .. } => {
            let input = plan.against.and_then(|at| Slice::of(&inputs[at], row, rows));
            let error = input.and_then(|input| reconstruction_error(&output, &input, *metric));
            OutputValue::One(Value::F32(error.ok_or_else(misshapen)?))
        }
        OutputKind::Text(spec) => text(&output, spec, &plan.spec.scores, rows, &plan.spec.tensor)?,
        OutputKind::Anomaly(anomaly) => {
            let numbers = output.numbers();
            if numbers.len() != anomaly.len() {
                return Err(misshapen());
            }
            OutputValue::One(like(&output, anomaly.score(&numbers)))
        }
        OutputKind::Detections(_) => return Err(misshapen()),
    })
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

/// A number in the tensor's own type.
fn like(output: &Slice<'_>, number: f64) -> Value {
    match output.tensor.data {
        TensorData::F64(_) => Value::F64(number),
        _ => Value::F32(number as f32),
    }
}

/// The row with its scores as declared.
fn scored(output: &Slice<'_>, scores: &ScoreSpec) -> Vec<Value> {
    if scores.is_none() {
        return (0..output.len).filter_map(|i| output.get(i)).collect();
    }
    let mut numbers = output.numbers();
    scores.apply(&mut numbers);
    numbers.into_iter().map(|number| like(output, number)).collect()
}

fn probabilities(output: &Slice<'_>, labels: &mut Vec<Arc<str>>, scores: &ScoreSpec) -> OutputValue {
    // Without declared labels the classes are numbered.
    while labels.len() < output.len {
        labels.push(labels.len().to_string().into());
    }
    OutputValue::Probabilities(labels.iter().cloned().zip(scored(output, scores)).collect())
}

/// From all classes to what the kind tells of them.
fn rank(kind: &OutputKind, value: &mut OutputValue) {
    let OutputValue::Probabilities(classes) = value else { return };
    let mut classes = std::mem::take(classes);
    let number = |p: &Value| p.as_f64().unwrap_or(0.0);
    // Stable: of equal probabilities the lower class number comes first.
    let highest = |classes: &mut Vec<(Arc<str>, Value)>, k: usize| {
        classes.sort_by(|(_, a), (_, b)| number(b).total_cmp(&number(a)));
        classes.truncate(k);
    };
    *value = match kind {
        OutputKind::Probabilities { top_k: Some(k), .. } => {
            highest(&mut classes, *k);
            OutputValue::Ranked(classes)
        }
        OutputKind::TopK { k, .. } => {
            highest(&mut classes, *k);
            OutputValue::Best(classes)
        }
        OutputKind::Label { .. } => {
            let numbers: Vec<f64> = classes.iter().map(|(_, p)| number(p)).collect();
            let best = argmax(&numbers).map(|class| classes.swap_remove(class).0);
            OutputValue::One(Value::Text(best.unwrap_or_else(|| "".into())))
        }
        _ => OutputValue::Probabilities(classes),
    };
}

fn text(
    output: &Slice<'_>,
    spec: &TextSpec,
    scores: &ScoreSpec,
    rows: usize,
    name: &str,
) -> Result<OutputValue, Rejection> {
    let values = output.finite(name)?;
    let misshapen = || unshaped(name, output.tensor, rows);
    let (first, second) = output.table(rows).ok_or_else(misshapen)?;
    let (steps, classes) = if spec.class_time { (second, first) } else { (first, second) };
    let blank_told = spec.labels.len() == classes;
    if !blank_told && spec.labels.len() + 1 != classes || spec.blank >= classes {
        return Err(misshapen());
    }
    let at = |step: usize, class: usize| {
        if spec.class_time { values[class * steps + step] } else { values[step * classes + class] }
    };
    let mut table: Vec<f64> = (0..steps)
        .flat_map(|step| (0..classes).map(move |class| (step, class)))
        .map(|(s, c)| f64::from(at(s, c)))
        .collect();
    let ctc = Ctc { blank: spec.blank, merge_repeats: spec.merge_repeats, activation: scores.activation };
    let read = ctc.read(table.chunks_exact_mut(classes));
    let character = |class: &usize| {
        let index = class - usize::from(!blank_told && *class > spec.blank);
        spec.labels.get(index).map_or("", String::as_str)
    };
    let text: String = read.classes.iter().map(character).collect();
    Ok(OutputValue::Text { text: text.into(), score: read.score() as f32 })
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
        OutputValue::Many(values) | OutputValue::Tensor { data: values, .. } => {
            values.iter().all(Value::is_finite)
        }
        OutputValue::Probabilities(classes) | OutputValue::Ranked(classes) | OutputValue::Best(classes) => {
            classes.iter().all(|(_, p)| p.is_finite())
        }
        // Looked at before they were read.
        OutputValue::Objects(_) => true,
        OutputValue::Text { score, .. } => score.is_finite(),
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
