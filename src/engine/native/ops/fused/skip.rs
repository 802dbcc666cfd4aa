//! A connection that skips a layer, added and normalised.

use smallvec::smallvec;

use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, op},
    fault::{Fault, fault},
    kernels::{
        broadcast,
        real::{self, Computed, reals},
    },
    ops::normalisation::layer::{Config, layer, rms},
    value::{Tensor, Value},
};

/// `SkipLayerNormalization`, com.microsoft 1: inputs x, skip, scale, shift, bias, of which the last two may be left
/// out; the fourth output is what was normalised: x + skip + bias.
pub(super) fn skip_layer_normalization(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config::read_or(node, 1e-12)?;
    op(move |run, args| {
        reals!(args.tensor(0)?.kind(), T => {
            let sum = sum::<T>(run, &args, 4)?;
            let inputs = smallvec![Some(sum.clone()), args.opt_value(2).cloned(), args.opt_value(3).cloned()];
            with_sum(layer::<T>(run, &Args::new(inputs, smallvec![]), &config)?, sum)
        })
    })
}

/// `SkipSimplifiedLayerNormalization`, com.microsoft 1: the same with `RMSNormalization`, which shifts nothing.
pub(super) fn skip_rms_normalization(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config::read_or(node, 1e-12)?;
    if node.has_output(1) || node.has_output(2) {
        return Err(Fault::unsupported(
            "its statistics are for training; only its result and its sum are made",
        ));
    }
    op(move |run, args| {
        reals!(args.tensor(0)?.kind(), T => {
            let sum = sum::<T>(run, &args, 3)?;
            let inputs = smallvec![Some(sum.clone()), args.opt_value(2).cloned()];
            let mut outputs = rms::<T>(run, &Args::new(inputs, smallvec![]), &config)?;
            // Left out by every model that gets here.
            outputs.extend([sum.clone(), sum.clone()]);
            with_sum(outputs, sum)
        })
    })
}

fn with_sum(mut outputs: Outputs, sum: Value) -> Result<Outputs, Fault> {
    outputs.push(sum);
    Ok(outputs)
}

/// The first two inputs and the bias together.
fn sum<T: Computed>(run: &mut Run<'_>, args: &Args, bias: usize) -> Result<Value, Fault> {
    let (x, skip) = (args.tensor(0)?, args.tensor(1)?);
    if *broadcast::shape(x.shape(), skip.shape())? != *x.shape() {
        return Err(fault!("input 1: {skip} can't be added to {x}"));
    }
    let rounded = real::rounding::<T>(x.kind());
    let (a, b) = (real::widened::<T>(run, x)?, real::widened::<T>(run, skip)?);
    let mut sum = run.buffer(x.len())?;
    broadcast::zip((&a, x.shape()), (&b, skip.shape()), x.shape(), &mut sum, |&a, &b| rounded(a + b));
    let width = x.shape().last().copied().unwrap_or(1);
    if let Some(bias) = real::opt_vector::<T>(run, args, bias, width)? {
        let places = sum.iter_mut().zip(bias.iter().cycle());
        places.for_each(|(sum, &bias)| *sum = rounded(*sum + bias));
    }
    let sum: Tensor = real::tensor(run, x.kind(), x.shape(), sum)?;
    Ok(sum.into())
}
