//! From logits to probabilities, and which are the highest.

/// What turns a model's raw scores into probabilities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activation {
    /// The model has done it already.
    #[default]
    None,
    Softmax,
    Sigmoid,
}

impl Activation {
    pub const NAMES: [(&'static str, Activation); 3] =
        [("none", Activation::None), ("softmax", Activation::Softmax), ("sigmoid", Activation::Sigmoid)];

    /// Applies it in place.
    pub fn apply(self, scores: &mut [f64]) {
        match self {
            Activation::None => {}
            Activation::Softmax => softmax(scores),
            Activation::Sigmoid => scores.iter_mut().for_each(|score| *score = sigmoid(*score)),
        }
    }
}

/// `scipy.special.softmax` in place; the largest score is taken off first, so that nothing overflows.
pub fn softmax(scores: &mut [f64]) {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = libm::exp(*score - most);
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// `scipy.special.expit`: 1 / (1 + exp(-x)).
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + libm::exp(-x))
    } else {
        // Keeps the digits of small probabilities.
        let power = libm::exp(x);
        power / (1.0 + power)
    }
}

/// The index of the largest score, the first of equal ones as `numpy.argmax`; `None` without scores.
pub fn argmax(scores: &[f64]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (i, score) in scores.iter().enumerate() {
        if best.is_none_or(|(_, most)| *score > most) {
            best = Some((i, *score));
        }
    }
    best.map(|(i, _)| i)
}

/// The indices of the `k` largest scores, the largest first and of equal ones the lower index:
/// `numpy.argsort(-scores, kind="stable")[:k]`.
pub fn top_k(scores: &[f64], k: usize) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..scores.len()).collect();
    indices.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    indices.truncate(k);
    indices
}
