//! Products of matrices.

use super::prelude::*;
use crate::native::attributes::equation::Equation;

/// The shape of a product as `numpy.matmul` has it.
pub fn product(given: &mut Given<'_>, a: usize, b: usize) -> Result<Option<Dims>, Fault> {
    let (a, b) = (given.shape(a)?, given.shape(b)?);
    let scalar = |shape: &Option<Dims>| shape.as_ref().is_some_and(|shape| shape.is_empty());
    if scalar(&a) || scalar(&b) {
        return Err(fault!("multiplies matrices, and is given a scalar"));
    }
    let (Some(a), Some(b)) = (a, b) else { return Ok(None) };
    product_of(given, &a, &b)
}

/// As [`product`], of shapes that are known.
pub fn product_of(given: &mut Given<'_>, a: &[Dim], b: &[Dim]) -> Result<Option<Dims>, Fault> {
    let wrong = |given: &Given<'_>| {
        fault!("shapes {} and {} can't be multiplied as matrices", given.shown(a), given.shown(b))
    };
    let (a_outer, m, k) = match a {
        [k] => (&[][..], None, *k),
        [outer @ .., m, k] => (outer, Some(*m), *k),
        [] => return Ok(None),
    };
    let (b_outer, b_k, n) = match b {
        [k] => (&[][..], *k, None),
        [outer @ .., k, n] => (outer, *k, Some(*n)),
        [] => return Ok(None),
    };
    if let (Dim::Number(k), Dim::Number(other)) = (k, b_k)
        && k != other
    {
        return Err(wrong(given));
    }
    let mut shape = given.broadcast(a_outer, b_outer).map_err(|_| wrong(given))?;
    shape.extend(m.into_iter().chain(n));
    Ok(Some(shape))
}

pub fn matmul(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.common(0..2, FACTORS)?;
        tensor(kind, product(given, 0, 1)?)
    })
}

/// The shape of `A` times `B`, either of which may be transposed.
pub fn gemm_shape(given: &Given<'_>, a: usize, b: usize, transposed: (bool, bool)) -> Result<Dims, Fault> {
    let (a, b) = (given.ranked(a, 2)?, given.ranked(b, 2)?);
    let side = |shape: &[Dim], transposed: bool| {
        if transposed { (shape[1], shape[0]) } else { (shape[0], shape[1]) }
    };
    let ((m, k), (b_k, n)) = (side(&a, transposed.0), side(&b, transposed.1));
    if let (Dim::Number(k), Dim::Number(other)) = (k, b_k)
        && k != other
    {
        return Err(fault!(
            "shapes {} and {} can't be multiplied: {k} columns, {other} rows",
            given.shown(&a),
            given.shown(&b)
        ));
    }
    Ok(smallvec![m, n])
}

pub fn gemm(node: &Node<'_>) -> Result<Rule, Fault> {
    let transposed = (node.flag("transA", false)?, node.flag("transB", false)?);
    let counts = node.float("beta", 1.0)? != 0.0;
    rule(move |given| {
        let kind = given.common((0..3).filter(|&index| index < 2 || given.has(2)), FACTORS)?;
        let shape = gemm_shape(given, 0, 1, transposed)?;
        if let (Some(c), true) = (given.opt_shape(2)?, counts) {
            let wrong =
                || fault!("input 2: shape {} can't be broadcast to {}", given.shown(&c), given.shown(&shape));
            let all = given.broadcast(&c, &shape).map_err(|_| wrong())?;
            let larger =
                |(&all, &own): (&Dim, &Dim)| matches!((all, own), (Dim::Number(a), Dim::Number(b)) if a != b);
            if all.len() != 2 || all.iter().zip(&shape).any(larger) {
                return Err(wrong());
            }
        }
        tensor(kind, shape)
    })
}

pub fn det(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.kind(0, FLOATS)?;
        let Some(shape) = given.shape(0)? else { return tensor(kind, None) };
        let [outer @ .., rows, columns] = &shape[..] else {
            return Err(fault!(
                "input 0: has shape {}, must have at least two dimensions",
                given.shown(&shape)
            ));
        };
        if let (Dim::Number(rows), Dim::Number(columns)) = (rows, columns)
            && rows != columns
        {
            return Err(fault!(
                "input 0: has shape {}, whose last two dimensions are not a square",
                given.shown(&shape)
            ));
        }
        tensor(kind, Dims::from_slice(outer))
    })
}

/// `Einsum`: letters are lengths.
pub fn einsum(node: &Node<'_>) -> Result<Rule, Fault> {
    let Equation { terms, result } = Equation::read(node)?;
    rule(move |given| {
        let kind = given.common(0..given.len(), NUMBERS)?;
        // Letters, and the axes that an ellipsis stands for, aligned at the end.
        let mut letters: Vec<(char, Dim)> = vec![];
        let mut hidden: Option<Dims> = Some(Dims::new());
        let mut known = true;
        for (index, term) in terms.iter().enumerate() {
            let Some(shape) = given.shape(index)? else {
                known = false;
                continue;
            };
            let named = term.iter().flatten().count();
            let Some(between) = shape.len().checked_sub(named).filter(|&n| n == 0 || term.contains(&None))
            else {
                return Err(fault!(
                    "input {index}: a term names {named} axes of a tensor with {}",
                    shape.len()
                ));
            };
            let mut at = 0;
            for letter in term {
                let Some(letter) = letter else {
                    let own = &shape[at..at + between];
                    hidden = match hidden {
                        Some(all) => Some(given.broadcast(&all, own)?),
                        None => None,
                    };
                    at += between;
                    continue;
                };
                let dim = shape[at];
                at += 1;
                match letters.iter_mut().find(|(own, _)| own == letter) {
                    None => letters.push((*letter, dim)),
                    Some((_, own)) => {
                        *own = match (*own, dim) {
                            (Dim::Number(1), dim) => dim,
                            (own, Dim::Number(1)) => own,
                            (Dim::Number(a), Dim::Number(b)) if a != b => {
                                return Err(fault!(
                                    "input {index}: an axis called {letter} has both {a} and {b} elements"
                                ));
                            }
                            (n @ Dim::Number(_), _) | (_, n @ Dim::Number(_)) => n,
                            (a, b) if a == b => a,
                            _ => Dim::Unknown,
                        };
                    }
                }
            }
        }
        let order: Vec<Option<char>> = match &result {
            Some(result) => result.clone(),
            None => {
                let times =
                    |letter: char| terms.iter().flatten().filter(|given| **given == Some(letter)).count();
                let mut single: Vec<char> =
                    letters.iter().map(|(letter, _)| *letter).filter(|&l| times(l) == 1).collect();
                single.sort_unstable();
                std::iter::once(None).chain(single.into_iter().map(Some)).collect()
            }
        };
        // An operand of unknown rank hides how many axes an ellipsis has, and letters that make lengths larger.
        if !known {
            let rank = order.len();
            return tensor(kind, (result.is_some() && !order.contains(&None)).then(|| unknown(rank)));
        }
        let mut shape = Dims::new();
        for letter in order {
            match letter {
                None => shape.extend(hidden.clone().unwrap_or_default()),
                Some(letter) => {
                    let found = letters.iter().find(|(own, _)| *own == letter);
                    shape.push(found.map_or(Dim::Unknown, |(_, dim)| *dim));
                }
            }
        }
        tensor(kind, shape)
    })
}
