//! Convolutions.

mod col2im;
mod deform;
mod integer;
mod plain;
mod transpose;

pub(in crate::native) use self::transpose::Transpose;

use super::{Entry, onnx, spatial};
use crate::native::infer::rules::{Infer::Rule, window as infer_window};
use crate::native::{
    fault::{Fault, fault},
    graph::Node,
    kernels::{
        conv::Channels,
        window::{Spec, Window},
    },
    value::Shape,
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("Col2Im", &[18], col2im::col2im).infers(Rule(infer_window::col2im)),
    onnx("Conv", &[1, 11, 22], plain::conv).infers(Rule(infer_window::conv)),
    onnx("ConvInteger", &[10], integer::conv_integer).infers(Rule(infer_window::conv_integer)),
    onnx("ConvTranspose", &[1, 11, 22], transpose::conv_transpose).infers(Rule(infer_window::conv_transpose)),
    onnx("DeformConv", &[19, 22], deform::deform_conv).infers(Rule(infer_window::deform_conv)),
    onnx("QLinearConv", &[10], integer::qlinear_conv).infers(Rule(infer_window::qlinear_conv)),
];

/// What every convolution reads from its attributes.
pub(in crate::native) struct Config {
    spec: Spec,
    groups: usize,
    kernel_shape: Option<Vec<i64>>,
}

impl Config {
    pub(in crate::native) fn read(node: &Node<'_>) -> Result<Self, Fault> {
        Ok(Config {
            spec: spatial::spec(node)?,
            groups: group(node, "group")?,
            kernel_shape: node.ints("kernel_shape")?,
        })
    }

    pub(in crate::native) fn spec(&self) -> &Spec {
        &self.spec
    }

    pub(in crate::native) fn kernel_shape(&self) -> Option<&[i64]> {
        self.kernel_shape.as_deref()
    }

    pub(in crate::native) fn check_kernel(&self, kernel: &[usize]) -> Result<(), Fault> {
        match &self.kernel_shape {
            Some(given) if !given.iter().map(|&v| v as u64).eq(kernel.iter().map(|&v| v as u64)) => {
                Err(fault!("attribute `kernel_shape` is {given:?}, its weights have {kernel:?}"))
            }
            _ => Ok(()),
        }
    }

    /// The window, the channels and the shape of the output, for an image and weights.
    fn geometry(&self, x: &[usize], w: &[usize]) -> Result<(Window, Channels, Shape), Fault> {
        let (image, kernel) = (spatial::spatial(x)?, w.get(2..).unwrap_or_default());
        self.check_kernel(kernel)?;
        let window = self.spec.window(image, kernel)?;
        let channels = self.channels(x, w)?;
        let shape = [x[0], w[0]].into_iter().chain(window.output.iter().copied()).collect();
        Ok((window, channels, shape))
    }

    pub(in crate::native) fn channels(&self, x: &[usize], w: &[usize]) -> Result<Channels, Fault> {
        let groups = self.groups;
        if !x[1].is_multiple_of(groups) || x[1] / groups != w[1] || !w[0].is_multiple_of(groups) {
            return Err(fault!(
                "weights of shape {w:?} don't fit an input of shape {x:?} in {groups} groups"
            ));
        }
        Ok(Channels { groups, input: w[1], output: w[0] / groups })
    }
}

fn group(node: &Node<'_>, name: &str) -> Result<usize, Fault> {
    let groups = node.int(name, 1)?;
    usize::try_from(groups)
        .ok()
        .filter(|&groups| groups > 0)
        .ok_or_else(|| fault!("attribute `{name}` is {groups}, must be 1 or more"))
}

/// Every channel's bias, or zero, over all its outputs.
fn biased<T: Copy>(bias: Option<&[T]>, zero: T, shape: &[usize], out: &mut Vec<T>) {
    let positions: usize = shape[2..].iter().product();
    for _ in 0..shape[0] {
        match bias {
            Some(bias) => bias.iter().for_each(|&bias| out.extend(std::iter::repeat_n(bias, positions))),
            None => out.extend(std::iter::repeat_n(zero, shape[1] * positions)),
        }
    }
}
