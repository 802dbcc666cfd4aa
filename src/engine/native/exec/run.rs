//! One run: the slots, the memory it may take, the steps it may make.

use crate::native::{
    fault::Fault,
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

/// A step as an onlooker sees it.
#[derive(Clone, Copy)]
pub struct Stepped<'s> {
    /// As messages name it.
    pub label: &'s str,
    /// Slot and name of each output; `None` for those left out.
    pub outputs: &'s [Option<(usize, String)>],
    /// The values that nobody reads after it.
    pub last_reads: &'s [String],
}

/// Looks at what each step made; see [`Run::watched`].
pub type Seen<'s> = dyn FnMut(Stepped<'_>, &[Value]) + 's;

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

    /// Shows what a step has made to whoever looks on.
    pub fn show(&mut self, step: Stepped<'_>, outputs: &[Value]) {
        if let Some(seen) = &mut self.seen {
            seen(step, outputs);
        }
    }
}
