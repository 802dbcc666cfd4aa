//! Merging the layers: file < `conf.d/*.toml` < environment < flags.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use config::{FileFormat, ValueKind};

use super::ConfigError;
use edgeward_core::settings::{Fault, Node, Origin, Value};

/// Environment variables that set a key: `EDGEWARD__BROKER__URL` is `broker.url`.
const PREFIX: &str = "EDGEWARD__";

/// What the layers are made of. The environment is handed in, so that a test can choose it.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    pub file: Option<PathBuf>,
    /// Text to use instead of a file, with a name for it.
    pub text: Option<(String, String)>,
    pub environment: BTreeMap<String, String>,
    /// `key.path` and value, from the command line.
    pub flags: Vec<(String, String)>,
}

impl Layers {
    /// The layers of `file` and this process's environment.
    pub fn of_process(file: PathBuf, flags: Vec<(String, String)>) -> Self {
        Layers { file: Some(file), environment: std::env::vars().collect(), flags, text: None }
    }

    /// A path in the configuration is relative to the configuration's own folder.
    pub fn resolve(&self, path: &str) -> PathBuf {
        let base = self.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        base.join(path)
    }

    /// The files that make up the configuration, the first one first.
    fn files(&self) -> Result<Vec<PathBuf>, ConfigError> {
        let Some(file) = &self.file else { return Ok(Vec::new()) };
        let folder = self.resolve("conf.d");
        let mut more = Vec::new();
        match std::fs::read_dir(&folder) {
            Ok(entries) => {
                for entry in entries {
                    let path = entry.map_err(|error| unreadable(&folder, &error))?.path();
                    if path.extension().is_some_and(|extension| extension == "toml") {
                        more.push(path);
                    }
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&folder, &error)),
        }
        more.sort();
        Ok(std::iter::once(file.clone()).chain(more).collect())
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> ConfigError {
    let mut reason = format!("can't read {}: {error}", path.display());
    if error.kind() == std::io::ErrorKind::NotFound {
        reason.push_str("; name the configuration with `-c FILE`");
    }
    whole(reason)
}

fn whole(reason: String) -> ConfigError {
    ConfigError {
        faults: vec![Fault { path: String::new(), value: None, reason, origin: None, suggestion: None }],
    }
}

/// Reads and merges the layers into one tree that knows where each value was set.
///
/// # Errors
/// A file that can't be read or is not TOML, with line and column.
pub fn read_layers(layers: &Layers) -> Result<Node, ConfigError> {
    let mut texts = Vec::new();
    for path in layers.files()? {
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        texts.push((path.display().to_string(), text));
    }
    texts.extend(layers.text.clone());
    let mut builder = config::Config::builder();
    let mut lines = Vec::new();
    for (name, text) in texts {
        // Parsed once for messages with lines and columns, once more by the merging crate.
        let tree = Node::from_toml(&text, &name).map_err(whole)?;
        builder = builder.add_source(config::File::from_str(&text, FileFormat::Toml));
        lines.push(tree);
    }
    let environment = Vec::from_iter(layers.environment.iter().filter_map(|(name, value)| {
        let path = name.strip_prefix(PREFIX)?.to_lowercase().replace("__", ".");
        Some((path, value.clone(), Origin::Environment(name.clone())))
    }));
    let flags = layers
        .flags
        .iter()
        .map(|(path, value)| (path.clone(), value.clone(), Origin::Flag(format!("--set {path}"))));
    let single: Vec<_> = environment.into_iter().chain(flags).collect();
    for (path, value, origin) in &single {
        builder = builder
            .set_override(path, value.as_str())
            .map_err(|_| whole(format!("{origin}: `{path}` is not a key path such as `broker.url`")))?;
    }
    let merged = builder.build().and_then(|config| config.try_deserialize::<config::Value>());
    let merged = merged.map_err(|error| whole(format!("the configuration can't be merged: {error}")))?;
    let origins = Origins { lines: &lines, single: &single };
    Ok(convert(merged, "", &origins))
}

/// Finds where a value of the merged tree was set.
struct Origins<'a> {
    lines: &'a [Node],
    single: &'a [(String, String, Origin)],
}

impl Origins<'_> {
    fn of(&self, path: &str) -> Origin {
        let single =
            self.single.iter().rev().find(|(set, ..)| set == path).map(|(.., origin)| origin.clone());
        let line = || self.lines.iter().rev().find_map(|tree| origin_in(tree, path));
        single.or_else(line).unwrap_or(Origin::File { name: "configuration".into(), line: None })
    }
}

fn origin_in(tree: &Node, path: &str) -> Option<Origin> {
    if path.is_empty() {
        return Some(tree.origin.clone());
    }
    let Value::Table(table) = &tree.value else { return None };
    table.iter().find_map(|(key, node)| {
        let rest = path.strip_prefix(key.as_str())?;
        match rest.strip_prefix(['.', '[']) {
            Some(below) if rest.starts_with('.') => origin_in(node, below),
            // An array is set as a whole.
            Some(_) => Some(node.origin.clone()),
            None => rest.is_empty().then(|| node.origin.clone()),
        }
    })
}

fn convert(value: config::Value, path: &str, origins: &Origins<'_>) -> Node {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    let kind = match value.kind {
        ValueKind::Nil => Value::Table(BTreeMap::new()),
        ValueKind::Boolean(b) => Value::Bool(b),
        ValueKind::I64(i) => Value::Integer(i),
        ValueKind::I128(i) => i64::try_from(i).map_or_else(|_| Value::Text(i.to_string()), Value::Integer),
        ValueKind::U64(u) => i64::try_from(u).map_or_else(|_| Value::Text(u.to_string()), Value::Integer),
        ValueKind::U128(u) => i64::try_from(u).map_or_else(|_| Value::Text(u.to_string()), Value::Integer),
        ValueKind::Float(x) => Value::Float(x),
        ValueKind::String(text) => Value::Text(text),
        ValueKind::Table(table) => Value::Table(
            table
                .into_iter()
                .map(|(key, value)| {
                    let node = convert(value, &below(&key), origins);
                    (key, node)
                })
                .collect(),
        ),
        ValueKind::Array(items) => Value::Array(
            items
                .into_iter()
                .enumerate()
                .map(|(i, item)| convert(item, &format!("{path}[{i}]"), origins))
                .collect(),
        ),
    };
    Node { value: kind, origin: origins.of(path) }
}
