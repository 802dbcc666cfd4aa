//! Quantised elements as integers, and where their scales are.

use std::sync::Arc;

use crate::{
    native::{
        exec::{Args, Run},
        fault::{Fault, fault},
        kernels::shape,
        ops::cast::{Rounding, convert},
        value::{Data, Element, Kind, Tensor, small},
    },
    with_kinds,
};

/// The least and the greatest integer of a quantised kind; `None` for floats.
pub fn range(kind: Kind) -> Option<(i32, i32)> {
    Some(match kind {
        Kind::U8 => (0, 255),
        Kind::I8 => (-128, 127),
        Kind::U16 => (0, 65535),
        Kind::I16 => (-32768, 32767),
        Kind::U4 => (0, 15),
        Kind::I4 => (-8, 7),
        Kind::U2 => (0, 3),
        Kind::I2 => (-2, 1),
        _ => return None,
    })
}

/// The integers of a quantised tensor.
///
/// # Errors
/// A kind that isn't quantised.
pub fn levels(run: &mut Run<'_>, x: &Tensor) -> Result<Vec<i32>, Fault> {
    let mut out = run.buffer(x.len())?;
    match x.data() {
        Data::Small(kind, v) if kind.is_integer() => {
            out.extend(v.iter().map(|&code| small::to_i32(*kind, code)));
        }
        data => with_kinds!(
            [U8, I8, U16, I16, I32] data, v => out.extend(v.iter().map(|&x| i32::from(x))),
            return Err(fault!("is {}, must be quantised integers", x.kind()))
        ),
    }
    Ok(out)
}

/// Integers as elements of a quantised kind, the nearest it has.
///
/// # Errors
/// A kind of floats.
pub fn store(run: &mut Run<'_>, kind: Kind, mut levels: Vec<i32>) -> Result<Data, Fault> {
    let (low, high) = range(kind).ok_or_else(|| fault!("{kind} is no quantised integer"))?;
    levels.iter_mut().for_each(|level| *level = (*level).clamp(low, high));
    fn narrow<T: Element>(run: &mut Run<'_>, levels: &[i32], to: impl Fn(i32) -> T) -> Result<Vec<T>, Fault> {
        let mut out = run.buffer(levels.len())?;
        out.extend(levels.iter().map(|&level| to(level)));
        Ok(out)
    }
    Ok(match kind {
        Kind::U8 => u8::wrap(narrow(run, &levels, |x| x as u8)?),
        Kind::I8 => i8::wrap(narrow(run, &levels, |x| x as i8)?),
        Kind::U16 => u16::wrap(narrow(run, &levels, |x| x as u16)?),
        Kind::I16 => i16::wrap(narrow(run, &levels, |x| x as i16)?),
        small => {
            let mask = ((1u16 << small.bits().unwrap_or(8)) - 1) as u8;
            Data::Small(small, Arc::new(narrow(run, &levels, |x| x as u8 & mask)?))
        }
    })
}

/// Any numbers as f32.
///
/// # Errors
/// Text.
pub fn floats(run: &mut Run<'_>, x: &Tensor) -> Result<Arc<Vec<f32>>, Fault> {
    match convert(run, x.data(), Kind::F32, Rounding::saturating(true))? {
        Data::F32(v) => Ok(v),
        other => Err(fault!("is {}, must be numbers", other.kind())),
    }
}

/// The one scale or zero point of an input.
///
/// # Errors
/// More than one.
pub fn single(run: &mut Run<'_>, args: &Args, index: usize) -> Result<f32, Fault> {
    match &**floats(run, args.tensor(index)?)? {
        [value] => Ok(*value),
        values => Err(fault!("input {index}: has {} elements, must have one", values.len())),
    }
}

/// The one zero point of an input that may be left out.
///
/// # Errors
/// More than one; a kind that isn't quantised.
pub fn zero_point(run: &mut Run<'_>, args: &Args, index: usize) -> Result<i32, Fault> {
    let Some(tensor) = args.opt(index)? else { return Ok(0) };
    match levels(run, tensor).map_err(|fault| fault.about(format!("input {index}")))?[..] {
        [level] => Ok(level),
        ref levels => Err(fault!("input {index}: has {} elements, must have one", levels.len())),
    }
}

/// `round(value) + zero`, ties to even; the caller clamps it to the type. NaN becomes the zero point.
#[inline]
pub fn level(value: f32, zero: i32) -> i32 {
    // What is beyond any type stays beyond it.
    (value.round_ties_even() as i32).saturating_add(zero)
}

/// Which scale an element has.
pub struct Layout {
    outer: usize,
    len: usize,
    inner: usize,
    grain: Grain,
}

enum Grain {
    Tensor,
    Axis,
    Blocks(usize),
}

impl Layout {
    /// For a tensor and its scales: one for all; one for each place along an axis; or, with `block` > 0,
    /// one for as many neighbours along the axis.
    ///
    /// # Errors
    /// A shape of scales that doesn't go with the tensor's.
    pub fn new(x: &[usize], scales: &[usize], axis: i64, block: i64) -> Result<Self, Fault> {
        let total = crate::native::value::elements(x)?;
        let one = Layout { outer: 1, len: 1, inner: total, grain: Grain::Tensor };
        if block == 0 && scales.iter().all(|&dim| dim == 1) {
            return Ok(one);
        }
        let wrong = || {
            fault!("scales of shape {scales:?} don't go with shape {x:?}, axis {axis}, block size {block}")
        };
        let axis = shape::axis(axis, x.len()).map_err(|_| wrong())?;
        let (outer, len, inner) = shape::around(x, axis);
        if block == 0 {
            return match scales {
                [count] if *count == len => Ok(Layout { outer, len, inner, grain: Grain::Axis }),
                _ => Err(wrong()),
            };
        }
        let block = usize::try_from(block).map_err(|_| wrong())?;
        let fits = scales.len() == x.len()
            && (0..x.len()).all(|at| scales[at] == if at == axis { x[at].div_ceil(block) } else { x[at] });
        if fits { Ok(Layout { outer, len, inner, grain: Grain::Blocks(block) }) } else { Err(wrong()) }
    }

    /// Calls `f(first element, how many, their first scale, from scale to scale)` for run after run.
    pub fn each(&self, mut f: impl FnMut(usize, usize, usize, usize)) {
        let &Layout { outer, len, inner, .. } = self;
        match self.grain {
            Grain::Tensor => f(0, inner, 0, 0),
            Grain::Axis if inner == 1 => (0..outer).for_each(|block| f(block * len, len, 0, 1)),
            Grain::Axis => (0..outer * len).for_each(|row| f(row * inner, inner, row % len, 0)),
            Grain::Blocks(size) => {
                let blocks = len.div_ceil(size);
                for row in 0..outer * len {
                    let (block, at) = (row / len, row % len);
                    f(row * inner, inner, (block * blocks + at / size) * inner, 1);
                }
            }
        }
    }
}
