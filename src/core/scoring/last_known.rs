//! The last value of a field, for readings that lack it.

/// The last value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LastKnown {
    pub value: f64,
    /// The token of the message that brought it; none until it is known.
    pub from: Option<u64>,
}

impl LastKnown {
    pub fn new(value: f64) -> Self {
        LastKnown { value, from: None }
    }
}
