//! What convolutions read from their attributes.

use super::{Node, spatial};
use crate::native::{
    fault::{Fault, fault},
    kernels::{
        conv::Channels,
        window::{AutoPad, Spec, Window, per_axis},
    },
    value::Shape,
};

/// What every convolution reads from its attributes.
pub struct Config {
    spec: Spec,
    groups: usize,
    kernel_shape: Option<Vec<i64>>,
}

impl Config {
    pub fn read(node: &Node<'_>) -> Result<Self, Fault> {
        Ok(Config {
            spec: spatial::spec(node)?,
            groups: group(node, "group")?,
            kernel_shape: node.ints("kernel_shape")?,
        })
    }

    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    pub fn kernel_shape(&self) -> Option<&[i64]> {
        self.kernel_shape.as_deref()
    }

    pub fn check_kernel(&self, kernel: &[usize]) -> Result<(), Fault> {
        match &self.kernel_shape {
            Some(given) if !given.iter().map(|&v| v as u64).eq(kernel.iter().map(|&v| v as u64)) => {
                Err(fault!("attribute `kernel_shape` is {given:?}, its weights have {kernel:?}"))
            }
            _ => Ok(()),
        }
    }

    /// The window, the channels and the shape of the output, for an image and weights.
    pub fn geometry(&self, x: &[usize], w: &[usize]) -> Result<(Window, Channels, Shape), Fault> {
        let (image, kernel) = (spatial::spatial(x)?, w.get(2..).unwrap_or_default());
        self.check_kernel(kernel)?;
        let window = self.spec.window(image, kernel)?;
        let channels = self.channels(x, w)?;
        let shape = [x[0], w[0]].into_iter().chain(window.output.iter().copied()).collect();
        Ok((window, channels, shape))
    }

    pub fn channels(&self, x: &[usize], w: &[usize]) -> Result<Channels, Fault> {
        let groups = self.groups;
        if !x[1].is_multiple_of(groups) || x[1] / groups != w[1] || !w[0].is_multiple_of(groups) {
            return Err(fault!(
                "weights of shape {w:?} don't fit an input of shape {x:?} in {groups} groups"
            ));
        }
        Ok(Channels { groups, input: w[1], output: w[0] / groups })
    }
}

pub fn group(node: &Node<'_>, name: &str) -> Result<usize, Fault> {
    let groups = node.int(name, 1)?;
    usize::try_from(groups)
        .ok()
        .filter(|&groups| groups > 0)
        .ok_or_else(|| fault!("attribute `{name}` is {groups}, must be 1 or more"))
}

/// What a transposed convolution reads.
pub struct Transpose {
    config: Config,
    output_padding: Option<Vec<i64>>,
    output_shape: Option<Vec<i64>>,
}

impl Transpose {
    pub fn read(node: &Node<'_>) -> Result<Self, Fault> {
        Ok(Transpose {
            config: Config::read(node)?,
            output_padding: node.ints("output_padding")?,
            output_shape: node.ints("output_shape")?,
        })
    }

    pub fn kernel_shape(&self) -> Option<&[i64]> {
        self.config.kernel_shape()
    }

    pub fn groups(&self) -> usize {
        self.config.groups
    }

    /// The window of the convolution from the output back to the input.
    pub fn window(&self, image: &[usize], kernel: &[usize]) -> Result<Window, Fault> {
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

    /// # Errors
    /// Weights of another size than the attributes say.
    pub fn check_kernel(&self, kernel: &[usize]) -> Result<(), Fault> {
        self.config.check_kernel(kernel)
    }
}
