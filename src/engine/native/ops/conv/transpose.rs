//! Transposed convolution.

use crate::native::{
    attributes::{Node, conv::Transpose, spatial},
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    kernels::{
        conv::{self, Channels, biased},
        real::{self, Computed, reals},
    },
    value::{Shape, elements},
};

/// `ConvTranspose`, ai.onnx 1 to 22: the gradient of a convolution. Later versions add types.
pub(super) fn conv_transpose(node: &Node<'_>) -> Result<Op, Fault> {
    let transpose = Transpose::read(node)?;
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, &transpose)))
}

fn body<T: Computed>(run: &mut Run<'_>, args: &Args, transpose: &Transpose) -> Result<Outputs, Fault> {
    let (x, w) = (args.tensor(0)?, args.tensor(1)?);
    let groups = transpose.groups();
    let (image, kernel) = (spatial::spatial(x.shape())?, w.shape().get(2..).unwrap_or_default());
    transpose.check_kernel(kernel)?;
    let window = transpose.window(image, kernel)?;
    if x.shape()[1] != w.shape()[0] || w.shape()[0] % groups != 0 {
        return Err(fault!("weights {w} don't fit an input {x} in {groups} groups"));
    }
    let channels = Channels { groups, input: w.shape()[0] / groups, output: w.shape()[1] };
    let features = channels
        .output
        .checked_mul(groups)
        .ok_or_else(|| fault!("has {groups} groups, too many to count"))?;
    let shape: Shape = [x.shape()[0], features].into_iter().chain(window.input.iter().copied()).collect();
    let bias = real::opt_vector::<T>(run, args, 2, features)?;
    let mut y = run.buffer(elements(&shape)?)?;
    biased(bias.as_deref(), T::ZERO, &shape, &mut y);
    let mut panel = run.filled(conv::transposed_panel_len(channels, &window), T::ZERO)?;
    let (images, weights) = (real::widened::<T>(run, x)?, real::input::<T>(run, args, 1)?);
    conv::transposed(&images, &weights, &window, channels, &mut panel, &mut y);
    one(real::tensor(run, x.kind(), &shape, y)?)
}
