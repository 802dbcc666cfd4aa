//! Free dimensions: [`known`] settles what a declaration and the model tell of them, [`told`] the rest with each
//! message.

mod known;
mod told;

pub(super) use known::Sizing;

/// One axis of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Fixed(usize),
    /// As long as each unit says: an index into the plan's sizes.
    Free(usize),
}

impl Axis {
    /// Its length, with these lengths of the free ones.
    pub fn len(self, lengths: &[usize]) -> usize {
        match self {
            Axis::Fixed(n) => n,
            Axis::Free(size) => lengths[size],
        }
    }
}

/// A free dimension whose length each unit brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Size {
    /// By the model's name for it.
    pub name: String,
    /// The longest it may be.
    pub max: usize,
    /// The first axis of a model whose rows are no units: one, where a message has no axis for it.
    pub is_first: bool,
}
