//! Sequences and optionals.

use super::prelude::*;
use crate::native::attributes::kind;

/// What is known of the items of an input that must be a sequence.
fn items(given: &Given<'_>, index: usize) -> Result<Fact, Fault> {
    match given.fact(index)? {
        Fact::Sequence(item) => Ok((**item).clone()),
        Fact::Unknown => Ok(Fact::Unknown),
        other => Err(fault!("input {index}: is {}, must be a sequence", other.sort())),
    }
}

/// Without contents: there are others in the sequence.
fn item(given: &Given<'_>, index: usize) -> Result<Fact, Fault> {
    Ok(match given.tensor(index)? {
        Some(tensor) => Fact::tensor(tensor.kind, tensor.shape.clone()),
        None => Fact::tensor(None, None),
    })
}

fn sequence(item: Fact) -> Result<Facts, Fault> {
    one(Fact::Sequence(Box::new(item)))
}

/// Its items, which are none, are of any type.
pub fn empty(node: &Node<'_>) -> Result<Rule, Fault> {
    let kind = kind::of(node, "dtype")?.unwrap_or(Kind::F32);
    rule(move |_| sequence(Fact::tensor(kind, None)))
}

pub fn construct(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        given.common(0..given.len(), ANY)?;
        let mut all: Option<Fact> = None;
        for index in 0..given.len() {
            let item = item(given, index)?;
            all = Some(match all {
                Some(all) => all.join(&item),
                None => item,
            });
        }
        sequence(all.unwrap_or_default())
    })
}

pub fn length(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        items(given, 0)?;
        tensor(Kind::I64, Dims::new())
    })
}

pub fn at(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let item = items(given, 0)?;
        given.kind(1, INDICES)?;
        one(item)
    })
}

pub fn erase(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| sequence(items(given, 0)?))
}

pub fn insert(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let all = items(given, 0)?.join(&item(given, 1)?);
        sequence(all)
    })
}

/// Parts along an axis: of one length where they are of one.
pub fn split(node: &Node<'_>) -> Result<Rule, Fault> {
    let axis = node.int("axis", 0)?;
    let keep = node.flag("keepdims", true)?;
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        let Some(mut shape) = given.shape(0)? else { return sequence(Fact::tensor(kind, None)) };
        let axis = checked_axis(axis, shape.len())?;
        if given.has(1) {
            let lengths = given.integers(1)?;
            let same = match lengths.as_deref() {
                Some([first, rest @ ..]) if given.shape(1)?.is_some_and(|shape| shape.len() == 1) => {
                    rest.iter().all(|length| length == first).then_some(*first)
                }
                // Chunks of that length, the last one maybe smaller.
                Some([Dim::Number(chunk)]) => shape[axis]
                    .number()
                    .filter(|length| *chunk > 0 && length % chunk == 0)
                    .map(|_| Dim::Number(*chunk)),
                _ => None,
            };
            shape[axis] = same.unwrap_or_default();
        } else if keep {
            shape[axis] = Dim::ONE;
        } else {
            shape.remove(axis);
        }
        sequence(Fact::tensor(kind, shape))
    })
}

pub fn concat(node: &Node<'_>) -> Result<Rule, Fault> {
    let axis = node.required_int("axis")?;
    let new = node.flag("new_axis", false)?;
    rule(move |given| {
        let items = items(given, 0)?;
        let Some(item) = items.as_tensor() else { return tensor(None, None) };
        let shape = match item.shape.clone() {
            Some(mut shape) if new => {
                shape.insert(checked_axis(axis, shape.len() + 1)?, Dim::Unknown);
                Some(shape)
            }
            Some(mut shape) => {
                let axis = checked_axis(axis, shape.len())?;
                shape[axis] = Dim::Unknown;
                Some(shape)
            }
            None => None,
        };
        tensor(item.kind, shape)
    })
}

pub fn optional(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        one(Fact::Optional(Box::new(if given.has(0) { given.fact(0)?.clone() } else { Fact::Unknown })))
    })
}

pub fn get_element(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        one(match given.fact(0)? {
            Fact::Optional(inner) => (**inner).clone(),
            other => other.clone(),
        })
    })
}

pub fn has_element(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|_| tensor(Kind::Bool, Dims::new()))
}
