//! Attention, and states kept from run to run.

use super::prelude::*;

/// An input as batch, heads, length and width, in either form.
fn heads(given: &mut Given<'_>, index: usize, heads: Option<i64>) -> Result<Option<[Dim; 4]>, Fault> {
    let Some(shape) = given.shape(index)? else { return Ok(None) };
    match shape[..] {
        [batch, heads, length, width] => Ok(Some([batch, heads, length, width])),
        [batch, length, hidden] => {
            let heads = heads.map_or(Dim::Unknown, Dim::Number);
            let width = given.symbols().exact(hidden, heads);
            Ok(Some([batch, heads, length, width]))
        }
        _ => Err(fault!("input {index}: has shape {}, must have three or four axes", given.shown(&shape))),
    }
}

pub fn attention(node: &Node<'_>) -> Result<Rule, Fault> {
    let count = |name: &str| node.attributes.int(name);
    let (q_heads, kv_heads) = (count("q_num_heads")?, count("kv_num_heads")?);
    rule(move |given| {
        let kind = given.kind(0, FLOATS)?;
        let value_kind = given.kind(2, FLOATS)?;
        let flat = given.shape(0)?.map(|shape| shape.len() == 3);
        let q = heads(given, 0, q_heads)?.unwrap_or_default();
        let k = heads(given, 1, kv_heads)?.unwrap_or_default();
        let v = heads(given, 2, kv_heads)?.unwrap_or_default();
        let past = if given.has(4) { heads(given, 4, None)?.unwrap_or_default()[2] } else { Dim::Number(0) };
        let value_past =
            if given.has(5) { heads(given, 5, None)?.unwrap_or_default()[2] } else { Dim::Number(0) };
        let symbols = given.symbols();
        let (keys, values) = (symbols.add(past, k[2]), symbols.add(value_past, v[2]));
        let y: Option<Dims> = match flat {
            None => None,
            Some(true) => Some(smallvec![q[0], q[2], symbols.mul(q[1], v[3])]),
            Some(false) => Some(smallvec![q[0], q[1], q[2], v[3]]),
        };
        let four = |a, b, c, d| Dims::from_slice(&[a, b, c, d]);
        Ok(smallvec![
            Fact::tensor(kind, y),
            Fact::tensor(kind, four(k[0], k[1], keys, k[3])),
            Fact::tensor(value_kind, four(v[0], v[1], values, v[3])),
            Fact::tensor(kind, four(q[0], q[1], q[2], keys))
        ])
    })
}

pub fn linear_attention(node: &Node<'_>) -> Result<Rule, Fault> {
    let (heads, shared) = (node.required_int("q_num_heads")?, node.required_int("kv_num_heads")?);
    rule(move |given| {
        let kind = given.kind(0, FLOATS)?;
        let state = if given.has(3) { given.kind(3, FLOATS)? } else { kind };
        let (q, k, v) = (given.ranked(0, 3)?, given.ranked(1, 3)?, given.ranked(2, 3)?);
        let symbols = given.symbols();
        let (keys, values) =
            (symbols.exact(k[2], Dim::Number(shared)), symbols.exact(v[2], Dim::Number(shared)));
        let width = symbols.mul(values, Dim::Number(heads));
        let y: Dims = smallvec![q[0], q[1], width];
        let last: Dims = smallvec![q[0], Dim::Number(shared), keys, values];
        Ok(smallvec![Fact::tensor(kind, y), Fact::tensor(state, last)])
    })
}

pub fn causal_conv(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.floats_of(0..2)?;
        let (x, w) = (given.ranked(0, 3)?, given.ranked(1, 3)?);
        let kept = given.symbols().sub(w[2], Dim::ONE);
        let state: Dims = smallvec![x[0], x[1], kept];
        Ok(smallvec![Fact::tensor(kind, x), Fact::tensor(kind, state)])
    })
}
