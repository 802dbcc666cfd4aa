//! The boxes in the answers of SSD models: differences from priors (anchors), and class scores.

use super::{Activation, Canvas, Detection, Order, boxes::four};

/// Reads the boxes of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Ssd {
    /// What the differences and priors are: [`Order::Xywh`] (Caffe, PyTorch) or [`Order::Yxhw`]
    /// (TensorFlow).
    pub order: Order,
    /// What each difference is multiplied with: 0.1, 0.1, 0.2, 0.2 nearly everywhere (TensorFlow's
    /// scale factors 10, 10, 5, 5 are their reciprocals).
    pub variances: [f64; 4],
    /// Priors and boxes are shares of the canvas, not pixels.
    pub normalised: bool,
    pub activation: Activation,
    /// The class that means nothing is there.
    pub background: Option<usize>,
    pub score_threshold: f32,
}

impl Ssd {
    /// The boxes: `centre = prior's centre + difference * variance * prior's size` and
    /// `size = prior's size * exp(difference * variance)`. `differences` and `priors` are `[N, 4]`, `scores` `[N, classes]`.
    /// A prior gives a box for every class above the threshold.
    ///
    /// # Errors
    /// When the numbers of boxes differ.
    pub fn boxes(
        &self,
        differences: &[f32],
        scores: &[f32],
        priors: &[f32],
        canvas: Canvas,
    ) -> Result<Vec<Detection>, String> {
        let count = priors.len() / 4;
        if differences.len() != priors.len() || count == 0 || !scores.len().is_multiple_of(count) {
            return Err(format!(
                "{} numbers of boxes and {} scores for {count} priors",
                differences.len(),
                scores.len()
            ));
        }
        let classes = scores.len() / count;
        let mut found = Vec::new();
        let mut row = Vec::with_capacity(classes);
        for (index, scores) in scores.chunks_exact(classes.max(1)).enumerate() {
            row.clear();
            row.extend(scores.iter().map(|score| f64::from(*score)));
            self.activation.apply(&mut row);
            for (class, score) in row.iter().enumerate() {
                let score = *score as f32;
                if Some(class) == self.background || score <= self.score_threshold {
                    continue;
                }
                let box_of = || self.corners(&differences[index * 4..], &priors[index * 4..], canvas);
                let Some(corners) = box_of() else { continue };
                found.push(Detection { class, score, corners });
            }
        }
        Ok(found)
    }

    fn corners(&self, difference: &[f32], prior: &[f32], canvas: Canvas) -> Option<[f64; 4]> {
        let (difference, prior) = (four(difference)?, four(prior)?);
        let scaled: [f64; 4] = std::array::from_fn(|i| difference[i] * self.variances[i]);
        let corners = self.order.corners([
            prior[0] + scaled[0] * prior[2],
            prior[1] + scaled[1] * prior[3],
            prior[2] * libm::exp(scaled[2]),
            prior[3] * libm::exp(scaled[3]),
        ]);
        Some(if self.normalised { canvas.pixels(corners) } else { corners })
    }
}
