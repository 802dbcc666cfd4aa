//! What a pass over a graph keeps in mind: symbols, and how much more it may do and keep.

use std::sync::{Arc, OnceLock};

use super::{Dim, Fact, Symbols, TensorFact};
use crate::native::{
    fault::{Fault, fault},
    value::Type,
};

/// Steps gone through, bodies again and again included, for each step of the model.
const PASSES: usize = 8;
/// Dimensions and elements kept, for each step of the model.
const KEPT: usize = 64;

/// Where what is known of a body's values stands, once it is.
pub type FactsOfBody = Arc<OnceLock<Vec<Fact>>>;

/// Where a pass is.
pub struct Pass {
    pub symbols: Symbols,
    /// Steps of bodies that may still be gone through.
    pub left: usize,
    /// Dimensions that may still be kept.
    room: usize,
    /// In the body of a control-flow operator.
    pub inside: bool,
    /// What is found is final: not a turn of a loop whose facts may still change.
    pub final_turn: bool,
    /// Where the facts of bodies go, with these.
    pub bodies: Vec<(FactsOfBody, Vec<Fact>)>,
}

/// Names that stand for no one dimension: exporters write them for all that are free.
pub fn is_name(name: &str) -> bool {
    !matches!(name, "" | "?" | "None" | "none" | "-1" | "unk" | "unknown")
}

impl Pass {
    /// For a model of `steps` steps, those of bodies counted.
    pub fn new(steps: usize) -> Self {
        Pass {
            symbols: Symbols::default(),
            left: steps.saturating_mul(PASSES),
            room: steps.saturating_mul(KEPT),
            inside: false,
            final_turn: true,
            bodies: vec![],
        }
    }

    /// An input of the whole model, which has the declared shape or is refused. A free dimension that
    /// has a name is at least one.
    pub fn input(&mut self, ty: &Type) -> Fact {
        let symbols = &mut self.symbols;
        // The items of a sequence may each have lengths of their own.
        let is_tensor = matches!(ty, Type::Tensor { .. });
        Fact::declared(ty, &mut |name| match is_tensor {
            true if is_name(name) => symbols.named(name, 1),
            true => symbols.fresh(),
            false => Dim::Unknown,
        })
    }

    /// A fact as it is kept: what is not known of a shape gets a symbol of its own.
    pub fn kept(&mut self, mut fact: Fact) -> Fact {
        let Some(room) = self.room.checked_sub(fact.size()) else { return fact.without_shapes() };
        self.room = room;
        if let Fact::Tensor(tensor) = &mut fact {
            tensor.complete();
        }
        if let Fact::Tensor(TensorFact { shape: Some(dims), .. }) = &mut fact {
            for dim in dims.iter_mut().filter(|dim| **dim == Dim::Unknown) {
                *dim = self.symbols.fresh();
            }
        }
        fact
    }

    /// What is known of a value, held against the type that the file declares of it.
    pub fn declared(&self, fact: Fact, ty: &Type) -> Result<Fact, Fault> {
        let claim = Fact::declared(ty, &mut |_| Dim::Unknown).without_shapes();
        let met = met(fact.clone(), claim);
        if self.inside { Ok(met.unwrap_or(fact)) } else { met }
    }
}

/// What is inferred, with a declared type where none is known.
fn met(fact: Fact, claim: Fact) -> Result<Fact, Fault> {
    Ok(match (fact, claim) {
        (Fact::Unknown, claim) => claim,
        (fact, Fact::Unknown) => fact,
        (Fact::Tensor(own), Fact::Tensor(claim)) => {
            if let (Some(kind), Some(other)) = (own.kind, claim.kind)
                && kind != other
            {
                return Err(fault!("is declared as {other}, and is {kind}"));
            }
            Fact::Tensor(TensorFact { kind: own.kind.or(claim.kind), ..own })
        }
        (Fact::Sequence(own), Fact::Sequence(claim)) => Fact::Sequence(Box::new(met(*own, *claim)?)),
        (Fact::Optional(own), Fact::Optional(claim)) => Fact::Optional(Box::new(met(*own, *claim)?)),
        (Fact::Map(key, own), Fact::Map(other, claim)) if key == other => {
            Fact::Map(key, Box::new(met(*own, *claim)?))
        }
        // What may be left out and is there.
        (own, Fact::Optional(claim)) => met(own, *claim)?,
        (own, claim) => return Err(fault!("is declared as {}, and is {}", claim.sort(), own.sort())),
    })
}
