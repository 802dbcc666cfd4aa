//! Convolution of eight-bit integers.

use crate::{
    native::{
        attributes::{Node, conv::Config},
        exec::{Args, Op, Outputs, Run, one, op},
        fault::{Fault, fault},
        kernels::conv::{self, biased},
        value::{Element, Kind, Shape, Tensor, elements},
    },
    with_kinds,
};

/// `ConvInteger`, ai.onnx 10: sums in int32.
pub(super) fn conv_integer(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config::read(node)?;
    op(move |run, args| {
        let (shape, y) = sums(run, &args, &config, [0, 1, 2, 3], None)?;
        one(Tensor::of(shape, y)?)
    })
}

/// `QLinearConv`, ai.onnx 10: sums in int32, scaled to eight bits; ties go to the even number.
pub fn qlinear_conv(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config::read(node)?;
    op(move |run, args| quantised(run, &args, &config))
}

fn quantised(run: &mut Run<'_>, args: &Args, config: &Config) -> Result<Outputs, Fault> {
    let (shape, sums) = sums(run, args, config, [0, 3, 2, 5], Some(8))?;
    let scalar = |index: usize| match args.slice::<f32>(index)? {
        [scale] => Ok(*scale),
        scales => Err(fault!("input {index}: has {} elements, must have one", scales.len())),
    };
    let (x_scale, y_scale) = (scalar(1)?, scalar(6)?);
    let w_scales = args.slice::<f32>(4)?;
    let features = shape[1];
    if w_scales.len() != 1 && w_scales.len() != features {
        return Err(fault!("input 4: has {} elements, must have one or {features}", w_scales.len()));
    }
    let zero_point = args.tensor(7)?;
    let [zero] = integers(run, zero_point, 7)?[..] else {
        return Err(fault!("input 7: has {} elements, must have one", zero_point.len()));
    };
    let (low, high) = if zero_point.kind() == Kind::U8 { (0, 255) } else { (-128, 127) };
    let positions: usize = shape[2..].iter().product();
    let scaled = |index: usize, sum: i32| {
        let scale =
            x_scale * w_scales[if w_scales.len() == 1 { 0 } else { index / positions % features }] / y_scale;
        // A float beyond int32 is cut to it, which is beyond eight bits too.
        ((sum as f32 * scale).round_ties_even() as i32).saturating_add(zero).clamp(low, high)
    };
    let values = sums.iter().enumerate().map(|(index, &sum)| scaled(index, sum));
    let data = if zero_point.kind() == Kind::U8 {
        let mut out = run.buffer::<u8>(sums.len())?;
        out.extend(values.map(|value| value as u8));
        u8::wrap(out)
    } else {
        let mut out = run.buffer::<i8>(sums.len())?;
        out.extend(values.map(|value| value as i8));
        i8::wrap(out)
    };
    one(Tensor::new(shape, data)?)
}

/// Eight-bit integers in 32 bits.
fn integers(run: &mut Run<'_>, tensor: &Tensor, index: usize) -> Result<Vec<i32>, Fault> {
    let mut out = run.buffer(tensor.len())?;
    with_kinds!(
        [U8, I8] tensor.data(), v => out.extend(v.iter().map(|&v| i32::from(v))),
        return Err(fault!("input {index}: is {}, must be uint8 or int8", tensor.kind()))
    );
    Ok(out)
}

/// The int32 convolution of two inputs less their zero points; `at` says which inputs x, w and their
/// zero points are.
fn sums(
    run: &mut Run<'_>,
    args: &Args,
    config: &Config,
    at: [usize; 4],
    bias: Option<usize>,
) -> Result<(Shape, Vec<i32>), Fault> {
    let (x, w) = (args.tensor(at[0])?, args.tensor(at[1])?);
    let (window, channels, shape) = config.geometry(x.shape(), w.shape())?;
    let (mut images, mut weights) = (integers(run, x, at[0])?, integers(run, w, at[1])?);
    if let Some(zero) = args.opt(at[2])? {
        let [zero] = integers(run, zero, at[2])?[..] else {
            return Err(fault!("input {}: has {} elements, must have one", at[2], zero.len()));
        };
        images.iter_mut().for_each(|value| *value -= zero);
    }
    if let Some(zero) = args.opt(at[3])? {
        let zeros = integers(run, zero, at[3])?;
        if zeros.len() != 1 && zeros.len() != w.shape()[0] {
            return Err(fault!(
                "input {}: has {} elements, must have one or {}",
                at[3],
                zeros.len(),
                w.shape()[0]
            ));
        }
        let per_zero = weights.len() / zeros.len().max(1);
        for (weights, zero) in weights.chunks_mut(per_zero.max(1)).zip(&zeros) {
            weights.iter_mut().for_each(|value| *value -= zero);
        }
    }
    let bias = match bias {
        Some(index) => args.opt_slice::<i32>(index)?,
        None => None,
    };
    if let Some(bias) = bias.filter(|bias| bias.len() != shape[1]) {
        return Err(fault!("input 8: has {} elements, must have {}", bias.len(), shape[1]));
    }
    let mut y = run.buffer(elements(&shape)?)?;
    biased(bias, 0, &shape, &mut y);
    let mut panel = run.filled(conv::panel_len(channels, &window), 0)?;
    conv::conv(&images, &weights, &window, channels, &mut panel, &mut y);
    Ok((shape, y))
}
