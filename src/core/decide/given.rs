//! Models that give boxes, scores and classes themselves.

use super::{Activation, Canvas, Detection, Order, boxes::four};

/// Reads the boxes of one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Given {
    pub order: Order,
    /// Coordinates are shares of the canvas, not pixels.
    pub normalised: bool,
    pub activation: Activation,
    /// The class that means nothing is there.
    pub background: Option<usize>,
    pub score_threshold: f32,
}

impl Given {
    /// The boxes of `boxes` `[N, 4]`: with `classes` `[N]` one score a box, without them `scores` is
    /// `[N, C]` and a box is given for every class above the threshold. `count` of the `N` are valid
    /// (all without it).
    ///
    /// # Errors
    /// When the numbers of boxes differ.
    pub fn boxes(
        &self,
        boxes: &[f32],
        scores: &[f32],
        classes: Option<&[f64]>,
        count: Option<usize>,
        canvas: Canvas,
    ) -> Result<Vec<Detection>, String> {
        let all = boxes.len() / 4;
        let matching = match classes {
            Some(classes) => scores.len() == all && classes.len() == all,
            None => all == 0 || scores.len().is_multiple_of(all),
        };
        if !boxes.len().is_multiple_of(4) || !matching {
            let classes = classes.map_or(0, <[f64]>::len);
            return Err(format!(
                "{} numbers of boxes, {} scores and {classes} classes don't go together",
                boxes.len(),
                scores.len()
            ));
        }
        let per_box = scores.len().checked_div(all).unwrap_or(0);
        let mut found = Vec::new();
        let mut row = Vec::new();
        for index in 0..all.min(count.unwrap_or(all)) {
            let Some(numbers) = four(&boxes[index * 4..]) else { continue };
            let corners = self.order.corners(numbers);
            let corners = if self.normalised { canvas.pixels(corners) } else { corners };
            row.clear();
            row.extend(scores[index * per_box..(index + 1) * per_box].iter().map(|score| f64::from(*score)));
            self.activation.apply(&mut row);
            for (column, score) in row.iter().enumerate() {
                // A class may be told as a float; `as` saturates.
                let class = classes.map_or(column, |classes| classes[index].max(0.0) as usize);
                let score = *score as f32;
                if Some(class) != self.background && score > self.score_threshold {
                    found.push(Detection { class, score, corners });
                }
            }
        }
        Ok(found)
    }
}
