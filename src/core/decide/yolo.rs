//! The boxes in the answers of the YOLO families, as their exports to ONNX give them.

use super::{Canvas, Detection, Order, boxes::four};

/// What an answer looks like; `N` boxes, `C` classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YoloFamily {
    /// v5 and v7: `[N, 5 + C]`, centre and size, objectness, classes; a score is their product.
    V5,
    /// v8, v9, v11, v12, without objectness: `[4 + C, N]`, centre and size, classes.
    V8,
    /// v10 and other end-to-end models: `[N, 6]`, corners, score, class; nothing to suppress.
    V10,
    /// YOLOX before its grid is added: `[N, 5 + C]` over strides of 8, 16 and 32 pixels.
    X,
}

/// Reads the boxes of one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Yolo {
    pub family: YoloFamily,
    /// Coordinates are shares of the canvas, not pixels.
    pub normalised: bool,
    /// Boxes below are not even listed.
    pub score_threshold: f32,
}

/// The strides of YOLOX in the order of its boxes, in pixels.
const STRIDES: [usize; 3] = [8, 16, 32];

impl Yolo {
    /// The boxes of `values`, a row-major `[rows, columns]`.
    ///
    /// # Errors
    /// What does not fit the family.
    pub fn boxes(
        &self,
        values: &[f32],
        (rows, columns): (usize, usize),
        classes: Option<usize>,
        canvas: Canvas,
    ) -> Result<Vec<Detection>, String> {
        if rows.checked_mul(columns) != Some(values.len()) {
            return Err(format!("{} numbers are not {rows} by {columns}", values.len()));
        }
        let before = match self.family {
            YoloFamily::V5 | YoloFamily::X => 5,
            YoloFamily::V8 => 4,
            YoloFamily::V10 => 6,
        };
        // Exports differ in which dimension counts the boxes.
        let wanted = if self.family == YoloFamily::V10 { Some(6) } else { classes.map(|c| c + before) };
        let across = match wanted {
            Some(wanted) if columns == wanted => false,
            Some(wanted) if rows == wanted => true,
            Some(wanted) => {
                return Err(format!(
                    "[{rows}, {columns}] has no dimension of {wanted}, the numbers of a box"
                ));
            }
            None => rows < columns,
        };
        let (boxes, numbers) = if across { (columns, rows) } else { (rows, columns) };
        if numbers < before || (numbers == before && self.family != YoloFamily::V10) {
            return Err(format!("a box has {numbers} numbers, needs more than {before}"));
        }
        let at = |index: usize, number: usize| {
            if across { values[number * columns + index] } else { values[index * columns + number] }
        };
        let cells = if self.family == YoloFamily::X { grid(canvas, boxes)? } else { Vec::new() };
        let mut found = Vec::new();
        for index in 0..boxes {
            let Some((class, score)) = self.class(index, numbers, at) else { continue };
            let Some(numbers) = four(&[at(index, 0), at(index, 1), at(index, 2), at(index, 3)]) else {
                continue;
            };
            let numbers = match cells.get(index) {
                Some([x, y, stride]) => [
                    (numbers[0] + x) * stride,
                    (numbers[1] + y) * stride,
                    libm::exp(numbers[2]) * stride,
                    libm::exp(numbers[3]) * stride,
                ],
                None => numbers,
            };
            let order = if self.family == YoloFamily::V10 { Order::Xyxy } else { Order::Xywh };
            let corners = order.corners(numbers);
            let corners = if self.normalised { canvas.pixels(corners) } else { corners };
            found.push(Detection { class, score, corners });
        }
        Ok(found)
    }

    /// The class of a box and its score, if it is above the threshold.
    fn class(&self, index: usize, numbers: usize, at: impl Fn(usize, usize) -> f32) -> Option<(usize, f32)> {
        let (first, objectness) = match self.family {
            YoloFamily::V10 => {
                let (score, class) = (at(index, 4), at(index, 5));
                // A class is a whole number told as a float; `as` saturates.
                return (score > self.score_threshold && class >= 0.0).then_some((class as usize, score));
            }
            YoloFamily::V8 => (4, 1.0),
            YoloFamily::V5 | YoloFamily::X => (5, at(index, 4)),
        };
        if objectness <= self.score_threshold {
            return None;
        }
        let mut best = (0, f32::NEG_INFINITY);
        for class in 0..numbers - first {
            let score = at(index, first + class);
            if score > best.1 {
                best = (class, score);
            }
        }
        let score = best.1 * objectness;
        (score > self.score_threshold).then_some((best.0, score))
    }
}

/// Column, row and stride of each of YOLOX's boxes.
fn grid(canvas: Canvas, boxes: usize) -> Result<Vec<[f64; 3]>, String> {
    let cells = |stride: usize| (canvas.width / stride) * (canvas.height / stride);
    let expected: usize = STRIDES.into_iter().map(cells).sum();
    if expected != boxes {
        let (width, height) = (canvas.width, canvas.height);
        return Err(format!("{boxes} boxes; strides of 8, 16 and 32 on {width}x{height} give {expected}"));
    }
    let level = |stride: usize| {
        let (columns, rows) = (canvas.width / stride, canvas.height / stride);
        (0..rows).flat_map(move |y| (0..columns).map(move |x| [x as f64, y as f64, stride as f64]))
    };
    Ok(STRIDES.into_iter().flat_map(level).collect())
}
