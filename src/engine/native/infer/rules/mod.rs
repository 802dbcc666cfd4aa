//! What operators make of what they are given: rules that many share, and a file a family for the others.
//!
//! A rule faults only where every run would. It reads attributes as the operator's `prepare` does, and
//! shares its geometry where that is a function of its own.

pub mod arithmetic;
pub mod attention;
pub mod classical;
pub mod control;
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

    pub use super::super::{
        Dim, Dims, Fact, Facts, Given, Kinds, Rule, Symbols,
        given::{chosen, lengths, one, rule, tensor, unknown},
        kinds::{ANY, BOOL, FACTORS, FEATURES, FLOATS, INDICES, NUMBERS, TEXT},
    };
    pub(crate) use crate::native::fault::fault;
    pub use crate::native::{fault::Fault, graph::Node, kernels::shape::axis as checked_axis, value::Kind};
}

pub use super::kinds;

use self::prelude::*;
use super::Reads;

/// What is known of an operator's outputs.
pub enum Infer {
    Nothing,
    /// The first has the type and the shape of input 0.
    Same(Kinds),
    /// The first has the shape of input 0, and always this type.
    Shaped(Kinds, Kind),
    /// All inputs of one type, broadcast to one shape.
    Broadcast(Kinds),
    /// As that, and the answer is a truth value.
    Compare(Kinds),
    /// Worked out by a rule of its own.
    Rule(Reads),
}

impl Infer {
    /// The rule for a node that has been prepared.
    pub fn rule(&self, node: &Node<'_>) -> Option<Rule> {
        let rule = match *self {
            Infer::Nothing => return None,
            Infer::Same(kinds) => rule(move |given| {
                let kind = given.kind(0, kinds)?;
                tensor(kind, given.shape(0)?)
            }),
            Infer::Shaped(kinds, kind) => rule(move |given| {
                given.kind(0, kinds)?;
                tensor(kind, given.shape(0)?)
            }),
            Infer::Broadcast(kinds) => rule(move |given| {
                // Alone, whatever it is goes through.
                let kinds = if given.len() == 1 { ANY } else { kinds };
                let kind = given.common(0..given.len(), kinds)?;
                tensor(kind, given.together(0..given.len())?)
            }),
            Infer::Compare(kinds) => rule(move |given| {
                given.common(0..2, kinds)?;
                tensor(Kind::Bool, given.together(0..2)?)
            }),
            Infer::Rule(reads) => reads(node),
        };
        // What it lacks here, the operator's own preparation has refused already, or does not need.
        rule.ok()
    }
}
