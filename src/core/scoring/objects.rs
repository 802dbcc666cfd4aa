//! Objects with their boxes, from the tensors of a detection model to pixels of the image as sent.

use std::{borrow::Cow, sync::Arc};

use super::{
    declared::{Boxes, DetectionSpec, InputSource, Spec},
    slice::Slice,
    verdict::Object,
};
use crate::{
    decide::{Canvas, Given, Ssd, Suppression, Yolo, YoloFamily},
    domain::{ElementType, Reason, Rejection, Tensor},
    vision::Frame,
};
use edgeward_engine::{Dim, Port, Signature};

/// Where the parts of an answer are: indices of the model's outputs.
#[derive(Debug, Clone, Default)]
pub(super) struct ObjectsPlan {
    scores: Option<usize>,
    classes: Option<usize>,
    count: Option<usize>,
    priors: Option<usize>,
    canvas: Option<Canvas>,
}

impl ObjectsPlan {
    /// Holds a declaration against the model; `port` is that of the boxes.
    ///
    /// # Errors
    /// Every fault: the key's part below the output, and why.
    pub fn new(
        detections: &DetectionSpec,
        port: &Port,
        spec: &Spec,
        signature: &Signature,
    ) -> Result<ObjectsPlan, Vec<(&'static str, String)>> {
        let mut faults = Vec::new();
        let mut find = |key: &'static str, name: &Option<String>, floats: bool| {
            let name = name.as_ref()?;
            let at = signature.outputs.iter().position(|port| port.name == *name);
            match at.map(|at| &signature.outputs[at]) {
                None => faults.push((key, format!("the model has no output `{name}`"))),
                Some(port) if floats && !is_float(port) => {
                    faults.push((key, format!("needs floating-point numbers, {port} has none")));
                }
                Some(_) => {}
            }
            at
        };
        let plan = ObjectsPlan {
            scores: find(".scores", &detections.scores, true),
            classes: find(".classes", &detections.classes, false),
            count: find(".count", &detections.count, false),
            priors: find(".priors_tensor", &detections.priors_tensor, true),
            canvas: spec.inputs.iter().find_map(|input| match &input.source {
                InputSource::Image(image) => {
                    image.sides.fixed().map(|(width, height)| Canvas { width, height })
                }
                _ => None,
            }),
        };
        if !is_float(port) {
            faults.push((".tensor", format!("needs floating-point numbers, {port} has none")));
        }
        let needs_canvas = detections.normalised || detections.boxes == Boxes::Yolo(YoloFamily::X);
        if plan.canvas.is_none() && needs_canvas {
            let reason =
                "needs the size of an image, and no input is filled with one of a fixed width and height";
            faults.push((if detections.normalised { ".normalised" } else { ".format" }, reason.into()));
        }
        faults.extend(labels_fit(detections, port).err().map(|reason| (".labels", reason)));
        if faults.is_empty() { Ok(plan) } else { Err(faults) }
    }
}

fn is_float(port: &Port) -> bool {
    matches!(port.element, ElementType::F32 | ElementType::F64)
}

/// Whether one of the last two dimensions has a place for every label.
fn labels_fit(detections: &DetectionSpec, port: &Port) -> Result<(), String> {
    let before = match detections.boxes {
        Boxes::Yolo(YoloFamily::V8) => 4,
        Boxes::Yolo(YoloFamily::V5 | YoloFamily::X) => 5,
        _ => return Ok(()),
    };
    let (labels, needed) = (detections.labels.len(), detections.labels.len() + before);
    match port.dims.as_slice() {
        [.., Dim::Fixed(a), Dim::Fixed(b)] if labels > 0 && *a != needed && *b != needed => {
            Err(format!("has {labels} labels: a box needs {needed} numbers, {port} has no such dimension"))
        }
        _ => Ok(()),
    }
}

/// The objects of row `row` of `rows`; `boxes` is the index of the boxes' tensor.
///
/// # Errors
/// [`Reason::OutputNotFinite`], or [`Reason::ModelFailed`] when shapes don't go together.
pub(super) fn read(
    spec: &DetectionSpec,
    plan: &ObjectsPlan,
    labels: &[Arc<str>],
    (tensors, boxes): (&[Tensor], usize),
    (row, rows): (usize, usize),
    frame: Option<&Frame>,
) -> Result<Vec<Object>, Rejection> {
    let slice = |at: usize| {
        Slice::or_empty(&tensors[at], row, rows).ok_or_else(|| {
            failed(format!("output {at} of the model has shape {:?} for {rows} rows", tensors[at].shape))
        })
    };
    let floats = |at: Option<usize>, name: &Option<String>| -> Result<Cow<'_, [f32]>, Rejection> {
        match at {
            Some(at) => slice(at)?.finite(name.as_deref().unwrap_or_default()),
            None => Ok(Cow::Borrowed(&[])),
        }
    };
    let of_boxes = slice(boxes)?;
    let values = of_boxes.finite("the boxes")?;
    let canvas = plan.canvas.unwrap_or(Canvas { width: 1, height: 1 });
    let found = match spec.boxes {
        Boxes::Yolo(family) => {
            let shape = of_boxes.table(rows).ok_or_else(|| {
                failed(format!("the boxes have shape {:?}, not one table", of_boxes.tensor.shape))
            })?;
            let yolo = Yolo { family, normalised: spec.normalised, score_threshold: spec.score_threshold };
            let classes = (!spec.labels.is_empty()).then_some(spec.labels.len());
            yolo.boxes(&values, shape, classes, canvas)
        }
        Boxes::Ssd => {
            let ssd = Ssd {
                order: spec.order,
                variances: spec.variances,
                normalised: spec.normalised,
                activation: spec.activation,
                background: spec.background,
                score_threshold: spec.score_threshold,
            };
            let own = floats(plan.priors, &spec.priors_tensor)?;
            let priors = if plan.priors.is_some() { &own[..] } else { &spec.priors[..] };
            ssd.boxes(&values, &floats(plan.scores, &spec.scores)?, priors, canvas)
        }
        Boxes::Given => {
            let given = Given {
                order: spec.order,
                normalised: spec.normalised,
                activation: spec.activation,
                background: spec.background,
                score_threshold: spec.score_threshold,
            };
            let classes = plan.classes.map(|at| slice(at).map(|slice| slice.numbers())).transpose()?;
            let count = plan.count.map(|at| slice(at).map(|slice| slice.numbers())).transpose()?;
            // A count may be told as a float; `as` saturates.
            let count = count.and_then(|count| count.first().map(|count| count.max(0.0) as usize));
            given.boxes(&values, &floats(plan.scores, &spec.scores)?, classes.as_deref(), count, canvas)
        }
    };
    let suppression = Suppression {
        score_threshold: spec.score_threshold,
        iou_threshold: spec.iou_threshold,
        class_agnostic: spec.class_agnostic,
        max_detections: spec.max_detections,
    };
    let kept = suppression.apply(found.map_err(|what| failed(format!("the model's boxes: {what}")))?);
    let object = |found: crate::decide::Detection| {
        let label = labels.get(found.class).cloned();
        let mut corners = found.corners;
        if let Some(frame) = frame {
            (corners[0], corners[1]) = frame.undo(corners[0], corners[1]);
            (corners[2], corners[3]) = frame.undo(corners[2], corners[3]);
        }
        Object {
            label: label.unwrap_or_else(|| found.class.to_string().into()),
            score: found.score,
            corners: corners.map(|corner| corner as f32),
        }
    };
    let objects: Vec<Object> = kept.into_iter().map(object).collect();
    if objects.iter().any(|object| object.corners.iter().any(|corner| !corner.is_finite())) {
        return Err(Rejection::new(Reason::OutputNotFinite, "a box of the model has no finite corners"));
    }
    Ok(objects)
}

fn failed(detail: String) -> Rejection {
    Rejection::new(Reason::ModelFailed, detail)
}
