//! Normalisation of the last axes.

use std::borrow::Cow;

use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    kernels::{
        broadcast, normal,
        real::{self, Computed, reals, sum},
        shape::axis,
    },
    value::{Kind, Shape, Tensor, elements},
};

pub(in crate::native::ops) struct Config {
    axis: i64,
    epsilon: f64,
    /// The type of the statistics.
    stash: Kind,
}

impl Config {
    fn read(node: &Node<'_>) -> Result<Self, Fault> {
        Self::read_or(node, 1e-5)
    }

    /// With another `epsilon` by default.
    pub(in crate::native::ops) fn read_or(node: &Node<'_>, epsilon: f32) -> Result<Self, Fault> {
        let stash = node.int("stash_type", 1)?;
        Ok(Config {
            axis: node.int("axis", -1)?,
            epsilon: f64::from(node.float("epsilon", epsilon)?),
            stash: Kind::from_code(stash)
                .filter(|kind| matches!(kind, Kind::F32 | Kind::F64 | Kind::F16 | Kind::BF16))
                .ok_or_else(|| fault!("attribute `stash_type` is {stash}, which is no float"))?,
        })
    }
}

/// A scale or bias, repeated where its shape is smaller: to the normalised axes, or to the whole input.
fn repeated<'t, T: Computed>(
    run: &mut Run<'_>,
    args: &'t Args,
    index: usize,
    x: &Tensor,
    axis: usize,
) -> Result<Cow<'t, [T]>, Fault> {
    let own = args.tensor(index)?.shape();
    let values = real::input::<T>(run, args, index)?;
    let target = if own.len() <= x.rank() - axis { &x.shape()[axis..] } else { x.shape() };
    if own == target {
        return Ok(values);
    }
    if *broadcast::shape(own, target)? != *target {
        return Err(fault!("input {index}: its shape {own:?} does not fit {target:?}"));
    }
    let mut out = run.buffer(elements(target)?)?;
    broadcast::expand(&values, own, target, &mut out);
    Ok(Cow::Owned(out))
}

/// `LayerNormalization`, ai.onnx 17, and before that an operator of ONNX Runtime's optimiser that means the same:
/// `(x - mean) / sqrt(variance + epsilon)`, scaled and shifted in the
/// elements' own type. Statistics of float64 stay in float64.
pub(super) fn layer_normalization(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config::read(node)?;
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => layer::<T>(run, &args, &config)))
}

/// Inputs: what is normalised, a scale, a bias that may be left out.
pub(in crate::native::ops) fn layer<T: Computed>(
    run: &mut Run<'_>,
    args: &Args,
    config: &Config,
) -> Result<Outputs, Fault> {
    let x = args.tensor(0)?;
    let axis = axis(config.axis, x.rank())?;
    let (rows, columns) = (elements(&x.shape()[..axis])?, elements(&x.shape()[axis..])?);
    let scale = repeated::<T>(run, args, 1, x, axis)?;
    let bias = args.opt(2)?.map(|_| repeated::<T>(run, args, 2, x, axis)).transpose()?;
    let wide = real::widened::<T>(run, x)?;
    let (mut y, mut means, mut inverses) =
        (run.buffer(x.len())?, run.buffer::<T>(rows)?, run.buffer::<T>(rows)?);
    let (rounded, epsilon) = (real::rounding::<T>(x.kind()), T::from_f64(config.epsilon));
    let exact = x.kind() == T::KIND;
    for row in 0..rows {
        let x = &wide[row * columns..(row + 1) * columns];
        let (mean, variance) = normal::moments(x);
        let inverse = T::ONE / (variance + epsilon).sqrt();
        // A scale may have rows of its own.
        let scale = &scale[row * columns % scale.len().max(1)..][..columns];
        let bias = bias.as_deref().map(|bias| &bias[row * columns % bias.len().max(1)..][..columns]);
        match bias {
            Some(bias) if exact => {
                y.extend(x.iter().zip(scale).zip(bias).map(|((&x, &s), &b)| (x - mean) * inverse * s + b));
            }
            None if exact => y.extend(x.iter().zip(scale).map(|(&x, &s)| (x - mean) * inverse * s)),
            _ => y.extend(x.iter().zip(scale).enumerate().map(|(i, (&x, &s))| {
                let scaled = rounded(rounded((x - mean) * inverse) * s);
                bias.map_or(scaled, |bias| rounded(scaled + bias[i]))
            })),
        }
        means.push(mean);
        inverses.push(inverse);
    }
    let shape: Shape =
        x.shape().iter().enumerate().map(|(at, &size)| if at < axis { size } else { 1 }).collect();
    let mut outputs = one(real::tensor(run, x.kind(), x.shape(), y)?)?;
    outputs.push(real::tensor(run, config.stash, &shape, means)?.into());
    outputs.push(real::tensor(run, config.stash, &shape, inverses)?.into());
    Ok(outputs)
}

/// `RMSNormalization`, ai.onnx 23: `x / sqrt(mean(x²) + epsilon)`, scaled in the type of the scale.
pub(super) fn rms_normalization(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config::read(node)?;
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => rms::<T>(run, &args, &config)))
}

/// Inputs: what is normalised, and a scale.
pub(in crate::native::ops) fn rms<T: Computed>(
    run: &mut Run<'_>,
    args: &Args,
    config: &Config,
) -> Result<Outputs, Fault> {
    let x = args.tensor(0)?;
    let axis = axis(config.axis, x.rank())?;
    let (rows, columns) = (elements(&x.shape()[..axis])?, elements(&x.shape()[axis..])?);
    let scale = repeated::<T>(run, args, 1, x, axis)?;
    let wide = real::widened::<T>(run, x)?;
    let mut y = run.buffer(x.len())?;
    let (rounded, epsilon) = (real::rounding::<T>(x.kind()), T::from_f64(config.epsilon));
    for row in 0..rows {
        let x = &wide[row * columns..(row + 1) * columns];
        let root = (sum(x, |x| x * x) / T::from_usize(columns) + epsilon).sqrt();
        let scale = &scale[row * columns % scale.len().max(1)..][..columns];
        y.extend(x.iter().zip(scale).map(|(&x, &s)| rounded(x / root) * s));
    }
    one(real::tensor(run, args.tensor(1)?.kind(), x.shape(), y)?)
}
