//! What operators make of what they are given: rules that many share, and a file a family for the others.
//!
//! A rule faults only where every run would. It reads attributes as the operator's `prepare` does; where
//! that is more than a word or two, both read them by the same code in `attributes`.

pub mod arithmetic;
pub mod attention;
pub mod classical;
pub mod control;
pub mod fused;
pub mod gather;
pub mod make;
pub mod matrix;
pub mod movement;
pub mod quantised;
pub mod reduce;
pub mod sequence;
pub mod shape;
pub mod text;
pub mod vision;
pub mod window;

/// What rules are written with.
mod prelude {
    pub use smallvec::smallvec;

    pub use crate::native::facts::{
        Dim, Dims, Fact, Facts, Given, Kinds, Rule, Symbols,
        given::{chosen, lengths, one, rule, tensor, unknown},
        kinds::{ANY, BOOL, FACTORS, FEATURES, FLOATS, INDICES, NUMBERS, TEXT},
    };
    pub(crate) use crate::native::fault::fault;
    pub use crate::native::{
        attributes::Node, fault::Fault, kernels::shape::axis as checked_axis, value::Kind,
    };
}
