//! A look at sample messages: which fields they have.

use std::{fs, path::Path};

use serde_json::{Map, Value as Json};

use edgeward_engine::Port;

use super::DraftError;
use crate::settings::nearest;

/// Messages looked at: the first of the file.
const MAX_ROWS: usize = 64;
/// More of a file is not read.
const MAX_BYTES: u64 = 64 << 20;

/// Sample messages.
#[derive(Debug, Default)]
pub struct Sample {
    /// The file is a picture.
    pub is_image: bool,
    /// Messages as JSON; rows of a CSV file as objects with a number or a text a column.
    pub messages: Vec<Json>,
    /// The path of an array of readings in each message.
    pub readings: Option<String>,
    /// The fields of the first reading, in its order.
    pub leaves: Vec<Leaf>,
}

/// One field of a reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    pub path: String,
    pub kind: LeafKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeafKind {
    Number,
    Boolean,
    Text,
    /// An array of numbers, nested or flat, with so many of them.
    Array(usize),
}

impl Sample {
    /// Reads JSON lines, one JSON document, CSV with a header, or a picture.
    ///
    /// # Errors
    /// A file that can't be read, or holds no messages.
    pub fn read(path: &Path) -> Result<Sample, DraftError> {
        let refused = |why: String| DraftError::Unreadable { path: path.display().to_string(), why };
        let bytes = fs::metadata(path).map_err(|error| refused(error.to_string()))?.len();
        if bytes > MAX_BYTES {
            return Err(refused(format!("it has {bytes} bytes; give a file with a few messages")));
        }
        let data = fs::read(path).map_err(|error| refused(error.to_string()))?;
        if data.starts_with(b"\xff\xd8\xff") || data.starts_with(b"\x89PNG") {
            return Ok(Sample { is_image: true, ..Sample::default() });
        }
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        let messages = match extension.as_deref() {
            Some("csv" | "tsv") => csv_rows(&data, extension.as_deref() == Some("tsv")).map_err(refused)?,
            _ => json_messages(&data).map_err(refused)?,
        };
        let first = messages.first().ok_or_else(|| refused("it holds no message".into()))?;
        let readings = readings(first);
        let reading = match &readings {
            Some(path) => first.pointer(&format!("/{path}/0")).cloned().unwrap_or(Json::Null),
            None => first.clone(),
        };
        let mut leaves = vec![];
        collect(&reading, String::new(), &mut leaves);
        Ok(Sample { is_image: false, messages, readings, leaves })
    }
}

/// The field that one of several inputs is named after: a column of its own, as scikit-learn exports data frames, or an
/// array.
pub(super) fn named_after<'l>(port: &Port, leaves: &'l [Leaf]) -> Option<&'l Leaf> {
    let last = |leaf: &Leaf| leaf.path.rsplit('.').next().unwrap_or(&leaf.path).to_lowercase();
    let wanted = port.name.to_lowercase();
    let exact = leaves.iter().find(|leaf| leaf.path == port.name || last(leaf) == wanted);
    // Names may have been made valid for other languages: `sepal length (cm)` and `sepal_length_cm`. Short ones are
    // all near to each other.
    let near = || {
        if wanted.len() < 4 {
            return None;
        }
        let names: Vec<String> = leaves.iter().map(last).collect();
        let near = nearest(&wanted, names.iter().map(String::as_str))?;
        leaves.iter().find(|leaf| last(leaf) == near)
    };
    exact.or_else(near)
}

fn json_messages(data: &[u8]) -> Result<Vec<Json>, String> {
    let mut messages = vec![];
    for message in serde_json::Deserializer::from_slice(data).into_iter::<Json>().take(MAX_ROWS) {
        messages.push(message.map_err(|error| {
            format!("message {} is not JSON: {error} (CSV files must be named .csv)", messages.len() + 1)
        })?);
    }
    Ok(messages)
}

fn csv_rows(data: &[u8], tabs: bool) -> Result<Vec<Json>, String> {
    let mut reader = csv::ReaderBuilder::new().delimiter(if tabs { b'\t' } else { b',' }).from_reader(data);
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let mut messages = vec![];
    for row in reader.records().take(MAX_ROWS) {
        let row = row.map_err(|error| error.to_string())?;
        let cell = |text: &str| {
            let number = text.trim().parse::<f64>().ok().and_then(serde_json::Number::from_f64);
            number.map_or_else(|| Json::String(text.into()), Json::Number)
        };
        let cells = header.iter().zip(&row).map(|(name, text)| (name.trim().to_owned(), cell(text)));
        messages.push(Json::Object(cells.collect::<Map<_, _>>()));
    }
    Ok(messages)
}

/// The one array of objects at the top of a message.
fn readings(message: &Json) -> Option<String> {
    let arrays = message.as_object()?.iter().filter(|(_, value)| {
        value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(Json::is_object))
    });
    let arrays: Vec<_> = arrays.collect();
    match &*arrays {
        [(name, _)] => Some((*name).clone()),
        _ => None,
    }
}

fn collect(value: &Json, path: String, leaves: &mut Vec<Leaf>) {
    let kind = match value {
        Json::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('.', "\\.");
                let inner = if path.is_empty() { name } else { format!("{path}.{name}") };
                collect(value, inner, leaves);
            }
            return;
        }
        Json::Number(_) => LeafKind::Number,
        Json::Bool(_) => LeafKind::Boolean,
        Json::String(_) => LeafKind::Text,
        Json::Array(_) => match numbers(value) {
            Some(len) => LeafKind::Array(len),
            None => return,
        },
        Json::Null => return,
    };
    leaves.push(Leaf { path, kind });
}

/// How many numbers an array holds, when it holds nothing else.
fn numbers(value: &Json) -> Option<usize> {
    match value {
        Json::Number(_) => Some(1),
        Json::Array(items) => items.iter().try_fold(0usize, |sum, item| sum.checked_add(numbers(item)?)),
        _ => None,
    }
}
