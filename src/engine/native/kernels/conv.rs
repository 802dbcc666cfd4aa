//! Convolution: windows gathered into the columns of a matrix, a panel at a time; channels that stand
//! alone in a loop of their own.

use std::ops::Range;

use super::{
    matmul::{Scalar, gemm},
    window::Window,
};

/// Elements of a panel of columns: about what a second-level cache holds.
const PANEL: usize = 1 << 16;

/// Channels of the two sides of a convolution.
#[derive(Debug, Clone, Copy)]
pub struct Channels {
    pub groups: usize,
    /// Input channels of a group.
    pub input: usize,
    /// Output channels of a group.
    pub output: usize,
}

/// Columns a panel has room for, when each is `height` long.
fn panel_width(height: usize, positions: usize) -> usize {
    (PANEL / height.max(1)).max(16).min(positions.max(1))
}

/// Elements that [`conv`] needs for a panel and its product.
pub fn panel_len(channels: Channels, window: &Window) -> usize {
    let height = channels.input * window.taps();
    (height + channels.output) * panel_width(height, window.output.iter().product())
}

/// Elements that [`transposed`] needs for a panel.
pub fn transposed_panel_len(channels: Channels, window: &Window) -> usize {
    let height = channels.output * window.taps();
    height * panel_width(height, window.output.iter().product())
}

fn panels(height: usize, positions: usize) -> impl Iterator<Item = Range<usize>> {
    let width = panel_width(height, positions);
    (0..positions.div_ceil(width)).map(move |panel| panel * width..((panel + 1) * width).min(positions))
}

/// Adds the convolution of `x` (images, groups, input channels, cells) with `w` (groups, output
/// channels, input channels, taps) to `y` (images, groups, output channels, outputs).
/// `panel` has [`panel_len`] elements.
pub fn conv<T: Scalar>(x: &[T], w: &[T], window: &Window, channels: Channels, panel: &mut [T], y: &mut [T]) {
    let Channels { groups, input, output } = channels;
    let cells: usize = window.input.iter().product();
    let positions: usize = window.output.iter().product();
    let taps = window.taps();
    if cells * input == 0 || positions * output == 0 {
        return;
    }
    let pointwise = taps == 1
        && window.input == window.output
        && window.strides.iter().all(|&stride| stride == 1)
        && window.before.iter().all(|&pad| pad == 0);
    let images = x.chunks_exact(input * cells).zip(y.chunks_exact_mut(output * positions));
    for (index, (x, y)) in images.enumerate() {
        let group = index % groups;
        let w = &w[group * output * input * taps..(group + 1) * output * input * taps];
        if pointwise {
            gemm(output, input, cells, w, (input, 1), x, (cells, 1), y);
        } else if input == 1 {
            lone(x, w, window, y);
        } else {
            for columns in panels(input * taps, positions) {
                let width = columns.len();
                let (panel, sums) = panel.split_at_mut(input * taps * width);
                panel.fill(T::default());
                for (channel, x) in x.chunks_exact(cells).enumerate() {
                    gather(x, window, columns.clone(), &mut panel[channel * taps * width..][..taps * width]);
                }
                product(w, panel, &mut sums[..output * width], columns, (output, input * taps, positions), y);
            }
        }
    }
}

/// `y[:, columns] += w panel`.
fn product<T: Scalar>(
    w: &[T],
    panel: &[T],
    sums: &mut [T],
    columns: Range<usize>,
    (m, k, positions): (usize, usize, usize),
    y: &mut [T],
) {
    let width = columns.len();
    if width == positions {
        return gemm(m, k, width, w, (k, 1), panel, (width, 1), y);
    }
    // The rows of the outputs are further apart than those of the product.
    sums.fill(T::default());
    gemm(m, k, width, w, (k, 1), panel, (width, 1), sums);
    for (sums, y) in sums.chunks_exact(width).zip(y.chunks_exact_mut(positions)) {
        y[columns.clone()].iter_mut().zip(sums).for_each(|(y, sum)| *y = y.plus(*sum));
    }
}

/// Copies the cells under each tap, for the outputs `columns`, into the rows of `panel`; zeros stay.
fn gather<T: Copy>(x: &[T], window: &Window, columns: Range<usize>, panel: &mut [T]) {
    let (width, step) = (columns.len(), window.step());
    window.each_tap(|tap, at| {
        let row = &mut panel[tap * width..(tap + 1) * width];
        window.runs(at, columns.clone(), |out, cell, count| {
            let to = &mut row[out - columns.start..][..count];
            if step == 1 {
                to.copy_from_slice(&x[cell..cell + count]);
            } else {
                to.iter_mut().zip(x[cell..].iter().step_by(step)).for_each(|(to, from)| *to = *from);
            }
        });
    });
}

/// One input channel: every tap adds its multiple of the image.
fn lone<T: Scalar>(x: &[T], w: &[T], window: &Window, y: &mut [T]) {
    let positions: usize = window.output.iter().product();
    let step = window.step();
    for (w, y) in w.chunks_exact(window.taps()).zip(y.chunks_exact_mut(positions)) {
        window.each_tap(|tap, at| {
            let factor = w[tap];
            window.runs(at, 0..positions, |out, cell, count| {
                let to = &mut y[out..out + count];
                if step == 1 {
                    to.iter_mut().zip(&x[cell..]).for_each(|(to, x)| *to = to.plus_product(factor, *x));
                } else {
                    let from = x[cell..].iter().step_by(step);
                    to.iter_mut().zip(from).for_each(|(to, x)| *to = to.plus_product(factor, *x));
                }
            });
        });
    }
}

/// Adds the transposed convolution of `x` (images, groups, input channels, positions) with `w` (groups,
/// input channels, output channels, taps) to `y` (images, groups, output channels, cells). The window
/// is that of the convolution that goes the other way: from `y` to `x`. `panel` has
/// [`transposed_panel_len`] elements.
pub fn transposed<T: Scalar>(
    x: &[T],
    w: &[T],
    window: &Window,
    channels: Channels,
    panel: &mut [T],
    y: &mut [T],
) {
    let Channels { groups, input, output } = channels;
    let cells: usize = window.input.iter().product();
    let positions: usize = window.output.iter().product();
    let taps = window.taps();
    if cells * output == 0 || positions * input == 0 {
        return;
    }
    let images = x.chunks_exact(input * positions).zip(y.chunks_exact_mut(output * cells));
    for (index, (x, y)) in images.enumerate() {
        let group = index % groups;
        let w = &w[group * output * input * taps..(group + 1) * output * input * taps];
        let height = output * taps;
        for columns in panels(height, positions) {
            let width = columns.len();
            let panel = &mut panel[..height * width];
            panel.fill(T::default());
            gemm(height, input, width, w, (1, height), &x[columns.start..], (positions, 1), panel);
            for (channel, y) in y.chunks_exact_mut(cells).enumerate() {
                scatter(
                    &panel[channel * taps * width..][..taps * width],
                    window,
                    columns.clone(),
                    y,
                    T::plus,
                );
            }
        }
    }
}

/// Adds the rows of `panel`, one for each tap, to the cells they were [gathered](gather) from.
pub fn scatter<T: Copy>(
    panel: &[T],
    window: &Window,
    columns: Range<usize>,
    y: &mut [T],
    add: impl Fn(T, T) -> T,
) {
    let (width, step) = (columns.len(), window.step());
    window.each_tap(|tap, at| {
        let row = &panel[tap * width..(tap + 1) * width];
        window.runs(at, columns.clone(), |out, cell, count| {
            let from = &row[out - columns.start..][..count];
            y[cell..].iter_mut().step_by(step).zip(from).for_each(|(to, from)| *to = add(*to, *from));
        });
    });
}

/// Every channel's bias, or zero, over all its outputs.
pub fn biased<T: Copy>(bias: Option<&[T]>, zero: T, shape: &[usize], out: &mut Vec<T>) {
    let positions: usize = shape[2..].iter().product();
    for _ in 0..shape[0] {
        match bias {
            Some(bias) => bias.iter().for_each(|&bias| out.extend(std::iter::repeat_n(bias, positions))),
            None => out.extend(std::iter::repeat_n(zero, shape[1] * positions)),
        }
    }
}
