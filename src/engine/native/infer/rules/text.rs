//! Text.

use super::prelude::*;

/// Words that are dropped leave fewer.
pub fn normalise(node: &Node<'_>) -> Result<Rule, Fault> {
    let drops = node.attributes.strings("stopwords")?.is_some_and(|words| !words.is_empty());
    rule(move |given| {
        given.kind(0, TEXT)?;
        let Some(mut shape) = given.shape(0)? else { return tensor(Kind::String, None) };
        if let Some(last) = shape.last_mut() {
            // Of nothing at all one empty text is left.
            let filled = matches!(last, Dim::Number(1..));
            if drops || !filled {
                *last = Dim::Unknown;
            }
        }
        tensor(Kind::String, shape)
    })
}

/// The parts of each text, filled up to the longest, and how many there are.
pub fn split(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        given.kind(0, TEXT)?;
        let shape = given.shape(0)?;
        let parts = shape.clone().map(|mut shape| {
            shape.push(Dim::Unknown);
            shape
        });
        Ok(smallvec![Fact::tensor(Kind::String, parts), Fact::tensor(Kind::I64, shape)])
    })
}

/// A new last dimension: the tokens of each text.
pub fn tokenize(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        given.kind(0, TEXT)?;
        let shape = given.shape(0)?.map(|mut shape| {
            shape.push(Dim::Unknown);
            shape
        });
        tensor(Kind::String, shape)
    })
}

/// A column for each n-gram that is counted.
pub fn count(node: &Node<'_>) -> Result<Rule, Fault> {
    let columns = node.ints("ngram_indexes")?.unwrap_or_default().into_iter().max().unwrap_or(-1);
    rule(move |given| {
        given.kind(0, ANY)?;
        let shape: Option<Dims> = match given.shape(0)?.as_deref() {
            None => None,
            Some([_]) => Some(smallvec![Dim::Number(columns.saturating_add(1))]),
            Some([rows, _]) => Some(smallvec![*rows, Dim::Number(columns.saturating_add(1))]),
            Some(other) => {
                return Err(fault!(
                    "input 0: has shape {}, must have one or two dimensions",
                    given.shown(other)
                ));
            }
        };
        tensor(Kind::F32, shape)
    })
}

pub fn hash(node: &Node<'_>) -> Result<Rule, Fault> {
    let kind = if node.flag("positive", true)? { Kind::U32 } else { Kind::I32 };
    rule(move |given| {
        given.kind(0, ANY)?;
        tensor(kind, given.shape(0)?)
    })
}
