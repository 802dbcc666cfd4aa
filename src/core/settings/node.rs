//! The tree: values with the place they came from.

use std::{collections::BTreeMap, fmt};

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file, with the line where it is known (from 1).
    File { name: String, line: Option<usize> },
    /// An environment variable, by name. Its text may stand for a number or a boolean.
    Environment(String),
    /// A command-line flag. Its text may stand for a number or a boolean too.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { name, line: Some(line) } => write!(f, "{name}:{line}"),
            Origin::File { name, line: None } => f.write_str(name),
            Origin::Environment(name) => write!(f, "environment variable {name}"),
            Origin::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A setting's value, as TOML knows them (dates are read as text).
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Table(BTreeMap<String, Node>),
    Array(Vec<Node>),
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
}

impl Value {
    /// The kind, in words for a fault.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Table(_) => "a table",
            Value::Array(_) => "an array",
            Value::Text(_) => "text",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a number",
            Value::Bool(_) => "a boolean",
        }
    }
}

/// A value and where it was set.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub value: Value,
    pub origin: Origin,
}

impl Node {
    /// Parses TOML text; `name` is the file's name for faults.
    ///
    /// # Errors
    /// One text with line and column when it is not TOML.
    pub fn from_toml(text: &str, name: &str) -> Result<Node, String> {
        let table = toml::de::DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let (line, column) = line_and_column(text, at);
            format!("{name}:{line}:{column}: {}", error.message())
        })?;
        let root = Node {
            value: Value::Table(BTreeMap::new()),
            origin: Origin::File { name: name.into(), line: Some(1) },
        };
        Ok(Node { value: toml_table(table.get_ref(), text, name), ..root })
    }
}

fn toml_table(table: &toml::de::DeTable<'_>, text: &str, name: &str) -> Value {
    let entries = table.iter().map(|(key, value)| (key.get_ref().to_string(), toml_node(value, text, name)));
    Value::Table(entries.collect())
}

fn toml_node(value: &toml::Spanned<toml::de::DeValue<'_>>, text: &str, name: &str) -> Node {
    use toml::de::DeValue;
    let line = line_and_column(text, value.span().start).0;
    let value = match value.get_ref() {
        DeValue::String(s) => Value::Text(s.to_string()),
        DeValue::Integer(i) => i64::from_str_radix(i.as_str(), i.radix())
            .map_or_else(|_| Value::Text(i.to_string()), Value::Integer),
        DeValue::Float(f) => f.as_str().parse().map_or_else(|_| Value::Text(f.to_string()), Value::Float),
        DeValue::Boolean(b) => Value::Bool(*b),
        DeValue::Datetime(d) => Value::Text(d.to_string()),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| toml_node(item, text, name)).collect()),
        DeValue::Table(table) => toml_table(table, text, name),
    };
    Node { value, origin: Origin::File { name: name.into(), line: Some(line) } }
}

/// Line and column of a byte offset, from 1.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
    (before.iter().filter(|&&b| b == b'\n').count() + 1, before.len() - line_start + 1)
}
