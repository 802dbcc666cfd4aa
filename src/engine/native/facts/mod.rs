//! What can be known of a value before it is there, and what a rule is given of it. How a graph is gone
//! through is the business of `infer`.

mod fact;
pub mod given;
pub mod kinds;
mod pass;
mod symbols;

pub use fact::{Contents, Dims, Fact, TensorFact};
pub use given::{Facts, Given, Input, Rule};
pub use kinds::Kinds;
pub use pass::{Pass, is_name};
pub use symbols::{Dim, Symbols};
