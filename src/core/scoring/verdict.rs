//! The verdict: named outputs and conditions of one unit, and its JSON.

use std::sync::Arc;

use serde::Serialize;

use super::{payload::Scalar, time::TimeForm};
use crate::domain::{InputId, ResultId};

/// One element of an output, in the model's own type.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    F32(f32),
    F64(f64),
    Integer(i64),
    Unsigned(u64),
    Bool(bool),
    Text(Arc<str>),
}

impl Value {
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::F32(x) => Some(f64::from(*x)),
            Value::F64(x) => Some(*x),
            Value::Integer(i) => Some(*i as f64),
            Value::Unsigned(u) => Some(*u as f64),
            Value::Bool(b) => Some(f64::from(u8::from(*b))),
            Value::Text(_) => None,
        }
    }

    pub fn is_finite(&self) -> bool {
        match self {
            Value::F32(x) => x.is_finite(),
            Value::F64(x) => x.is_finite(),
            _ => true,
        }
    }

    /// Appends the value as JSON: floats as the shortest decimal that reads back the same.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Value::F32(x) => json(x, out),
            Value::F64(x) => json(x, out),
            Value::Integer(i) => json(i, out),
            Value::Unsigned(u) => json(u, out),
            Value::Bool(b) => json(b, out),
            Value::Text(text) => json(&**text, out),
        }
    }
}

/// The value of a named output.
#[derive(Debug, Clone, PartialEq)]
pub enum OutputValue {
    One(Value),
    Many(Vec<Value>),
    /// In row-major order, with the length of each axis.
    Tensor {
        shape: Vec<usize>,
        data: Vec<Value>,
    },
    /// All classes with their probabilities, in the model's order.
    Probabilities(Vec<(Arc<str>, Value)>),
    /// The most probable classes, the highest first.
    Ranked(Vec<(Arc<str>, Value)>),
    /// The same, told in order.
    Best(Vec<(Arc<str>, Value)>),
    /// The surest first.
    Objects(Vec<Object>),
    Text {
        text: Arc<str>,
        score: f32,
    },
}

/// An object found in an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    pub label: Arc<str>,
    pub score: f32,
    /// x1, y1, x2, y2 in pixels of the image as sent.
    pub corners: [f32; 4],
}

/// What a verdict tells of its window.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowNote {
    /// Of a window by time.
    pub(super) span: Option<WindowSpan>,
    pub readings: usize,
    /// Holes between readings, where it is declared how long one is.
    pub gaps: Option<usize>,
}

/// From the first moment of a window to the first behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WindowSpan {
    pub begin_ns: i64,
    pub end_ns: i64,
    pub form: TimeForm,
}

impl WindowNote {
    /// Begin and end of a window by time as JSON, in the form its source tells time.
    pub fn span_json(&self) -> Option<(String, String)> {
        self.span.map(|span| (span.form.json(span.begin_ns), span.form.json(span.end_ns)))
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        if let Some((begin, end)) = self.span_json() {
            out.extend_from_slice(format!("\"start\":{begin},\"end\":{end},").as_bytes());
        }
        out.extend_from_slice(b"\"readings\":");
        json(&self.readings, out);
        if let Some(gaps) = &self.gaps {
            out.extend_from_slice(b",\"gaps\":");
            json(gaps, out);
        }
        out.push(b'}');
    }
}

/// What scoring made of one unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub id: ResultId,
    pub input_id: InputId,
    /// Which reading of the message, from 0.
    pub reading: usize,
    pub source: Option<Arc<str>>,
    /// The event's own time as the source told it, as JSON.
    pub time: Option<String>,
    pub outputs: Vec<(Arc<str>, OutputValue)>,
    pub conditions: Vec<(Arc<str>, bool)>,
    /// The copied fields, as a JSON object.
    pub copied: Option<String>,
    /// Of a window by time, or by count with gaps told.
    pub window: Option<WindowNote>,
}

impl Verdict {
    /// Appends `"outputs":{…},"conditions":{…}` and, where there is one to tell of, `"window":{…}`: the part that is the same wherever it is scored.
    pub fn write_results(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"outputs\":{");
        for (i, (name, value)) in self.outputs.iter().enumerate() {
            separate(i, out);
            json(&**name, out);
            out.push(b':');
            write_output(value, out);
        }
        out.extend_from_slice(b"},\"conditions\":{");
        for (i, (name, holds)) in self.conditions.iter().enumerate() {
            separate(i, out);
            json(&**name, out);
            out.extend_from_slice(if *holds { b":true" } else { b":false" });
        }
        out.push(b'}');
        if let Some(window) = &self.window {
            out.extend_from_slice(b",\"window\":");
            window.write_json(out);
        }
    }

    /// Appends the verdict as a line of offline results: where the row stood, what came of it.
    pub fn write_offline(&self, file: &str, line: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"file\":");
        json(file, out);
        if line > 0 {
            out.extend_from_slice(b",\"line\":");
            json(&line, out);
        }
        if self.reading > 0 {
            out.extend_from_slice(b",\"reading\":");
            json(&self.reading, out);
        }
        if let Some(source) = &self.source {
            out.extend_from_slice(b",\"source\":");
            json(&**source, out);
        }
        if let Some(time) = &self.time {
            out.extend_from_slice(b",\"time\":");
            out.extend_from_slice(time.as_bytes());
        }
        out.push(b',');
        self.write_results(out);
        out.extend_from_slice(b"}\n");
    }
}

/// Appends an output's value as JSON, as a verdict has it.
pub fn write_output(value: &OutputValue, out: &mut Vec<u8>) {
    match value {
        OutputValue::One(value) => value.write_json(out),
        OutputValue::Many(values) => write_values(values, out),
        OutputValue::Tensor { shape, data } => {
            out.extend_from_slice(b"{\"shape\":");
            json(shape, out);
            out.extend_from_slice(b",\"data\":");
            write_values(data, out);
            out.push(b'}');
        }
        OutputValue::Probabilities(classes) | OutputValue::Ranked(classes) => {
            out.push(b'{');
            for (i, (label, p)) in classes.iter().enumerate() {
                separate(i, out);
                json(&**label, out);
                out.push(b':');
                p.write_json(out);
            }
            out.push(b'}');
        }
        OutputValue::Best(classes) => list(classes, out, |(label, score), out| {
            write_scored(b"label", label, score, out);
        }),
        OutputValue::Objects(objects) => list(objects, out, |object, out| {
            write_scored(b"label", &object.label, &Value::F32(object.score), out);
            out.extend_from_slice(b",\"box\":");
            json(&object.corners, out);
        }),
        OutputValue::Text { text, score } => {
            out.push(b'{');
            write_scored(b"text", text, &Value::F32(*score), out);
            out.push(b'}');
        }
    }
}

fn write_values(values: &[Value], out: &mut Vec<u8>) {
    out.push(b'[');
    for (i, value) in values.iter().enumerate() {
        separate(i, out);
        value.write_json(out);
    }
    out.push(b']');
}

/// An array of objects, each with the members `member` writes.
fn list<T>(items: &[T], out: &mut Vec<u8>, member: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (i, item) in items.iter().enumerate() {
        separate(i, out);
        out.push(b'{');
        member(item, out);
        out.push(b'}');
    }
    out.push(b']');
}

/// The members `"<key>":<text>,"score":<score>`.
fn write_scored(key: &[u8], text: &str, score: &Value, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(key);
    out.extend_from_slice(b"\":");
    json(text, out);
    out.extend_from_slice(b",\"score\":");
    score.write_json(out);
}

fn separate(i: usize, out: &mut Vec<u8>) {
    if i > 0 {
        out.push(b',');
    }
}

/// Appends a plain value as JSON.
pub(super) fn json<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("plain values and a Vec can't fail");
}

/// A scalar of the payload as JSON, `None` when it is missing or null.
pub(super) fn scalar_json(scalar: &Scalar) -> Option<String> {
    let mut out = Vec::new();
    match scalar {
        Scalar::Missing | Scalar::Null | Scalar::Composite(_) => return None,
        Scalar::Bool(b) => json(b, &mut out),
        Scalar::Integer(i) => json(i, &mut out),
        Scalar::Unsigned(u) => json(u, &mut out),
        Scalar::Float(x) => json(x, &mut out),
        Scalar::Text(text) => json(text, &mut out),
    }
    String::from_utf8(out).ok()
}
