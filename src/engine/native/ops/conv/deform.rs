//! Deformable convolution.

use crate::native::{
    attributes::{
        Node,
        conv::{Config, group},
    },
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    kernels::{
        conv::{Channels, biased},
        matmul::gemm,
        real::{self, Computed, reals},
        shape::strides,
        window::Window,
    },
    value::{Shape, elements},
};

/// `DeformConv`, ai.onnx 19, 22: every tap of every output has an offset of its own; between cells values
/// are interpolated, outside the image they are zero. 22 adds bfloat16.
pub(super) fn deform_conv(node: &Node<'_>) -> Result<Op, Fault> {
    let (config, offset_groups) = (Config::read(node)?, group(node, "offset_group")?);
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, &config, offset_groups)))
}

fn body<T: Computed>(
    run: &mut Run<'_>,
    args: &Args,
    config: &Config,
    offset_groups: usize,
) -> Result<Outputs, Fault> {
    let (x, w) = (args.tensor(0)?, args.tensor(1)?);
    let (window, channels, shape) = config.geometry(x.shape(), w.shape())?;
    let (images, features, taps, rank) = (shape[0], x.shape()[1], window.taps(), window.input.len());
    if features % offset_groups != 0 {
        return Err(fault!(
            "attribute `offset_group` is {offset_groups}, which does not divide {features} channels"
        ));
    }
    let positions = elements(&window.output)?;
    let check = |index: usize, per_tap: usize| {
        let given = args.opt(index)?.map(|tensor| tensor.shape().to_vec());
        let wanted: Shape = [images, offset_groups.saturating_mul(taps).saturating_mul(per_tap)]
            .into_iter()
            .chain(window.output.iter().copied())
            .collect();
        match given {
            Some(given) if given != *wanted => {
                Err(fault!("input {index}: has shape {given:?}, must have {wanted:?}"))
            }
            _ => Ok(()),
        }
    };
    check(2, rank)?;
    check(4, 1)?;
    let (pixels, weights) = (real::widened::<T>(run, x)?, real::input::<T>(run, args, 1)?);
    let (offset, mask) = (real::input::<T>(run, args, 2)?, real::opt_input::<T>(run, args, 4)?);
    let bias = real::opt_vector::<T>(run, args, 3, shape[1])?;
    let mut y = run.buffer(elements(&shape)?)?;
    biased(bias.as_deref(), T::ZERO, &shape, &mut y);
    let Channels { groups, input, output } = channels;
    let cells: usize = window.input.iter().product();
    let mut columns = run.filled(elements(&[input, taps, positions])?, T::ZERO)?;
    if columns.is_empty() || output == 0 {
        return one(real::tensor(run, x.kind(), &shape, y)?);
    }
    for image in 0..images {
        for group in 0..groups {
            for (channel, columns) in columns.chunks_exact_mut(taps * positions).enumerate() {
                let channel = group * input + channel;
                let shared = image * offset_groups + channel / (features / offset_groups);
                sample(
                    &pixels[(image * features + channel) * cells..][..cells],
                    &offset[shared * taps * rank * positions..][..taps * rank * positions],
                    mask.as_deref().map(|mask| &mask[shared * taps * positions..][..taps * positions]),
                    &window,
                    columns,
                );
            }
            let k = input * taps;
            let w = &weights[group * output * k..][..output * k];
            let y = &mut y[(image * groups + group) * output * positions..][..output * positions];
            gemm(output, k, positions, w, (k, 1), &columns, (positions, 1), y);
        }
    }
    one(real::tensor(run, x.kind(), &shape, y)?)
}

/// The values under each tap of each output, of one channel.
fn sample<T: Computed>(x: &[T], offset: &[T], mask: Option<&[T]>, window: &Window, columns: &mut [T]) {
    let (rank, positions) = (window.input.len(), window.output.iter().product::<usize>());
    let cell_strides = strides(&window.input);
    let mut point = vec![T::ZERO; rank];
    for (tap, columns) in columns.chunks_exact_mut(positions).enumerate() {
        let at = window.tap(tap);
        let mut output = Shape::from_elem(0, rank);
        for (position, column) in columns.iter_mut().enumerate() {
            for axis in 0..rank {
                let cell = (output[axis] * window.strides[axis] + at[axis] * window.dilations[axis]) as i64;
                let cell = T::from_f64((cell - window.before[axis]) as f64);
                point[axis] = cell + offset[(tap * rank + axis) * positions + position];
            }
            *column = interpolated(x, &window.input, &cell_strides, &point);
            if let Some(mask) = mask {
                *column *= mask[tap * positions + position];
            }
            for axis in (0..rank).rev() {
                output[axis] += 1;
                if output[axis] < window.output[axis] {
                    break;
                }
                output[axis] = 0;
            }
        }
    }
}

/// The multilinear interpolation at `point`; what lies outside is zero.
fn interpolated<T: Computed>(x: &[T], shape: &[usize], strides: &[usize], point: &[T]) -> T {
    let mut sum = T::ZERO;
    'corners: for corner in 0..1usize << point.len().min(16) {
        let (mut weight, mut cell) = (T::ONE, 0);
        for (axis, &coordinate) in point.iter().enumerate() {
            let low = coordinate.floor();
            let part = coordinate - low;
            let upper = corner >> axis & 1;
            weight *= if upper == 1 { part } else { T::ONE - part };
            let at = low.to_f64() + upper as f64;
            // NaN is outside too.
            if !(at >= 0.0 && at < shape[axis] as f64) {
                continue 'corners;
            }
            cell += at as usize * strides[axis];
        }
        sum += weight * x[cell];
    }
    sum
}
