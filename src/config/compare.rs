//! Two configurations compared: what a reload applies, and what counts only at the next start.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Config;
use edgeward_core::settings::{Faults, Node, Value};

/// What a daemon reads once, at its start; all else a reload applies.
const AT_START: [&str; 7] = ["device", "broker", "outbox", "classes", "uplinks", "admin", "log.format"];

/// Whether a changed value of this key counts only at the next start.
fn counts_at_start(key: &str) -> bool {
    AT_START.iter().any(|table| is_inside(key, table))
}

fn is_inside(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The keys that are set, by their paths, with their values as text; and what is known of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    set: BTreeMap<String, String>,
    /// By path, with `<name>` for the names of tables.
    defaults: BTreeMap<String, String>,
}

/// One key whose value is not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub key: String,
    /// What runs; none: nothing.
    pub running: Option<String>,
    /// What the configuration says now.
    pub configured: Option<String>,
    /// A reload does not apply it.
    pub needs_restart: bool,
}

impl Keys {
    pub(super) fn of(tree: &Node, faults: &Faults) -> Keys {
        let mut set = BTreeMap::new();
        collect(tree, "", &mut set);
        let known = faults.known_keys().into_iter();
        Keys { set, defaults: known.filter_map(|(key, known)| Some((key, known.default?))).collect() }
    }

    /// A key's value, set or not.
    fn value(&self, key: &str) -> Option<&String> {
        self.set.get(key).or_else(|| self.defaults.get(&pattern(key)))
    }

    /// Where these differ from those that run.
    pub fn differences(&self, running: &Keys) -> Vec<Difference> {
        let mut keys: Vec<&String> = self.set.keys().chain(running.set.keys()).collect();
        keys.sort();
        keys.dedup();
        let differing = keys.into_iter().filter(|key| self.value(key) != running.value(key));
        let difference = |key: &String| Difference {
            key: key.clone(),
            running: running.value(key).cloned(),
            configured: self.value(key).cloned(),
            needs_restart: counts_at_start(key),
        };
        differing.map(difference).collect()
    }

    /// What runs after a reload of `newer`: its own for what a reload applies, the old for all else.
    pub fn reloaded(&self, newer: &Keys) -> Keys {
        let old = self.set.iter().filter(|(key, _)| counts_at_start(key));
        let new = newer.set.iter().filter(|(key, _)| !counts_at_start(key));
        let set = old.chain(new).map(|(key, value)| (key.clone(), value.clone())).collect();
        Keys { set, defaults: newer.defaults.clone() }
    }
}

/// `pipelines.press.qos` is `pipelines.<name>.qos`.
fn pattern(key: &str) -> String {
    let mut parts: Vec<&str> = key.split('.').collect();
    if let [table, name, ..] = parts.as_mut_slice()
        && ["pipelines", "classes", "uplinks"].contains(table)
    {
        *name = "<name>";
    }
    parts.join(".")
}

impl Config {
    /// The keys of `self` that differ from those of `running` and that a reload can't apply. A table is
    /// named where no key of it differs but what it names does, such as the content of a certificate's
    /// file.
    pub fn restart_needed(&self, running: &Config) -> Vec<String> {
        let outbox = self.outbox != running.outbox;
        let differs = |table: &str| match table {
            "device" => self.device != running.device,
            "broker" => self.broker != running.broker,
            "outbox" | "classes" => outbox,
            "uplinks" => self.uplinks != running.uplinks,
            "admin" => self.admin != running.admin,
            _ => self.log.format != running.log.format,
        };
        let differences = self.keys.differences(&running.keys);
        let mut named = Vec::new();
        let mut unnamed = Vec::new();
        for table in AT_START.into_iter().filter(|table| differs(table)) {
            let inside =
                differences.iter().map(|difference| &difference.key).filter(|key| is_inside(key, table));
            let before = named.len();
            named.extend(inside.cloned());
            if named.len() == before {
                unnamed.push(table.to_owned());
            }
        }
        // What differs in one table may only follow from a key of another.
        if named.is_empty() { unnamed } else { named }
    }
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

/// As one would write it, without the places where it was set.
fn text(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(|item| text(&item.value)).collect::<Vec<_>>().join(", "))
        }
        Value::Table(table) => {
            let items = table.iter().map(|(key, node)| format!("{key} = {}", text(&node.value)));
            format!("{{ {} }}", items.collect::<Vec<_>>().join(", "))
        }
        Value::Text(text) => format!("{text:?}"),
        Value::Integer(i) => i.to_string(),
        Value::Float(x) => x.to_string(),
        Value::Bool(b) => b.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    fn keys(text: &str) -> Keys {
        let text = format!("broker.url = \"mqtt://localhost\"\npipelines.press.queue_messages = 5\n{text}");
        let layers = Layers { text: Some(("test".into(), text)), ..Layers::default() };
        let tree = crate::config::read_layers(&layers).unwrap();
        let faults = Faults::new();
        Config::read(&tree, &layers, &faults);
        Keys::of(&tree, &faults)
    }

    #[test]
    fn a_default_that_is_written_out_changes_nothing() {
        let running = keys("");
        let written = "broker.keep_alive_secs = 30\npipelines.press.qos = 1\nlog.level = \"info\"";
        assert_eq!(keys(written).differences(&running), []);
        let changed = keys("broker.keep_alive_secs = 31\npipelines.press.qos = 0").differences(&running);
        let told: Vec<_> = changed.iter().map(|one| (one.key.as_str(), one.needs_restart)).collect();
        assert_eq!(told, [("broker.keep_alive_secs", true), ("pipelines.press.qos", false)]);
        assert_eq!(changed[1].running.as_deref(), Some("1"));
    }

    #[test]
    fn after_a_reload_what_counts_at_the_start_is_what_it_was() {
        let (old, new) =
            (keys("broker.keep_alive_secs = 31\nlog.level = \"warn\""), keys("log.level = \"debug\""));
        let now = old.reloaded(&new);
        assert_eq!(now.value("broker.keep_alive_secs").unwrap(), "31");
        assert_eq!(now.value("log.level").unwrap(), "\"debug\"");
    }

    /// Of every table it is settled what a reload does with it: a new one has to be put into this list.
    #[test]
    fn every_table_counts_at_the_start_or_is_applied() {
        let applied = ["drain_deadline_secs", "state_dir", "pipelines", "limits", "log"];
        let layers = Layers { text: Some(("test".into(), String::new())), ..Layers::default() };
        let tree = crate::config::read_layers(&layers).unwrap();
        let faults = Faults::new();
        Config::read(&tree, &layers, &faults);
        for key in faults.known_keys().keys().filter(|key| !key.contains('.')) {
            assert!(
                counts_at_start(key) != applied.contains(&key.as_str()),
                "is `{key}` applied by a reload, or does it count at the next start?"
            );
        }
    }
}
