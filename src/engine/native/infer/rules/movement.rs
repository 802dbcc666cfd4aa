//! Elements put together, cut apart, turned and padded.

use super::prelude::*;
use crate::native::kernels::{pad::Side, range::range, shape::axes as checked_axes};

/// Larger ends stand for "to the end", as exporters write it.
const FAR: i64 = i32::MAX as i64;

pub fn concat(node: &Node<'_>) -> Result<Rule, Fault> {
    let axis = if node.opset < 4 { node.int("axis", 1)? } else { node.required_int("axis")? };
    rule(move |given| {
        let kind = given.common(0..given.len(), ANY)?;
        let shape = joined(given, &(0..given.len()).collect::<Vec<_>>(), axis)?;
        let fact = Fact::tensor(kind, shape);
        let is_vector =
            |fact: &Fact| fact.as_tensor().and_then(|t| t.shape.as_ref()).is_some_and(|s| s.len() == 1);
        if !is_vector(&fact) {
            return one(fact);
        }
        // A part of a known length whose elements are not known leaves a gap.
        let mut parts = vec![];
        for index in 0..given.len() {
            match (given.integers(index)?, given.length(index)?) {
                (Some(part), _) => parts.extend(part.iter().copied()),
                (None, Dim::Number(length @ 0..=64)) => {
                    parts.extend(std::iter::repeat_n(Dim::Unknown, length as usize));
                }
                _ => return one(fact),
            }
        }
        one(fact.with_parts(parts))
    })
}

/// The shape of tensors joined along an axis.
pub fn joined(given: &mut Given<'_>, parts: &[usize], axis: i64) -> Result<Option<Dims>, Fault> {
    let mut shapes = vec![];
    for &index in parts {
        shapes.push(given.shape(index)?);
    }
    let Some(first) = shapes.iter().flatten().next().cloned() else { return Ok(None) };
    let axis = checked_axis(axis, first.len())?;
    let mut all = first;
    let mut length = Dim::Number(0);
    for shape in &shapes {
        let Some(shape) = shape else {
            length = Dim::Unknown;
            continue;
        };
        let wrong = |given: &Given<'_>, all: &[Dim]| {
            fault!("can't join shapes {} and {} along dimension {axis}", given.shown(all), given.shown(shape))
        };
        if shape.len() != all.len() {
            return Err(wrong(given, &all));
        }
        for at in (0..shape.len()).filter(|&at| at != axis) {
            all[at] = match (all[at], shape[at]) {
                (Dim::Number(a), Dim::Number(b)) if a != b => return Err(wrong(given, &all)),
                (n @ Dim::Number(_), _) | (_, n @ Dim::Number(_)) => n,
                (own, _) => own,
            };
        }
        length = given.symbols().add(length, shape[axis]);
    }
    all[axis] = length;
    Ok(Some(all))
}

pub fn split(node: &Node<'_>) -> Result<Rule, Fault> {
    let axis = node.int("axis", 0)?;
    let attribute = if node.opset < 13 { node.ints("split")? } else { None };
    let count = node.outputs.len();
    let uneven = node.opset >= 18;
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        let Some(shape) = given.shape(0)? else {
            return Ok((0..count).map(|_| Fact::tensor(kind, None)).collect());
        };
        let axis = checked_axis(axis, shape.len())?;
        let dim = shape[axis];
        let lengths: Vec<Dim> = match &attribute {
            Some(lengths) => lengths.iter().map(|&length| Dim::Number(length)).collect(),
            None if given.has(1) => match given.integers(1)? {
                Some(lengths) => lengths.to_vec(),
                None => vec![Dim::Unknown; count],
            },
            None => match dim {
                Dim::Number(n) if uneven => {
                    let many = count.max(1) as i64;
                    let chunk = n / many + i64::from(n % many != 0);
                    (0..many)
                        .map(|at| Dim::Number(chunk.min(n.saturating_sub(at.saturating_mul(chunk)).max(0))))
                        .collect()
                }
                Dim::Number(n) if n % count.max(1) as i64 != 0 => {
                    return Err(fault!(
                        "can't split dimension {axis} of {} into {count} equal parts",
                        given.shown(&shape)
                    ));
                }
                Dim::Number(n) => vec![Dim::Number(n / count.max(1) as i64); count],
                dim => vec![given.symbols().exact(dim, Dim::of(count)); count],
            },
        };
        if lengths.len() != count {
            return Err(fault!("has {} lengths for {count} outputs", lengths.len()));
        }
        let total = lengths.iter().try_fold(0i64, |sum, length| sum.checked_add(length.number()?));
        if let (Some(total), Dim::Number(dim)) = (total, dim)
            && total != dim
        {
            return Err(fault!(
                "lengths {} don't add up to dimension {axis} of {}",
                given.shown(&lengths),
                given.shown(&shape)
            ));
        }
        let parts = given.integers(0)?.filter(|_| shape.len() == 1);
        let mut from = 0;
        let mut made = Facts::new();
        for &length in &lengths {
            let mut shape = shape.clone();
            shape[axis] = length;
            let mut fact = Fact::tensor(kind, shape);
            if let (Some(parts), Some(length)) = (&parts, total.and(length.number())) {
                let to = from + length.max(0) as usize;
                fact = fact.with_parts(parts.get(from..to).unwrap_or(&[]).iter().copied());
                from = to;
            }
            made.push(fact);
        }
        Ok(made)
    })
}

pub fn slice(node: &Node<'_>) -> Result<Rule, Fault> {
    let old = node.opset < 10;
    let attribute = |name| if old { node.ints(name) } else { Ok(None) };
    let (starts, ends, axes) = (attribute("starts")?, attribute("ends")?, attribute("axes")?);
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        let Some(mut shape) = given.shape(0)? else { return tensor(kind, None) };
        let rank = shape.len();
        let list = |given: &Given<'_>, index: usize, attribute: Option<&Vec<i64>>| -> Result<_, Fault> {
            Ok(match attribute {
                Some(list) => Some(list.iter().map(|&n| Dim::Number(n)).collect::<Vec<_>>()),
                None => {
                    given.kind(index, INDICES)?;
                    given.integers(index)?.map(|list| list.to_vec())
                }
            })
        };
        let from = list(given, 1, starts.as_ref())?;
        let to = list(given, 2, ends.as_ref())?;
        let count = [&from, &to].into_iter().flatten().map(Vec::len).next();
        let along = match &axes {
            Some(axes) => Some(axes.clone()),
            None => match given.numbers(3)? {
                None => None,
                Some(Some(axes)) => Some(axes),
                // All of them from the first on, as many as there are starts.
                Some(None) => count.map(|count| (0..count as i64).collect()),
            },
        };
        let Some(along) = along else { return tensor(kind, unknown(rank)) };
        let along = checked_axes(&along, rank)?;
        let steps = given.numbers(4)?.map(|steps| steps.unwrap_or_else(|| vec![1; along.len()]));
        let gaps = || vec![Dim::Unknown; along.len()];
        let (from, to) = (from.unwrap_or_else(gaps), to.unwrap_or_else(gaps));
        if from.len() != along.len()
            || to.len() != along.len()
            || steps.as_ref().is_some_and(|s| s.len() != along.len())
        {
            return Err(fault!(
                "has {} starts, {} ends and {} axes: must be as many",
                from.len(),
                to.len(),
                along.len()
            ));
        }
        let whole = given.integers(0)?.filter(|_| rank == 1);
        let mut parts = None;
        for (i, &axis) in along.iter().enumerate() {
            let step = steps.as_ref().map(|steps| steps[i]);
            if let (Dim::Number(from), Dim::Number(to), Some(step), Dim::Number(dim)) =
                (from[i], to[i], step, shape[axis])
            {
                let (first, count) = range(from, to, step, dim.max(0) as usize)?;
                let at = |index: usize| first as i64 + index as i64 * step;
                parts = whole.as_ref().map(|whole| {
                    let at =
                        (0..count).map(|index| whole.get(at(index) as usize).copied().unwrap_or_default());
                    at.collect::<Vec<_>>()
                });
                shape[axis] = Dim::of(count);
            } else {
                shape[axis] = part(given.symbols(), from[i], to[i], step, shape[axis]);
            }
        }
        let fact = Fact::tensor(kind, shape);
        one(match parts {
            Some(parts) => fact.with_parts(parts),
            None => fact,
        })
    })
}

/// The length of a part of a dimension that is not a number.
fn part(symbols: &mut Symbols, from: Dim, to: Dim, step: Option<i64>, dim: Dim) -> Dim {
    if step != Some(1) {
        return match (from, to, step) {
            // All of it backwards.
            (Dim::Number(-1), Dim::Number(to), Some(-1)) if to < -FAR => dim,
            _ => Dim::Unknown,
        };
    }
    let least = symbols.least(dim).unwrap_or(0);
    // Places counted from the front, where they are certain to be inside.
    let place = |symbols: &mut Symbols, at: Dim| match at {
        Dim::Number(n) if n >= FAR => Some(dim),
        Dim::Number(n) if n >= 0 && n <= least => Some(Dim::Number(n)),
        Dim::Number(n) if n < 0 && n.checked_neg().is_some_and(|n| n <= least) => {
            Some(symbols.add(dim, Dim::Number(n)))
        }
        at if at == dim && at != Dim::Unknown => Some(dim),
        _ => None,
    };
    let (Some(from), Some(to)) = (place(symbols, from), place(symbols, to)) else { return Dim::Unknown };
    let length = symbols.sub(to, from);
    if symbols.least(length).is_some_and(|least| least >= 0) || from == Dim::Number(0) {
        length
    } else if let (Dim::Number(from), true) = (from, to == dim)
        && from <= least
    {
        length
    } else {
        Dim::Unknown
    }
}

pub fn transpose(node: &Node<'_>) -> Result<Rule, Fault> {
    let order = node.ints("perm")?;
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        let Some(shape) = given.shape(0)? else {
            return tensor(
                kind,
                order.as_ref().filter(|order| order.len() <= 32).map(|order| unknown(order.len())),
            );
        };
        let turned: Dims = match &order {
            Some(order) if order.len() == shape.len() => {
                checked_axes(order, shape.len())?.iter().map(|&axis| shape[axis]).collect()
            }
            Some(order) => return Err(fault!("attribute `perm` is {order:?} for {}", given.shown(&shape))),
            None => shape.iter().rev().copied().collect(),
        };
        tensor(kind, turned)
    })
}

pub fn pad(node: &Node<'_>) -> Result<Rule, Fault> {
    let attribute = match node.opset {
        ..2 => node.ints("paddings")?,
        2..11 => node.ints("pads")?,
        _ => None,
    };
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        let Some(mut shape) = given.shape(0)? else { return tensor(kind, None) };
        let rank = shape.len();
        let pads: Option<Vec<Dim>> = match &attribute {
            Some(pads) => Some(pads.iter().map(|&n| Dim::Number(n)).collect()),
            None => {
                given.kind(1, INDICES)?;
                given.integers(1)?.map(|pads| pads.to_vec())
            }
        };
        let along = match given.numbers(3)? {
            None => return tensor(kind, unknown(rank)),
            Some(Some(axes)) => checked_axes(&axes, rank)?,
            Some(None) => (0..rank).collect(),
        };
        let Some(pads) = pads else { return tensor(kind, unknown(rank)) };
        if pads.len() != 2 * along.len() {
            return Err(fault!(
                "has {} pads for {} dimensions: must be two for each",
                pads.len(),
                along.len()
            ));
        }
        for (i, &axis) in along.iter().enumerate() {
            let (before, after) = (pads[i], pads[along.len() + i]);
            shape[axis] = match (before, after, shape[axis]) {
                (Dim::Number(before), Dim::Number(after), Dim::Number(dim)) => {
                    let padded = Side { before, after }.padded(dim.max(0) as usize);
                    padded.map(Dim::of).ok_or_else(|| {
                        fault!("pads dimension {axis} of {} by {before} and {after}", given.shown(&shape))
                    })?
                }
                (before, after, dim) => {
                    let more = given.symbols().add(before, after);
                    given.symbols().add(dim, more)
                }
            };
        }
        tensor(kind, shape)
    })
}
