//! Attributes that the operators with a sliding window share.

use super::Node;
use crate::native::{
    fault::{Fault, fault},
    kernels::window::{AutoPad, Spec},
};

/// `auto_pad`, `pads`, `strides`, `dilations`, `ceil_mode`.
pub fn spec(node: &Node<'_>) -> Result<Spec, Fault> {
    Ok(Spec {
        strides: node.ints("strides")?,
        dilations: node.ints("dilations")?,
        pads: node.ints("pads")?,
        auto_pad: AutoPad::parse(node.string("auto_pad", "NOTSET")?)?,
        ceil: node.flag("ceil_mode", false)?,
    })
}

/// `kernel_shape` where it must be given.
pub fn kernel_shape(node: &Node<'_>) -> Result<Vec<usize>, Fault> {
    let given = node.ints("kernel_shape")?.ok_or_else(|| fault!("lacks its attribute `kernel_shape`"))?;
    sizes("kernel_shape", &given)
}

/// Numbers of an attribute as sizes.
pub fn sizes(name: &str, given: &[i64]) -> Result<Vec<usize>, Fault> {
    let negative = || fault!("attribute `{name}` holds a negative number: {given:?}");
    given.iter().map(|&size| usize::try_from(size).map_err(|_| negative())).collect()
}

/// A shape's spatial axes: those after the first two.
pub fn spatial(shape: &[usize]) -> Result<&[usize], Fault> {
    match shape {
        [_, _, spatial @ ..] if !spatial.is_empty() => Ok(spatial),
        _ => Err(fault!("input 0: has shape {shape:?}, must have a batch, channels and spatial axes")),
    }
}
