//! Images.

use super::prelude::*;
use crate::native::{
    attributes::resize::{Scales, Sizes},
    kernels::shape::axes as checked_axes,
};

pub fn affine_grid(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.kind(0, FLOATS)?;
        let Some(size) = given.integers(1)? else {
            let rank = given.length(1)?.number().filter(|rank| (4..=5).contains(rank));
            return tensor(kind, rank.map(|rank| unknown(rank as usize)));
        };
        let [images, _, spatial @ ..] = &size[..] else {
            return Err(fault!("input 1: has {} sizes, must have four or five", size.len()));
        };
        let dims = std::iter::once(*images).chain(spatial.iter().copied());
        tensor(kind, dims.chain([Dim::of(spatial.len())]).collect::<Dims>())
    })
}

pub fn center_crop_pad(node: &Node<'_>) -> Result<Rule, Fault> {
    let axes = node.ints("axes")?;
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        let Some(mut shape) = given.shape(0)? else { return tensor(kind, None) };
        let axes = match &axes {
            Some(axes) => checked_axes(axes, shape.len())?,
            None => (0..shape.len()).collect(),
        };
        let sizes = given.integers(1)?;
        if let Some(sizes) = sizes.as_ref().filter(|sizes| sizes.len() != axes.len()) {
            return Err(fault!("input 1: has {} sizes for {} axes", sizes.len(), axes.len()));
        }
        for (at, &axis) in axes.iter().enumerate() {
            shape[axis] = sizes.as_ref().map_or(Dim::Unknown, |sizes| sizes[at]);
        }
        tensor(kind, shape)
    })
}

fn block(node: &Node<'_>) -> Result<Dim, Fault> {
    Ok(Dim::Number(node.required_int("blocksize")?))
}

pub fn depth_to_space(node: &Node<'_>) -> Result<Rule, Fault> {
    let size = block(node)?;
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        let x = given.ranked(0, 4)?;
        let symbols = given.symbols();
        let cells = symbols.mul(size, size);
        if let (Dim::Number(channels), Dim::Number(cells)) = (x[1], cells)
            && channels % cells.max(1) != 0
        {
            return Err(fault!("input 0: {channels} channels don't fill blocks of {cells} cells"));
        }
        let shape: Dims =
            smallvec![x[0], symbols.exact(x[1], cells), symbols.mul(x[2], size), symbols.mul(x[3], size)];
        tensor(kind, shape)
    })
}

pub fn space_to_depth(node: &Node<'_>) -> Result<Rule, Fault> {
    let size = block(node)?;
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        let x = given.ranked(0, 4)?;
        if let (Some(height), Some(width), Some(size)) = (x[2].number(), x[3].number(), size.number())
            && (height % size.max(1) != 0 || width % size.max(1) != 0)
        {
            return Err(fault!("input 0: {height} by {width} can't be cut into blocks of {size} by {size}"));
        }
        let symbols = given.symbols();
        let cells = symbols.mul(size, size);
        let shape: Dims =
            smallvec![x[0], symbols.mul(x[1], cells), symbols.exact(x[2], size), symbols.exact(x[3], size)];
        tensor(kind, shape)
    })
}

pub fn grid_sample(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.kind(0, ANY)?;
        given.kind(1, FLOATS)?;
        let (x, grid) = (given.shape(0)?, given.shape(1)?);
        let Some(rank) = x.as_ref().or(grid.as_ref()).map(|shape| shape.len()) else {
            return tensor(kind, None);
        };
        let wrong = |given: &Given<'_>, x: &[Dim], grid: &[Dim]| {
            fault!("input 1: the grid {} does not fit an input {}", given.shown(grid), given.shown(x))
        };
        let (x, grid) = (x.unwrap_or_else(|| unknown(rank)), grid.unwrap_or_else(|| unknown(rank)));
        if x.len() != grid.len() || rank < 3 {
            return Err(wrong(given, &x, &grid));
        }
        let images = given.same(x[0], grid[0], || wrong(given, &x, &grid).what)?;
        tensor(kind, [images, x[1]].into_iter().chain(grid[1..rank - 1].iter().copied()).collect::<Dims>())
    })
}

pub fn image_decoder(node: &Node<'_>) -> Result<Rule, Fault> {
    let grey = node.string("pixel_format", "RGB")? == "Grayscale";
    rule(move |given| {
        given.kind(0, Kinds::of(&[Kind::U8]))?;
        let shape: Dims = smallvec![Dim::Unknown, Dim::Unknown, Dim::Number(if grey { 1 } else { 3 })];
        tensor(Kind::U8, shape)
    })
}

pub fn non_max_suppression(_: &Node<'_>) -> Result<Rule, Fault> {
    const F32: Kinds = Kinds::of(&[Kind::F32]);
    rule(|given| {
        for index in 0..2 {
            given.kind(index, F32)?;
            given.ranked(index, 3)?;
        }
        let shape: Dims = smallvec![Dim::Unknown, Dim::Number(3)];
        tensor(Kind::I64, shape)
    })
}

pub fn resize(node: &Node<'_>) -> Result<Rule, Fault> {
    resized(Sizes::of_resize(node)?)
}

pub fn upsample(node: &Node<'_>) -> Result<Rule, Fault> {
    resized(Sizes::of_upsample(node)?)
}

fn resized(config: Sizes) -> Result<Rule, Fault> {
    rule(move |given| {
        let kind = given.kind(0, ANY)?;
        let Some(mut shape) = given.shape(0)? else { return tensor(kind, None) };
        let rank = shape.len();
        let (scales, sizes) = match config.scales() {
            Scales::Given(scales) => (Some(scales.to_vec()), None),
            Scales::Input { scales, sizes } => {
                let sizes = sizes.filter(|&index| given.has(index));
                let none = |given: &Given<'_>, index: usize| -> Result<bool, Fault> {
                    let empty = given.shape(index)?.is_some_and(|shape| shape[..] == [Dim::Number(0)]);
                    Ok(empty)
                };
                match sizes {
                    Some(index) if !none(given, index)? => match given.integers(index)? {
                        Some(sizes) => (None, Some(sizes)),
                        None => return tensor(kind, unknown(rank)),
                    },
                    _ if given.has(scales) => match given.floats(scales)? {
                        Some(scales) => (Some(scales), None),
                        None => return tensor(kind, unknown(rank)),
                    },
                    _ => return Err(fault!("has neither scales nor sizes")),
                }
            }
        };
        // A region scales an axis too; it is not followed.
        if config.shows_region() {
            return tensor(kind, unknown(rank));
        }
        let axes = config.axes(rank)?;
        if let Some(sizes) = sizes {
            if sizes.len() != axes.len() {
                return Err(fault!("its sizes are {}, must be {}", sizes.len(), axes.len()));
            }
            let all = (lengths(&shape), sizes.iter().map(|size| size.number()).collect::<Option<Vec<_>>>());
            match all {
                (Some(lengths), Some(sizes)) => {
                    for (axis, outputs) in config.outputs(&lengths, None, Some(sizes))? {
                        shape[axis] = Dim::of(outputs);
                    }
                }
                _ => {
                    for (&axis, &size) in axes.iter().zip(&*sizes) {
                        shape[axis] = if config.stretches() { size } else { Dim::Unknown };
                    }
                }
            }
            return tensor(kind, shape);
        }
        let scales = scales.unwrap_or_default();
        if scales.len() != axes.len() {
            return Err(fault!("its scales are {}, must be {}", scales.len(), axes.len()));
        }
        // Each axis is scaled by itself; one whose length is not a number has a stand-in.
        let stand_ins: Vec<usize> =
            shape.iter().map(|dim| dim.number().and_then(|n| usize::try_from(n).ok()).unwrap_or(1)).collect();
        let outputs = config.outputs(&stand_ins, Some(scales.clone()), None)?;
        for ((axis, outputs), scale) in outputs.into_iter().zip(scales) {
            shape[axis] = match shape[axis] {
                Dim::Number(_) => Dim::of(outputs),
                // A whole scale; a length of 2^24 and more would be rounded in f32.
                dim if scale.fract() == 0.0 && scale < 1024.0 => {
                    given.symbols().mul(dim, Dim::Number(scale as i64))
                }
                dim if (1.0 / scale).fract() == 0.0
                    && scale > 1e-3
                    && (1.0 / scale).log2().fract() == 0.0 =>
                {
                    given.symbols().quotient(dim, (1.0 / scale) as i64)
                }
                _ => Dim::Unknown,
            };
        }
        tensor(kind, shape)
    })
}
