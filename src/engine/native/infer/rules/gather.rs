//! Elements read from and written to places.

use super::prelude::*;

pub fn gather(node: &Node<'_>) -> Result<Rule, Fault> {
    let axis = node.int("axis", 0)?;
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        given.kind(1, INDICES)?;
        let (Some(data), Some(indices)) = (given.shape(0)?, given.shape(1)?) else {
            return tensor(kind, None);
        };
        let axis = checked_axis(axis, data.len())?;
        let shape: Dims = data[..axis].iter().chain(&indices).chain(&data[axis + 1..]).copied().collect();
        let fact = Fact::tensor(kind, shape);
        let (Some(values), Some(places)) = (given.integers(0)?, given.integers(1)?) else { return one(fact) };
        if data.len() != 1 {
            return one(fact);
        }
        let value = |place: &Dim| {
            let place = place.number()?;
            let place = if place < 0 { place.checked_add(values.len() as i64)? } else { place };
            values.get(usize::try_from(place).ok()?).copied()
        };
        one(fact.with_parts(places.iter().map(|place| value(place).unwrap_or_default()).collect::<Vec<_>>()))
    })
}

/// The shape of the indices.
pub fn gather_elements(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.kind(0, ANY)?;
        given.kind(1, INDICES)?;
        let (data, indices) = (given.shape(0)?, given.shape(1)?);
        if let (Some(data), Some(indices)) = (&data, &indices)
            && data.len() != indices.len()
        {
            return Err(fault!(
                "has indices of shape {} for {}: must be of the same rank",
                given.shown(indices),
                given.shown(data)
            ));
        }
        let rank = data.map(|data| unknown(data.len()));
        tensor(kind, indices.or(rank))
    })
}

pub fn gather_nd(node: &Node<'_>) -> Result<Rule, Fault> {
    let batch = node.int("batch_dims", 0)?.max(0) as usize;
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        let (Some(data), Some(indices)) = (given.shape(0)?, given.shape(1)?) else {
            return tensor(kind, None);
        };
        let wrong = |given: &Given<'_>| {
            fault!(
                "has indices of shape {} for {} with {batch} batch dimensions",
                given.shown(&indices),
                given.shown(&data)
            )
        };
        let Some((&width, outer)) = indices.split_last() else { return Err(wrong(given)) };
        let Some(width) = width.number() else { return tensor(kind, None) };
        let reach = usize::try_from(width).ok().and_then(|width| width.checked_add(batch));
        let reach =
            reach.filter(|&reach| reach <= data.len() && batch <= outer.len()).ok_or_else(|| wrong(given))?;
        tensor(kind, outer.iter().chain(&data[reach..]).copied().collect::<Dims>())
    })
}

/// Input 0 with something written to it.
pub fn scatter(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.common([0, 2], ANY)?;
        given.kind(1, INDICES)?;
        tensor(kind, given.shape(0)?)
    })
}

pub fn compress(node: &Node<'_>) -> Result<Rule, Fault> {
    let axis = node.attributes.int("axis")?;
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        given.kind(1, BOOL)?;
        let Some(axis) = axis else { return tensor(kind, unknown(1)) };
        let Some(mut shape) = given.shape(0)? else { return tensor(kind, None) };
        let axis = checked_axis(axis, shape.len())?;
        shape[axis] = Dim::Unknown;
        if let Some(condition) = given.integers(1)? {
            let kept: Option<i64> = condition.iter().map(|holds| holds.number()).sum();
            shape[axis] = kept.map_or(Dim::Unknown, Dim::Number);
        }
        tensor(kind, shape)
    })
}

pub fn one_hot(node: &Node<'_>) -> Result<Rule, Fault> {
    let axis = node.int("axis", -1)?;
    rule(move |given| {
        given.kind(0, NUMBERS)?;
        given.kind(1, NUMBERS)?;
        let kind = given.kind(2, ANY)?;
        let Some(mut shape) = given.shape(0)? else { return tensor(kind, None) };
        let axis = checked_axis(axis, shape.len() + 1)?;
        let depth = match given.integers(1)?.as_deref() {
            Some([depth]) => *depth,
            _ => match given.floats(1)?.as_deref() {
                Some([depth]) => Dim::Number(*depth as i64),
                _ => Dim::Unknown,
            },
        };
        shape.insert(axis, depth);
        tensor(kind, shape)
    })
}
