//! Which source samples a target sample is made of, and with which weights.

use super::Filter;

/// Bits after the point of a fixed-point weight: 32 less 8 of a sample and 2 for overshoot.
pub(super) const PRECISION_BITS: u32 = 22;

/// The weights of one axis.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    /// Of each target sample: the first source sample, and how many.
    bounds: Vec<(usize, usize)>,
    /// Most weights of one sample; the weights of sample `i` begin at `i * taps`.
    taps: usize,
    exact: Vec<f64>,
    fixed: Vec<i32>,
}

impl Weights {
    /// From `span` of `len` samples, beginning at `from`, to `new_len`.
    pub fn new(len: usize, from: f64, span: f64, new_len: usize, filter: Filter) -> Weights {
        let scale = span / new_len as f64;
        // When shrinking, the filter is widened so that every source sample counts.
        let widening = scale.max(1.0);
        let support = filter.support() * widening;
        let taps = support.ceil() as usize * 2 + 1;
        let mut bounds = Vec::with_capacity(new_len);
        let mut exact = vec![0.0; new_len * taps];
        for (i, weights) in exact.chunks_exact_mut(taps).enumerate() {
            let centre = from + (i as f64 + 0.5) * scale;
            let first = (centre - support + 0.5).max(0.0) as usize;
            let last = ((centre + support + 0.5).max(0.0) as usize).min(len);
            let count = last.saturating_sub(first).min(taps);
            let mut sum = 0.0;
            for (k, weight) in weights[..count].iter_mut().enumerate() {
                *weight = filter.weight(((k + first) as f64 - centre + 0.5) * (1.0 / widening));
                sum += *weight;
            }
            if sum != 0.0 {
                weights[..count].iter_mut().for_each(|weight| *weight /= sum);
            }
            bounds.push((first.min(len), count));
        }
        let one = f64::from(1 << PRECISION_BITS);
        // Half away from zero, the fraction then cut off.
        let round = |weight: &f64| (weight * one + if *weight < 0.0 { -0.5 } else { 0.5 }) as i32;
        Weights { bounds, taps, fixed: exact.iter().map(round).collect(), exact }
    }

    /// Target samples.
    pub fn len(&self) -> usize {
        self.bounds.len()
    }

    /// Of each target sample: the first source sample and the weights.
    pub fn exact(&self) -> impl Iterator<Item = (usize, &[f64])> {
        self.bounds.iter().zip(self.exact.chunks_exact(self.taps)).map(|((first, n), w)| (*first, &w[..*n]))
    }

    /// The same in fixed point, `1 << PRECISION_BITS` being one.
    pub fn fixed(&self) -> impl Iterator<Item = (usize, &[i32])> {
        self.bounds.iter().zip(self.fixed.chunks_exact(self.taps)).map(|((first, n), w)| (*first, &w[..*n]))
    }
}
