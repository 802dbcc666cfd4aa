//! Boxes: their corners, and how much two of them overlap.

/// An object found: its class, how sure the model is, and its corners x1, y1, x2, y2 in pixels of the
/// canvas the model was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    pub class: usize,
    pub score: f32,
    pub corners: [f64; 4],
}

/// The size of the canvas, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canvas {
    pub width: usize,
    pub height: usize,
}

/// What a model's four numbers of a box are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Two corners: torchvision, ONNX.
    #[default]
    Xyxy,
    /// Two corners, rows first: TensorFlow.
    Yxyx,
    /// Centre and size: YOLO.
    Xywh,
    /// Centre and size, rows first: TensorFlow's anchors.
    Yxhw,
    /// Upper left corner and size: COCO, OpenCV.
    CornerSize,
}

impl Order {
    pub const NAMES: [(&'static str, Order); 5] = [
        ("xyxy", Order::Xyxy),
        ("yxyx", Order::Yxyx),
        ("xywh", Order::Xywh),
        ("yxhw", Order::Yxhw),
        ("corner_size", Order::CornerSize),
    ];

    /// The corners x1, y1, x2, y2.
    pub fn corners(self, [a, b, c, d]: [f64; 4]) -> [f64; 4] {
        match self {
            Order::Xyxy => [a, b, c, d],
            Order::Yxyx => [b, a, d, c],
            Order::Xywh => [a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0],
            Order::Yxhw => [b - d / 2.0, a - c / 2.0, b + d / 2.0, a + c / 2.0],
            Order::CornerSize => [a, b, a + c, b + d],
        }
    }
}

impl Canvas {
    /// Corners as shares of the canvas brought to pixels.
    pub fn pixels(self, [x1, y1, x2, y2]: [f64; 4]) -> [f64; 4] {
        let (width, height) = (self.width as f64, self.height as f64);
        [x1 * width, y1 * height, x2 * width, y2 * height]
    }
}

/// Four numbers of a row.
pub(super) fn four(row: &[f32]) -> Option<[f64; 4]> {
    let four = row.get(..4)?;
    Some(std::array::from_fn(|i| f64::from(four[i])))
}

/// Intersection over union; 0 where one has no area.
pub fn iou(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    let area = |[x1, y1, x2, y2]: &[f64; 4]| (x2 - x1) * (y2 - y1);
    let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    let common = width * height;
    let union = area(a) + area(b) - common;
    if common > 0.0 && union > 0.0 { common / union } else { 0.0 }
}
