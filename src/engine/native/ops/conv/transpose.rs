//! Transposed convolution.

use super::{Config, biased};
use crate::native::{
    exec::{Args, Outputs, Run, one},
    fault::{Fault, fault},
    graph::Node,
    kernels::{
        conv::{self, Channels},
        real::{self, Real, reals},
        window::{AutoPad, Window, per_axis},
    },
    ops::{Op, op, spatial},
    value::{Shape, elements},
};

pub(in crate::native) struct Transpose {
    config: Config,
    output_padding: Option<Vec<i64>>,
    output_shape: Option<Vec<i64>>,
}

/// `ConvTranspose`, ai.onnx 1 to 22: the gradient of a convolution. Later versions add types.
pub(super) fn conv_transpose(node: &Node<'_>) -> Result<Op, Fault> {
    let transpose = Transpose::read(node)?;
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, &transpose)))
}

impl Transpose {
    pub(in crate::native) fn read(node: &Node<'_>) -> Result<Self, Fault> {
        Ok(Transpose {
            config: Config::read(node)?,
            output_padding: node.ints("output_padding")?,
            output_shape: node.ints("output_shape")?,
        })
    }

    pub(in crate::native) fn kernel_shape(&self) -> Option<&[i64]> {
        self.config.kernel_shape()
    }

    pub(in crate::native) fn groups(&self) -> usize {
        self.config.groups
    }

    /// The window of the convolution from the output back to the input.
    pub(in crate::native) fn window(&self, image: &[usize], kernel: &[usize]) -> Result<Window, Fault> {
        let (rank, spec) = (image.len(), &self.config.spec);
        if kernel.len() != rank {
            return Err(fault!("its weights have {} spatial axes, its input {rank}", kernel.len()));
        }
        let strides = per_axis("strides", spec.strides.as_deref(), rank, 1, 1)?;
        let dilations = per_axis("dilations", spec.dilations.as_deref(), rank, 1, 1)?;
        let extra = per_axis("output_padding", self.output_padding.as_deref(), rank, 0, 0)?;
        // Some exporters write the batch and the channels too.
        let wanted = self
            .output_shape
            .as_deref()
            .map(|shape| shape.get(shape.len().max(rank) - rank..).unwrap_or(shape));
        let wanted = wanted.map(|shape| per_axis("output_shape", Some(shape), rank, 0, 0)).transpose()?;
        let pads = match spec.auto_pad {
            AutoPad::NotSet => per_axis("pads", spec.pads.as_deref(), 2 * rank, 0, 0)?,
            _ => vec![0; 2 * rank],
        };
        let mut window = Window {
            input: Shape::new(),
            output: image.into(),
            kernel: kernel.into(),
            strides: strides.iter().map(|&v| v as usize).collect(),
            dilations: dilations.iter().map(|&v| v as usize).collect(),
            before: pads[..rank].to_vec(),
            after: pads[rank..].to_vec(),
        };
        for axis in 0..rank {
            let size = |long: usize| i64::try_from(long).unwrap_or(i64::MAX);
            let reach = (size(kernel[axis]) - 1).saturating_mul(dilations[axis]).saturating_add(1);
            let whole = (size(image[axis]) - 1)
                .saturating_mul(strides[axis])
                .saturating_add(reach)
                .saturating_add(extra[axis]);
            if kernel[axis] == 0 || image[axis] == 0 || whole >= 1 << 40 {
                return Err(fault!(
                    "spatial axis {axis}: an input of {} and a window of {} give no output of sensible size",
                    image[axis],
                    kernel[axis]
                ));
            }
            let same = matches!(spec.auto_pad, AutoPad::SameUpper | AutoPad::SameLower);
            let target = match &wanted {
                Some(wanted) => Some(wanted[axis]),
                None if same => Some(size(image[axis]) * strides[axis]),
                None => None,
            };
            let length = match target {
                Some(target) => {
                    let total = (whole - target).max(0);
                    let less = total / 2;
                    window.before[axis] =
                        if spec.auto_pad == AutoPad::SameUpper { less } else { total - less };
                    target
                }
                None => whole - window.before[axis] - window.after[axis],
            };
            let length = usize::try_from(length)
                .map_err(|_| fault!("spatial axis {axis}: its pads leave nothing of {whole} outputs"))?;
            window.input.push(length);
        }
        Ok(window)
    }
}

fn body<T: Real>(run: &mut Run<'_>, args: &Args, transpose: &Transpose) -> Result<Outputs, Fault> {
    let (x, w) = (args.tensor(0)?, args.tensor(1)?);
    let groups = transpose.config.groups;
    let (image, kernel) = (spatial::spatial(x.shape())?, w.shape().get(2..).unwrap_or_default());
    transpose.config.check_kernel(kernel)?;
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
