//! Reading what is declared of a model's free dimensions: `sizes` and `batch_axis`.

use crate::settings::{Section, Value};

/// Largest length that can be declared.
const MAX_LENGTH: u64 = 1 << 40;

/// What is declared of one free dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeSpec {
    /// By the model's name for it, or as `input.axis`.
    pub name: String,
    pub length: Length,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    Is(usize),
    /// Each unit has its own, up to this.
    AtMost(usize),
}

/// Whether the first axis is that of the units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BatchAxis {
    /// Where the model's rows don't depend on one another.
    #[default]
    Auto,
    /// It is a dimension like others.
    None,
}

impl BatchAxis {
    pub const NAMES: [(&'static str, BatchAxis); 2] = [("auto", BatchAxis::Auto), ("none", BatchAxis::None)];
}

/// Reads `sizes` and `batch_axis` below `section`: a bundle's `[model]`, or a pipeline.
pub fn read_sizes(section: &Section<'_>) -> (Vec<SizeSpec>, BatchAxis) {
    let batch_axis = section.choice_or("batch_axis", "auto", &BatchAxis::NAMES);
    let table = section.section("sizes");
    let length = |section: &Section<'_>, key: &str| {
        section.integer(key, 1..=MAX_LENGTH).and_then(|length| usize::try_from(length).ok())
    };
    let read = |name: String| {
        let length = match table.any(&name).map(|node| &node.value) {
            Some(Value::Table(_)) => {
                let inner = table.section(&name);
                if !inner.has("max") {
                    inner.fault("max", "is missing: the longest that a message may bring");
                }
                let most = length(&inner, "max").map(Length::AtMost);
                inner.finish();
                most
            }
            _ => length(&table, &name).map(Length::Is),
        };
        length.map(|length| SizeSpec { name, length })
    };
    let sizes = table.names().into_iter().filter_map(read).collect();
    (sizes, batch_axis)
}
