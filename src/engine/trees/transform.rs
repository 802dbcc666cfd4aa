//! What becomes of a row's scores: the attribute `post_transform`.

use crate::real::Real;

/// See TreeEnsembleClassifier in `onnx/docs/Operators-ml.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    None,
    Softmax,
    /// A softmax in which scores of zero stay zero.
    SoftmaxZero,
    Logistic,
    Probit,
}

impl Transform {
    /// By its name in the attribute.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "NONE" => Transform::None,
            "SOFTMAX" => Transform::Softmax,
            "SOFTMAX_ZERO" => Transform::SoftmaxZero,
            "LOGISTIC" => Transform::Logistic,
            "PROBIT" => Transform::Probit,
            _ => return None,
        })
    }

    /// Transforms rows of `width` scores. A row's result does not depend on the others.
    pub fn apply<T: Real>(self, scores: &mut [T], width: usize) {
        match self {
            Transform::None => {}
            Transform::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
            Transform::Probit => scores.iter_mut().for_each(|score| *score = probit(*score)),
            Transform::Softmax => softmax(scores, width.max(1)),
            Transform::SoftmaxZero => scores.chunks_exact_mut(width.max(1)).for_each(softmax_zero),
        }
    }
}

fn greatest<T: Real>(scores: &[T]) -> T {
    scores.iter().copied().fold(-T::INFINITY, |max, x| if x > max { x } else { max })
}

fn softmax<T: Real>(scores: &mut [T], width: usize) {
    for row in scores.chunks_exact_mut(width) {
        let max = greatest(row);
        row.iter_mut().for_each(|score| *score -= max);
    }
    // Of all rows at once: rows are short, and this loop is what takes the time.
    scores.iter_mut().for_each(|score| *score = score.quick_exp());
    for row in scores.chunks_exact_mut(width) {
        let mut sum = T::ZERO;
        row.iter().for_each(|&score| sum += score);
        if sum > T::ZERO {
            row.iter_mut().for_each(|score| *score /= sum);
        }
    }
}

fn softmax_zero<T: Real>(row: &mut [T]) {
    // What counts as zero for onnxruntime too.
    let is_zero = |score: T| score.abs() <= T::from_f32(1e-7);
    let max = greatest(row);
    let mut sum = T::ZERO;
    for score in row.iter_mut() {
        if is_zero(*score) {
            *score = T::ZERO;
        } else {
            *score = (*score - max).quick_exp();
            sum += *score;
        }
    }
    if sum > T::ZERO {
        row.iter_mut().for_each(|score| *score /= sum);
    }
}

/// 1 / (1 + e^-x), without overflow for any x.
#[inline(always)]
pub fn logistic<T: Real>(x: T) -> T {
    let y = T::ONE / (T::ONE + (-x.abs()).quick_exp());
    if x < T::ZERO { T::ONE - y } else { y }
}

/// The quantile of the normal distribution, by the closed approximation of the inverse error
/// function (Winitzki 2008, a = 0.147) that onnxruntime uses too; off by up to 2 in a thousand.
/// Near one half its differences cancel, so all is done in f64.
pub fn probit<T: Real>(p: T) -> T {
    const A: f64 = 0.147;
    let x = 2.0 * p.to_f64() - 1.0;
    let log = ((1.0 - x) * (1.0 + x)).ln();
    let v = 2.0 / (std::f64::consts::PI * A) + 0.5 * log;
    // A clamp leaves NaN, which is what has no quantile, as it is.
    let root = ((v * v - log / A).sqrt() - v).clamp(0.0, f64::INFINITY).sqrt();
    T::from_f64(std::f64::consts::SQRT_2 * root.copysign(x))
}
