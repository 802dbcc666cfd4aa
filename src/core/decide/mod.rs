//! What is made of a model's answer, pure: numbers in, plain structs out. Knows nothing of tensors'
//! names, verdicts or sources; what has a memory is a struct that the caller keeps.
//!
//! `tests/golden/decisions.py` writes what NumPy, SciPy, scikit-learn, OpenCV and ONNX Runtime give.

mod anomaly;
mod boxes;
mod calibrate;
mod ctc;
mod given;
mod hold;
mod nms;
mod scores;
mod smooth;
mod ssd;
mod yolo;

pub use anomaly::{Anomaly, Reduce};
pub use boxes::{Canvas, Detection, Order, iou};
pub use calibrate::{Calibration, Isotonic};
pub use ctc::{Ctc, Text};
pub use given::Given;
pub use hold::{Held, HoldRule};
pub use nms::{MAX_CANDIDATES, Suppression};
pub use scores::{Activation, argmax, sigmoid, softmax, top_k};
pub use smooth::{ExponentialMean, Majority};
pub use ssd::Ssd;
pub use yolo::{Yolo, YoloFamily};
