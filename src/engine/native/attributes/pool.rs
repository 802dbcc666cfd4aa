//! What pooling with a sliding window reads from its attributes.

use super::{Node, spatial};
use crate::native::{
    fault::{Fault, fault},
    kernels::window::{AutoPad, Spec, Window},
    value::Shape,
};

pub struct Config {
    spec: Spec,
    kernel: Vec<usize>,
}

impl Config {
    pub fn read(node: &Node<'_>) -> Result<Self, Fault> {
        Ok(Config { spec: spatial::spec(node)?, kernel: spatial::kernel_shape(node)? })
    }

    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    pub fn kernel(&self) -> &[usize] {
        &self.kernel
    }

    /// The window and the shape of the output.
    pub fn geometry(&self, x: &[usize]) -> Result<(Window, Shape), Fault> {
        let window = self.spec.window(spatial::spatial(x)?, &self.kernel)?;
        let pads = window.before.iter().zip(&window.after).zip(&window.kernel).zip(&window.dilations);
        for (axis, (((&before, &after), &taps), &dilation)) in pads.enumerate() {
            if before.max(after) >= (taps * dilation) as i64 && self.spec.auto_pad == AutoPad::NotSet {
                return Err(fault!(
                    "spatial axis {axis}: padding of {before} and {after} is more than the window reaches over"
                ));
            }
        }
        let shape = x[..2].iter().chain(&window.output).copied().collect();
        Ok((window, shape))
    }
}
