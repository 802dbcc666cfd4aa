//! `ReduceSum` and its kin. Until 13 (`ReduceSum`) or 18 (the others) the axes are an attribute, then an
//! input; without axes all are reduced, or none with `noop_with_empty_axes`. Sums of floats are kept in
//! f64 and rounded once; integers wrap around.

use crate::{
    map_kinds,
    native::{
        attributes::Node,
        exec::{Op, Run, one, op},
        fault::{Fault, fault},
        kernels::{number::Number, reduce::Plan, shape},
        value::{Data, Element, Shape, Tensor},
    },
};

/// What a family member does with a planned reduction.
type Reduce = fn(&mut Run<'_>, &Tensor, &Plan, &[bool]) -> Result<Data, Fault>;

fn reduction(node: &Node<'_>, reduce: Reduce) -> Result<Op, Fault> {
    let given = node.ints("axes")?;
    let keep = node.flag("keepdims", true)?;
    let noop = node.flag("noop_with_empty_axes", false)?;
    op(move |run, args| {
        let x = args.tensor(0)?;
        let axes = match &given {
            Some(axes) => axes.clone(),
            None => args.opt_ints(1)?.unwrap_or_default(),
        };
        let gone = if axes.is_empty() {
            vec![!noop; x.rank()]
        } else {
            let axes = shape::axes(&axes, x.rank())?;
            (0..x.rank()).map(|axis| axes.contains(&axis)).collect()
        };
        let plan = Plan::new(x.shape(), &gone);
        let data = reduce(run, x, &plan, &gone)?;
        let dims = x.shape().iter().zip(&gone);
        let shape: Shape = if keep {
            dims.map(|(&dim, &gone)| if gone { 1 } else { dim }).collect()
        } else {
            dims.filter(|(_, gone)| !**gone).map(|(&dim, _)| dim).collect()
        };
        one(Tensor::new(shape, data)?)
    })
}

fn not_these(x: &Tensor) -> Fault {
    fault!("input 0: is {}, which this operator doesn't take", x.kind())
}

/// A sum of `term(x)`, in f64 for floats, wrapping for integers, then `done(sum, count)`.
trait Summed: Number {
    type Sum: Number;
    fn term(self) -> Self::Sum;
    fn done(sum: Self::Sum) -> Self;
    /// The mean of `count` numbers.
    fn mean(sum: Self::Sum, count: usize) -> Self;
}

macro_rules! float_sums {
    ($($t:ty),*) => {$(
        impl Summed for $t {
            type Sum = f64;
            #[inline]
            fn term(self) -> f64 { Number::to_f64(self) }
            fn done(sum: f64) -> Self { Number::from_f64(sum) }
            fn mean(sum: f64, count: usize) -> Self { Number::from_f64(sum / count as f64) }
        }
    )*};
}

macro_rules! integer_sums {
    ($($t:ty: $sum:ty),*) => {$(
        impl Summed for $t {
            type Sum = $sum;
            #[inline]
            fn term(self) -> $sum { <$sum>::from(self) }
            fn done(sum: $sum) -> Self { sum as $t }
            fn mean(sum: $sum, count: usize) -> Self {
                sum.checked_div(<$sum>::try_from(count).unwrap_or(<$sum>::MAX)).unwrap_or(0) as $t
            }
        }
    )*};
}

float_sums!(f32, f64, half::f16, half::bf16);
integer_sums!(i8: i64, i16: i64, i32: i64, i64: i64, u8: u64, u16: u64, u32: u64, u64: u64);

macro_rules! sums {
    ($($(#[$doc:meta])* $name:ident, |$x:ident| $each:expr, |$sum:ident, $count:ident| $done:expr;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(node: &Node<'_>) -> Result<Op, Fault> {
            fn typed<T: Summed>(run: &mut Run<'_>, x: &[T], plan: &Plan) -> Result<Vec<T>, Fault> {
                let mut out = run.buffer(plan.results())?;
                let $count = plan.count();
                plan.fold(
                    x,
                    &mut out,
                    || T::Sum::ZERO,
                    |sum, x| {
                        let $x = x.term();
                        sum.plus($each)
                    },
                    |$sum: T::Sum| $done,
                );
                Ok(out)
            }
            reduction(node, |run, x, plan, _| Ok(map_kinds!(
                [F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] x.data(),
                v => typed(run, v, plan)?, return Err(not_these(x))
            )))
        }
    )*};
}

/// A real function of the sum, rounded or cut off to the type.
fn real<T: Summed>(sum: T::Sum, f: impl Fn(f64) -> f64) -> T {
    T::from_f64(f(sum.to_f64()))
}

sums! {
    /// `ReduceSum`, ai.onnx 1, 11, 13.
    sum, |x| x, |sum, _count| T::done(sum);
    /// `ReduceMean`, ai.onnx 1, 11, 13, 18. Of integers the mean is cut off.
    mean, |x| x, |sum, count| T::mean(sum, count);
    /// `ReduceL1`, ai.onnx 1, 11, 13, 18: the sum of magnitudes.
    l1, |x| x.magnitude(), |sum, _count| T::done(sum);
    /// `ReduceL2`, ai.onnx 1, 11, 13, 18: the root of the sum of squares.
    l2, |x| x.times(x), |sum, _count| real(sum, f64::sqrt);
    /// `ReduceSumSquare`, ai.onnx 1, 11, 13, 18.
    sum_square, |x| x.times(x), |sum, _count| T::done(sum);
    /// `ReduceLogSum`, ai.onnx 1, 11, 13, 18, 28.
    log_sum, |x| x, |sum, _count| real(sum, f64::ln);
}

/// `ReduceLogSumExp`, ai.onnx 1, 11, 13, 18, 28: the greatest is taken off before `exp`.
pub(super) fn log_sum_exp(node: &Node<'_>) -> Result<Op, Fault> {
    fn typed<T: Number>(
        run: &mut Run<'_>,
        x: &Tensor,
        v: &[T],
        plan: &Plan,
        gone: &[bool],
    ) -> Result<Vec<T>, Fault> {
        let mut tops: Vec<f64> = run.buffer(plan.results())?;
        // An infinity can't be taken off.
        plan.fold(
            v,
            &mut tops,
            || f64::NEG_INFINITY,
            |top, x| top.larger(x.to_f64()),
            |top| {
                if top.is_infinite() { 0.0 } else { top }
            },
        );
        let mut sums: Vec<f64> = run.filled(plan.results(), 0.0)?;
        for (x, at) in v.iter().zip(plan.results_of(x.shape(), gone)) {
            sums[at] += (x.to_f64() - tops[at]).exp();
        }
        let mut out = run.buffer(sums.len())?;
        out.extend(sums.iter().zip(&tops).map(|(sum, top)| T::from_f64(sum.ln() + top)));
        Ok(out)
    }
    reduction(node, |run, x, plan, gone| {
        Ok(map_kinds!(
            [F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] x.data(),
            v => typed(run, x, v, plan, gone)?, return Err(not_these(x))
        ))
    })
}

/// `ReduceProd`, ai.onnx 1, 11, 13, 18.
pub(super) fn prod(node: &Node<'_>) -> Result<Op, Fault> {
    fn typed<T: Summed>(run: &mut Run<'_>, x: &[T], plan: &Plan) -> Result<Vec<T>, Fault> {
        let mut out = run.buffer(plan.results())?;
        plan.fold(x, &mut out, || T::Sum::ONE, |all, x| all.times(x.term()), T::done);
        Ok(out)
    }
    reduction(node, |run, x, plan, _| {
        Ok(map_kinds!(
            [F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] x.data(),
            v => typed(run, v, plan)?, return Err(not_these(x))
        ))
    })
}

macro_rules! extremes {
    ($($(#[$doc:meta])* $name:ident, $start:ident, $f:ident, $empty:literal, $bool:expr;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(node: &Node<'_>) -> Result<Op, Fault> {
            fn typed<T: Number>(run: &mut Run<'_>, x: &[T], plan: &Plan) -> Result<Vec<T>, Fault> {
                let mut out = run.buffer(plan.results())?;
                plan.fold(x, &mut out, || T::$start, T::$f, |top| top);
                Ok(out)
            }
            reduction(node, |run, x, plan, _| {
                if let Data::Bool(v) = x.data() {
                    let mut out = run.buffer(plan.results())?;
                    plan.fold(v, &mut out, || $empty, $bool, |all| all);
                    return Ok(bool::wrap(out));
                }
                Ok(map_kinds!(
                    [F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] x.data(),
                    v => typed(run, v, plan)?, return Err(not_these(x))
                ))
            })
        }
    )*};
}

extremes! {
    /// `ReduceMax`, ai.onnx 1, 11, 12, 13, 18, 20: since 12 bytes, since 20 truth values. NaN wins; of
    /// nothing the greatest is minus infinity or the type's least.
    max, LEAST, larger, false, |a, b| a | b;
    /// `ReduceMin`, ai.onnx 1, 11, 12, 13, 18, 20; as [`max`].
    min, GREATEST, smaller, true, |a, b| a & b;
}
