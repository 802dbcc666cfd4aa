//! Which free sizes the sample's messages bring, and how long they are there.

use edgeward_engine::{Dim, Port, Signature};
use serde_json::Value as Json;

use super::{Filling, Sample};

/// How much longer than in the sample an array may become.
const TIMES: usize = 4;

/// A free size as it is in the sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub name: String,
    pub least: usize,
    pub most: usize,
}

impl Seen {
    /// What it is bounded by.
    pub fn bound(&self) -> usize {
        self.most.saturating_mul(TIMES)
    }
}

/// Those of inputs that are filled with arrays.
pub(super) fn of(signature: &Signature, sample: &Sample, inputs: &[(String, Filling)]) -> Vec<Seen> {
    let mut seen: Vec<Seen> = vec![];
    if sample.readings.is_some() {
        return seen;
    }
    for (name, filling) in inputs {
        let (Filling::Array(path), Some(port)) =
            (filling, signature.inputs.iter().find(|port| port.name == *name))
        else {
            continue;
        };
        for message in &sample.messages {
            let Some(array) = at(message, path) else { continue };
            for (name, length) in lengths(port, signature.free_batch, array) {
                match seen.iter_mut().find(|known| known.name == name) {
                    Some(known) => {
                        known.least = known.least.min(length);
                        known.most = known.most.max(length);
                    }
                    None => seen.push(Seen { name, least: length, most: length }),
                }
            }
        }
    }
    seen
}

/// What stands at a field's path.
fn at<'m>(message: &'m Json, path: &str) -> Option<&'m Json> {
    if path.is_empty() {
        return Some(message);
    }
    let names = path.replace("\\.", "\0");
    names.split('.').try_fold(message, |value, name| value.get(name.replace('\0', ".")))
}

/// The lengths of a message's array that the model leaves free, by their names, where its levels tell them.
fn lengths(port: &Port, free_batch: bool, array: &Json) -> Vec<(String, usize)> {
    let mut levels = vec![];
    let mut inner = array;
    while let Some(items) = inner.as_array() {
        levels.push(items.len());
        let Some(first) = items.first() else { break };
        inner = first;
    }
    let axes = &port.dims[usize::from(free_batch).min(port.dims.len())..];
    let is_free = |dim: &&Dim| matches!(dim, Dim::Free(_));
    // Those of one may be left out.
    let long: Vec<&Dim> = axes.iter().filter(|dim| !matches!(dim, Dim::Fixed(1))).collect();
    let dims: Vec<&Dim> = if levels.len() == axes.len() { axes.iter().collect() } else { long };
    if levels.len() == 1 && dims.iter().copied().filter(is_free).count() == 1 {
        let others = dims.iter().map(|dim| if let Dim::Fixed(n) = dim { *n } else { 1 }).product::<usize>();
        levels = dims
            .iter()
            .map(|dim| if let Dim::Fixed(n) = dim { *n } else { levels[0] / others.max(1) })
            .collect();
    }
    if levels.len() != dims.len() {
        return vec![];
    }
    let named = dims.into_iter().zip(levels).filter_map(|(dim, length)| match dim {
        Dim::Free(name) => Some((name.clone(), length)),
        Dim::Fixed(_) | Dim::Batch => None,
    });
    named.collect()
}
