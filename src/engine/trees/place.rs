//! Where trees and nodes stand in what is laid out.

/// Where a tree begins, and how deep it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tree {
    pub root: u32,
    pub depth: u32,
}

/// # Errors
/// More than 32 bits can count.
pub(super) fn index_u32(index: usize) -> Result<u32, String> {
    u32::try_from(index).map_err(|_| "it has more nodes or votes than 32 bits can count".into())
}
