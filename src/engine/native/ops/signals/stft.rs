//! `STFT`.

use realfft::num_complex::Complex;

use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    kernels::{fourier::Fourier, real},
    value::elements,
};

/// `STFT`, ai.onnx 17: the spectra of windowed frames, `(signal - frame) / step + 1` of them.
pub(super) fn stft(node: &Node<'_>) -> Result<Op, Fault> {
    let onesided = node.flag("onesided", true)?;
    op(move |run, args| body(run, &args, onesided))
}

fn body(run: &mut Run<'_>, args: &Args, onesided: bool) -> Result<Outputs, Fault> {
    let x = args.tensor(0)?;
    let (batch, length, parts) = match *x.shape() {
        [batch, length, parts @ 1..=2] => (batch, length, parts),
        // As some exporters write real signals.
        [batch, length] => (batch, length, 1),
        _ => {
            return Err(fault!("input 0: {x} must be a batch of signals, with one or two parts of a number"));
        }
    };
    if onesided && parts == 2 {
        return Err(fault!("input 0: {x} is complex, which has no one-sided spectrum"));
    }
    let positive = |index: usize| match args.int(index)? {
        value if value > 0 => Ok(value as usize),
        value => Err(fault!("input {index}: is {value}, must be 1 or more")),
    };
    let step = positive(1)?;
    let window = real::opt_input::<f64>(run, args, 2)?;
    let frame = match (args.opt(3)?, &window) {
        (Some(_), _) => positive(3)?,
        (None, Some(window)) => window.len(),
        (None, None) => length,
    };
    if let Some(window) = window.as_ref().filter(|window| window.len() != frame) {
        return Err(fault!("input 2: the window has {} points, its frames {frame}", window.len()));
    }
    if frame == 0 || frame > length {
        return Err(fault!("a frame of {frame} does not fit into a signal of {length}"));
    }
    let frames = (length - frame) / step + 1;
    let count = if onesided { frame / 2 + 1 } else { frame };
    let shape = [batch, frames, count, 2];
    let mut y = run.buffer(elements(&shape)?)?;
    let wide = real::widened::<f64>(run, x)?;
    let mut fourier = Fourier::new(frame);
    let zero = Complex::new(0.0, 0.0);
    let (mut line, mut spectrum) = (vec![zero; frame], vec![zero; frame]);
    let weight = |at: usize| window.as_ref().map_or(1.0, |window| window[at]);
    for signal in wide.chunks_exact((length * parts).max(1)) {
        for start in (0..frames).map(|frame| frame * step) {
            let signal = &signal[start * parts..][..frame * parts];
            if onesided {
                let half = fourier.half(signal.iter().enumerate().map(|(at, &x)| x * weight(at)));
                half.iter().for_each(|z| y.extend([z.re, z.im]));
                continue;
            }
            for (at, (to, from)) in line.iter_mut().zip(signal.chunks_exact(parts)).enumerate() {
                let imaginary = from.get(1).copied().unwrap_or(0.0);
                *to = Complex::new(from[0] * weight(at), imaginary * weight(at));
            }
            fourier.full(&line, false, &mut spectrum);
            spectrum.iter().for_each(|z| y.extend([z.re, z.im]));
        }
    }
    one(real::tensor(run, x.kind(), &shape, y)?)
}
