//! Non-maximum suppression: of boxes that overlap, the surest stays.

use super::{Detection, iou};

/// Most boxes that are compared, the surest first: a bound on the work a model's answer can cause.
pub const MAX_CANDIDATES: usize = 30_000;

/// What is left of a model's boxes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suppression {
    /// A box must be surer than this.
    pub score_threshold: f32,
    /// A box that overlaps a surer one by more than this goes; `None` keeps them all.
    pub iou_threshold: Option<f64>,
    /// Boxes of different classes suppress one another too.
    pub class_agnostic: bool,
    /// Most boxes that stay, over all classes.
    pub max_detections: usize,
}

impl Suppression {
    /// The boxes that stay, the surest first and of equal ones the earlier: greedy, as
    /// `torchvision.ops.nms` (and `batched_nms` by class), `NMSBoxes` of OpenCV and
    /// `NonMaxSuppression` of ONNX choose.
    pub fn apply(&self, mut boxes: Vec<Detection>) -> Vec<Detection> {
        boxes.retain(|found| found.score > self.score_threshold);
        boxes.sort_by(|a, b| b.score.total_cmp(&a.score));
        boxes.truncate(MAX_CANDIDATES);
        let Some(threshold) = self.iou_threshold else {
            boxes.truncate(self.max_detections);
            return boxes;
        };
        let mut kept: Vec<Detection> = Vec::new();
        for candidate in boxes {
            if kept.len() >= self.max_detections {
                break;
            }
            let rivals = kept.iter().filter(|rival| self.class_agnostic || rival.class == candidate.class);
            if rivals.map(|rival| iou(&rival.corners, &candidate.corners)).all(|iou| iou <= threshold) {
                kept.push(candidate);
            }
        }
        kept
    }
}
