//! Operators whose attributes are graphs: what their bodies make, gone through with what is known.

use std::ops::Range;

use super::prelude::*;
use crate::native::{graph::Subgraph, value::Type};

/// A graph, and which of the step's captures are its own.
struct Body {
    graph: Subgraph,
    captures: Range<usize>,
}

impl Body {
    fn of(node: &Node<'_>, attribute: &str) -> Result<Self, Fault> {
        let (graph, captures) = node.graph(attribute)?;
        Ok(Body { graph, captures })
    }

    /// What it makes of `inputs`: true of every turn for whose inputs these are true.
    fn turn(&self, given: &mut Given<'_>, inputs: Vec<Fact>) -> Vec<Fact> {
        let captures = given.captures.get(self.captures.clone()).unwrap_or_default().to_vec();
        given.pass.body(&self.graph, inputs, captures)
    }

    fn wants_vector(&self, index: usize) -> bool {
        let ty = self.graph.inputs.get(index).map(|port| &port.ty);
        matches!(ty, Some(Type::Tensor { axes: Some(axes), .. }) if axes.len() == 1)
    }
}

/// Turns before what goes from turn to turn is given up.
const TURNS: usize = 3;

/// What is true of states in every turn, and what the body makes then. `turn` gives all outputs, of which
/// `next` are the next states.
fn settled(
    given: &mut Given<'_>,
    first: Vec<Fact>,
    next: Range<usize>,
    turn: impl Fn(&mut Given<'_>, &[Fact]) -> Vec<Fact>,
) -> (Vec<Fact>, Vec<Fact>) {
    let is_final = std::mem::replace(&mut given.pass.final_turn, false);
    let mut states = first;
    let mut stable = states.is_empty();
    for _ in 0..TURNS {
        if stable {
            break;
        }
        let made = turn(given, &states);
        let made = made.get(next.clone()).unwrap_or_default();
        let joined: Vec<Fact> = (states.iter().enumerate())
            .map(|(at, state)| state.clone().join(made.get(at).unwrap_or(&Fact::Unknown)))
            .collect();
        stable = joined == states;
        states = joined;
    }
    if !stable {
        states.iter_mut().for_each(|state| *state = Fact::Unknown);
    }
    given.pass.final_turn = is_final;
    let made = turn(given, &states);
    (states, made)
}

/// `If`: what both graphs make, or the one that is certain to be run.
pub fn branch(node: &Node<'_>) -> Result<Rule, Fault> {
    let (yes, no) = (Body::of(node, "then_branch")?, Body::of(node, "else_branch")?);
    rule(move |given| {
        given.kind(0, BOOL)?;
        let holds = given.integers(0)?.and_then(|holds| holds.first().copied()).and_then(Dim::number);
        let (made, other) = (yes.turn(given, vec![]), no.turn(given, vec![]));
        Ok(match holds {
            Some(0) => other.into(),
            Some(_) => made.into(),
            None => made.into_iter().zip(&other).map(|(made, other)| made.join(other)).collect(),
        })
    })
}

/// What the turns of a loop give for one output, one behind the other. Without a turn it is what
/// `control::body` makes then.
fn stacked(fact: &Fact, declared: Option<&Type>, count: Dim, certain: bool, axis: i64) -> Fact {
    let Fact::Tensor(each) = fact else { return Fact::tensor(None, None) };
    let axes = match declared {
        Some(Type::Tensor { kind, axes }) if !certain => {
            Some((*kind, axes.as_deref().unwrap_or_default().len()))
        }
        _ => None,
    };
    let kind =
        if certain { each.kind } else { each.kind.filter(|kind| axes.is_some_and(|(own, _)| own == *kind)) };
    let shape =
        each.shape.as_ref().filter(|shape| certain || axes.is_some_and(|(_, rank)| rank == shape.len()));
    let stacked = shape.and_then(|shape| {
        let axis = checked_axis(axis, shape.len() + 1).ok()?;
        let mut shape: Dims = shape.clone();
        if !certain {
            // Free dimensions of nothing are zero.
            shape.iter_mut().for_each(|dim| *dim = Dim::Unknown);
        }
        shape.insert(axis, count);
        Some(shape)
    });
    Fact::tensor(kind, stacked)
}

pub fn repeat(node: &Node<'_>) -> Result<Rule, Fault> {
    let body = Body::of(node, "body")?;
    let carried = node.inputs.len().saturating_sub(2);
    rule(move |given| {
        let trips = if given.has(0) { given.integer(0)? } else { None };
        let condition = match given.has(1) {
            true => given.integers(1)?.and_then(|holds| holds.first().copied()).and_then(Dim::number),
            false => Some(1),
        };
        let first = (0..carried)
            .map(
                |index| if given.has(index + 2) { given.fact(index + 2).cloned() } else { Ok(Fact::Unknown) },
            )
            .collect::<Result<Vec<_>, _>>()?;
        let scalar = |kind: Kind, vector: bool| {
            Fact::tensor(kind, if vector { Dims::from_slice(&[Dim::ONE]) } else { Dims::new() })
        };
        let head = [scalar(Kind::I64, body.wants_vector(0)), scalar(Kind::Bool, body.wants_vector(1))];
        let (states, made) = settled(given, first, 1..carried + 1, |given, states| {
            body.turn(given, head.iter().chain(states).cloned().collect())
        });
        // At least one turn, or maybe none.
        let some = match trips {
            Some(trips) => given.symbols().least(trips).is_some_and(|least| least > 0),
            None => !given.has(0),
        };
        let certain = some && condition.is_some_and(|condition| condition != 0);
        // Without a condition all trips are made.
        let count = match trips.filter(|_| !given.has(1)) {
            Some(trips) if given.symbols().least(trips).is_some_and(|least| least >= 0) => trips,
            Some(Dim::Number(_)) => Dim::Number(0),
            _ => Dim::Unknown,
        };
        let mut results: Facts = states.into();
        for (index, fact) in made.iter().enumerate().skip(carried + 1) {
            let declared = body.graph.outputs.get(index).map(|output| &output.ty);
            results.push(stacked(fact, declared, count, certain, 0));
        }
        Ok(results)
    })
}

pub fn scan(node: &Node<'_>) -> Result<Rule, Fault> {
    let body = Body::of(node, "body")?;
    let batched = node.opset < 9;
    let scanned = usize::try_from(node.required_int("num_scan_inputs")?).unwrap_or(0);
    let states = node.inputs.len().saturating_sub(usize::from(batched)).saturating_sub(scanned);
    let input_axes = node.ints("scan_input_axes")?.unwrap_or_else(|| vec![0; scanned]);
    let output_axes = node.ints("scan_output_axes")?;
    rule(move |given| {
        // Version 8 has a batch around all of it.
        let ahead = usize::from(batched);
        let mut batch = Dim::Unknown;
        let inner = |fact: &Fact, batch: &mut Dim| match fact {
            Fact::Tensor(tensor) if batched => {
                let mut dims = tensor.shape.clone().filter(|shape| !shape.is_empty());
                if let Some(dims) = &mut dims {
                    let own = dims.remove(0);
                    if matches!(*batch, Dim::Unknown) || matches!(own, Dim::Number(_)) {
                        *batch = own;
                    }
                }
                Fact::tensor(tensor.kind, dims)
            }
            other => other.clone(),
        };
        let mut first = vec![];
        for index in 0..states {
            first.push(inner(given.fact(ahead + index)?, &mut batch));
        }
        let mut count = Dim::Unknown;
        let mut slices = vec![];
        for index in 0..scanned {
            let fact = inner(given.fact(ahead + states + index)?, &mut batch);
            let Fact::Tensor(mut tensor) = fact else {
                slices.push(Fact::tensor(None, None));
                continue;
            };
            if let Some(shape) = &mut tensor.shape {
                let axis = if batched { 0 } else { input_axes.get(index).copied().unwrap_or(0) };
                let length = shape.remove(checked_axis(axis, shape.len())?);
                if matches!(count, Dim::Unknown) || matches!(length, Dim::Number(_)) {
                    count = length;
                }
            }
            slices.push(Fact::tensor(tensor.kind, tensor.shape));
        }
        let (states_known, made) = settled(given, first, 0..states, |given, now| {
            body.turn(given, now.iter().chain(&slices).cloned().collect())
        });
        let symbols = given.symbols();
        let certain =
            [count, batch].iter().take(1 + ahead).all(|&n| symbols.least(n).is_some_and(|least| least > 0));
        let outer = |fact: Fact| match fact {
            // Each row of the batch has made its own, of the same shape.
            Fact::Tensor(tensor) if batched => {
                let shape = tensor.shape.filter(|_| certain).map(|mut shape| {
                    shape.insert(0, batch);
                    shape
                });
                Fact::tensor(tensor.kind.filter(|_| certain), shape)
            }
            other => other,
        };
        let mut results: Facts = states_known.into_iter().map(outer).collect();
        for (at, fact) in made.iter().enumerate().skip(states) {
            let declared = body.graph.outputs.get(at).map(|output| &output.ty);
            let axis = output_axes.as_ref().and_then(|axes| axes.get(at - states)).copied().unwrap_or(0);
            // Lengths of a batch may be less than the longest, none among them; filled up they are the same.
            let known = certain && !(batched && given.has(0));
            results.push(outer(stacked(fact, declared, count, known, if batched { 0 } else { axis })));
        }
        Ok(results)
    })
}

/// `SequenceMap`: sequences item by item, tensors in every turn.
pub fn each(node: &Node<'_>) -> Result<Rule, Fault> {
    let body = Body::of(node, "body")?;
    rule(move |given| {
        let mut inputs = vec![];
        for index in 0..given.len() {
            inputs.push(match given.fact(index)? {
                Fact::Sequence(item) => (**item).clone(),
                other => other.clone(),
            });
        }
        let made = body.turn(given, inputs);
        Ok(made.into_iter().map(|fact| Fact::Sequence(Box::new(fact))).collect())
    })
}

/// The graphs inside are gone through, so that something is known of their values too.
pub fn flex_attention(node: &Node<'_>) -> Result<Rule, Fault> {
    let bodies: Vec<Body> = ["score_mod", "prob_mod"]
        .iter()
        .filter(|name| node.attributes.has(name))
        .map(|name| Body::of(node, name))
        .collect::<Result<_, Fault>>()?;
    let precision = node.attributes.int("softmax_precision")?.and_then(Kind::from_code);
    rule(move |given| {
        let kind = given.kind(0, FLOATS)?;
        let (q, k, v) = (given.ranked(0, 4)?, given.ranked(1, 4)?, given.ranked(2, 4)?);
        let inner = precision.or(kind.map(|kind| if kind == Kind::F64 { kind } else { Kind::F32 }));
        let scores: Dims = smallvec![q[0], q[1], q[2], k[2]];
        for body in &bodies {
            body.turn(given, vec![Fact::tensor(inner, scores.clone())]);
        }
        let kind = given.kind(2, FLOATS)?;
        let shape: Dims = smallvec![q[0], q[1], q[2], v[3]];
        tensor(kind, shape)
    })
}
