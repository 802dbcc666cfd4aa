//! A table being read: typed access that notes faults instead of failing.

use std::{cell::RefCell, collections::BTreeMap, ops::RangeInclusive};

use super::{Fault, Faults, Known, Node, Origin, Value, fault::UNKNOWN};

/// Where a section or a value stands: its key path, and the same with `<name>` for names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    path: String,
    pattern: String,
}

impl Place {
    fn key(&self, key: &str) -> Place {
        Place { path: join(&self.path, key), pattern: join(&self.pattern, key) }
    }

    fn name(&self, name: &str) -> Place {
        Place { path: join(&self.path, name), pattern: join(&self.pattern, "<name>") }
    }

    fn index(&self, index: usize) -> Place {
        Place { path: format!("{}[{index}]", self.path), pattern: format!("{}[]", self.pattern) }
    }

    /// The key path, such as `pipelines.press.topics`.
    pub fn path(&self) -> &str {
        &self.path
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// One table of settings. Ask for every key it may have, then call [`Section::finish`], which
/// reports the keys nobody asked for.
pub struct Section<'a> {
    table: Option<&'a BTreeMap<String, Node>>,
    origin: Option<&'a Origin>,
    place: Place,
    faults: &'a Faults,
    asked: RefCell<Vec<String>>,
}

impl<'a> Section<'a> {
    /// The root of a tree.
    pub fn root(node: &'a Node, faults: &'a Faults) -> Self {
        Section::over(Some(node), Place::default(), faults)
    }

    fn over(node: Option<&'a Node>, place: Place, faults: &'a Faults) -> Self {
        let table = match node.map(|node| &node.value) {
            Some(Value::Table(table)) => Some(table),
            _ => None,
        };
        let section =
            Section { table, origin: node.map(|n| &n.origin), place, faults, asked: RefCell::default() };
        if let (None, Some(node)) = (table, node) {
            section.fault_at(
                &section.place,
                Some(node),
                format!("is {}, must be a table", node.value.kind()),
            );
        }
        section
    }

    /// True when the table was written at all.
    pub fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// True when `key` was written.
    pub fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// The keys that were written, in their order.
    pub fn names(&self) -> Vec<String> {
        self.table.into_iter().flat_map(|table| table.keys().cloned()).collect()
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    fn get(&self, key: &str) -> Option<&'a Node> {
        self.asked.borrow_mut().push(key.to_owned());
        self.describe(key, |_| ());
        self.table.and_then(|table| table.get(key))
    }

    fn describe(&self, key: &str, note: impl FnOnce(&mut Known)) {
        self.faults.note_known(self.place.key(key).pattern, note);
    }

    fn describe_default(&self, key: &str, default: String) {
        self.describe(key, |known| known.default = Some(default));
    }

    /// What stands at `key`, which may be keys with dots between them, and the place of it or of the
    /// innermost table around it.
    fn find(&self, key: &str) -> (Option<&'a Node>, Option<&'a Origin>) {
        let (mut table, mut found, mut origin) = (self.table, None, self.origin);
        for key in key.split('.') {
            found = table.and_then(|table| table.get(key));
            let Some(node) = found else { break };
            origin = Some(&node.origin);
            table = match &node.value {
                Value::Table(table) => Some(table),
                _ => None,
            };
        }
        (found, origin)
    }

    /// Notes a fault of `key` (or of the whole section when `key` is empty).
    pub fn fault(&self, key: &str, reason: impl Into<String>) {
        if key.is_empty() {
            self.push(&self.place, None, self.origin, reason.into());
        } else {
            let (node, origin) = self.find(key);
            self.push(&self.place.key(key), node.and_then(show), origin, reason.into());
        }
    }

    /// Notes what only looks right; it is told and stops nothing.
    pub fn warn(&self, key: &str, reason: impl Into<String>) {
        let (node, origin) = self.find(key);
        self.faults.warn(Fault {
            path: self.place.key(key).path,
            value: node.and_then(show),
            reason: reason.into(),
            origin: origin.map(Origin::to_string),
            suggestion: None,
        });
    }

    /// Like [`Section::fault`] for a value that must not be shown.
    pub fn fault_hiding(&self, key: &str, reason: impl Into<String>) {
        let node = self.table.and_then(|table| table.get(key));
        self.push(&self.place.key(key), None, node.map(|n| &n.origin).or(self.origin), reason.into());
    }

    /// Like [`Section::fault`], with the name the user probably meant.
    pub fn fault_suggesting<'c>(
        &self,
        key: &str,
        reason: impl Into<String>,
        wrong: &str,
        candidates: impl IntoIterator<Item = &'c str>,
    ) {
        let node = self.table.and_then(|table| table.get(key));
        self.faults.push(Fault {
            path: if key.is_empty() { self.place.path.clone() } else { self.place.key(key).path },
            value: node.and_then(show),
            reason: reason.into(),
            origin: node.map(|n| &n.origin).or(self.origin).map(Origin::to_string),
            suggestion: nearest(wrong, candidates),
        });
    }

    fn fault_at(&self, place: &Place, node: Option<&Node>, reason: String) {
        self.push(place, node.and_then(show), node.map(|n| &n.origin).or(self.origin), reason);
    }

    fn push(&self, place: &Place, value: Option<String>, origin: Option<&Origin>, reason: String) {
        self.faults.push(Fault {
            path: place.path.clone(),
            value,
            reason,
            origin: origin.map(Origin::to_string),
            suggestion: None,
        });
    }

    fn required<T>(&self, key: &str, value: Option<T>, what: &str) -> Option<T> {
        if value.is_none() && !self.has(key) {
            self.fault(key, format!("is missing: {what}"));
        }
        value
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<String> {
        let node = self.get(key)?;
        let text = as_text(node);
        if text.is_none() {
            self.fault(key, format!("is {}, must be text", node.value.kind()));
        }
        text
    }

    /// A text; `default` where none is set.
    pub fn text_or(&self, key: &str, default: &str) -> String {
        self.describe_default(key, format!("{default:?}"));
        self.text(key).unwrap_or_else(|| default.to_owned())
    }

    /// A text that must be there; `what` says what it is for.
    pub fn required_text(&self, key: &str, what: &str) -> Option<String> {
        let value = self.text(key);
        self.required(key, value, what)
    }

    /// One of a closed list of words.
    pub fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        self.describe(key, |known| known.choices = choices.iter().map(|(name, _)| (*name).into()).collect());
        let text = self.text(key)?;
        let found = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            self.fault_suggesting(key, format!("must be one of {}", names.join(", ")), &text, names);
        }
        found
    }

    /// One of a closed list of words; the one of this name where none is set.
    pub fn choice_or<T: Copy>(&self, key: &str, default: &str, choices: &[(&str, T)]) -> T {
        self.describe_default(key, format!("{default:?}"));
        let default = choices.iter().find(|(name, _)| *name == default);
        let (_, default) = default.expect("the default is one of the choices");
        self.choice(key, choices).unwrap_or(*default)
    }

    /// True or false; `default` where none is set.
    pub fn boolean_or(&self, key: &str, default: bool) -> bool {
        self.describe_default(key, default.to_string());
        self.boolean(key).unwrap_or(default)
    }

    pub fn boolean(&self, key: &str) -> Option<bool> {
        let node = self.get(key)?;
        let value = match (&node.value, &node.origin) {
            (Value::Bool(b), _) => Some(*b),
            (Value::Text(text), Origin::Environment(_) | Origin::Flag(_)) => text.parse().ok(),
            _ => None,
        };
        if value.is_none() {
            self.fault(key, format!("is {}, must be true or false", node.value.kind()));
        }
        value
    }

    /// A whole number within `range`; `default` where none is set.
    pub fn integer_or(&self, key: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        self.describe_default(key, default.to_string());
        self.integer(key, range).unwrap_or(default)
    }

    /// As [`Section::integer_or`], for what is in memory.
    pub fn size_or(&self, key: &str, default: usize, range: RangeInclusive<u64>) -> usize {
        usize::try_from(self.integer_or(key, default as u64, range)).unwrap_or(usize::MAX)
    }

    /// A whole number within `range`.
    pub fn integer(&self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        self.describe(key, |known| known.range = Some(range.clone()));
        let node = self.get(key)?;
        let value = match (&node.value, &node.origin) {
            (Value::Integer(i), _) => u64::try_from(*i).ok(),
            (Value::Text(text), Origin::Environment(_) | Origin::Flag(_)) => text.parse().ok(),
            _ => None,
        };
        match value {
            Some(value) if range.contains(&value) => Some(value),
            _ => {
                let (low, high) = (range.start(), range.end());
                let bounds = if *high == u64::MAX {
                    format!("at least {low}")
                } else {
                    format!("from {low} to {high}")
                };
                self.fault(key, format!("must be a whole number {bounds}"));
                None
            }
        }
    }

    /// A finite number.
    pub fn number(&self, key: &str) -> Option<f64> {
        let node = self.get(key)?;
        let value = as_number(node);
        if value.is_none() {
            self.fault(key, format!("is {}, must be a finite number", node.value.kind()));
        }
        value
    }

    /// An array of texts; a single text stands for an array of one.
    pub fn texts(&self, key: &str) -> Option<Vec<String>> {
        let node = self.get(key)?;
        let Value::Array(items) = &node.value else {
            let text = as_text(node).map(|text| vec![text]);
            if text.is_none() {
                self.fault(key, format!("is {}, must be an array of texts", node.value.kind()));
            }
            return text;
        };
        self.each(key, items, "text", as_text)
    }

    /// An array of finite numbers; a single number stands for an array of one.
    pub fn numbers(&self, key: &str) -> Option<Vec<f64>> {
        let node = self.get(key)?;
        match &node.value {
            Value::Array(items) => self.each(key, items, "a finite number", as_number),
            _ => self.number(key).map(|number| vec![number]),
        }
    }

    fn each<T>(
        &self,
        key: &str,
        items: &[Node],
        must: &str,
        read: impl Fn(&Node) -> Option<T>,
    ) -> Option<Vec<T>> {
        let place = self.place.key(key);
        let read_one = |(i, item): (usize, &Node)| {
            let value = read(item);
            if value.is_none() {
                let reason = format!("is {}, must be {must}", item.value.kind());
                self.fault_at(&place.index(i), Some(item), reason);
            }
            value
        };
        // Every item is looked at, and the good ones go on, so that every fault is told.
        Some(items.iter().enumerate().filter_map(read_one).collect())
    }

    /// The raw value of `key`, for the rare setting that may have several shapes.
    pub fn any(&self, key: &str) -> Option<&'a Node> {
        self.get(key)
    }

    /// The table under `key`; absent reads as empty.
    pub fn section(&self, key: &str) -> Section<'a> {
        let node = self.get(key);
        Section::over(node, self.place.key(key), self.faults)
    }

    /// The tables under `key`, by name: `[pipelines.press]`, `[pipelines.oven]`.
    pub fn named_sections(&self, key: &str) -> Vec<(String, Section<'a>)> {
        let section = self.section(key);
        let Some(table) = section.table else { return Vec::new() };
        table
            .iter()
            .map(|(name, node)| {
                (name.clone(), Section::over(Some(node), section.place.name(name), self.faults))
            })
            .collect()
    }

    /// The items of an array that may be tables or, in short form, texts.
    pub fn items(&self, key: &str) -> Option<Vec<Item<'a>>> {
        let node = self.get(key)?;
        let place = self.place.key(key);
        let Value::Array(items) = &node.value else {
            self.fault(key, format!("is {}, must be an array", node.value.kind()));
            return None;
        };
        let read = |(i, item): (usize, &'a Node)| match as_text(item) {
            Some(text) => Item::Text(text, place.index(i)),
            None => Item::Section(Section::over(Some(item), place.index(i), self.faults)),
        };
        Some(items.iter().enumerate().map(read).collect())
    }

    /// Reports the keys nobody asked for.
    pub fn finish(self) {
        let Some(table) = self.table else { return };
        let asked = self.asked.borrow();
        for (key, node) in table {
            if !asked.contains(key) {
                self.faults.push(Fault {
                    path: self.place.key(key).path,
                    value: None,
                    reason: UNKNOWN.into(),
                    origin: Some(node.origin.to_string()),
                    suggestion: nearest(key, asked.iter().map(String::as_str)),
                });
            }
        }
    }
}

/// An item of an array that allows a short form.
pub enum Item<'a> {
    Text(String, Place),
    Section(Section<'a>),
}

fn as_text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn as_number(node: &Node) -> Option<f64> {
    let number = match (&node.value, &node.origin) {
        (Value::Float(x), _) => *x,
        (Value::Integer(i), _) => *i as f64,
        (Value::Text(text), Origin::Environment(_) | Origin::Flag(_)) => text.parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// A value as one would write it; tables and arrays are not shown.
fn show(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(format!("{text:?}")),
        Value::Integer(i) => Some(i.to_string()),
        Value::Float(x) => Some(x.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Table(_) | Value::Array(_) => None,
    }
}

/// The candidate a typing slip away from `wrong`, if there is one.
pub fn nearest<'c>(wrong: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(wrong, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(wrong.len()) / 4)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// Whether `name` is one that a section may have: lower-case letters, digits, `_` and `-`.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}
