//! Discrete Fourier transforms of any length. In doubles for every type: the transforms are the largest
//! generic code here.

use std::sync::Arc;

use realfft::{RealToComplex, num_complex::Complex};

use crate::fourier;

/// Transforms of one length. A complex signal is transformed as two real ones.
pub struct Fourier {
    plan: Arc<dyn RealToComplex<f64>>,
    length: usize,
    signal: Vec<f64>,
    half: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl Fourier {
    /// `length` is at least one.
    pub fn new(length: usize) -> Self {
        let plan = fourier::forward(length);
        Fourier {
            length,
            signal: plan.make_input_vec(),
            half: plan.make_output_vec(),
            scratch: plan.make_scratch_vec(),
            plan,
        }
    }

    /// The first half of the spectrum of a real signal: `length / 2 + 1` numbers.
    pub fn half(&mut self, signal: impl Iterator<Item = f64>) -> &[Complex<f64>] {
        self.signal.fill(0.0);
        self.signal.iter_mut().zip(signal).for_each(|(to, from)| *to = from);
        // Lengths are right: the plan made the vectors.
        if self.plan.process_with_scratch(&mut self.signal, &mut self.half, &mut self.scratch).is_err() {
            self.half.fill(Complex::new(0.0, 0.0));
        }
        &self.half
    }

    /// The spectrum of a complex signal, into `out` (`length` numbers). `backward` turns the other way, without
    /// dividing by the length.
    pub fn full(&mut self, signal: &[Complex<f64>], backward: bool, out: &mut [Complex<f64>]) {
        let length = self.length;
        for imaginary in [false, true] {
            let part = signal.iter().map(|z| match (imaginary, backward) {
                (false, _) => z.re,
                (true, false) => z.im,
                // Turning the other way: conjugate before and after.
                (true, true) => -z.im,
            });
            let half = self.half(part);
            for (at, out) in out.iter_mut().enumerate() {
                let value = if at < half.len() { half[at] } else { half[length - at].conj() };
                if imaginary {
                    *out = Complex::new(out.re - value.im, out.im + value.re);
                } else {
                    *out = value;
                }
            }
        }
        if backward {
            out.iter_mut().for_each(|z| *z = z.conj());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_are_what_the_definition_says_for_any_length() {
        for length in 1..=12usize {
            let signal: Vec<Complex<f64>> =
                (0..length).map(|i| Complex::new((i * i % 7) as f64 - 2.0, (i * 3 % 5) as f64)).collect();
            for backward in [false, true] {
                let mut got = vec![Complex::new(0.0, 0.0); length];
                Fourier::new(length).full(&signal, backward, &mut got);
                for (k, got) in got.iter().enumerate() {
                    let sign = if backward { 1.0 } else { -1.0 };
                    let term = |(n, z): (usize, &Complex<f64>)| {
                        z * Complex::cis(sign * std::f64::consts::TAU * (k * n) as f64 / length as f64)
                    };
                    let want: Complex<f64> = signal.iter().enumerate().map(term).sum();
                    assert!((got - want).norm() < 1e-12, "{length} {backward} {k}: {got} {want}");
                }
            }
        }
    }
}
