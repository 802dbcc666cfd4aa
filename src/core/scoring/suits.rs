//! Whether an output can be made from a port of the model.

use super::declared::{OutputKind, OutputSpec};
use crate::domain::ElementType;
use edgeward_engine::{Dim, Port};

/// Errors carry the key's part below the output. `len` is the number of elements of a row, where it is
/// fixed.
pub(super) fn suits(
    output: &OutputSpec,
    port: &Port,
    len: Option<usize>,
) -> Result<(), (&'static str, String)> {
    let kind = &output.kind;
    let float = matches!(port.element, ElementType::F32 | ElementType::F64);
    let count = |labels: &[String]| match len {
        Some(len) if !labels.is_empty() && labels.len() != len => {
            Err((".labels", format!("has {} labels, {port} has {len} elements a row", labels.len())))
        }
        _ => Ok(()),
    };
    if !float && !output.scores.is_none() {
        let part = if output.scores.calibration.is_some() { ".calibration" } else { ".activation" };
        return Err((part, format!("needs floating-point numbers, {port} has none")));
    }
    if let (Some(calibration), Some(len)) = (&output.scores.calibration, len)
        && !calibration.suits(len)
    {
        return Err((
            ".calibration",
            format!("must have a calibrator for each of the {len} elements of {port}"),
        ));
    }
    match kind {
        OutputKind::Label { argmax: true, labels } if float => count(labels),
        OutputKind::Label { argmax: true, .. } => {
            Err((".argmax", format!("needs a row of floating-point scores, {port} has none")))
        }
        OutputKind::Label { .. } if float => Err((
            ".kind",
            format!("label needs whole numbers or text (or `argmax = true`), {port} has neither"),
        )),
        OutputKind::Label { .. } if len.is_some_and(|len| len != 1) => {
            Err((".kind", format!("label needs one element a row, {port} has more")))
        }
        OutputKind::Probabilities { .. }
        | OutputKind::TopK { .. }
        | OutputKind::Text(_)
        | OutputKind::Anomaly(_)
        | OutputKind::ReconstructionError { .. }
            if !float =>
        {
            Err((".kind", format!("needs floating-point numbers, {port} has none")))
        }
        OutputKind::Probabilities { labels, .. } | OutputKind::TopK { labels, .. } => count(labels),
        OutputKind::Value { index } if len.is_some_and(|len| *index >= len) => {
            Err((".index", format!("is past the end of {port}")))
        }
        OutputKind::Value { .. } | OutputKind::Vector
            if output.smooth.is_some() && port.element == ElementType::String =>
        {
            Err((".smooth", format!("needs numbers, {port} is text")))
        }
        OutputKind::Anomaly(anomaly) => match len {
            Some(len) if len != anomaly.len() => {
                Err((".mean", format!("has {} elements, {port} has {len} a row", anomaly.len())))
            }
            _ => Ok(()),
        },
        OutputKind::Text(text) => {
            let dims = port.dims.as_slice();
            let classes = if text.class_time { dims.iter().rev().nth(1) } else { dims.last() };
            match classes {
                Some(Dim::Fixed(classes))
                    if text.labels.len() != *classes && text.labels.len() + 1 != *classes =>
                {
                    let labels = text.labels.len();
                    Err((
                        ".labels",
                        format!("has {labels} for {classes} classes of {port}; the blank may be left out"),
                    ))
                }
                Some(Dim::Fixed(classes)) if text.blank >= *classes => {
                    Err((".blank", format!("is past the {classes} classes of {port}")))
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}
