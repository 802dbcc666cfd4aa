//! Products of quantised matrices: summed in 32-bit integers.

use super::{
    levels::{floats, level, levels, range, single, store, zero_point},
    linear::chosen,
};
use crate::native::{
    attributes::Node,
    exec::{Args, Op, Run, one, op},
    fault::{Fault, fault},
    kernels::{broadcast, matmul::gemm},
    ops::matrix::{Product, wide_product},
    value::{Kind, Shape, Tensor, elements},
};

/// A scale or zero point for each row of the left operand lies across its columns.
fn by_rows(shape: &[usize], rank: usize) -> Shape {
    match shape {
        [rows] if *rows > 1 && rank > 1 => Shape::from_slice(&[*rows, 1]),
        other => other.into(),
    }
}

/// Quantised integers less their zero points.
pub fn centred(
    run: &mut Run<'_>,
    args: &Args,
    index: usize,
    zero: usize,
    rows: bool,
) -> Result<Vec<i32>, Fault> {
    let x = args.tensor(index)?;
    let about = |fault: Fault| fault.about(format!("input {index}"));
    let mut values = levels(run, x).map_err(about)?;
    let Some(zero) = args.opt(zero)? else { return Ok(values) };
    let zeros = levels(run, zero).map_err(about)?;
    if let [zero] = zeros[..] {
        values.iter_mut().for_each(|x| *x = x.wrapping_sub(zero));
        return Ok(values);
    }
    let zero_shape = if rows { by_rows(zero.shape(), x.rank()) } else { zero.shape().into() };
    if *broadcast::shape(x.shape(), &zero_shape)? != *x.shape() {
        return Err(fault!("input {index}: zero points of shape {:?} don't go with {x}", zero.shape()));
    }
    let mut out = run.buffer(values.len())?;
    broadcast::zip((&values, x.shape()), (&zeros, &zero_shape), x.shape(), &mut out, |x, z| {
        x.wrapping_sub(*z)
    });
    Ok(out)
}

/// `MatMulInteger`, ai.onnx 10.
pub(super) fn matmul_integer(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| {
        let product = Product::new(args.tensor(0)?.shape(), args.tensor(1)?.shape())?;
        let (a, b) = (centred(run, &args, 0, 2, true)?, centred(run, &args, 1, 3, false)?);
        let c = wide_product(run, &product, &a, &b)?;
        one(Tensor::of(product.shape, c)?)
    })
}

/// Scales of rows times scales of columns, with their shape, which is checked to go with the product's.
fn scales(
    run: &mut Run<'_>,
    (a, b): (&Tensor, &Tensor),
    rank: usize,
    result: &[usize],
) -> Result<(Shape, Vec<f32>), Fault> {
    let (x, y) = (floats(run, a)?, floats(run, b)?);
    let a_shape = by_rows(a.shape(), rank);
    let shape = broadcast::shape(&a_shape, b.shape())?;
    // One scale for all may be written as a vector of one.
    let single = x.len() == 1 && y.len() == 1;
    if !single && *broadcast::shape(&shape, result)? != *result {
        return Err(fault!(
            "scales of shapes {:?} and {:?} don't go with a result {result:?}",
            a.shape(),
            b.shape()
        ));
    }
    let mut out = run.buffer(elements(&shape)?)?;
    broadcast::zip((&x, &a_shape), (&y, b.shape()), &shape, &mut out, |x, y| x * y);
    Ok(if single { (Shape::new(), out) } else { (shape, out) })
}

/// `QLinearMatMul`, ai.onnx 10, 21: later versions add types of scales, and small floats. The sums are
/// scaled in f32, once, and rounded to the nearest, ties to even.
pub(super) fn qlinear_matmul(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| {
        let product = Product::new(args.tensor(0)?.shape(), args.tensor(3)?.shape())?;
        let kind = args.tensor(7)?.kind();
        if range(kind).is_none() || args.tensor(0)?.kind().is_float() {
            return Err(Fault::unsupported("multiplies small floats; only integers of 8 bits are done"));
        }
        let (a, b) = (centred(run, &args, 0, 2, true)?, centred(run, &args, 3, 5, false)?);
        let c = wide_product(run, &product, &a, &b)?;
        let (y_scale, y_zero) = (single(run, &args, 6)?, zero_point(run, &args, 7)?);
        let (shape, scales) =
            scales(run, (args.tensor(1)?, args.tensor(4)?), args.tensor(0)?.rank(), &product.shape)?;
        let mut out = run.buffer(c.len())?;
        let scaled = |&sum: &i32, &scale: &f32| level(sum as f32 * (scale / y_scale), y_zero);
        broadcast::zip((&c, &product.shape), (&scales, &shape), &product.shape, &mut out, scaled);
        let data = store(run, kind, out)?;
        one(Tensor::new(product.shape, data)?)
    })
}

/// The sums scaled, and a bias added.
fn to_float(
    run: &mut Run<'_>,
    sums: &[i32],
    shape: &Shape,
    (scale_shape, scales): (Shape, Vec<f32>),
    bias: Option<&Tensor>,
) -> Result<Tensor, Fault> {
    let mut out: Vec<f32> = run.buffer(sums.len())?;
    broadcast::zip((sums, shape), (&scales, &scale_shape), shape, &mut out, |&sum, &scale| {
        sum as f32 * scale
    });
    if let Some(bias) = bias {
        let added = bias.slice::<f32>()?;
        if *broadcast::shape(bias.shape(), shape)? != **shape {
            return Err(fault!("a bias of shape {:?} doesn't go with a result {shape:?}", bias.shape()));
        }
        let mut sum = run.buffer(out.len())?;
        broadcast::zip((&out, shape), (added, bias.shape()), shape, &mut sum, |x, bias| x + bias);
        out = sum;
    }
    Tensor::of(shape.clone(), out)
}

/// `MatMulIntegerToFloat`, com.microsoft 1: inputs A, B, their scales, their zero points, a bias.
pub(super) fn matmul_integer_to_float(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| {
        let product = Product::new(args.tensor(0)?.shape(), args.tensor(1)?.shape())?;
        let (a, b) = (centred(run, &args, 0, 4, true)?, centred(run, &args, 1, 5, false)?);
        let c = wide_product(run, &product, &a, &b)?;
        let scales = scales(run, (args.tensor(2)?, args.tensor(3)?), args.tensor(0)?.rank(), &product.shape)?;
        one(to_float(run, &c, &product.shape, scales, args.opt(6)?)?)
    })
}

/// `DynamicQuantizeMatMul`, com.microsoft 1: A in f32 is quantised to 8 bits by its own range.
pub(super) fn dynamic_quantize_matmul(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| {
        let product = Product::new(args.tensor(0)?.shape(), args.tensor(1)?.shape())?;
        let x = args.slice::<f32>(0)?;
        let (scale, zero) = chosen(x);
        let mut a = run.buffer(x.len())?;
        a.extend(x.iter().map(|x| level(x / scale, zero).clamp(0, 255) - zero));
        let b = centred(run, &args, 1, 3, false)?;
        let c = wide_product(run, &product, &a, &b)?;
        let a_scale = Tensor::scalar(scale);
        let scales = scales(run, (&a_scale, args.tensor(2)?), args.tensor(0)?.rank(), &product.shape)?;
        one(to_float(run, &c, &product.shape, scales, args.opt(4)?)?)
    })
}

/// `QGemm`, com.microsoft 1: A, its scale and zero point, B, its own, a bias of 32-bit integers, the
/// result's. Without a result's scale the result is f32.
pub(super) fn qgemm(node: &Node<'_>) -> Result<Op, Fault> {
    let alpha = node.float("alpha", 1.0)?;
    let transposed = (node.flag("transA", false)?, node.flag("transB", false)?);
    op(move |run, args| {
        let (&[a_rows, a_columns], &[b_rows, b_columns]) = (args.tensor(0)?.shape(), args.tensor(3)?.shape())
        else {
            return Err(fault!("multiplies matrices, is given {} and {}", args.tensor(0)?, args.tensor(3)?));
        };
        let side = |transposed: bool, rows: usize, columns: usize| {
            if transposed { (columns, rows, (1, columns)) } else { (rows, columns, (columns, 1)) }
        };
        let (m, k, a_strides) = side(transposed.0, a_rows, a_columns);
        let (b_k, n, b_strides) = side(transposed.1, b_rows, b_columns);
        if k != b_k {
            return Err(fault!("matrices with {k} columns and {b_k} rows can't be multiplied"));
        }
        let a = centred(run, &args, 0, 2, false)?;
        // Zero points and scales of B belong to columns of the product.
        let by_column = |values: Vec<f32>| {
            if values.len() == n || values.len() == 1 {
                Ok(values)
            } else {
                Err(fault!("{} scales or zero points for {n} columns", values.len()))
            }
        };
        let b_scales = by_column(floats(run, args.tensor(4)?)?.to_vec())?;
        let mut b = levels(run, args.tensor(3)?)?;
        if let Some(zero) = args.opt(5)? {
            let zeros = by_column(floats(run, zero)?.to_vec())?;
            for (at, b) in b.iter_mut().enumerate() {
                let column = if transposed.1 { at / k.max(1) } else { at % n.max(1) };
                *b = b.wrapping_sub(zeros[column % zeros.len()] as i32);
            }
        }
        let mut c = run.filled(elements(&[m, n])?, 0i32)?;
        if let Some(bias) = args.opt(6)? {
            let values = args.slice::<i32>(6)?;
            if *broadcast::shape(bias.shape(), &[m, n])? != [m, n] {
                return Err(fault!("input 6: shape {:?} can't be broadcast to [{m}, {n}]", bias.shape()));
            }
            c.clear();
            broadcast::expand(values, bias.shape(), &[m, n], &mut c);
        }
        gemm(m, k, n, &a, a_strides, &b, b_strides, &mut c);
        let a_scale = single(run, &args, 1)? * alpha;
        let mut shape = Shape::from_slice(&[b_scales.len()]);
        let mut scales = b_scales;
        scales.iter_mut().for_each(|scale| *scale *= a_scale);
        if args.opt(7)?.is_none() {
            return one(to_float(run, &c, &Shape::from_slice(&[m, n]), (shape, scales), None)?);
        }
        let (y_scale, y_zero) = (single(run, &args, 7)?, zero_point(run, &args, 8)?);
        let kind = args.opt(8)?.map_or(Kind::U8, Tensor::kind);
        let mut out = run.buffer(c.len())?;
        if scales.len() == 1 {
            shape = Shape::new();
        }
        broadcast::zip((&c, &[m, n]), (&scales, &shape), &[m, n], &mut out, |&sum, &scale| {
            level(sum as f32 * (scale / y_scale), y_zero)
        });
        one(Tensor::new(&[m, n][..], store(run, kind, out)?)?)
    })
}
