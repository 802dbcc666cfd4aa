//! The table of operators, its types: what a line of it says. The lines stand with the operators (`ops`).

use super::{
    attributes::Node,
    exec::Op,
    facts::{
        Kinds, Rule,
        given::{rule, tensor},
        kinds::ANY,
    },
    fault::Fault,
    value::Kind,
};

/// Reads a node's attributes for its rule, as the operator's `prepare` does.
pub type Reads = fn(&Node<'_>) -> Result<Rule, Fault>;

/// One operator of the table.
pub struct Entry {
    /// Empty for ONNX's own.
    pub domain: &'static str,
    pub name: &'static str,
    /// The versions of the operator set in which its meaning changed, ascending: all of them are
    /// covered. A model for an older set than the first is refused.
    pub since: &'static [i64],
    /// What `model inspect` says of it: what is approximated, or differs from the specification.
    pub note: Option<&'static str>,
    /// Not the same in every run for the same inputs: random numbers.
    pub varies: bool,
    pub prepare: fn(&Node<'_>) -> Result<Op, Fault>,
    /// What is known of its outputs before a run.
    pub infer: Infer,
}

/// An operator of ONNX's own set.
pub const fn onnx(
    name: &'static str,
    since: &'static [i64],
    prepare: fn(&Node<'_>) -> Result<Op, Fault>,
) -> Entry {
    Entry { domain: "", name, since, note: None, varies: false, prepare, infer: Infer::Nothing }
}

/// An operator of `ai.onnx.ml`.
pub const fn ml(
    name: &'static str,
    since: &'static [i64],
    prepare: fn(&Node<'_>) -> Result<Op, Fault>,
) -> Entry {
    Entry { domain: "ai.onnx.ml", name, since, note: None, varies: false, prepare, infer: Infer::Nothing }
}

/// An operator that only ONNX Runtime has.
pub const fn contrib(name: &'static str, prepare: fn(&Node<'_>) -> Result<Op, Fault>) -> Entry {
    Entry {
        domain: "com.microsoft",
        name,
        since: &[1],
        note: None,
        varies: false,
        prepare,
        infer: Infer::Nothing,
    }
}

impl Entry {
    /// An operator that draws random numbers.
    pub const fn varying(self) -> Entry {
        Entry { varies: true, ..self }
    }

    /// An operator of whose outputs something is known beforehand.
    pub const fn infers(self, infer: Infer) -> Entry {
        Entry { infer, ..self }
    }
}

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
