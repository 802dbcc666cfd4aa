//! Two configurations compared: which keys count only at the next start.

use std::collections::BTreeMap;

use super::Config;
use edgeward_core::settings::{Node, Value};

impl Config {
    /// The keys of `self` that differ from those of `running` and that a reload can't apply. A table is
    /// named where no key of it differs but what it names does, such as the content of a password's
    /// file.
    pub fn restart_needed(&self, running: &Config) -> Vec<String> {
        let outbox = self.outbox != running.outbox;
        let tables = [
            ("device", self.device != running.device),
            ("broker", self.broker != running.broker),
            ("outbox", outbox),
            ("classes", outbox),
            ("uplinks", self.uplinks != running.uplinks),
            ("admin", self.admin != running.admin),
            ("log", self.log_format != running.log_format || self.log_level != running.log_level),
        ];
        let mut named = Vec::new();
        let mut unnamed = Vec::new();
        for (table, _) in tables.iter().filter(|(_, differs)| *differs) {
            let inside = |key: &&String| key.split('.').next() == Some(*table);
            let mut keys: Vec<String> = self
                .keys
                .keys()
                .chain(running.keys.keys())
                .filter(inside)
                .filter(|key| self.keys.get(*key) != running.keys.get(*key))
                .cloned()
                .collect();
            keys.sort();
            keys.dedup();
            if keys.is_empty() {
                unnamed.push((*table).to_owned());
            }
            named.extend(keys);
        }
        // What differs in one table may only follow from a key of another.
        if named.is_empty() { unnamed } else { named }
    }
}

/// Every key that is set, by its path, with its value as text.
pub(super) fn keys(tree: &Node) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    collect(tree, "", &mut keys);
    keys
}

fn collect(node: &Node, path: &str, keys: &mut BTreeMap<String, String>) {
    match &node.value {
        Value::Table(table) => {
            for (key, below) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(below, &path, keys);
            }
        }
        value => {
            keys.insert(path.to_owned(), text(value));
        }
    }
}

/// Without the places where it was set.
fn text(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(|item| text(&item.value)).collect::<Vec<_>>().join(", "),
        Value::Table(_) => format!("{:?}", keys(&Node { value: value.clone(), origin: unplaced() })),
        Value::Text(text) => format!("{text:?}"),
        Value::Integer(i) => i.to_string(),
        Value::Float(x) => x.to_string(),
        Value::Bool(b) => b.to_string(),
    }
}

fn unplaced() -> edgeward_core::settings::Origin {
    edgeward_core::settings::Origin::File { name: String::new(), line: None }
}
