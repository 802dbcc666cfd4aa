//! Shapes asked for and changed.

use super::prelude::*;
use crate::native::kernels::shape::axes as checked_axes;

pub fn identity(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| one(given.fact(0)?.clone()))
}

pub fn shape(node: &Node<'_>) -> Result<Rule, Fault> {
    let (start, end) = (node.int("start", 0)?, node.int("end", i64::MAX)?);
    rule(move |given| {
        let Some(shape) = given.shape(0)? else { return tensor(Kind::I64, unknown(1)) };
        let rank = shape.len() as i64;
        let place = |at: i64| if at < 0 { at.saturating_add(rank) } else { at }.clamp(0, rank) as usize;
        let part = shape.get(place(start)..place(end)).unwrap_or(&[]);
        let length: Dims = smallvec![Dim::of(part.len())];
        one(Fact::tensor(Kind::I64, length).with_parts(part.iter().copied()))
    })
}

pub fn size(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let length = given.length(0)?;
        one(Fact::tensor(Kind::I64, Dims::new()).with_parts([length]))
    })
}

/// A list that is an attribute in older versions and an input in newer ones. The outer `None`: not
/// known.
#[allow(clippy::option_option, reason = "left out and not known are two things")]
fn listed(
    given: &Given<'_>,
    index: usize,
    attribute: Option<&Vec<i64>>,
) -> Result<Option<Option<Vec<i64>>>, Fault> {
    match attribute {
        Some(list) => Ok(Some(Some(list.clone()))),
        None => given.numbers(index),
    }
}

/// The result has what input 0 has, in another shape.
fn moved(given: &Given<'_>, shape: Option<Dims>) -> Result<Facts, Fault> {
    let fact = Fact::tensor(given.kind(0, ANY)?, shape);
    match given.integers(0)? {
        Some(parts) => one(fact.with_parts(parts.iter().copied())),
        None => one(fact),
    }
}

pub fn reshape(node: &Node<'_>) -> Result<Rule, Fault> {
    let attribute = if node.opset < 5 { node.ints("shape")? } else { None };
    let allow_zero = node.flag("allowzero", false)?;
    rule(move |given| {
        let wanted: Option<Vec<Dim>> = match &attribute {
            Some(list) => Some(list.iter().map(|&n| Dim::Number(n)).collect()),
            None => {
                given.kind(1, INDICES)?;
                match given.integers(1)? {
                    Some(list) => Some(list.to_vec()),
                    None => match given.shape(1)?.as_deref() {
                        Some([Dim::Number(rank)]) if *rank <= 32 => {
                            return moved(given, Some(unknown(*rank as usize)));
                        }
                        _ => None,
                    },
                }
            }
        };
        let Some(wanted) = wanted else { return moved(given, None) };
        let input = given.shape(0)?;
        let shape = reshaped(given, input.as_deref(), &wanted, allow_zero)?;
        moved(given, Some(shape))
    })
}

fn reshaped(
    given: &mut Given<'_>,
    input: Option<&[Dim]>,
    wanted: &[Dim],
    allow_zero: bool,
) -> Result<Dims, Fault> {
    let what = given.shown(wanted);
    let from = input.map_or_else(|| "a tensor".into(), |input| given.shown(input));
    let mut shape = Dims::new();
    let mut open = None;
    for (axis, &dim) in wanted.iter().enumerate() {
        let own = input.map(|input| input.get(axis).copied());
        shape.push(match dim {
            Dim::Number(-1) if open.replace(axis).is_some() => {
                return Err(fault!("can't reshape {from} to {what}: -1 stands there twice"));
            }
            Dim::Number(-1) => Dim::ONE,
            Dim::Number(0) if !allow_zero => match own {
                None => Dim::Unknown,
                Some(None) => {
                    return Err(fault!(
                        "can't reshape {from} to {what}: there is no dimension {axis} to copy"
                    ));
                }
                Some(Some(own)) => own,
            },
            Dim::Number(n) if n < 0 => {
                return Err(fault!("can't reshape {from} to {what}: a dimension is negative"));
            }
            Dim::Number(n) => Dim::Number(n),
            // A length of zero would mean the input's, minus one what is left.
            dim if given.symbols().least(dim).is_some_and(|least| least > 0) => dim,
            dim if Some(Some(dim)) == own && given.symbols().least(dim) == Some(0) => dim,
            _ => Dim::Unknown,
        });
    }
    let Some(input) = input else {
        if let Some(axis) = open {
            shape[axis] = Dim::Unknown;
        }
        return Ok(shape);
    };
    let symbols = given.symbols();
    let known = symbols.product(&shape);
    let all = symbols.product(input);
    let Some(axis) = open else {
        if let (Dim::Number(all), Dim::Number(known)) = (all, known)
            && all != known
        {
            return Err(fault!("can't reshape {from} to {what}: {all} elements, not {known}"));
        }
        // What is left over for the one length that isn't known.
        if let [at] = shape
            .iter()
            .enumerate()
            .filter(|(_, dim)| **dim == Dim::Unknown)
            .map(|(at, _)| at)
            .collect::<Vec<_>>()[..]
        {
            let others: Dims =
                shape.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, dim)| *dim).collect();
            let others = symbols.product(&others);
            if symbols.least(others).is_some_and(|least| least > 0) {
                shape[at] = symbols.exact(all, others);
            }
        }
        return Ok(shape);
    };
    shape[axis] = match (all, known) {
        (Dim::Number(all), Dim::Number(known)) => {
            if known == 0 || all % known != 0 {
                return Err(fault!("can't reshape {from} to {what}: no length fits for the -1"));
            }
            Dim::Number(all / known)
        }
        _ => common_out(symbols, input, wanted, &shape, axis, allow_zero)
            .unwrap_or_else(|| symbols.exact(all, known)),
    };
    Ok(shape)
}

/// What is left for the -1 where the unknown lengths are copied: they go out on both sides.
fn common_out(
    symbols: &mut Symbols,
    input: &[Dim],
    wanted: &[Dim],
    shape: &[Dim],
    open: usize,
    allow_zero: bool,
) -> Option<Dim> {
    let copied = |at: usize| !allow_zero && wanted.get(at) == Some(&Dim::Number(0)) && at < input.len();
    let left: Dims = (0..input.len()).filter(|&at| !copied(at)).map(|at| input[at]).collect();
    let taken: Dims = (0..shape.len()).filter(|&at| at != open && !copied(at)).map(|at| shape[at]).collect();
    let (left, taken) = (symbols.product(&left), symbols.product(&taken));
    Some(symbols.exact(left, taken)).filter(|dim| *dim != Dim::Unknown)
}

pub fn flatten(node: &Node<'_>) -> Result<Rule, Fault> {
    let axis = node.int("axis", 1)?;
    rule(move |given| {
        let Some(shape) = given.shape(0)? else { return moved(given, Some(unknown(2))) };
        let rank = shape.len();
        let axis = if axis == rank as i64 { rank } else { checked_axis(axis, rank)? };
        let (ahead, behind) = shape.split_at(axis);
        let flat: Dims = smallvec![given.symbols().product(ahead), given.symbols().product(behind)];
        moved(given, Some(flat))
    })
}

pub fn squeeze(node: &Node<'_>) -> Result<Rule, Fault> {
    let attribute = if node.opset < 13 { node.ints("axes")? } else { None };
    rule(move |given| {
        let axes = listed(given, 1, attribute.as_ref())?;
        let Some(shape) = given.shape(0)? else { return moved(given, None) };
        let gone = match axes {
            None => {
                let count = given
                    .length(1)?
                    .number()
                    .and_then(|count| shape.len().checked_sub(usize::try_from(count).ok()?));
                return moved(given, count.map(unknown));
            }
            // All dimensions of one: which ones that are must be known.
            Some(None) => {
                if shape.iter().any(|dim| dim.number().is_none()) {
                    return moved(given, None);
                }
                shape.iter().map(|&dim| dim == Dim::ONE).collect()
            }
            Some(Some(axes)) if axes.is_empty() => {
                if shape.iter().any(|dim| dim.number().is_none()) {
                    return moved(given, None);
                }
                shape.iter().map(|&dim| dim == Dim::ONE).collect()
            }
            Some(Some(axes)) => chosen(&axes, shape.len())?,
        };
        for (axis, dim) in shape.iter().enumerate() {
            if gone[axis] && matches!(dim, Dim::Number(n) if *n != 1) {
                return Err(fault!("can't drop dimension {axis} of {}: it isn't 1", given.shown(&shape)));
            }
        }
        let left: Dims = shape.iter().zip(&gone).filter(|(_, gone)| !**gone).map(|(&dim, _)| dim).collect();
        moved(given, Some(left))
    })
}

pub fn unsqueeze(node: &Node<'_>) -> Result<Rule, Fault> {
    let attribute = if node.opset < 13 { node.ints("axes")? } else { None };
    rule(move |given| {
        let axes = listed(given, 1, attribute.as_ref())?;
        let shape = given.shape(0)?;
        match (axes, shape) {
            (Some(Some(axes)), Some(shape)) => {
                let rank = shape.len() + axes.len();
                let new = checked_axes(&axes, rank)?;
                let mut old = shape.iter();
                let dim =
                    |axis: usize| if new.contains(&axis) { Some(Dim::ONE) } else { old.next().copied() };
                let shape: Dims = (0..rank).filter_map(dim).collect();
                moved(given, Some(shape))
            }
            (None, Some(shape)) => {
                let added = given.length(1)?.number().and_then(|added| usize::try_from(added).ok());
                moved(given, added.filter(|&added| added <= 32).map(|added| unknown(shape.len() + added)))
            }
            _ => moved(given, None),
        }
    })
}

pub fn expand(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.kind(0, ANY)?;
        given.kind(1, INDICES)?;
        let (shape, wanted) = (given.shape(0)?, given.integers(1)?);
        match (shape, wanted) {
            (Some(shape), Some(wanted)) => {
                let all = given.broadcast(&shape, &wanted)?;
                tensor(kind, all)
            }
            (Some(shape), None) => {
                let length = given.length(1)?.number().and_then(|length| usize::try_from(length).ok());
                match length.filter(|&length| length <= 32) {
                    Some(length) => tensor(kind, given.broadcast(&shape, &unknown(length))?),
                    None => tensor(kind, None),
                }
            }
            _ => tensor(kind, None),
        }
    })
}

pub fn tile(node: &Node<'_>) -> Result<Rule, Fault> {
    let one_axis = node.opset < 6;
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        let Some(mut shape) = given.shape(0)? else { return tensor(kind, None) };
        if one_axis {
            return tensor(kind, unknown(shape.len()));
        }
        given.kind(1, INDICES)?;
        let Some(repeats) = given.integers(1)? else { return tensor(kind, unknown(shape.len())) };
        if repeats.len() != shape.len() {
            return Err(fault!(
                "has {} repeats for {}: must have one a dimension",
                repeats.len(),
                given.shown(&shape)
            ));
        }
        for (dim, &times) in shape.iter_mut().zip(&*repeats) {
            *dim = given.symbols().mul(*dim, times);
        }
        tensor(kind, shape)
    })
}

/// `ConstantOfShape`: a shape may be filled with sizes too.
pub fn constant_of_shape(node: &Node<'_>) -> Result<Rule, Fault> {
    let value = node.attributes.tensor("value")?;
    let kind = value.as_ref().map_or(Kind::F32, |value| value.kind());
    let filler = value.and_then(|value| value.slice::<i64>().ok().and_then(|v| v.first().copied()));
    rule(move |given| {
        given.kind(0, Kinds::of(&[Kind::I64]))?;
        let Some(shape) = given.integers(0)? else {
            let rank = given.length(0)?.number().and_then(|rank| usize::try_from(rank).ok());
            return tensor(kind, rank.filter(|&rank| rank <= 32).map(unknown));
        };
        let shape: Dims = shape.iter().copied().collect();
        let length = given.symbols().product(&shape).number();
        let fact = Fact::tensor(kind, shape);
        match (filler, length) {
            (Some(filler), Some(length @ 0..=64)) => {
                one(fact.with_parts(std::iter::repeat_n(Dim::Number(filler), length as usize)))
            }
            _ => one(fact),
        }
    })
}
