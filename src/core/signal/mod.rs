//! Series and spectra: what stands between sensor readings and a model's input.
//!
//! Pure numbers: f64 slices in, f64 into the caller's buffers, no IO, no clock, no state but what a
//! caller holds. What is costly and always the same (FFT plans, tapers, mel filters) is prepared once
//! in a plan; a plan's own scratch is reused from call to call. Each function names the library
//! function it agrees with; `tests/golden/` writes the values it is held against.
//!
//! Lengths that don't fit are a bug of the caller. Parameters come from outside and are checked:
//! [`BadParameter`].

pub mod series;
pub mod spectra;

use std::fmt;

/// A parameter that nothing can be made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadParameter {
    /// As it is called in a declaration.
    pub name: &'static str,
    pub reason: String,
}

impl BadParameter {
    pub fn new(name: &'static str, reason: impl Into<String>) -> Self {
        BadParameter { name, reason: reason.into() }
    }
}

impl fmt::Display for BadParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.reason)
    }
}

impl std::error::Error for BadParameter {}
