//! tract's errors in one short line.

use crate::contain::shorten;

/// An error with its causes, on one line.
pub(super) fn reason(error: &tract_onnx::tract_hir::internal::TractError) -> String {
    let chain: Vec<_> = error.chain().map(ToString::to_string).collect();
    shorten(&chain.join(": "))
}
