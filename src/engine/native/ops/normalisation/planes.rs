//! Normalisation of channels, or of groups of them, each image for itself.

use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    kernels::{
        normal,
        real::{self, Computed, reals},
    },
    value::{Tensor, elements},
};

/// (images, channels, cells).
fn axes(x: &Tensor) -> Result<[usize; 3], Fault> {
    match x.shape() {
        &[images, channels, ref cells @ ..] => Ok([images, channels, elements(cells)?]),
        shape => Err(fault!("input 0: has shape {shape:?}, must have a batch and channels")),
    }
}

/// `InstanceNormalization`, ai.onnx 1, 6, 22: later versions add types.
pub(super) fn instance_normalization(node: &Node<'_>) -> Result<Op, Fault> {
    let epsilon = f64::from(node.float("epsilon", 1e-5)?);
    fn body<T: Computed>(run: &mut Run<'_>, args: &Args, epsilon: f64) -> Result<Outputs, Fault> {
        let [_, channels, _] = axes(args.tensor(0)?)?;
        grouped::<T>(run, args, channels, channels, epsilon)
    }
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, epsilon)))
}

/// `GroupNormalization`, ai.onnx 18, 21: since 21 scale and bias are for channels, before for groups.
pub(super) fn group_normalization(node: &Node<'_>) -> Result<Op, Fault> {
    let (epsilon, opset) = (f64::from(node.float("epsilon", 1e-5)?), node.opset);
    let groups = node.required_int("num_groups")?;
    let groups = usize::try_from(groups)
        .ok()
        .filter(|&groups| groups > 0)
        .ok_or_else(|| fault!("attribute `num_groups` is {groups}, must be 1 or more"))?;
    fn body<T: Computed>(
        run: &mut Run<'_>,
        args: &Args,
        groups: usize,
        each_channel: bool,
        epsilon: f64,
    ) -> Result<Outputs, Fault> {
        let [_, channels, _] = axes(args.tensor(0)?)?;
        if channels % groups != 0 {
            return Err(fault!(
                "attribute `num_groups` is {groups}, which does not divide {channels} channels"
            ));
        }
        grouped::<T>(run, args, groups, if each_channel { channels } else { groups }, epsilon)
    }
    op(
        move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, groups, opset >= 21, epsilon)),
    )
}

/// Groups of channels normalised, with `factors` scales and biases.
fn grouped<T: Computed>(
    run: &mut Run<'_>,
    args: &Args,
    groups: usize,
    factors: usize,
    epsilon: f64,
) -> Result<Outputs, Fault> {
    let x = args.tensor(0)?;
    let [_, channels, cells] = axes(x)?;
    let wide = real::widened::<T>(run, x)?;
    let mut vector = |index: usize| {
        real::opt_vector::<T>(run, args, index, factors)?.ok_or_else(|| fault!("lacks its input {index}"))
    };
    let (scale, bias) = (vector(1)?, vector(2)?);
    let mut y = run.buffer(x.len())?;
    if !wide.is_empty() {
        let size = channels / groups * cells;
        for (group, x) in wide.chunks_exact(size).enumerate() {
            let (mean, variance) = normal::moments(x);
            let inverse = T::ONE / (variance + T::from_f64(epsilon)).sqrt();
            for (channel, x) in x.chunks_exact(cells).enumerate() {
                let channel = group % groups * (channels / groups) + channel;
                let factor = channel * factors / channels;
                let (scale, bias) = (scale[factor], bias[factor]);
                y.extend(x.iter().map(|&x| (x - mean) * inverse * scale + bias));
            }
        }
    }
    one(real::tensor(run, x.kind(), x.shape(), y)?)
}
