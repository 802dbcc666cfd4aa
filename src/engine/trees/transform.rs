//! What becomes of a row's scores: the attribute `post_transform`.

/// See TreeEnsembleClassifier in `onnx/docs/Operators-ml.md`. PROBIT is refused at load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    None,
    Softmax,
    /// A softmax in which scores of zero stay zero.
    SoftmaxZero,
    Logistic,
}

impl Transform {
    pub(super) fn apply(self, scores: &mut [f32]) {
        match self {
            Transform::None => {}
            Transform::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
            Transform::Softmax | Transform::SoftmaxZero => self.softmax(scores),
        }
    }

    fn softmax(self, scores: &mut [f32]) {
        // What counts as zero for onnxruntime too.
        let is_zero = |score: f32| self == Transform::SoftmaxZero && score.abs() <= 1e-7;
        let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for score in scores.iter_mut() {
            if is_zero(*score) {
                *score = 0.0;
            } else {
                *score = (*score - max).exp();
                sum += *score;
            }
        }
        if sum > 0.0 {
            scores.iter_mut().for_each(|score| *score /= sum);
        }
    }
}

/// 1 / (1 + e^-x), without overflow for any x.
pub(super) fn logistic(x: f32) -> f32 {
    let y = 1.0 / (1.0 + (-x.abs()).exp());
    if x < 0.0 { 1.0 - y } else { y }
}
