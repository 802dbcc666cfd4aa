//! `GridSample`.

use crate::{
    map_data,
    native::{
        attributes::Node,
        exec::{Args, Op, Outputs, Run, one, op},
        fault::{Fault, fault},
        kernels::{
            real::{self, Computed, reals},
            resize::cubic,
            shape::strides,
        },
        value::{Shape, Tensor, elements},
    },
};

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Nearest,
    Linear,
    Cubic,
}

#[derive(Clone, Copy, PartialEq)]
enum Padding {
    Zeros,
    Border,
    Reflection,
}

#[derive(Clone, Copy)]
struct Config {
    mode: Mode,
    padding: Padding,
    align: bool,
}

/// `GridSample`, ai.onnx 16, 20, 22: 16 knows two spatial axes and names the modes `bilinear` and `bicubic`;
/// 22 adds bfloat16. Places are worked out in the grid's own precision.
pub(super) fn grid_sample(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config {
        mode: match node.string("mode", "linear")? {
            "nearest" => Mode::Nearest,
            "linear" | "bilinear" => Mode::Linear,
            "cubic" | "bicubic" => Mode::Cubic,
            other => return Err(fault!("attribute `mode` is `{other}`")),
        },
        padding: match node.string("padding_mode", "zeros")? {
            "zeros" => Padding::Zeros,
            "border" => Padding::Border,
            "reflection" => Padding::Reflection,
            other => return Err(fault!("attribute `padding_mode` is `{other}`")),
        },
        align: node.flag("align_corners", false)?,
    };
    op(move |run, args| {
        if config.mode == Mode::Nearest {
            reals!(args.tensor(1)?.kind(), G => nearest::<G>(run, &args, config))
        } else {
            reals!(args.tensor(0)?.kind(), T => blended::<T>(run, &args, config))
        }
    })
}

/// The shape of the output and how many places an image has.
fn geometry(x: &Tensor, grid: &Tensor) -> Result<(Shape, usize), Fault> {
    let (&[images, channels, ref spatial @ ..], &[grids, ref places @ .., last]) = (x.shape(), grid.shape())
    else {
        return Err(fault!("input {x} and grid {grid} must have a batch and spatial axes"));
    };
    if images != grids || last != spatial.len() || places.len() != spatial.len() || spatial.is_empty() {
        return Err(fault!("input 1: the grid {grid} does not fit an input {x}"));
    }
    if spatial.contains(&0) && !grid.shape().contains(&0) {
        return Err(fault!("input 0: {x} has no cells to sample"));
    }
    let shape = [images, channels].into_iter().chain(places.iter().copied()).collect();
    Ok((shape, elements(places)?))
}

impl Config {
    /// The lowest and the highest place of an axis that are not outside.
    fn border(self, size: usize) -> (f64, f64) {
        if self.align { (0.0, size as f64 - 1.0) } else { (-0.5, size as f64 - 0.5) }
    }

    /// A coordinate from -1 to 1 as a place between cells, brought inside where padding says so.
    fn place<G: Computed>(self, coordinate: G, size: usize) -> f64 {
        let length = G::from_usize(size);
        let two = G::from_f64(2.0);
        let place = if self.align {
            (coordinate + G::ONE) / two * (length - G::ONE)
        } else {
            ((coordinate + G::ONE) * length - G::ONE) / two
        };
        let place = if self.mode == Mode::Nearest { place.round_ties_even() } else { place };
        // Far beyond any image; so sums of whole numbers stay exact.
        let place = place.to_f64().clamp(-1e15, 1e15);
        let (low, high) = self.border(size);
        if place >= low && place <= high {
            return place;
        }
        match self.padding {
            Padding::Zeros => place,
            Padding::Border => place.clamp(0.0, size as f64 - 1.0),
            Padding::Reflection => self.reflected(place, size),
        }
    }

    fn reflected(self, place: f64, size: usize) -> f64 {
        let (low, high) = self.border(size);
        let range = high - low;
        if range <= 0.0 {
            return 0.0;
        }
        let beyond = if place < low {
            low - place
        } else if place > high {
            place - high
        } else {
            return place;
        };
        let turns = (beyond / range).trunc();
        let rest = beyond - turns * range;
        if (turns % 2.0 == 0.0) == (place < low) { low + rest } else { high - rest }
    }

    /// The cell at a whole place; `None` where it counts as zero.
    fn cell(self, at: f64, size: usize) -> Option<usize> {
        let last = size as f64 - 1.0;
        match self.padding {
            _ if at >= 0.0 && at <= last => Some(at as usize),
            // NaN too.
            Padding::Zeros => None,
            Padding::Border => Some(at.clamp(0.0, last) as usize),
            Padding::Reflection => Some(self.reflected(at, size).trunc().clamp(0.0, last) as usize),
        }
    }
}

fn nearest<G: Computed>(run: &mut Run<'_>, args: &Args, config: Config) -> Result<Outputs, Fault> {
    let (x, grid) = (args.tensor(0)?, args.tensor(1)?);
    let (shape, places) = geometry(x, grid)?;
    let spatial = &x.shape()[2..];
    let (steps, cells, len) = (strides(spatial), elements(spatial)?, elements(&shape)?);
    let coordinates = real::widened::<G>(run, grid)?;
    run.check_len::<Option<usize>>(shape[0].saturating_mul(places))?;
    let from = coordinates.chunks_exact(spatial.len()).map(|point| {
        // The first coordinate belongs to the last axis.
        point.iter().rev().zip(spatial).zip(&steps).try_fold(0, |sum, ((&coordinate, &size), step)| {
            Some(sum + config.cell(config.place(coordinate, size), size)? * step)
        })
    });
    let from: Vec<Option<usize>> = from.collect();
    let data = map_data!(x.data(), v => {
        let mut y = run.buffer(len)?;
        for image in 0..shape[0] {
            let from = &from[image * places..(image + 1) * places];
            for channel in 0..shape[1] {
                let plane = &v[(image * shape[1] + channel) * cells..][..cells];
                y.extend(from.iter().map(|from| from.map_or_else(Default::default, |from| plane[from].clone())));
            }
        }
        y
    });
    one(Tensor::new(shape, data)?)
}

fn blended<T: Computed>(run: &mut Run<'_>, args: &Args, config: Config) -> Result<Outputs, Fault> {
    let (x, grid) = (args.tensor(0)?, args.tensor(1)?);
    let (shape, places) = geometry(x, grid)?;
    let (images, channels, spatial) = (shape[0], shape[1], &x.shape()[2..]);
    let (steps, cells, rank) = (strides(spatial), elements(spatial)?, spatial.len());
    let (wide, coordinates) = (real::widened::<T>(run, x)?, real::widened::<T>(run, grid)?);
    let mut y = run.filled(elements(&shape)?, T::ZERO)?;
    let taps: usize = if config.mode == Mode::Cubic { 4 } else { 2 };
    let corners = taps
        .checked_pow(rank as u32)
        .filter(|&corners| corners <= 1 << 16)
        .ok_or_else(|| fault!("input 0: has {rank} spatial axes, too many to interpolate between"))?;
    let mut cell_weights: Vec<(usize, T)> = Vec::with_capacity(corners);
    let mut axis_taps = vec![(None, T::ZERO); taps * rank];
    for image in 0..images {
        for at in 0..places {
            let point = &coordinates[(image * places + at) * rank..][..rank];
            for (axis, (&coordinate, &size)) in point.iter().rev().zip(spatial).enumerate() {
                let place = config.place(coordinate, size);
                let below = place.floor();
                for tap in 0..taps {
                    let offset = if taps == 4 { tap as f64 - 1.0 } else { tap as f64 };
                    let distance = place - below - offset;
                    let weight = if taps == 4 { cubic(-0.75, distance) } else { 1.0 - distance.abs() };
                    let cell = config.cell(below + offset, size).map(|cell| cell * steps[axis]);
                    axis_taps[axis * taps + tap] = (cell, T::from_f64(weight));
                }
            }
            cell_weights.clear();
            for corner in 0..corners {
                let mut rest = corner;
                let found = (0..rank).rev().try_fold((0, T::ONE), |(cell, weight), axis| {
                    let (step, factor) = axis_taps[axis * taps + rest % taps];
                    rest /= taps;
                    Some((cell + step?, weight * factor))
                });
                cell_weights.extend(found);
            }
            for channel in 0..channels {
                let plane = &wide[(image * channels + channel) * cells..][..cells];
                y[(image * channels + channel) * places + at] =
                    cell_weights.iter().map(|&(cell, weight)| weight * plane[cell]).sum();
            }
        }
    }
    one(real::tensor(run, x.kind(), &shape, y)?)
}
