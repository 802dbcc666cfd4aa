//! What an ONNX file is: the bytes read within their limit, looked at, decoded, external data found.
//! Knows nothing of running it.

pub(super) mod external;
pub(super) mod file;
pub(super) mod model;
pub(super) mod parameters;
pub(super) mod proto;
pub(super) mod wire;

/// The newest operator set there was when this was written. A later one may give an operator another
/// meaning, and then a model would run and answer wrong.
pub(super) const NEWEST_OPSET: i64 = 28;
