//! LinearClassifier.

use super::weights::Weights;
use crate::trees::{Transform, logistic, probit};

/// A linear model that classifies. Where the ONNX text is open, the reference is onnxruntime 1.32.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearClassifier {
    weights: Weights,
    transform: Transform,
    /// One row of coefficients tells two labels apart: two scores come of one.
    pair: bool,
}

impl LinearClassifier {
    /// `coefficients[class * features + feature]`. There are as many classes as intercepts; without
    /// intercepts as many as labels. The attribute `multi_class` changes nothing.
    ///
    /// # Errors
    /// One sentence when the numbers of coefficients, intercepts and labels don't fit.
    pub fn new(
        coefficients: Vec<f32>,
        mut intercepts: Vec<f32>,
        labels: usize,
        transform: Transform,
    ) -> Result<Self, String> {
        if intercepts.is_empty() && labels <= coefficients.len() {
            intercepts = vec![0.0; labels];
        }
        if intercepts.len() > 1 && intercepts.len() != labels {
            return Err(format!("{} intercepts don't fit {labels} labels", intercepts.len()));
        }
        let pair = intercepts.len() == 1 && labels == 2;
        Ok(LinearClassifier { weights: Weights::new(coefficients, intercepts)?, transform, pair })
    }

    pub fn features(&self) -> usize {
        self.weights.features()
    }

    /// Scores of a row.
    pub fn scores(&self) -> usize {
        if self.pair { 2 } else { self.weights.outputs() }
    }

    /// With one row of coefficients a winner is 1 where the score is positive and else 0, whatever
    /// labels there are.
    pub fn is_single(&self) -> bool {
        self.weights.outputs() == 1
    }

    /// Classifies rows of `features()`: the index of each row's label, and `scores()` a row.
    pub fn run(&self, rows: &[f32], winners: &mut Vec<u32>, scores: &mut Vec<f32>) {
        winners.clear();
        scores.clear();
        self.weights.run(rows, scores);
        if self.is_single() {
            winners.extend(scores.iter().map(|&score| u32::from(score > 0.0)));
            if self.transform == Transform::Probit {
                scores.iter_mut().for_each(|score| *score = probit(*score));
            }
            if self.pair {
                self.to_pairs(scores);
            }
            return;
        }
        for row in scores.chunks_exact(self.weights.outputs()) {
            let mut best = 0;
            for (class, &score) in row.iter().enumerate().skip(1) {
                if score > row[best] {
                    best = class;
                }
            }
            winners.push(best as u32);
        }
        self.transform.apply(scores, self.weights.outputs());
    }

    /// Makes two scores of each, from the end so that none is overwritten.
    fn to_pairs(&self, scores: &mut Vec<f32>) {
        let rows = scores.len();
        scores.resize(rows * 2, 0.0);
        for row in (0..rows).rev() {
            let score = scores[row];
            scores[row * 2..][..2].copy_from_slice(&match self.transform {
                Transform::Probit => [-score, score],
                Transform::Logistic => [logistic(-score), logistic(score)],
                _ => [1.0 - score, score],
            });
        }
    }
}
