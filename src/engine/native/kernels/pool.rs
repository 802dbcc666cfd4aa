//! Pooling: one value from all the cells under a window.

use super::{real::Computed, window::Window};
use crate::native::value::Element;

/// What has a largest element.
pub trait Ordered: Element + Copy + PartialOrd {
    /// Below all others.
    const LOWEST: Self;
}

macro_rules! ordered {
    ($($t:ty: $lowest:expr),* $(,)?) => {$(
        impl Ordered for $t {
            const LOWEST: Self = $lowest;
        }
    )*};
}

ordered! {
    f32: f32::NEG_INFINITY, f64: f64::NEG_INFINITY,
    half::f16: half::f16::NEG_INFINITY, half::bf16: half::bf16::NEG_INFINITY,
    i8: i8::MIN, i16: i16::MIN, i32: i32::MIN, i64: i64::MIN,
    u8: 0, u16: 0, u32: 0, u64: 0,
}

/// Folds the cells under the window into `y`, which holds the values to begin with; one plane after the
/// other.
pub fn fold<T: Copy, A>(x: &[T], window: &Window, y: &mut [A], f: impl Fn(&mut A, T)) {
    let (cells, outputs) = sizes(window);
    if cells == 0 || outputs == 0 {
        return;
    }
    let step = window.step();
    for (x, y) in x.chunks_exact(cells).zip(y.chunks_exact_mut(outputs)) {
        window.each_tap(|_, tap| {
            window.runs(tap, 0..outputs, |out, cell, count| {
                let to = &mut y[out..out + count];
                if step == 1 {
                    to.iter_mut().zip(&x[cell..]).for_each(|(to, x)| f(to, *x));
                } else {
                    to.iter_mut().zip(x[cell..].iter().step_by(step)).for_each(|(to, x)| f(to, *x));
                }
            });
        });
    }
}

/// The largest cell under the window and where in `x` it is, the first of equals; -1 where there is none.
/// `column_major`: the place is counted with the first spatial axis fastest.
pub fn max_places<T: Ordered>(x: &[T], window: &Window, column_major: bool, y: &mut [T], places: &mut [i64]) {
    let (cells, outputs) = sizes(window);
    if cells == 0 || outputs == 0 {
        return;
    }
    let step = window.step();
    let planes = x.chunks_exact(cells).zip(y.chunks_exact_mut(outputs)).zip(places.chunks_exact_mut(outputs));
    for (plane, ((x, y), places)) in planes.enumerate() {
        window.each_tap(|_, tap| {
            window.runs(tap, 0..outputs, |out, cell, count| {
                for i in 0..count {
                    let cell = cell + i * step;
                    if places[out + i] < 0 || x[cell] > y[out + i] {
                        y[out + i] = x[cell];
                        places[out + i] = cell as i64;
                    }
                }
            });
        });
        for place in places.iter_mut().filter(|place| **place >= 0) {
            let mut cell = *place as usize;
            if column_major {
                let mut flat = 0;
                // From the last axis on: what is ahead of an axis is its stride.
                for axis in (0..window.input.len()).rev() {
                    let stride: usize = window.input[..axis].iter().product();
                    flat += cell % window.input[axis] * stride;
                    cell /= window.input[axis];
                }
                cell = flat;
            }
            *place = (plane * cells + cell) as i64;
        }
    }
}

/// Divides the sums of [`fold`] by the number of cells under the window: those of the image, or with
/// `padded` those of the padding too.
pub fn divide<T: Computed>(window: &Window, padded: bool, y: &mut [T]) {
    let (_, outputs) = sizes(window);
    if outputs == 0 {
        return;
    }
    let axes = 0..window.input.len();
    let counts: Vec<_> = axes.map(|axis| window.counts(axis, padded)).collect();
    let Some((inner, outer)) = counts.split_last() else { return };
    for plane in y.chunks_exact_mut(outputs) {
        for (row, y) in plane.chunks_exact_mut(inner.len()).enumerate() {
            let mut rest = row;
            let mut rows = 1;
            for counts in outer.iter().rev() {
                rows *= counts[rest % counts.len()];
                rest /= counts.len();
            }
            y.iter_mut().zip(inner).for_each(|(y, &columns)| *y /= T::from_usize((rows * columns).max(1)));
        }
    }
}

fn sizes(window: &Window) -> (usize, usize) {
    (window.input.iter().product(), window.output.iter().product())
}

/// How a norm is summed: `|x|^p`.
#[derive(Debug, Clone, Copy)]
pub enum Norm {
    One,
    Two,
    Other(f64),
}

impl Norm {
    pub fn new(p: f64) -> Self {
        match p {
            1.0 => Norm::One,
            2.0 => Norm::Two,
            p => Norm::Other(p),
        }
    }

    /// One number's part of the sum.
    #[inline]
    pub fn part<T: Computed>(self, x: T) -> T {
        match self {
            Norm::One => x.abs(),
            Norm::Two => x * x,
            Norm::Other(p) => x.abs().powf(T::from_f64(p)),
        }
    }

    /// The norm from the sum.
    #[inline]
    pub fn root<T: Computed>(self, sum: T) -> T {
        match self {
            Norm::One => sum,
            Norm::Two => sum.sqrt(),
            Norm::Other(p) => sum.powf(T::from_f64(1.0 / p)),
        }
    }
}
