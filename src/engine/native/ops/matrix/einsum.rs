//! `Einsum`: operands are taken together two at a time, each pair as products of matrices.

use std::collections::BTreeMap;

use crate::{
    native::{
        attributes::{
            Node,
            equation::{Equation, Term},
        },
        exec::{Args, Op, Run, one, op},
        fault::{Fault, fault},
        kernels::{
            matmul::{self, Scalar},
            number::{Float, narrow, widen},
            shape::{Walk, strides},
        },
        value::{Data, Element, Shape, Tensor, elements},
    },
    with_kinds,
};

/// An axis of the equation: a letter, or an axis of the ellipsis counted from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Ellipsis(usize),
    Letter(char),
}

/// An operand, or what operands were made into: which axis is which, and where its elements lie.
struct Operand<T> {
    axes: Vec<(Label, usize)>,
    elements: Vec<T>,
}

impl<T> Operand<T> {
    fn has(&self, label: Label) -> bool {
        self.axes.iter().any(|(axis, _)| *axis == label)
    }

    /// How far apart neighbours along an axis are; 0 along one that it lacks.
    fn stride(&self, label: Label) -> usize {
        self.axes.iter().find(|(axis, _)| *axis == label).map_or(0, |(_, stride)| *stride)
    }
}

/// The equation and the sizes of its axes.
struct Sizes(BTreeMap<Label, usize>);

impl Sizes {
    fn of(&self, labels: &[Label]) -> Shape {
        labels.iter().map(|label| self.0.get(label).copied().unwrap_or(1)).collect()
    }

    /// Names the axes of an operand; lengths must agree or be one.
    fn name<T>(&mut self, term: &Term, shape: &[usize], elements: Vec<T>) -> Result<Operand<T>, Fault> {
        let named = term.iter().flatten().count();
        let hidden = shape.len().checked_sub(named).filter(|&hidden| hidden == 0 || term.contains(&None));
        let hidden =
            hidden.ok_or_else(|| fault!("a term names {named} axes of a tensor with {}", shape.len()))?;
        let mut labels = vec![];
        for letter in term {
            match letter {
                Some(letter) => labels.push(Label::Letter(*letter)),
                None => labels.extend((0..hidden).rev().map(Label::Ellipsis)),
            }
        }
        let mut axes: Vec<(Label, usize)> = vec![];
        for ((&label, &dim), &stride) in labels.iter().zip(shape).zip(&strides(shape)) {
            let size = self.0.entry(label).or_insert(dim);
            if *size != dim && *size != 1 && dim != 1 {
                return Err(fault!("an axis called {label:?} has both {size} and {dim} elements"));
            }
            if *size == 1 {
                *size = dim;
            }
            let stride = if dim == 1 { 0 } else { stride };
            // An axis named twice is a diagonal.
            match axes.iter_mut().find(|(axis, _)| *axis == label) {
                Some((_, along)) => *along += stride,
                None => axes.push((label, stride)),
            }
        }
        Ok(Operand { axes, elements })
    }
}

fn packed<T: Scalar + Element>(
    run: &mut Run<'_>,
    operand: &Operand<T>,
    labels: &[Label],
    sizes: &Sizes,
) -> Result<Vec<T>, Fault> {
    let shape = sizes.of(labels);
    let along: Shape = labels.iter().map(|&label| operand.stride(label)).collect();
    if along == strides(&shape) && operand.elements.len() == elements(&shape)? {
        return Ok(operand.elements.clone());
    }
    let mut out = run.buffer(elements(&shape)?)?;
    out.extend(Walk::new(&shape, [along]).map(|[at]| operand.elements[at]));
    Ok(out)
}

/// Both operands as one: axes that neither the result nor another operand needs are summed over.
fn together<T: Scalar + Element>(
    run: &mut Run<'_>,
    a: &Operand<T>,
    b: &Operand<T>,
    needed: &dyn Fn(Label) -> bool,
    sizes: &Sizes,
) -> Result<Operand<T>, Fault> {
    let pick = |of: &Operand<T>, which: &dyn Fn(Label) -> bool| -> Vec<Label> {
        of.axes.iter().map(|(label, _)| *label).filter(|&label| which(label)).collect()
    };
    let batch = pick(a, &|label| b.has(label) && needed(label));
    let inner = pick(a, &|label| b.has(label) && !needed(label));
    let left = pick(a, &|label| !b.has(label));
    let right = pick(b, &|label| !a.has(label));
    let len = |labels: &[Label]| elements(&sizes.of(labels));
    let (m, k, n) = (len(&left)?, len(&inner)?, len(&right)?);
    let packed_a = packed(run, a, &[&batch[..], &left, &inner].concat(), sizes)?;
    let packed_b = packed(run, b, &[&batch[..], &inner, &right].concat(), sizes)?;
    let labels = [batch, left, right].concat();
    let mut out = run.filled(len(&labels)?, T::default())?;
    if m * k * n > 0 {
        let pairs = packed_a.chunks_exact(m * k).zip(packed_b.chunks_exact(k * n));
        for ((a, b), c) in pairs.zip(out.chunks_exact_mut(m * n)) {
            matmul::gemm(m, k, n, a, (k, 1), b, (n, 1), c);
        }
    }
    let along = strides(&sizes.of(&labels));
    Ok(Operand { axes: labels.into_iter().zip(along).collect(), elements: out })
}

/// The operand without the axes that nobody else needs: summed over.
fn alone<T: Scalar + Element>(
    run: &mut Run<'_>,
    operand: Operand<T>,
    needed: &dyn Fn(Label) -> bool,
    sizes: &Sizes,
) -> Result<Operand<T>, Fault> {
    if operand.axes.iter().all(|(label, _)| needed(*label)) {
        return Ok(operand);
    }
    let (kept, gone): (Vec<Label>, Vec<Label>) =
        operand.axes.iter().map(|(label, _)| *label).partition(|&label| needed(label));
    let (kept_shape, gone_shape) = (sizes.of(&kept), sizes.of(&gone));
    let along = |labels: &[Label]| -> Shape { labels.iter().map(|&label| operand.stride(label)).collect() };
    let mut out: Vec<T> = run.buffer(elements(&kept_shape)?)?;
    out.extend(Walk::new(&kept_shape, [along(&kept)]).map(|[from]| {
        let inside = Walk::new(&gone_shape, [along(&gone)]);
        inside.fold(T::default(), |sum, [at]| sum.plus(operand.elements[from + at]))
    }));
    Ok(Operand { axes: kept.into_iter().zip(strides(&kept_shape)).collect(), elements: out })
}

impl Equation {
    fn result(&self, sizes: &Sizes) -> Result<Vec<Label>, Fault> {
        let count = sizes.0.keys().filter(|label| matches!(label, Label::Ellipsis(_))).count();
        let ellipsis = (0..count).rev().map(Label::Ellipsis);
        let Some(term) = &self.result else {
            let letters = sizes.0.keys().filter_map(|label| match label {
                Label::Letter(letter) => Some(*letter),
                Label::Ellipsis(_) => None,
            });
            let times =
                |letter: char| self.terms.iter().flatten().filter(|given| **given == Some(letter)).count();
            return Ok(ellipsis.chain(letters.filter(|&l| times(l) == 1).map(Label::Letter)).collect());
        };
        let mut labels = vec![];
        for letter in term {
            match letter {
                None => labels.extend(ellipsis.clone()),
                Some(letter) => {
                    let label = Label::Letter(*letter);
                    if labels.contains(&label) || !sizes.0.contains_key(&label) {
                        return Err(fault!(
                            "attribute `equation`: `{letter}` must occur once in the result, and in an operand"
                        ));
                    }
                    labels.push(label);
                }
            }
        }
        Ok(labels)
    }

    fn run<T: Scalar + Element>(
        &self,
        run: &mut Run<'_>,
        operands: Vec<(&[usize], Vec<T>)>,
    ) -> Result<(Shape, Vec<T>), Fault> {
        let mut sizes = Sizes(BTreeMap::new());
        let mut left = std::collections::VecDeque::new();
        for (index, (term, (shape, elements))) in self.terms.iter().zip(operands).enumerate() {
            let operand = sizes.name(term, shape, elements);
            left.push_back(operand.map_err(|fault| fault.about(format!("input {index}")))?);
        }
        let result = self.result(&sizes)?;
        let Some(mut all) = left.pop_front() else { return Err(fault!("is given no inputs")) };
        all = alone(run, all, &|label| result.contains(&label) || left.iter().any(|o| o.has(label)), &sizes)?;
        while let Some(next) = left.pop_front() {
            let later = |label| result.contains(&label) || left.iter().any(|o| o.has(label));
            let next = alone(run, next, &|label| later(label) || all.has(label), &sizes)?;
            all = together(run, &all, &next, &later, &sizes)?;
            all = alone(run, all, &later, &sizes)?;
        }
        Ok((sizes.of(&result), packed(run, &all, &result, &sizes)?))
    }
}

/// `Einsum`, ai.onnx 12, 28: later versions add types. Half floats are computed in f32, integers wrap
/// around.
pub(super) fn einsum(node: &Node<'_>) -> Result<Op, Fault> {
    let equation = Equation::read(node)?;
    op(move |run, args| {
        if args.len() != equation.terms.len() {
            return Err(fault!(
                "the equation has {} operands, {} are given",
                equation.terms.len(),
                args.len()
            ));
        }
        let (shape, data) = match args.tensor(0)?.data() {
            Data::F32(_) => same::<f32>(run, &equation, &args)?,
            Data::F64(_) => same::<f64>(run, &equation, &args)?,
            Data::F16(_) => half::<half::f16>(run, &equation, &args)?,
            Data::BF16(_) => half::<half::bf16>(run, &equation, &args)?,
            data => with_kinds!(
                [I8, I16, I32, I64, U8, U16, U32, U64] data, v => whole(run, &equation, &args, v)?,
                return Err(fault!("input 0: is {}, must be numbers", data.kind()))
            ),
        };
        one(Tensor::new(shape, data)?)
    })
}

/// A shape and the widened elements.
type Wide<'a, W> = (&'a [usize], Vec<W>);

fn operands<'a, T: Element, W: Element>(
    run: &mut Run<'_>,
    args: &'a Args,
    wide: impl Fn(&[T], &mut Vec<W>),
) -> Result<Vec<Wide<'a, W>>, Fault> {
    let mut all = vec![];
    for index in 0..args.len() {
        let v = args.slice::<T>(index)?;
        let mut elements = run.buffer(v.len())?;
        wide(v, &mut elements);
        all.push((args.tensor(index)?.shape(), elements));
    }
    Ok(all)
}

fn same<T: Scalar + Element>(
    run: &mut Run<'_>,
    equation: &Equation,
    args: &Args,
) -> Result<(Shape, Data), Fault> {
    let all = operands::<T, T>(run, args, |from, to| to.extend_from_slice(from))?;
    let (shape, elements) = equation.run(run, all)?;
    Ok((shape, T::wrap(elements)))
}

fn half<T: Float>(run: &mut Run<'_>, equation: &Equation, args: &Args) -> Result<(Shape, Data), Fault> {
    let all = operands::<T, T::Wide>(run, args, widen)?;
    let (shape, elements) = equation.run(run, all)?;
    Ok((shape, T::wrap(narrow(&[], elements))))
}

/// Integers in 64 bits, of which the low ones are kept.
fn whole<T: Whole>(
    run: &mut Run<'_>,
    equation: &Equation,
    args: &Args,
    _like: &[T],
) -> Result<(Shape, Data), Fault> {
    let all = operands::<T, i64>(run, args, |from, to| to.extend(from.iter().map(|x| x.wide())))?;
    let (shape, elements) = equation.run(run, all)?;
    Ok((shape, T::wrap(elements.into_iter().map(T::low).collect())))
}

/// An integer by its bits.
trait Whole: Element {
    fn wide(&self) -> i64;
    fn low(wide: i64) -> Self;
}

macro_rules! wholes {
    ($($t:ty),*) => {$(
        impl Whole for $t {
            fn wide(&self) -> i64 { *self as i64 }
            fn low(wide: i64) -> Self { wide as $t }
        }
    )*};
}

wholes!(i8, i16, i32, i64, u8, u16, u32, u64);
