//! Choosing and limiting: `Where`, `Clip`, `PRelu`, `SwiGLU`, `Dropout`.

use crate::{
    map_data2, map_kinds, map_kinds2,
    native::{
        attributes::Node,
        exec::{Args, Op, Outputs, Run, one, op},
        fault::{Fault, fault},
        kernels::{
            broadcast,
            number::{Analytic, Float, Number},
            random::Generator,
            select,
        },
        value::{Data, Kind, Tensor, elements},
    },
    with_kinds,
};

/// `Where`, ai.onnx 9, 16: later versions add types.
pub(super) fn where_(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| {
        let (x, y) = (args.tensor(1)?, args.tensor(2)?);
        let condition = args.slice::<bool>(0)?;
        let condition_shape = args.tensor(0)?.shape();
        let shape = broadcast::shape(condition_shape, &broadcast::shape(x.shape(), y.shape())?)?;
        let len = elements(&shape)?;
        let data = map_data2!((x.data(), y.data()), (a, b) => {
            let mut out = run.buffer(len)?;
            select::select((condition, condition_shape), (a, x.shape()), (b, y.shape()), &shape, &mut out);
            out
        }, return Err(fault!("chooses between {x} and {y}, which must be of the same kind")));
        one(Tensor::new(shape, data)?)
    })
}

/// `Clip`, ai.onnx 1, 6, 11, 12, 13: since 11 the limits are inputs, since 12 integers too. Where the
/// limits cross, the upper one holds; NaN stays.
pub(super) fn clip(node: &Node<'_>) -> Result<Op, Fault> {
    let attributes = node.opset < 11;
    let low = node.attributes.float("min")?.filter(|_| attributes);
    let high = node.attributes.float("max")?.filter(|_| attributes);
    op(move |run, args| {
        let x = args.tensor(0)?;
        fn limit<T: Number>(args: &Args, index: usize, given: Option<f32>, open: T) -> Result<T, Fault> {
            if let Some(given) = given {
                return Ok(T::from_f64(f64::from(given)));
            }
            match args.opt_slice::<T>(index)? {
                None => Ok(open),
                Some([value]) => Ok(*value),
                Some(values) => Err(fault!("input {index}: has {} elements, must have one", values.len())),
            }
        }
        fn clipped<T: Number>(
            run: &mut Run<'_>,
            args: &Args,
            v: &[T],
            low: Option<f32>,
            high: Option<f32>,
        ) -> Result<Vec<T>, Fault> {
            let low = limit(args, 1, low, T::LEAST)?;
            let high = limit(args, 2, high, T::GREATEST)?;
            let mut out = run.buffer(v.len())?;
            out.extend(v.iter().map(|&x| x.larger(low).smaller(high)));
            Ok(out)
        }
        let (low, high) = if attributes { (low, high) } else { (None, None) };
        let data = map_kinds!(
            [F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] x.data(),
            v => clipped(run, &args, v, low, high)?,
            return Err(fault!("input 0: is {}, must be numbers", x.kind()))
        );
        one(Tensor::new(x.shape(), data)?)
    })
}

/// `PRelu`, ai.onnx 1, 6, 7, 9, 16: since 7 the slope is broadcast to the shape of `x`; before, one slope
/// a channel was meant, along axis 1. Since 9 integers.
pub(super) fn prelu(node: &Node<'_>) -> Result<Op, Fault> {
    let by_channel = node.opset < 7;
    op(move |run, args| {
        let (x, slope) = (args.tensor(0)?, args.tensor(1)?);
        let mut slope_shape = slope.shape().to_vec();
        if by_channel && slope.rank() == 1 && slope.len() != 1 {
            slope_shape.extend(std::iter::repeat_n(1, x.rank().saturating_sub(2)));
        }
        let shape = broadcast::shape(x.shape(), &slope_shape)?;
        if *shape != *x.shape() {
            return Err(fault!("input 1: shape {:?} can't be broadcast to {:?}", slope.shape(), x.shape()));
        }
        let data = map_kinds2!(
            [F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] (x.data(), slope.data()), (a, b) => {
                let mut out = run.buffer(a.len())?;
                broadcast::zip((a, x.shape()), (b, &slope_shape), &shape, &mut out, |&x, &slope| {
                    if x < Number::ZERO { x.times(slope) } else { x }
                });
                out
            },
            return Err(fault!("takes two tensors of the same kind of number, is given {x} and {slope}"))
        );
        one(Tensor::new(shape, data)?)
    })
}

/// `SwiGLU`, ai.onnx 28: a gate through `Swish`, times a value.
pub(super) fn swiglu(node: &Node<'_>) -> Result<Op, Fault> {
    let alpha = f64::from(node.float("alpha", 1.0)?);
    op(move |run, args| {
        let (gate, value) = (args.tensor(0)?, args.tensor(1)?);
        if gate.shape() != value.shape() {
            return Err(fault!("takes two tensors of one shape, is given {gate} and {value}"));
        }
        fn product<T: Float>(gate: T, value: T, alpha: T::Wide) -> T {
            let gate = gate.widen();
            T::narrow(gate * (alpha * gate).sigmoid() * value.widen())
        }
        let data = map_kinds2!([F32, F64, F16, BF16] (gate.data(), value.data()), (a, b) => {
            let mut out = run.buffer(a.len())?;
            out.extend(a.iter().zip(b.iter()).map(|(&a, &b)| product(a, b, Number::from_f64(alpha))));
            out
        }, return Err(fault!("takes two tensors of the same kind of float, is given {gate} and {value}")));
        one(Tensor::new(gate.shape(), data)?)
    })
}

/// `Dropout`, ai.onnx 1, 6, 7, 10, 12, 13, 22. Until 12 it never drops anything (version 6 and before:
/// unless `is_test` is 0, which only training sets); since 12 the inputs `ratio` and `training_mode`
/// say. The mask is of the type of the data before 10, of truth values since.
pub(super) fn dropout(node: &Node<'_>) -> Result<Op, Fault> {
    let opset = node.opset;
    let seed = node.attributes.int("seed")?;
    let wants_mask = node.has_output(1);
    op(move |run, args| {
        let x = args.tensor(0)?;
        let training = opset >= 12 && args.opt_slice::<bool>(2)?.is_some_and(|mode| mode == [true]);
        let ratio = match args.opt(1)? {
            Some(ratio) if opset >= 12 => with_kinds!(
                [F32, F64, F16, BF16] ratio.data(),
                v => v.first().map_or(0.5, |ratio| ratio.to_f64()),
                return Err(fault!("input 1: is {}, must be a floating-point number", ratio.kind()))
            ),
            _ => 0.5,
        };
        if !(0.0..1.0).contains(&ratio) {
            return Err(fault!("input 1: ratio {ratio} must be at least 0 and less than 1"));
        }
        if !training || ratio == 0.0 {
            return kept(run, x, opset, wants_mask);
        }
        let mut random = Generator::new(seed.map(|seed| seed as u32), &mut run.random);
        let mut mask = run.buffer(x.len())?;
        mask.extend((0..x.len()).map(|_| random.uniform() >= ratio));
        let scale = 1.0 / (1.0 - ratio);
        let data = map_kinds!([F32, F64, F16, BF16] x.data(), v => {
            let mut out = run.buffer(v.len())?;
            out.extend(v.iter().zip(&mask).map(|(&x, &kept)| {
                if kept { x.times(Number::from_f64(scale)) } else { Number::ZERO }
            }));
            out
        }, return Err(fault!("input 0: is {}, must be floating-point numbers", x.kind())));
        let y = Tensor::new(x.shape(), data)?;
        Ok(smallvec::smallvec![y.into(), Tensor::of(x.shape(), mask)?.into()])
    })
}

/// Nothing dropped.
fn kept(run: &mut Run<'_>, x: &Tensor, opset: i64, wants_mask: bool) -> Result<Outputs, Fault> {
    if !wants_mask {
        return one(x.clone());
    }
    let mask = if opset >= 10 {
        Tensor::of(x.shape(), run.filled(x.len(), true)?)?
    } else {
        fn ones<T: Number>(run: &mut Run<'_>, like: &[T]) -> Result<Vec<T>, Fault> {
            run.filled(like.len(), T::ONE)
        }
        let data: Data = map_kinds!([F32, F64, F16, BF16] x.data(), v => ones(run, v)?,
            return Err(fault!("input 0: is {}, must be floating-point numbers", Kind::name(x.kind()))));
        Tensor::new(x.shape(), data)?
    };
    Ok(smallvec::smallvec![x.clone().into(), mask.into()])
}
