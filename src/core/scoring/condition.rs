//! Named conditions: a threshold on an output, with hysteresis per source. How long one must hold is
//! counted by the judge.

use super::{
    declared::{ConditionSpec, Operator, OutputKind, Threshold},
    verdict::{Object, OutputValue, Value},
};

/// Whether a condition can look at an output of `kind`; errors carry the condition's key.
pub(super) fn suits(condition: &ConditionSpec, kind: &OutputKind) -> Result<(), (&'static str, String)> {
    let text = matches!(condition.value, Threshold::Text(_));
    if condition.confidence > 0.0 && !matches!(kind, OutputKind::Detections(_)) {
        return Err(("confidence", "is for detections: which objects are counted".into()));
    }
    match kind {
        OutputKind::Probabilities { labels, top_k } => match &condition.label {
            None => Err(("label", "is missing: which class's probability".into())),
            Some(label) if !labels.is_empty() && !labels.contains(label) => {
                Err(("label", format!("`{label}` is not a label of the output")))
            }
            Some(_) if top_k.is_some() => {
                Err(("output", "lists only its top classes; declare another output for the condition".into()))
            }
            Some(_) if text => Err(("value", "must be a number to compare a probability with".into())),
            Some(_) => Ok(()),
        },
        OutputKind::Vector | OutputKind::Tensor if condition.index.is_none() => {
            Err(("index", "is missing: which element, counted through the whole row".into()))
        }
        OutputKind::TopK { .. } if condition.label.is_some() => Err((
            "label",
            "can't be: the output lists only its top classes, and `value` is compared with the first".into(),
        )),
        OutputKind::Detections(_) if text => {
            Err(("value", "must be a number: how many objects are counted".into()))
        }
        OutputKind::Detections(detections) => match &condition.label {
            Some(label) if !detections.labels.is_empty() && !detections.labels.contains(label) => {
                Err(("label", format!("`{label}` is not a label of the output")))
            }
            _ => Ok(()),
        },
        OutputKind::Value { .. } | OutputKind::ReconstructionError { .. } | OutputKind::Anomaly(_)
            if text =>
        {
            Err(("value", "must be a number to compare a number with".into()))
        }
        OutputKind::Label { labels, .. } if !labels.is_empty() && !text => {
            Err(("value", "must be text: the output is a label".into()))
        }
        _ => Ok(()),
    }
}

/// Evaluates a condition; `was` is its last answer for this source.
pub(super) fn holds(condition: &ConditionSpec, output: &OutputValue, was: bool) -> bool {
    match (&condition.value, number(condition, output)) {
        (Threshold::Number(threshold), Some(value)) => compare(condition, value, *threshold, was),
        (Threshold::Number(threshold), None) => match output {
            // A label given as digits still compares as the number it is.
            OutputValue::One(Value::Text(text)) => {
                text.parse().is_ok_and(|value: f64| compare(condition, value, *threshold, was))
            }
            _ => false,
        },
        (Threshold::Text(wanted), number) => {
            let equal = match output {
                OutputValue::One(Value::Text(text)) | OutputValue::Text { text, .. } => **text == **wanted,
                OutputValue::Best(classes) => classes.first().is_some_and(|(label, _)| **label == **wanted),
                _ => number.is_some_and(|number| number.to_string() == *wanted),
            };
            equal == (condition.operator == Operator::Equal)
        }
    }
}

fn number(condition: &ConditionSpec, output: &OutputValue) -> Option<f64> {
    match output {
        OutputValue::One(value) => value.as_f64(),
        OutputValue::Many(values) | OutputValue::Tensor { data: values, .. } => {
            values.get(condition.index?).and_then(Value::as_f64)
        }
        OutputValue::Probabilities(classes) | OutputValue::Ranked(classes) => {
            let wanted = condition.label.as_deref()?;
            classes.iter().find(|(label, _)| **label == *wanted).and_then(|(_, p)| p.as_f64())
        }
        OutputValue::Best(classes) => classes.first().and_then(|(_, score)| score.as_f64()),
        OutputValue::Text { score, .. } => Some(f64::from(*score)),
        OutputValue::Objects(objects) => {
            let wanted = condition.label.as_deref();
            let counts = |object: &&Object| {
                wanted.is_none_or(|label| *object.label == *label)
                    && f64::from(object.score) > condition.confidence
            };
            Some(objects.iter().filter(counts).count() as f64)
        }
    }
}

/// With hysteresis, a condition that held is judged by a threshold moved back.
fn compare(condition: &ConditionSpec, value: f64, threshold: f64, was: bool) -> bool {
    let back = if was { condition.hysteresis } else { 0.0 };
    match condition.operator {
        Operator::Above => value > threshold - back,
        Operator::AtLeast => value >= threshold - back,
        Operator::Below => value < threshold + back,
        Operator::AtMost => value <= threshold + back,
        Operator::Equal => value == threshold,
        Operator::NotEqual => value != threshold,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hysteresis_holds_on_until_the_value_is_well_back() {
        let condition = ConditionSpec {
            name: "hot".into(),
            output: "t".into(),
            label: None,
            index: None,
            operator: Operator::Above,
            value: Threshold::Number(80.0),
            hysteresis: 5.0,
            hold: crate::decide::HoldRule::default(),
            confidence: 0.0,
        };
        let mut was = false;
        let seen: Vec<bool> = [79.0, 81.0, 78.0, 75.5, 75.0, 79.0]
            .into_iter()
            .map(|t| {
                was = holds(&condition, &OutputValue::One(Value::F32(t)), was);
                was
            })
            .collect();
        assert_eq!(seen, [false, true, true, true, false, false]);
    }
}
