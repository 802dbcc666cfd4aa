//! What ONNX Runtime's optimiser writes.

use super::{matrix, prelude::*};

/// `MatMul` of operands whose last axes may change places; nothing but the type where more of them do.
pub fn matmul(node: &Node<'_>) -> Result<Rule, Fault> {
    let turned = [node.flag("transA", false)?, node.flag("transB", false)?];
    let more = node.flag("transBatchA", false)? || node.flag("transBatchB", false)?;
    rule(move |given| {
        let kind = given.common(0..2, FLOATS)?;
        let (Some(a), Some(b), false) = (given.shape(0)?, given.shape(1)?, more) else {
            return tensor(kind, None);
        };
        let [a, b] = [(a, turned[0]), (b, turned[1])].map(|(mut shape, turn)| {
            if let ([.., rows, columns], true) = (&mut shape[..], turn) {
                std::mem::swap(rows, columns);
            }
            shape
        });
        tensor(kind, matrix::product_of(given, &a, &b)?)
    })
}

/// Queries' sequences and steps, and the values' width, which the weights say; the past with what is new.
pub fn attention(node: &Node<'_>) -> Result<Rule, Fault> {
    let widths = node.ints("qkv_hidden_sizes")?;
    rule(move |given| {
        given.kind(0, ANY)?;
        let kind = given.kind(if given.has(2) { 2 } else { 0 }, FLOATS)?;
        let (x, w) = (given.ranked(0, 3)?, given.ranked(1, 2)?);
        let width = match &widths {
            Some(widths) => widths.last().map_or(Dim::Unknown, |&width| Dim::Number(width)),
            None => given.symbols().exact(w[1], Dim::Number(3)),
        };
        let shape: Dims = smallvec![x[0], x[1], width];
        Ok(smallvec![Fact::tensor(kind, shape), Fact::tensor(kind, unknown(5))])
    })
}

pub fn multi_head(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.kind(0, FLOATS)?;
        let q = given.ranked(0, 3)?;
        let width = match given.shape(2)?.as_deref() {
            Some(&[_, _, width]) => width,
            Some(&[_, heads, _, width]) => given.symbols().mul(heads, width),
            _ => Dim::Unknown,
        };
        let shape: Dims = smallvec![q[0], q[1], width];
        Ok(smallvec![
            Fact::tensor(kind, shape),
            Fact::tensor(kind, unknown(4)),
            Fact::tensor(kind, unknown(4))
        ])
    })
}

/// A vector for each word, a count for each sequence, and the vectors before they were normalised.
fn embedded(given: &mut Given<'_>, kind: Option<Kind>) -> Result<Facts, Fault> {
    let (ids, table) = (given.ranked(0, 2)?, given.ranked(2, 2)?);
    let shape: Dims = smallvec![ids[0], ids[1], table[1]];
    let counts: Dims = smallvec![ids[0]];
    Ok(smallvec![
        Fact::tensor(kind, shape.clone()),
        Fact::tensor(Kind::I32, counts),
        Fact::tensor(kind, shape)
    ])
}

pub fn embedding(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.kind(2, FLOATS)?;
        embedded(given, kind)
    })
}

pub fn quantised_embedding(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| embedded(given, Some(Kind::F32)))
}

/// The first and the fourth output are as the input.
pub fn skip(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let own = Fact::tensor(given.kind(0, FLOATS)?, given.shape(0)?);
        Ok(smallvec![own.clone(), Fact::Unknown, Fact::Unknown, own])
    })
}

/// The last axis becomes `N` long.
pub fn few_bits(node: &Node<'_>) -> Result<Rule, Fault> {
    let outputs = node.required_int("N")?;
    rule(move |given| {
        let kind = given.kind(0, FLOATS)?;
        let shape = given.shape(0)?.map(|mut shape| {
            if let Some(last) = shape.last_mut() {
                *last = Dim::Number(outputs);
            }
            shape
        });
        tensor(kind, shape)
    })
}

/// The type of the scales; axes of the table and of the indices.
pub fn gather(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        given.kind(0, ANY)?;
        let kind = given.kind(2, FLOATS)?;
        let rank = match (given.shape(0)?, given.shape(1)?) {
            (Some(table), Some(indices)) if !table.is_empty() => {
                Some(unknown(table.len() + indices.len() - 1))
            }
            _ => None,
        };
        tensor(kind, rank)
    })
}

/// The rank stays.
pub fn of_rank(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.kind(0, ANY)?;
        let rank = given.shape(0)?.map(|shape| unknown(shape.len()));
        tensor(kind, rank)
    })
}

/// The zero point says the type.
pub fn qlinear_conv(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        given.kind(0, ANY)?;
        let kind = given.kind(7, ANY)?;
        let rank = given.shape(0)?.map(|shape| unknown(shape.len()));
        tensor(kind, rank)
    })
}
