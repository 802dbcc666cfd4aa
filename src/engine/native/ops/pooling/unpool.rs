//! Pooling undone.

use crate::{
    map_data,
    native::{
        attributes::{Node, spatial},
        exec::{Args, Op, Outputs, Run, one, op},
        fault::{Fault, fault},
        kernels::{shape::strides, window::per_axis},
        value::{Shape, Tensor, decode, elements},
    },
};

struct Config {
    kernel: Vec<usize>,
    strides: Option<Vec<i64>>,
    pads: Option<Vec<i64>>,
}

/// `MaxUnpool`, ai.onnx 9, 11, 22: puts the largest values back where `MaxPool` found them. A larger
/// output shape than the window gives leaves zeros at the end of the axes, as ONNX's reference does.
pub(super) fn max_unpool(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config {
        kernel: spatial::kernel_shape(node)?,
        strides: node.ints("strides")?,
        pads: node.ints("pads")?,
    };
    op(move |run, args| body(run, &args, &config))
}

fn body(run: &mut Run<'_>, args: &Args, config: &Config) -> Result<Outputs, Fault> {
    let (x, places) = (args.tensor(0)?, args.slice::<i64>(1)?);
    let rank = spatial::spatial(x.shape())?.len();
    if config.kernel.len() != rank || places.len() != x.len() {
        return Err(fault!(
            "a window of {} axes and {} indices don't fit an input {x}",
            config.kernel.len(),
            places.len()
        ));
    }
    let steps = per_axis("strides", config.strides.as_deref(), rank, 1, 1)?;
    let pads = per_axis("pads", config.pads.as_deref(), 2 * rank, 0, 0)?;
    let mut whole = Shape::from_slice(&x.shape()[..2]);
    for axis in 0..rank {
        let size = x.shape()[axis + 2].saturating_sub(1).saturating_mul(steps[axis] as usize);
        let padded = (pads[axis] + pads[axis + rank]) as usize;
        let size = size.saturating_add(config.kernel[axis]).checked_sub(padded);
        whole.push(size.ok_or_else(|| fault!("spatial axis {axis}: padding of {padded} leaves nothing"))?);
    }
    let shape = match args.opt_ints(2)? {
        Some(given) => decode::shape(&given).map_err(|fault| fault.about("input 2"))?,
        None => whole.clone(),
    };
    if shape.len() != whole.len() || shape.iter().zip(&whole).any(|(given, least)| given < least) {
        return Err(fault!("input 2: the shape {shape:?} has no room for {whole:?}"));
    }
    let (len, cells, target) = (elements(&shape)?, elements(&whole)?, strides(&shape));
    let place = |place: i64| {
        let flat = usize::try_from(place).ok().filter(|&flat| flat < cells);
        let mut rest = flat.ok_or_else(|| fault!("input 1: index {place} is outside the {cells} cells"))?;
        let mut at = 0;
        for axis in (0..whole.len()).rev() {
            at += rest % whole[axis] * target[axis];
            rest /= whole[axis];
        }
        Ok::<_, Fault>(at)
    };
    let data = map_data!(x.data(), v => {
        let mut y = run.filled(len, Default::default())?;
        for (value, &index) in v.iter().zip(places) {
            y[place(index)?] = value.clone();
        }
        y
    });
    one(Tensor::new(shape, data)?)
}
