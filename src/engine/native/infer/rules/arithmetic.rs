//! Element by element, where more than a shape is known, or inputs differ.

use super::prelude::*;
use crate::native::attributes::kind;

/// Elements of two operands of at most one dimension, side by side.
fn pairs(given: &Given<'_>, a: usize, b: usize) -> Result<Option<Vec<(Dim, Dim)>>, Fault> {
    let (Some(x), Some(y)) = (given.integers(a)?, given.integers(b)?) else { return Ok(None) };
    let flat = |index: usize| Ok::<_, Fault>(given.shape(index)?.is_some_and(|shape| shape.len() <= 1));
    if !flat(a)? || !flat(b)? || x.len() != y.len() && x.len() != 1 && y.len() != 1 {
        return Ok(None);
    }
    let len = if x.len() == 1 { y.len() } else { x.len() };
    let at = |v: &[Dim], index: usize| if v.len() == 1 { v[0] } else { v[index] };
    Ok(Some((0..len).map(|index| (at(&x, index), at(&y, index))).collect()))
}

/// Sizes computed with: only in 64 bits, where nothing wraps around.
fn computed(combine: fn(&mut Symbols, Dim, Dim) -> Dim) -> Result<Rule, Fault> {
    rule(move |given| {
        let kind = given.common(0..2, NUMBERS)?;
        let fact = Fact::tensor(kind, given.together(0..2)?);
        if kind != Some(Kind::I64) {
            return one(fact);
        }
        match pairs(given, 0, 1)? {
            Some(pairs) => {
                let symbols = given.symbols();
                one(fact
                    .with_parts(pairs.into_iter().map(|(a, b)| combine(symbols, a, b)).collect::<Vec<_>>()))
            }
            None => one(fact),
        }
    })
}

pub fn add(_: &Node<'_>) -> Result<Rule, Fault> {
    computed(Symbols::add)
}

pub fn sub(_: &Node<'_>) -> Result<Rule, Fault> {
    computed(Symbols::sub)
}

pub fn mul(_: &Node<'_>) -> Result<Rule, Fault> {
    computed(Symbols::mul)
}

/// Cut towards zero: for what is never negative, rounded down.
pub fn div(_: &Node<'_>) -> Result<Rule, Fault> {
    computed(|symbols, a, b| match b {
        Dim::Number(by) if by > 0 && symbols.least(a).is_some_and(|least| least >= 0) => {
            symbols.quotient(a, by)
        }
        Dim::Number(_) => Dim::Unknown,
        _ => symbols.exact(a, b),
    })
}

/// The first operand's type.
pub fn pow(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.kind(0, NUMBERS)?;
        given.kind(1, NUMBERS)?;
        tensor(kind, given.together(0..2)?)
    })
}

pub fn equal(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        given.common(0..2, NUMBERS.and(BOOL).and(TEXT))?;
        let fact = Fact::tensor(Kind::Bool, given.together(0..2)?);
        let Some(pairs) = pairs(given, 0, 1)? else { return one(fact) };
        let symbols = given.symbols();
        let compared = pairs.into_iter().map(|(a, b)| match (a, b) {
            (Dim::Number(a), Dim::Number(b)) => Dim::Number((a == b).into()),
            (a, b) if a == b && a != Dim::Unknown => Dim::ONE,
            (a, Dim::Number(n)) | (Dim::Number(n), a) if symbols.least(a).is_some_and(|least| least > n) => {
                Dim::Number(0)
            }
            _ => Dim::Unknown,
        });
        one(fact.with_parts(compared.collect::<Vec<_>>()))
    })
}

pub fn where_(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        given.kind(0, BOOL)?;
        let kind = given.common(1..3, ANY)?;
        let fact = Fact::tensor(kind, given.together(0..3)?);
        let (Some(which), Some(pairs)) = (given.integers(0)?, pairs(given, 1, 2)?) else { return one(fact) };
        if which.len() != pairs.len() || given.shape(0)?.is_none_or(|shape| shape.len() > 1) {
            return one(fact);
        }
        let chosen = which.iter().zip(pairs).map(|(which, (yes, no))| match which {
            Dim::Number(0) => no,
            Dim::Number(_) => yes,
            _ if yes == no => yes,
            _ => Dim::Unknown,
        });
        one(fact.with_parts(chosen.collect::<Vec<_>>()))
    })
}

pub fn clip(node: &Node<'_>) -> Result<Rule, Fault> {
    let inputs = node.opset >= 11;
    rule(move |given| {
        let kind = given.kind(0, NUMBERS)?;
        for index in (1..3).filter(|&index| inputs && given.has(index)) {
            given.common([0, index], NUMBERS)?;
        }
        tensor(kind, given.shape(0)?)
    })
}

/// The shape of `x`; the slope must be of its type.
pub fn prelu(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.common(0..2, NUMBERS)?;
        tensor(kind, given.shape(0)?)
    })
}

pub fn swiglu(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.common(0..2, FLOATS)?;
        let shape = given.shape(0)?;
        tensor(kind, if shape.is_some() { shape } else { given.shape(1)? })
    })
}

/// The mask is of truth values since 10.
pub fn dropout(node: &Node<'_>) -> Result<Rule, Fault> {
    let truth = node.opset >= 10;
    rule(move |given| {
        let (kind, shape) = (given.kind(0, ANY)?, given.shape(0)?);
        let mask = if truth { Some(Kind::Bool) } else { kind };
        Ok(smallvec![Fact::tensor(kind, shape.clone()), Fact::tensor(mask, shape)])
    })
}

/// `Cast`: whole numbers stay what they are between the types that shapes have.
pub fn cast(node: &Node<'_>) -> Result<Rule, Fault> {
    let to = kind::target(node)?;
    rule(move |given| casted(given, Some(to)))
}

pub fn cast_like(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let to = given.kind(1, ANY)?;
        casted(given, to)
    })
}

fn casted(given: &mut Given<'_>, to: Option<Kind>) -> Result<Facts, Fault> {
    let from = given.kind(0, ANY)?;
    let fact = Fact::tensor(to, given.shape(0)?);
    let index = |kind: Option<Kind>| kind.is_some_and(|kind| INDICES.has(kind));
    match given.integers(0)? {
        Some(parts) if index(from) && index(to) => one(fact.with_parts(parts.iter().copied())),
        _ => one(fact),
    }
}

pub fn bit_cast(node: &Node<'_>) -> Result<Rule, Fault> {
    let to = Kind::from_code(node.required_int("to")?);
    rule(move |given| {
        given.kind(0, ANY)?;
        tensor(to, given.shape(0)?)
    })
}

/// `BatchNormalization`: what it trains goes along.
pub fn batch_normalization(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let (kind, shape) = (given.kind(0, FLOATS)?, given.shape(0)?);
        let mut made: Facts = smallvec![Fact::tensor(kind, shape)];
        for index in 1..given.outputs().min(5) {
            let like = 3 + (index - 1) % 2;
            let kind = given.opt_kind(like, ANY)?;
            let vector = given.opt_shape(like)?.filter(|shape| shape.len() == 1);
            made.push(Fact::tensor(kind, vector));
        }
        Ok(made)
    })
}

/// `LayerNormalization`: the statistics have ones for the axes that are gone.
pub fn layer_normalization(node: &Node<'_>) -> Result<Rule, Fault> {
    let axis = node.int("axis", -1)?;
    let stash = Kind::from_code(node.int("stash_type", 1)?);
    rule(move |given| {
        let (kind, shape) = (given.kind(0, FLOATS)?, given.shape(0)?);
        let statistics = match &shape {
            Some(shape) => {
                let axis = checked_axis(axis, shape.len())?;
                let dims = shape.iter().enumerate();
                Some(dims.map(|(at, &dim)| if at < axis { dim } else { Dim::ONE }).collect::<Dims>())
            }
            None => None,
        };
        let statistics = Fact::tensor(stash, statistics);
        Ok(smallvec![Fact::tensor(kind, shape), statistics.clone(), statistics])
    })
}

/// Scaled in the type of the scale.
pub fn rms_normalization(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        given.kind(0, FLOATS)?;
        tensor(given.kind(1, FLOATS)?, given.shape(0)?)
    })
}
