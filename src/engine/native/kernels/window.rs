//! A window that slides over the spatial axes of an image: what convolution and pooling share.
//!
//! The window has a tap for each of its cells. For one tap, the outputs of a row that lie over the image
//! read cells at even distances: a [run](Window::runs). All kernels are loops over runs.

use std::ops::Range;

use crate::native::{
    fault::{Fault, fault},
    value::{Shape, elements},
};

/// Larger numbers in a window's geometry are refused, so that arithmetic on them can't overflow.
const LARGEST: i64 = 1 << 31;

/// How the padding is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoPad {
    NotSet,
    SameUpper,
    SameLower,
    Valid,
}

impl AutoPad {
    /// # Errors
    /// A word that ONNX does not define.
    pub fn parse(word: &str) -> Result<Self, Fault> {
        Ok(match word {
            "NOTSET" | "" => AutoPad::NotSet,
            "SAME_UPPER" => AutoPad::SameUpper,
            "SAME_LOWER" => AutoPad::SameLower,
            "VALID" => AutoPad::Valid,
            other => return Err(fault!("attribute `auto_pad` is `{other}`")),
        })
    }
}

/// The attributes of a window; those left out are ones (zeros for padding).
#[derive(Debug, Clone)]
pub struct Spec {
    pub strides: Option<Vec<i64>>,
    pub dilations: Option<Vec<i64>>,
    /// All beginnings, then all ends.
    pub pads: Option<Vec<i64>>,
    pub auto_pad: AutoPad,
    pub ceil: bool,
}

/// A window on an image of a known size.
#[derive(Debug, Clone)]
pub struct Window {
    pub input: Shape,
    pub output: Shape,
    pub kernel: Shape,
    pub strides: Shape,
    pub dilations: Shape,
    /// Cells before the image, along each axis.
    pub before: Vec<i64>,
    /// Cells after the image, along each axis.
    pub after: Vec<i64>,
}

/// Numbers of an attribute, one for each axis, from `least` upward.
pub fn per_axis(
    name: &str,
    given: Option<&[i64]>,
    count: usize,
    default: i64,
    least: i64,
) -> Result<Vec<i64>, Fault> {
    let Some(given) = given else { return Ok(vec![default; count]) };
    if given.len() != count {
        return Err(fault!("attribute `{name}` has {} numbers, must have {count}", given.len()));
    }
    match given.iter().find(|&&value| value < least || value > LARGEST) {
        Some(value) => Err(fault!("attribute `{name}` holds {value}, must be from {least} to {LARGEST}")),
        None => Ok(given.to_vec()),
    }
}

impl Spec {
    /// The window of size `kernel` on an image of size `input`.
    ///
    /// # Errors
    /// Attributes of the wrong length, numbers out of range, a window larger than the padded image.
    pub fn window(&self, input: &[usize], kernel: &[usize]) -> Result<Window, Fault> {
        let rank = input.len();
        if kernel.len() != rank {
            return Err(fault!("its window has {} axes, its image {rank}", kernel.len()));
        }
        let strides = per_axis("strides", self.strides.as_deref(), rank, 1, 1)?;
        let dilations = per_axis("dilations", self.dilations.as_deref(), rank, 1, 1)?;
        let pads = match self.auto_pad {
            AutoPad::NotSet => per_axis("pads", self.pads.as_deref(), 2 * rank, 0, -LARGEST)?,
            _ => vec![0; 2 * rank],
        };
        let mut window = Window {
            input: input.into(),
            output: Shape::new(),
            kernel: kernel.into(),
            strides: strides.iter().map(|&v| v as usize).collect(),
            dilations: dilations.iter().map(|&v| v as usize).collect(),
            before: pads[..rank].to_vec(),
            after: pads[rank..].to_vec(),
        };
        for axis in 0..rank {
            let long = |size: usize| {
                i64::try_from(size).ok().filter(|&size| size <= LARGEST).ok_or_else(|| {
                    fault!("axis {axis} of its image or window is {size} long, at most {LARGEST} can be")
                })
            };
            let (size, taps) = (long(input[axis])?, long(kernel[axis])?);
            if taps == 0 {
                return Err(fault!("its window has no cells: {kernel:?}"));
            }
            let (stride, reach) =
                (strides[axis], (taps - 1).saturating_mul(dilations[axis]).saturating_add(1));
            if reach > LARGEST {
                return Err(fault!("its window reaches over {reach} cells along axis {axis}"));
            }
            let count = match self.auto_pad {
                AutoPad::SameUpper | AutoPad::SameLower => {
                    let count = (size + stride - 1) / stride;
                    let missing = ((count - 1) * stride + reach - size).max(0);
                    let less = missing / 2;
                    (window.before[axis], window.after[axis]) = match self.auto_pad {
                        AutoPad::SameUpper => (less, missing - less),
                        _ => (missing - less, less),
                    };
                    count
                }
                _ => {
                    let room = size + window.before[axis] + window.after[axis] - reach;
                    if room < 0 {
                        return Err(fault!(
                            "its window reaches over {reach} cells along spatial axis {axis}, the padded image has {}",
                            room + reach
                        ));
                    }
                    // With `auto_pad` the specification has the same formula for both ways of rounding.
                    if self.ceil && self.auto_pad == AutoPad::NotSet {
                        let count = (room + stride - 1) / stride + 1;
                        // A window that would begin behind the image is none.
                        if (count - 1) * stride >= size + window.before[axis] { count - 1 } else { count }
                    } else {
                        room / stride + 1
                    }
                }
            };
            window.output.push(count.max(0) as usize);
        }
        elements(&window.output)?;
        elements(kernel)?;
        Ok(window)
    }
}

impl Window {
    /// How many cells the window has.
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// Along one axis, the cell of the image that output 0 reads at tap `at`.
    fn base(&self, axis: usize, at: usize) -> i64 {
        (at * self.dilations[axis]) as i64 - self.before[axis]
    }

    /// Along one axis, the outputs whose cell at tap `at` is within the image.
    fn valid(&self, axis: usize, at: usize) -> Range<usize> {
        let (base, stride) = (self.base(axis, at), self.strides[axis] as i64);
        let low = if base < 0 { (stride - 1 - base) / stride } else { 0 };
        let last = self.input[axis] as i64 - 1 - base;
        let high = if last < 0 { 0 } else { (last / stride + 1).min(self.output[axis] as i64) };
        low as usize..(high.max(low)) as usize
    }

    /// Along one axis, the taps that are over the image for at least one output.
    fn used(&self, axis: usize) -> Range<usize> {
        let taps = self.kernel[axis];
        let (dilation, before) = (self.dilations[axis] as i64, self.before[axis]);
        // The first output must not be behind the image, the last not before it.
        let behind =
            (self.input[axis] as i64 + before + dilation - 1).div_euclid(dilation).clamp(0, taps as i64);
        let reach = (self.output[axis].max(1) - 1) as i64 * self.strides[axis] as i64;
        let first = (before - reach + dilation - 1).div_euclid(dilation).clamp(0, behind);
        first as usize..behind as usize
    }

    /// Calls `f(tap, coordinates)` for every tap that is over the image for some output, in order.
    pub fn each_tap(&self, mut f: impl FnMut(usize, &[usize])) {
        let used: Vec<_> = (0..self.kernel.len()).map(|axis| self.used(axis)).collect();
        if used.iter().any(Range::is_empty) {
            return;
        }
        let mut at: Vec<usize> = used.iter().map(|range| range.start).collect();
        loop {
            let flat = at.iter().zip(&self.kernel).fold(0, |flat, (at, size)| flat * size + at);
            f(flat, &at);
            let mut axis = at.len();
            loop {
                if axis == 0 {
                    return;
                }
                axis -= 1;
                at[axis] += 1;
                if at[axis] < used[axis].end {
                    break;
                }
                at[axis] = used[axis].start;
            }
        }
    }

    /// The coordinates of a tap.
    pub fn tap(&self, flat: usize) -> Shape {
        let mut at = Shape::from_elem(0, self.kernel.len());
        let mut rest = flat;
        for axis in (0..self.kernel.len()).rev() {
            at[axis] = rest % self.kernel[axis];
            rest /= self.kernel[axis];
        }
        at
    }

    /// The distance of the cells that neighbouring outputs read.
    pub fn step(&self) -> usize {
        self.strides.last().copied().unwrap_or(1)
    }

    /// For the tap at `tap`, calls `f(output, cells, count)` for each run: `count` outputs from `output` on
    /// read the cells `cells`, `cells + step`, ... Only outputs within `positions`.
    pub fn runs(&self, tap: &[usize], positions: Range<usize>, mut f: impl FnMut(usize, usize, usize)) {
        let Some(inner) = self.output.len().checked_sub(1) else { return };
        let width = self.output[inner];
        if width == 0 || positions.is_empty() {
            return;
        }
        let columns = self.valid(inner, tap[inner]);
        let base = self.base(inner, tap[inner]);
        let step = self.strides[inner] as i64;
        'rows: for row in positions.start / width..=(positions.end - 1) / width {
            let mut rest = row;
            let (mut cell, mut size) = (0, self.input[inner]);
            for axis in (0..inner).rev() {
                let at = (rest % self.output[axis] * self.strides[axis]) as i64 + self.base(axis, tap[axis]);
                rest /= self.output[axis];
                if at < 0 || at >= self.input[axis] as i64 {
                    continue 'rows;
                }
                cell += at as usize * size;
                size *= self.input[axis];
            }
            let from = columns.start.max(positions.start.saturating_sub(row * width));
            let to = columns.end.min(positions.end - row * width);
            if from < to {
                f(row * width + from, cell + (from as i64 * step + base) as usize, to - from);
            }
        }
    }

    /// Along one axis, how many taps each output has over the image, or over the padded image.
    pub fn counts(&self, axis: usize, padded: bool) -> Vec<usize> {
        let (low, high) = if padded {
            (-self.before[axis], self.input[axis] as i64 + self.after[axis])
        } else {
            (0, self.input[axis] as i64)
        };
        let dilation = self.dilations[axis] as i64;
        let taps = self.kernel[axis] as i64;
        (0..self.output[axis])
            .map(|at| {
                let start = (at * self.strides[axis]) as i64 - self.before[axis];
                let first = (low - start + dilation - 1).div_euclid(dilation).clamp(0, taps);
                let behind = (high - start + dilation - 1).div_euclid(dilation).clamp(first, taps);
                (behind - first) as usize
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(strides: i64, dilations: i64, pads: [i64; 2], ceil: bool) -> Spec {
        Spec {
            strides: Some(vec![strides]),
            dilations: Some(vec![dilations]),
            pads: Some(pads.to_vec()),
            auto_pad: AutoPad::NotSet,
            ceil,
        }
    }

    #[test]
    fn runs_are_the_pairs_of_output_and_cell_that_the_definition_gives() {
        for (size, taps, stride, dilation) in
            [(7, 3, 1, 1), (7, 3, 2, 1), (9, 2, 3, 4), (5, 5, 1, 1), (1, 1, 2, 1), (6, 4, 5, 2)]
        {
            for pads in [[0, 0], [1, 0], [0, 2], [3, 4], [-1, 2]] {
                for ceil in [false, true] {
                    let Ok(window) = spec(stride, dilation, pads, ceil).window(&[size], &[taps]) else {
                        continue;
                    };
                    let (mut got, mut want) = (vec![], vec![]);
                    window.each_tap(|flat, tap| {
                        window.runs(tap, 0..window.output[0], |out, cell, count| {
                            (0..count).for_each(|i| got.push((flat, out + i, cell + i * window.step())));
                        });
                    });
                    for tap in 0..taps {
                        for out in 0..window.output[0] {
                            let cell = out as i64 * stride + tap as i64 * dilation - pads[0];
                            if (0..size as i64).contains(&cell) {
                                want.push((tap, out, cell as usize));
                            }
                        }
                    }
                    assert_eq!(got, want, "{window:?}");
                }
            }
        }
    }

    #[test]
    fn enormous_geometry_is_refused() {
        assert!(spec(1, i64::MAX, [0, 0], false).window(&[4], &[2]).is_err());
        assert!(spec(1, 1, [i64::MAX, 0], false).window(&[4], &[2]).is_err());
        assert!(spec(0, 1, [0, 0], false).window(&[4], &[2]).is_err());
        assert!(spec(1, 1, [0, 0], false).window(&[4], &[0]).is_err());
        assert!(spec(1, 1, [0, 0], false).window(&[4], &[5]).is_err());
    }
}
