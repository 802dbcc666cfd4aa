//! Running a [`Graph`]: values in slots, one step after the other.

use smallvec::SmallVec;

use super::{Graph, Source, Step};
use crate::native::{
    exec::{Args, Outputs, Run, Stepped},
    fault::{Fault, fault},
    value::Value,
};

impl Run<'_> {
    /// Runs a graph, or the body of a control-flow operator with what it reads from around it.
    ///
    /// # Errors
    /// The wrong number of inputs, or the first step that fails, with its name.
    pub fn graph(
        &mut self,
        graph: &Graph,
        inputs: impl IntoIterator<Item = Option<Value>>,
        captures: &[Value],
    ) -> Result<Vec<Value>, Fault> {
        let mut slots: Vec<Option<Value>> = vec![None; graph.slots];
        let mut given = 0;
        for (index, value) in inputs.into_iter().enumerate() {
            let port = graph.inputs.get(index).ok_or_else(|| fault!("is given more than {index} inputs"))?;
            slots[port.slot] = value;
            given += 1;
        }
        if given != graph.inputs.len() || captures.len() != graph.captures.len() {
            return Err(fault!("is given {given} inputs, takes {}", graph.inputs.len()));
        }
        for ((_, slot), value) in graph.captures.iter().zip(captures) {
            slots[*slot] = Some(value.clone());
        }
        for step in &graph.steps {
            self.step(step, graph, &mut slots).map_err(|fault| fault.at(&step.label))?;
        }
        graph
            .outputs
            .iter()
            .map(|output| {
                let value = match output.source {
                    Source::Constant(at) => Some(graph.constants[at].clone()),
                    Source::Slot(slot) => slots[slot].clone(),
                };
                value.ok_or_else(|| fault!("output `{}` has no value", output.name))
            })
            .collect()
    }

    fn step(&mut self, step: &Step, graph: &Graph, slots: &mut [Option<Value>]) -> Result<(), Fault> {
        let value = |source: &Source, slots: &mut [Option<Value>]| match *source {
            Source::Constant(at) => Some(graph.constants[at].clone()),
            Source::Slot(slot) => slots[slot].clone(),
        };
        let mut inputs = SmallVec::with_capacity(step.inputs.len());
        for source in &step.inputs {
            inputs.push(source.as_ref().and_then(|source| value(source, slots)));
        }
        let mut captures = SmallVec::with_capacity(step.captures.len());
        for source in &step.captures {
            captures.push(
                value(source, slots).ok_or_else(|| fault!("its subgraph reads a value that is not there"))?,
            );
        }
        // What nobody reads any more belongs to the step alone.
        for &slot in &step.frees {
            slots[slot] = None;
        }
        let outputs: Outputs = (step.op)(self, Args::new(inputs, captures))?;
        let wanted = step.outputs.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        if outputs.len() < wanted {
            return Err(Fault::unsupported(format!("makes {} outputs, {wanted} are wanted", outputs.len())));
        }
        let seen = Stepped { label: &step.label, outputs: &step.outputs, last_reads: &step.last_reads };
        self.show(seen, &outputs);
        for (value, output) in outputs.into_iter().zip(&step.outputs) {
            if let Some((slot, _)) = output
                && !step.frees.contains(slot)
            {
                slots[*slot] = Some(value);
            }
        }
        Ok(())
    }
}
