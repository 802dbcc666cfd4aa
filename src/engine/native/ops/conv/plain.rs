//! Convolution of floats.

use crate::native::{
    attributes::{Node, conv::Config},
    exec::{Args, Op, Outputs, Run, one, op},
    fault::Fault,
    kernels::{
        conv::{self, biased},
        real::{self, Computed, reals},
    },
    value::elements,
};

/// `Conv`, ai.onnx 1 to 22: any number of spatial axes, groups. Later versions add types.
pub fn conv(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config::read(node)?;
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, &config)))
}

fn body<T: Computed>(run: &mut Run<'_>, args: &Args, config: &Config) -> Result<Outputs, Fault> {
    let (x, w) = (args.tensor(0)?, args.tensor(1)?);
    let (window, channels, shape) = config.geometry(x.shape(), w.shape())?;
    let bias = real::opt_vector::<T>(run, args, 2, shape[1])?;
    let mut y = run.buffer(elements(&shape)?)?;
    biased(bias.as_deref(), T::ZERO, &shape, &mut y);
    let mut panel = run.filled(conv::panel_len(channels, &window), T::ZERO)?;
    let (images, weights) = (real::widened::<T>(run, x)?, real::input::<T>(run, args, 1)?);
    conv::conv(&images, &weights, &window, channels, &mut panel, &mut y);
    one(real::tensor(run, x.kind(), &shape, y)?)
}
