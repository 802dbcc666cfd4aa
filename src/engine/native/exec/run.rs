//! One run: the slots, the memory it may take, the steps it may make.

use smallvec::SmallVec;

use super::{Args, Outputs};
use crate::native::{
    fault::{Fault, fault},
    graph::{Graph, Source, Step},
    value::{Element, Value},
};

/// What a run may ask of the machine.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The largest single tensor, in bytes.
    pub max_tensor_bytes: u64,
    /// Turns of all loops of a run together.
    pub max_loop_turns: u64,
}

/// Looks at what each step made; see [`Run::watched`].
pub type Seen<'s> = dyn FnMut(&Step, &[Value]) + 's;

/// The state of one run, handed to every operator.
pub struct Run<'r> {
    bounds: Bounds,
    turns: u64,
    /// Advanced by the operators that draw random numbers.
    pub random: u64,
    seen: Option<&'r mut Seen<'r>>,
}

impl<'r> Run<'r> {
    pub fn new(bounds: Bounds) -> Self {
        Run { bounds, turns: 0, random: 0x9e37_79b9_7f4a_7c15, seen: None }
    }

    /// A run in which somebody looks at the outputs of every step, those in subgraphs too.
    pub fn watched(bounds: Bounds, seen: &'r mut Seen<'r>) -> Self {
        Run { seen: Some(seen), ..Run::new(bounds) }
    }

    /// Memory for `len` elements, empty. Every buffer of an operator comes from here, so that the
    /// bound holds, and so that buffers can come out of one plan some day.
    ///
    /// # Errors
    /// More than `limits.max_tensor_bytes`.
    pub fn buffer<T: Element>(&mut self, len: usize) -> Result<Vec<T>, Fault> {
        self.check_len::<T>(len)?;
        Ok(Vec::with_capacity(len))
    }

    /// Memory for `len` elements, each of them `value`.
    ///
    /// # Errors
    /// As [`buffer`](Self::buffer).
    pub fn filled<T: Element>(&mut self, len: usize, value: T) -> Result<Vec<T>, Fault> {
        self.check_len::<T>(len)?;
        Ok(vec![value; len])
    }

    /// Whether a tensor of `len` elements is within bounds: for buffers of types that are not
    /// elements, and before `len` numbers are kept in any other way.
    ///
    /// # Errors
    /// As [`buffer`](Self::buffer).
    pub fn check_len<T>(&self, len: usize) -> Result<(), Fault> {
        let bytes = (len as u64).saturating_mul(size_of::<T>() as u64);
        if bytes > self.bounds.max_tensor_bytes {
            return Err(Fault::limit(format!(
                "needs a tensor of {bytes} bytes, more than `limits.max_tensor_bytes` = {}",
                self.bounds.max_tensor_bytes
            )));
        }
        Ok(())
    }

    /// Turns of loops so far.
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// Counts a turn of a loop.
    ///
    /// # Errors
    /// More than `limits.max_loop_turns`.
    pub fn turn(&mut self) -> Result<(), Fault> {
        self.turns += 1;
        if self.turns > self.bounds.max_loop_turns {
            return Err(Fault::limit(format!(
                "its loops have made {} turns, the most that `limits.max_loop_turns` allows; does it ever end?",
                self.bounds.max_loop_turns
            )));
        }
        Ok(())
    }

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
        if let Some(seen) = &mut self.seen {
            seen(step, &outputs);
        }
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
