//! Reading what no message carries: constants, lengths, and what one unit leaves for the next.

use super::{FieldPath, InputSource, StateSpec};
use crate::settings::{Section, Value};

/// Longest gap, in seconds: a year.
const MAX_SECS: f64 = 366.0 * 86_400.0;
const NANOS_A_SEC: f64 = 1e9;

/// Reads `constant` and `size_of` of an input.
pub(super) fn read_given(section: &Section<'_>) -> Option<InputSource> {
    let constant =
        read_numbers(section, "constant").map(|(values, shape)| InputSource::Constant { values, shape });
    let size_of = section.text("size_of").map(|text| {
        let named = text.rsplit_once('.').and_then(|(input, axis)| Some((input, axis.parse().ok()?)));
        match named {
            Some((input, axis)) => InputSource::SizeOf { input: input.to_owned(), axis: Some(axis) },
            None => InputSource::SizeOf { input: text, axis: None },
        }
    });
    if constant.is_some() && size_of.is_some() {
        section.fault("size_of", "and `constant` are both set; keep one");
    }
    constant.or(size_of)
}

/// Reads `[state.<name>]`.
pub(super) fn read_states(section: &Section<'_>) -> Vec<StateSpec> {
    let read = |(name, section): (String, Section<'_>)| {
        let input = section.required_text("input", "the model's input that takes it");
        let output = section.required_text("output", "the model's output that it comes from");
        let (initial, shape) = read_numbers(&section, "initial").unwrap_or_else(|| (vec![0.0], Vec::new()));
        let secs = section.number("reset_after_secs");
        if secs.is_some_and(|secs| secs <= 0.0 || secs > MAX_SECS) {
            section.fault("reset_after_secs", format!("must be above 0 and at most {MAX_SECS}"));
        }
        let state = StateSpec {
            name,
            input: input?,
            output: output?,
            initial,
            shape,
            reset_after_ns: secs.map(|secs| (secs * NANOS_A_SEC) as i64),
            reset_on: section.text("reset_on").map(|path| FieldPath::parse(&path)),
            reset_when: section.text("reset_when").map(|path| FieldPath::parse(&path)),
        };
        section.finish();
        Some(state)
    };
    section.named_sections("state").into_iter().filter_map(read).collect()
}

/// A number, or numbers nested evenly: flattened, with the length of each level.
fn read_numbers(section: &Section<'_>, key: &str) -> Option<(Vec<f64>, Vec<usize>)> {
    let node = section.any(key)?;
    let (mut values, mut shape) = (Vec::new(), Vec::new());
    if read_nested(&node.value, 0, &mut values, &mut shape) && !values.is_empty() {
        return Some((values, shape));
    }
    section.fault(key, "must be a finite number, or numbers nested evenly");
    None
}

fn read_nested(value: &Value, level: usize, values: &mut Vec<f64>, shape: &mut Vec<usize>) -> bool {
    match value {
        Value::Integer(i) if level == shape.len() => values.push(*i as f64),
        Value::Float(x) if level == shape.len() && x.is_finite() => values.push(*x),
        Value::Array(items) => {
            // The first way down tells the lengths.
            if level == shape.len() && values.is_empty() {
                shape.push(items.len());
            }
            return shape.get(level) == Some(&items.len())
                && items.iter().all(|item| read_nested(&item.value, level + 1, values, shape));
        }
        _ => return false,
    }
    true
}
