//! The pass over a graph: step by step, bodies of control flow included.

use std::{
    mem,
    sync::{Arc, OnceLock},
};

use smallvec::SmallVec;

use crate::native::{
    exec::{Args, Bounds, Run},
    facts::{Contents, Dim, Fact, Facts, Given, Input, Pass},
    fault::Fault,
    graph::{Graph, Source, Step, Subgraph},
    value::Value,
};

/// A constant of more bytes is not handed to an operator that is run here.
const MAX_CONSTANT_BYTES: usize = 1 << 16;
/// What an operator that is run here may make.
const BOUNDS: Bounds = Bounds { max_tensor_bytes: 1 << 12, max_loop_turns: 0 };
/// Works out what is known of every value of a graph and of the graphs in it.
///
/// # Errors
/// The first step that fails in every run, or whose declared type contradicts what it makes.
pub fn infer(graph: &mut Graph) -> Result<(), Fault> {
    let (pass, slots) = gone_through(graph)?;
    for (place, facts) in pass.bodies {
        let _ = place.set(facts);
    }
    graph.facts = Arc::new(OnceLock::from(slots));
    graph.symbols = pass.symbols;
    Ok(())
}

fn gone_through(graph: &Graph) -> Result<(Pass, Vec<Fact>), Fault> {
    let steps = steps(graph).saturating_add(16);
    let mut pass = Pass::new(steps);
    let inputs = graph.inputs.iter().map(|input| pass.input(&input.ty)).collect();
    let (slots, _) = pass.graph(graph, inputs, vec![])?;
    Ok((pass, slots))
}

fn steps(graph: &Graph) -> usize {
    let inside = graph.steps.iter().flat_map(|step| &step.subgraphs);
    inside.map(|graph| steps(graph)).fold(graph.steps.len(), usize::saturating_add)
}

impl Pass {
    /// Goes through a graph; gives what is known of its slots and of its outputs.
    fn graph(
        &mut self,
        graph: &Graph,
        inputs: Vec<Fact>,
        captures: Vec<Fact>,
    ) -> Result<(Vec<Fact>, Vec<Fact>), Fault> {
        let mut facts = vec![Fact::Unknown; graph.slots];
        for (port, fact) in graph.inputs.iter().zip(inputs) {
            facts[port.slot] = self.kept(fact);
        }
        for ((_, slot), fact) in graph.captures.iter().zip(captures) {
            facts[*slot] = fact;
        }
        for step in &graph.steps {
            if self.inside {
                if self.left == 0 {
                    break;
                }
                self.left -= 1;
            }
            let made = match self.step(step, graph, &facts) {
                Ok(made) => made,
                // A run may never come here.
                Err(_) if self.inside => Facts::new(),
                Err(fault) => return Err(fault.at(&step.label)),
            };
            let mut made = made.into_iter();
            for output in &step.outputs {
                let fact = made.next().unwrap_or_default();
                let Some((slot, name)) = output else { continue };
                let fact = match graph.declared.get(slot) {
                    Some(ty) => self
                        .declared(fact, ty)
                        .map_err(|fault| fault.about(format!("output `{name}`")).at(&step.label))?,
                    None => fact,
                };
                facts[*slot] = self.kept(fact);
            }
        }
        let mut outputs = Vec::with_capacity(graph.outputs.len());
        for output in &graph.outputs {
            let fact = match output.source {
                Source::Slot(slot) => facts[slot].clone(),
                Source::Constant(at) => Fact::of(&graph.constants[at]),
            };
            let met = self.declared(fact, &output.ty);
            outputs.push(met.map_err(|fault| fault.about(format!("output `{}`", output.name)))?);
        }
        Ok((facts, outputs))
    }

    /// What a step makes.
    fn step(&mut self, step: &Step, graph: &Graph, facts: &[Fact]) -> Result<Facts, Fault> {
        if let Some(made) = evaluated(step, graph, facts) {
            return Ok(made.iter().map(Fact::of).collect());
        }
        let Some(rule) = &step.rule else { return Ok(Facts::new()) };
        let inputs: SmallVec<[Option<Input<'_>>; 4]> = (step.inputs.iter())
            .map(|source| {
                source.map(|source| match source {
                    Source::Slot(slot) => Input::Slot(&facts[slot]),
                    Source::Constant(at) => Input::Constant(Fact::of(&graph.constants[at])),
                })
            })
            .collect();
        let captures = (step.captures.iter())
            .map(|source| match *source {
                Source::Slot(slot) => facts[slot].clone(),
                Source::Constant(at) => Fact::of(&graph.constants[at]),
            })
            .collect();
        let outputs = step.outputs.len();
        rule(&mut Given { pass: self, inputs: &inputs, captures, outputs })
    }

    /// Goes through the body of a control-flow operator; what is known of its outputs holds for every
    /// turn that begins with what is known of its inputs.
    pub fn body(&mut self, body: &Subgraph, inputs: Vec<Fact>, captures: Vec<Fact>) -> Vec<Fact> {
        let nothing = || vec![Fact::Unknown; body.outputs.len()];
        if self.left == 0 {
            return nothing();
        }
        let before = self.symbols.count();
        let inside = mem::replace(&mut self.inside, true);
        let done = self.graph(body, inputs, captures);
        self.inside = inside;
        let Ok((slots, mut outputs)) = done else { return nothing() };
        // The next turn has other lengths.
        let symbols = &self.symbols;
        for output in &mut outputs {
            output.map(&mut |dim| if symbols.is_older(dim, before) { dim } else { Dim::Unknown });
        }
        if self.final_turn {
            self.bodies.push((Arc::clone(&body.facts), slots));
        }
        outputs
    }
}

/// What a step makes where all that it reads is known: by running it.
fn evaluated(step: &Step, graph: &Graph, facts: &[Fact]) -> Option<Vec<Value>> {
    if step.varies || !step.subgraphs.is_empty() || !step.captures.is_empty() {
        return None;
    }
    let whole = |slot: usize| match facts[slot].as_tensor().map(|tensor| &tensor.contents) {
        Some(Contents::Whole(tensor)) => Some(Value::Tensor(tensor.clone())),
        _ => None,
    };
    let constant =
        |at: usize| Some(graph.constants[at].clone()).filter(|value| value.bytes() <= MAX_CONSTANT_BYTES);
    // Of constants alone it would have been computed already, or can't be.
    if !step.inputs.iter().flatten().any(|source| matches!(source, Source::Slot(_))) {
        return None;
    }
    let inputs = (step.inputs.iter())
        .map(|source| match source {
            None => Some(None),
            Some(Source::Slot(slot)) => whole(*slot).map(Some),
            Some(Source::Constant(at)) => constant(*at).map(Some),
        })
        .collect::<Option<_>>()?;
    let made = (step.op)(&mut Run::new(BOUNDS), Args::new(inputs, SmallVec::new())).ok()?;
    Some(made.into_vec())
}
