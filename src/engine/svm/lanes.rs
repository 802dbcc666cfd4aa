//! How many numbers are computed side by side.

/// Vectors computed side by side: two registers of the least vector unit of x86-64 and Arm64.
pub(super) const LANES: usize = 8;
/// Rows computed side by side, so that a loaded vector is used more than once.
pub(super) const ROWS: usize = 4;
