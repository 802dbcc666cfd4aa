//! `Gemm`: a product of two matrices, scaled, and a third one added.

use crate::{
    native::{
        attributes::Node,
        exec::{Args, Op, Run, one, op},
        fault::{Fault, fault},
        kernels::{
            broadcast, matmul,
            number::{Float, Number, narrow, widen},
        },
        value::{Data, Element, Tensor, elements},
    },
    with_kinds,
};

/// The node's attributes.
struct Gemm {
    alpha: f32,
    beta: f32,
    transposed: (bool, bool),
}

/// `Gemm`, ai.onnx 1, 6, 7, 9, 11, 13: since 7 `C` is broadcast (before on demand; here always), since 9
/// integers, since 11 without `C`. Half floats are computed in f32.
pub fn gemm(node: &Node<'_>) -> Result<Op, Fault> {
    let gemm = Gemm {
        alpha: node.float("alpha", 1.0)?,
        beta: node.float("beta", 1.0)?,
        transposed: (node.flag("transA", false)?, node.flag("transB", false)?),
    };
    op(move |run, args| {
        let (a, b) = (args.tensor(0)?, args.tensor(1)?);
        let data = match a.data() {
            Data::F16(v) => half(run, &gemm, &args, v)?,
            Data::BF16(v) => half(run, &gemm, &args, v)?,
            data => with_kinds!([F32, F64, I32, I64, U32, U64] data, v => {
                Element::wrap(product(run, &gemm, a.shape(), v, (b.shape(), args.slice(1)?), third(&args)?)?)
            }, return Err(fault!("input 0: is {}, must be numbers of 16, 32 or 64 bits", a.kind()))),
        };
        let [m, n] = sizes(&gemm, a.shape(), b.shape())?.0;
        one(Tensor::new(&[m, n][..], data)?)
    })
}

/// A shape and its elements.
type Matrix<'a, T> = (&'a [usize], &'a [T]);

/// The third matrix, where there is one, with its shape.
fn third<T: Element>(args: &Args) -> Result<Option<Matrix<'_, T>>, Fault> {
    Ok(match args.opt(2)? {
        Some(c) => Some((c.shape(), args.slice(2)?)),
        None => None,
    })
}

fn half<T: Float<Wide = f32>>(run: &mut Run<'_>, gemm: &Gemm, args: &Args, a: &[T]) -> Result<Data, Fault> {
    let mut wide = |v: &[T]| -> Result<Vec<f32>, Fault> {
        let mut out = run.buffer(v.len())?;
        widen(v, &mut out);
        Ok(out)
    };
    let (wide_a, wide_b) = (wide(a)?, wide(args.slice(1)?)?);
    let c = third(args)?;
    let wide_c = c.map(|(shape, c)| Ok::<_, Fault>((shape, wide(c)?))).transpose()?;
    let c = wide_c.as_ref().map(|(shape, c)| (*shape, &**c));
    let shape = args.tensor(0)?.shape();
    let out = product(run, gemm, shape, &wide_a, (args.tensor(1)?.shape(), &wide_b), c)?;
    Ok(T::wrap(narrow(a, out)))
}

/// `[m, n]`, k, and the strides of both operands.
type Sizes = ([usize; 2], usize, (usize, usize), (usize, usize));

fn sizes(gemm: &Gemm, a: &[usize], b: &[usize]) -> Result<Sizes, Fault> {
    let (&[a_rows, a_columns], &[b_rows, b_columns]) = (a, b) else {
        return Err(fault!("multiplies matrices, is given shapes {a:?} and {b:?}"));
    };
    let side = |transposed: bool, rows: usize, columns: usize| {
        if transposed { (columns, rows, (1, columns)) } else { (rows, columns, (columns, 1)) }
    };
    let (m, k, a_strides) = side(gemm.transposed.0, a_rows, a_columns);
    let (b_k, n, b_strides) = side(gemm.transposed.1, b_rows, b_columns);
    if k != b_k {
        return Err(fault!("shapes {a:?} and {b:?} can't be multiplied: {k} columns, {b_k} rows"));
    }
    Ok(([m, n], k, a_strides, b_strides))
}

fn product<T: Number + matmul::Scalar>(
    run: &mut Run<'_>,
    gemm: &Gemm,
    a_shape: &[usize],
    a: &[T],
    (b_shape, b): (&[usize], &[T]),
    c: Option<(&[usize], &[T])>,
) -> Result<Vec<T>, Fault> {
    let ([m, n], k, a_strides, b_strides) = sizes(gemm, a_shape, b_shape)?;
    let mut out = run.filled(elements(&[m, n])?, T::ZERO)?;
    matmul::gemm(m, k, n, a, a_strides, b, b_strides, &mut out);
    if gemm.alpha != 1.0 {
        out.iter_mut().for_each(|x| *x = scaled(*x, gemm.alpha));
    }
    let Some((c_shape, c)) = c.filter(|_| gemm.beta != 0.0) else { return Ok(out) };
    if *broadcast::shape(c_shape, &[m, n]).map_err(|fault| fault.about("input 2"))? != [m, n] {
        return Err(fault!("input 2: shape {c_shape:?} can't be broadcast to [{m}, {n}]"));
    }
    let mut sum = run.buffer(out.len())?;
    let add = |&x: &T, &c: &T| Number::plus(x, if gemm.beta == 1.0 { c } else { scaled(c, gemm.beta) });
    broadcast::zip((&out, &[m, n]), (c, c_shape), &[m, n], &mut sum, add);
    Ok(sum)
}

/// Integers are scaled in f64 and cut off.
fn scaled<T: Number>(x: T, by: f32) -> T {
    T::from_f64(x.to_f64() * f64::from(by))
}
