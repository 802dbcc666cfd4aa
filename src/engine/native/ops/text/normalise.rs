//! Words dropped and their case changed.

use std::{collections::HashSet, sync::Arc};

use crate::native::{
    attributes::Node,
    exec::{Op, one, op},
    fault::{Fault, fault},
    value::{Shape, Tensor},
};

#[derive(Clone, Copy, PartialEq)]
enum Case {
    Lower,
    Upper,
    None,
}

impl Case {
    fn changed(self, text: &Arc<str>) -> Arc<str> {
        match self {
            Case::Lower => text.to_lowercase().into(),
            Case::Upper => text.to_uppercase().into(),
            Case::None => Arc::clone(text),
        }
    }
}

/// `StringNormalizer`, ai.onnx 10: stop words dropped, then the case changed. Case is that of Unicode, whatever
/// the locale says.
pub fn normalise(node: &Node<'_>) -> Result<Op, Fault> {
    let case = match node.string("case_change_action", "NONE")? {
        "LOWER" => Case::Lower,
        "UPPER" => Case::Upper,
        "NONE" => Case::None,
        other => {
            return Err(fault!("attribute `case_change_action` is `{other}`: must be LOWER, UPPER or NONE"));
        }
    };
    let exact = node.flag("is_case_sensitive", false)?;
    let key = move |word: &str| if exact { word.to_owned() } else { word.to_lowercase() };
    let stops: HashSet<String> =
        node.attributes.strings("stopwords")?.into_iter().flatten().map(key).collect();
    op(move |run, args| {
        let words = args.slice::<Arc<str>>(0)?;
        let shape = args.tensor(0)?.shape();
        if !matches!(shape, [_] | [1, _]) {
            return Err(fault!("input 0: has the shape {shape:?}, must have [C] or [1, C]"));
        }
        let mut kept = run.buffer::<Arc<str>>(words.len().max(1))?;
        let stays = |word: &&Arc<str>| stops.is_empty() || !stops.contains(&key(word));
        kept.extend(words.iter().filter(stays).map(|word| case.changed(word)));
        if kept.is_empty() {
            kept.push(Arc::default());
        }
        let mut shape = Shape::from_slice(shape);
        if let Some(last) = shape.last_mut() {
            *last = kept.len();
        }
        one(Tensor::of(shape, kept)?)
    })
}
