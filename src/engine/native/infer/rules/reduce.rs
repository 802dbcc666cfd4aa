//! Many elements to one.

use super::prelude::*;

/// `ReduceSum` and its kin.
fn reduction(node: &Node<'_>, kinds: Kinds) -> Result<Rule, Fault> {
    let axes = node.ints("axes")?;
    let keep = node.flag("keepdims", true)?;
    let noop = node.flag("noop_with_empty_axes", false)?;
    rule(move |given| {
        let kind = given.kind(0, kinds)?;
        let axes = match &axes {
            Some(axes) => Some(axes.clone()),
            None => given.numbers(1)?.map(Option::unwrap_or_default),
        };
        let shape = given.shape(0)?;
        let Some(axes) = axes else {
            // So many go, or none.
            let Some(shape) = shape else { return tensor(kind, None) };
            if keep {
                return tensor(kind, unknown(shape.len()));
            }
            let gone = given
                .length(1)?
                .number()
                .filter(|&gone| gone > 0)
                .and_then(|gone| usize::try_from(gone).ok());
            return tensor(kind, gone.and_then(|gone| shape.len().checked_sub(gone)).map(unknown));
        };
        let Some(shape) = shape else {
            let all = axes.is_empty() && !noop && !keep;
            return tensor(kind, all.then(Dims::new));
        };
        let gone = if axes.is_empty() { vec![!noop; shape.len()] } else { chosen(&axes, shape.len())? };
        let dims = shape.iter().zip(&gone);
        let left: Dims = if keep {
            dims.map(|(&dim, &gone)| if gone { Dim::ONE } else { dim }).collect()
        } else {
            dims.filter(|(_, gone)| !**gone).map(|(&dim, _)| dim).collect()
        };
        tensor(kind, left)
    })
}

pub fn numbers(node: &Node<'_>) -> Result<Rule, Fault> {
    reduction(node, NUMBERS)
}

/// The greatest and the least of truth values too.
pub fn extremes(node: &Node<'_>) -> Result<Rule, Fault> {
    reduction(node, NUMBERS.and(BOOL))
}

/// `ReduceProd` of a shape: how many elements there are.
pub fn product(node: &Node<'_>) -> Result<Rule, Fault> {
    let shape_rule = reduction(node, NUMBERS)?;
    let (axes, noop) = (node.ints("axes")?, node.flag("noop_with_empty_axes", false)?);
    rule(move |given| {
        let mut made = shape_rule(given)?;
        let is_vector = given.shape(0)?.is_some_and(|shape| shape.len() == 1);
        let axes = if axes.is_some() { axes.clone() } else { given.numbers(1)?.flatten() };
        let all = axes.map_or(!noop, |axes| axes == [0] || axes == [-1] || axes.is_empty() && !noop);
        if is_vector
            && all
            && given.kind(0, NUMBERS)? == Some(Kind::I64)
            && let Some(parts) = given.integers(0)?
        {
            let product = given.symbols().product(&parts);
            made = made.into_iter().map(|fact| fact.with_parts([product])).collect();
        }
        Ok(made)
    })
}

/// `ArgMax`, `ArgMin`.
pub fn places(node: &Node<'_>) -> Result<Rule, Fault> {
    let (axis, keep) = (node.int("axis", 0)?, node.flag("keepdims", true)?);
    rule(move |given| {
        given.kind(0, NUMBERS)?;
        let Some(mut shape) = given.shape(0)? else { return tensor(Kind::I64, None) };
        let axis = checked_axis(axis, shape.len().max(1))?;
        if axis < shape.len() {
            if keep {
                shape[axis] = Dim::ONE;
            } else {
                shape.remove(axis);
            }
        }
        tensor(Kind::I64, shape)
    })
}

pub fn non_zero(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        given.kind(0, ANY)?;
        let rank = given.shape(0)?.filter(|shape| !shape.is_empty());
        // Of a scalar it depends on the version of the operator.
        let rows = rank.map_or(Dim::Unknown, |shape| Dim::of(shape.len()));
        let shape: Dims = smallvec![rows, Dim::Unknown];
        tensor(Kind::I64, shape)
    })
}

pub fn top_k(node: &Node<'_>) -> Result<Rule, Fault> {
    let axis = node.int("axis", -1)?;
    let attribute = if node.opset < 10 { Some(node.required_int("k")?) } else { None };
    rule(move |given| {
        let kind = given.kind(0, NUMBERS)?;
        let k = match attribute {
            Some(k) => Dim::Number(k),
            None => given.integer(1)?.unwrap_or_default(),
        };
        let shape = match given.shape(0)? {
            Some(mut shape) => {
                let axis = checked_axis(axis, shape.len())?;
                if let (Dim::Number(k), Dim::Number(len)) = (k, shape[axis])
                    && !(0..=len).contains(&k)
                {
                    return Err(fault!("K must be between 0 and {len}, the length of axis {axis}"));
                }
                shape[axis] = k;
                Some(shape)
            }
            None => None,
        };
        Ok(smallvec![Fact::tensor(kind, shape.clone()), Fact::tensor(Kind::I64, shape)])
    })
}

pub fn unique(node: &Node<'_>) -> Result<Rule, Fault> {
    let axis = node.attributes.int("axis")?;
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        let (mut shape, mut inverse) = (Some(unknown(1)), Dim::Unknown);
        let own = given.shape(0)?;
        if let Some(axis) = axis {
            shape = match own {
                Some(mut own) => {
                    let axis = checked_axis(axis, own.len())?;
                    inverse = std::mem::take(&mut own[axis]);
                    Some(own)
                }
                None => None,
            };
        } else if let Some(own) = own {
            inverse = given.symbols().product(&own);
        }
        // As many first places and counts as there are values.
        let found = given.symbols().fresh();
        match (axis, &mut shape) {
            (None, Some(shape)) => shape[0] = found,
            (Some(_), Some(shape)) => {
                if let Some(dim) = shape.iter_mut().find(|dim| **dim == Dim::Unknown) {
                    *dim = found;
                }
            }
            _ => {}
        }
        let vector = |dim: Dim| Fact::tensor(Kind::I64, Dims::from_slice(&[dim]));
        Ok(smallvec![Fact::tensor(kind, shape), vector(found), vector(inverse), vector(found)])
    })
}
