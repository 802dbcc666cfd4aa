//! Convolution and pooling: what slides over an image. The geometry is the operators' own.

use super::prelude::*;
use crate::native::{
    attributes::{conv, pool, spatial},
    kernels::window::{AutoPad, Spec},
};

/// Stands in for a length that is not a number, beside others that are.
const STAND_IN: usize = 1 << 16;

fn stand_ins(dims: &[Dim]) -> Vec<usize> {
    let length = |dim: &Dim| dim.number().and_then(|n| usize::try_from(n).ok()).unwrap_or(STAND_IN);
    dims.iter().map(length).collect()
}

/// How often a window fits along each axis of an image.
pub fn windows(symbols: &mut Symbols, spec: &Spec, image: &[Dim], kernel: &[Dim]) -> Result<Dims, Fault> {
    let (Some(kernel), rank) = (lengths(kernel), image.len()) else { return Ok(unknown(image.len())) };
    let all_known = lengths(image).is_some();
    let window = match spec.window(&stand_ins(image), &kernel) {
        Ok(window) => window,
        // Of stand-ins nothing follows.
        Err(_) if !all_known => return Ok(unknown(rank)),
        Err(fault) => return Err(fault),
    };
    let mut out = Dims::new();
    for (axis, &dim) in image.iter().enumerate() {
        let stride = window.strides[axis] as i64;
        out.push(match dim {
            Dim::Number(_) => Dim::of(window.output[axis]),
            dim if matches!(spec.auto_pad, AutoPad::SameUpper | AutoPad::SameLower) => {
                let more = symbols.add(dim, Dim::Number(stride - 1));
                symbols.quotient(more, stride)
            }
            // Rounded up, a window that would begin behind the image is none: that depends on the length.
            _ if spec.ceil && stride != 1 && spec.auto_pad == AutoPad::NotSet => Dim::Unknown,
            dim => {
                let reach = (kernel[axis] as i64 - 1) * window.dilations[axis] as i64 + 1;
                let room = symbols.add(dim, Dim::Number(window.before[axis] + window.after[axis] - reach));
                let steps = symbols.quotient(room, stride);
                symbols.add(steps, Dim::ONE)
            }
        });
    }
    Ok(out)
}

/// An image and weights of one rank; `None` where not even that is known.
fn image_and_weights(
    given: &Given<'_>,
    at: [usize; 2],
    kernel: Option<&[i64]>,
) -> Result<Option<(Dims, Dims)>, Fault> {
    let (x, w) = (given.shape(at[0])?, given.shape(at[1])?);
    let rank = match (&x, &w, kernel) {
        (Some(x), Some(w), _) if x.len() != w.len() => {
            return Err(fault!(
                "weights of shape {} don't fit an input of shape {}",
                given.shown(w),
                given.shown(x)
            ));
        }
        (Some(x), ..) => x.len(),
        (None, Some(w), _) => w.len(),
        (None, None, Some(kernel)) if kernel.len() <= 30 => kernel.len() + 2,
        _ => return Ok(None),
    };
    if rank < 3 {
        let shape = x.or(w).unwrap_or_default();
        return Err(fault!(
            "input {}: has shape {}, must have a batch, channels and spatial axes",
            at[0],
            given.shown(&shape)
        ));
    }
    let mut w = w.unwrap_or_else(|| unknown(rank));
    for (dim, &size) in w[2..].iter_mut().zip(kernel.unwrap_or_default()) {
        if !matches!(dim, Dim::Number(_)) {
            *dim = Dim::Number(size);
        }
    }
    Ok(Some((x.unwrap_or_else(|| unknown(rank)), w)))
}

/// The shape a convolution makes.
fn convolved(given: &mut Given<'_>, config: &conv::Config, at: [usize; 2]) -> Result<Option<Dims>, Fault> {
    let Some((x, w)) = image_and_weights(given, at, config.kernel_shape())? else { return Ok(None) };
    if let Some(kernel) = lengths(&w[2..]) {
        config.check_kernel(&kernel)?;
    }
    if let (Some(channels), Some([features, per_group])) = (x[1].number(), lengths(&w[..2]).as_deref()) {
        config.channels(&[1, channels.max(0) as usize], &[*features, *per_group])?;
    }
    let mut shape: Dims = smallvec![x[0], w[0]];
    shape.extend(windows(given.symbols(), config.spec(), &x[2..], &w[2..])?);
    Ok(Some(shape))
}

pub fn conv(node: &Node<'_>) -> Result<Rule, Fault> {
    let config = conv::Config::read(node)?;
    rule(move |given| {
        let kind = given.floats_of(0..3)?;
        let shape = convolved(given, &config, [0, 1])?;
        tensor(kind, shape)
    })
}

/// Offsets and masks are checked when it runs.
pub fn deform_conv(node: &Node<'_>) -> Result<Rule, Fault> {
    let config = conv::Config::read(node)?;
    rule(move |given| {
        let kind = given.floats_of(0..2)?;
        let shape = convolved(given, &config, [0, 1])?;
        tensor(kind, shape)
    })
}

const BYTES: Kinds = Kinds::of(&[Kind::U8, Kind::I8]);

pub fn conv_integer(node: &Node<'_>) -> Result<Rule, Fault> {
    let config = conv::Config::read(node)?;
    rule(move |given| {
        given.kind(0, BYTES)?;
        given.kind(1, BYTES)?;
        tensor(Kind::I32, convolved(given, &config, [0, 1])?)
    })
}

pub fn qlinear_conv(node: &Node<'_>) -> Result<Rule, Fault> {
    let config = conv::Config::read(node)?;
    rule(move |given| {
        given.kind(0, BYTES)?;
        given.kind(3, BYTES)?;
        let kind = given.kind(7, BYTES)?;
        tensor(kind, convolved(given, &config, [0, 3])?)
    })
}

pub fn conv_transpose(node: &Node<'_>) -> Result<Rule, Fault> {
    let config = conv::Transpose::read(node)?;
    rule(move |given| {
        let kind = given.floats_of(0..3)?;
        let Some((x, w)) = image_and_weights(given, [0, 1], config.kernel_shape())? else {
            return tensor(kind, None);
        };
        if let (Dim::Number(channels), Dim::Number(rows)) = (x[1], w[0])
            && channels != rows
        {
            return Err(fault!("weights {} don't fit an input {}", given.shown(&w), given.shown(&x)));
        }
        let mut shape: Dims = smallvec![x[0], given.symbols().mul(w[1], Dim::of(config.groups()))];
        let Some(kernel) = lengths(&w[2..]) else {
            shape.extend(unknown(x.len() - 2));
            return tensor(kind, shape);
        };
        let image = &x[2..];
        match config.window(&stand_ins(image), &kernel) {
            Err(fault) if lengths(image).is_some() => return Err(fault),
            Err(_) => shape.extend(unknown(image.len())),
            Ok(window) => {
                // What a stand-in makes grows with it, cell for cell.
                let more: Vec<usize> = stand_ins(image).iter().map(|length| length + 1).collect();
                let larger = config.window(&more, &kernel).ok();
                for (axis, &dim) in image.iter().enumerate() {
                    let made = Dim::of(window.input[axis]);
                    let step = larger.as_ref().map(|larger| Dim::of(larger.input[axis] - window.input[axis]));
                    shape.push(match (dim, step) {
                        (Dim::Number(_), _) => made,
                        (_, None) => Dim::Unknown,
                        (dim, Some(step)) => {
                            let symbols = given.symbols();
                            let grown = symbols.mul(dim, step);
                            let stood = symbols.mul(Dim::of(STAND_IN), step);
                            let rest = symbols.sub(made, stood);
                            symbols.add(grown, rest)
                        }
                    });
                }
            }
        }
        tensor(kind, shape)
    })
}

pub fn col2im(node: &Node<'_>) -> Result<Rule, Fault> {
    let spec = spatial::spec(node)?;
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        let x = given.ranked(0, 3)?;
        let (image, block) = (given.integers(1)?, given.integers(2)?);
        let rank = [1, 2].iter().find_map(|&index| match given.shape(index).ok()?.as_deref() {
            Some([Dim::Number(rank @ 0..=30)]) => Some(*rank as usize),
            _ => None,
        });
        let mut shape: Dims = smallvec![x[0]];
        let taps = block.as_ref().map_or(Dim::Unknown, |block| given.symbols().product(block));
        if let (Some(image), Some(block)) =
            (image.as_deref().and_then(lengths), block.as_deref().and_then(lengths))
        {
            spec.window(&image, &block)?;
        }
        let channels = given.symbols().exact(x[1], taps);
        shape.push(channels);
        match (image, rank) {
            (Some(image), _) => shape.extend(image.iter().copied()),
            (None, Some(rank)) => shape.extend(unknown(rank)),
            _ => return tensor(kind, None),
        }
        tensor(kind, shape)
    })
}

/// The shape a pooling makes.
fn pooled(given: &mut Given<'_>, config: &pool::Config) -> Result<Dims, Fault> {
    let kernel = config.kernel();
    let Some(x) = given.shape(0)? else { return Ok(unknown(kernel.len() + 2)) };
    if let Some(x) = lengths(&x) {
        return Ok(config.geometry(&x)?.1.iter().map(|&dim| Dim::of(dim)).collect());
    }
    if x.len() < 3 || x.len() - 2 != kernel.len() {
        return Err(fault!("input 0: has shape {}, its window has {} axes", given.shown(&x), kernel.len()));
    }
    let taps: Dims = kernel.iter().map(|&taps| Dim::of(taps)).collect();
    let mut shape: Dims = smallvec![x[0], x[1]];
    shape.extend(windows(given.symbols(), config.spec(), &x[2..], &taps)?);
    Ok(shape)
}

pub fn pool(node: &Node<'_>) -> Result<Rule, Fault> {
    let config = pool::Config::read(node)?;
    rule(move |given| {
        let kind = given.kind(0, FLOATS)?;
        tensor(kind, pooled(given, &config)?)
    })
}

/// With the places of what is largest.
pub fn max_pool(node: &Node<'_>) -> Result<Rule, Fault> {
    let config = pool::Config::read(node)?;
    rule(move |given| {
        let kind = given.kind(0, NUMBERS)?;
        let shape = pooled(given, &config)?;
        Ok(smallvec![Fact::tensor(kind, shape.clone()), Fact::tensor(Kind::I64, shape)])
    })
}

/// One value for each plane.
pub fn global_pool(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.kind(0, FLOATS.and(BYTES))?;
        let Some(shape) = given.shape(0)? else { return tensor(kind, None) };
        if shape.len() < 2 {
            return Err(fault!("input 0: has shape {}, must have a batch and channels", given.shown(&shape)));
        }
        tensor(
            kind,
            shape.iter().enumerate().map(|(at, &dim)| if at < 2 { dim } else { Dim::ONE }).collect::<Dims>(),
        )
    })
}

pub fn max_roi_pool(node: &Node<'_>) -> Result<Rule, Fault> {
    let pooled = node.ints("pooled_shape")?.unwrap_or_default();
    rule(move |given| {
        let kind = given.kind(0, FLOATS)?;
        let (x, rois) = (given.ranked(0, 4)?, given.ranked(1, 2)?);
        let mut shape: Dims = smallvec![rois[0], x[1]];
        shape.extend(pooled.iter().map(|&size| Dim::Number(size)));
        tensor(kind, shape)
    })
}

pub fn roi_align(node: &Node<'_>) -> Result<Rule, Fault> {
    let (height, width) = (node.int("output_height", 1)?, node.int("output_width", 1)?);
    rule(move |given| {
        let kind = given.kind(0, FLOATS)?;
        let (x, rois) = (given.ranked(0, 4)?, given.ranked(1, 2)?);
        let shape: Dims = smallvec![rois[0], x[1], Dim::Number(height), Dim::Number(width)];
        tensor(kind, shape)
    })
}

/// `MaxUnpool`: the given shape, or what the window gives.
pub fn max_unpool(node: &Node<'_>) -> Result<Rule, Fault> {
    let kernel = node.ints("kernel_shape")?.unwrap_or_default();
    let rank = kernel.len();
    let (strides, pads) = (node.ints("strides")?, node.ints("pads")?);
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        if given.has(2) {
            let shape = given.integers(2)?.map(|shape| shape.iter().copied().collect::<Dims>());
            return tensor(kind, shape.unwrap_or_else(|| unknown(rank + 2)));
        }
        let mut shape = given.ranked(0, rank + 2)?;
        for axis in 0..rank {
            let number = |list: &Option<Vec<i64>>, at: usize, default: i64| {
                list.as_ref()
                    .map_or(Some(default), |list| list.get(at).copied())
                    .map_or(Dim::Unknown, Dim::Number)
            };
            let symbols = given.symbols();
            let steps = symbols.sub(shape[axis + 2], Dim::ONE);
            let mut size = symbols.mul(steps, number(&strides, axis, 1));
            size = symbols.add(size, Dim::Number(kernel[axis]));
            size = symbols.sub(size, number(&pads, axis, 0));
            shape[axis + 2] = symbols.sub(size, number(&pads, axis + rank, 0));
        }
        tensor(kind, shape)
    })
}
