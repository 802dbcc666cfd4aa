//! `DFT`.

use realfft::num_complex::Complex;

use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    kernels::{fourier::Fourier, real, shape},
    value::{Shape, elements},
};

#[derive(Clone, Copy)]
struct Config {
    inverse: bool,
    onesided: bool,
    /// An attribute before version 20, an input since.
    axis: Option<i64>,
}

/// `DFT`, ai.onnx 17, 20: along one axis, the parts of a number in the last. 20 makes the axis an input, by
/// default the last but one; before it is the second. One-sided and inverse: real signals back from the
/// first half of their spectrum.
pub(super) fn dft(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config {
        inverse: node.flag("inverse", false)?,
        onesided: node.flag("onesided", false)?,
        axis: if node.opset < 20 { Some(node.int("axis", 1)?) } else { None },
    };
    op(move |run, args| body(run, &args, config))
}

fn body(run: &mut Run<'_>, args: &Args, config: Config) -> Result<Outputs, Fault> {
    let x = args.tensor(0)?;
    let Config { inverse, onesided, .. } = config;
    let Some((&parts @ 1..=2, signal)) = x.shape().split_last() else {
        return Err(fault!("input 0: {x} must have one or two parts of a number in its last axis"));
    };
    let given = match config.axis {
        Some(axis) => axis,
        None => args.opt(2)?.map(|_| args.int(2)).transpose()?.unwrap_or(-2),
    };
    let axis = shape::axis(given, x.rank())?;
    if axis == signal.len() {
        return Err(fault!("axis {given} holds the parts of a number, not a signal"));
    }
    if onesided && parts == 2 && !inverse {
        return Err(fault!("input 0: {x} is complex, which has no one-sided spectrum"));
    }
    let size = signal[axis];
    let length = match args.opt(1)? {
        Some(length) if length.len() > 0 => args.int(1)?,
        _ if inverse && onesided => 2 * (size as i64 - 1),
        _ => size as i64,
    };
    let length = usize::try_from(length).ok().filter(|&length| length > 0);
    let length = length.ok_or_else(|| fault!("its transform must have a length of one or more"))?;
    let (count, out_parts) = match (inverse, onesided) {
        (false, true) => (length / 2 + 1, 2),
        (true, true) => (length, 1),
        (_, false) => (length, 2),
    };
    let mut shape = Shape::from_slice(signal);
    shape[axis] = count;
    shape.push(out_parts);
    let mut y = run.filled(elements(&shape)?, 0.0)?;
    run.check_len::<[Complex<f64>; 4]>(length)?;
    let wide = real::widened::<f64>(run, x)?;
    let (outer, _, inner) = shape::around(signal, axis);
    let mut fourier = Fourier::new(length);
    let zero = Complex::new(0.0, 0.0);
    let (mut line, mut spectrum) = (vec![zero; length], vec![zero; length]);
    let divisor = if inverse { length as f64 } else { 1.0 };
    // How much of the input is read: a one-sided spectrum has the rest by symmetry.
    let read = if inverse && onesided { length / 2 + 1 } else { length }.min(size);
    for block in 0..outer {
        for at in 0..inner {
            line.fill(zero);
            for (index, to) in line[..read].iter_mut().enumerate() {
                let from = ((block * size + index) * inner + at) * parts;
                *to = Complex::new(wide[from], if parts == 2 { wide[from + 1] } else { 0.0 });
            }
            if inverse && onesided {
                line[0].im = 0.0;
                if length % 2 == 0 {
                    line[length / 2].im = 0.0;
                }
                for index in length / 2 + 1..length {
                    line[index] = line[length - index].conj();
                }
            }
            fourier.full(&line, inverse, &mut spectrum);
            for (index, value) in spectrum[..count].iter().enumerate() {
                let to = ((block * count + index) * inner + at) * out_parts;
                y[to] = value.re / divisor;
                if out_parts == 2 {
                    y[to + 1] = value.im / divisor;
                }
            }
        }
    }
    one(real::tensor(run, x.kind(), &shape, y)?)
}
