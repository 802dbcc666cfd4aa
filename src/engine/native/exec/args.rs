//! What a step is given and what it gives.

use smallvec::{SmallVec, smallvec};

use crate::native::{
    fault::{Fault, fault},
    value::{Element, Tensor, Value},
};

/// What a step makes, in the order of its outputs. More than are wanted is fine.
pub type Outputs = SmallVec<[Value; 1]>;

/// One output.
pub fn one(tensor: Tensor) -> Result<Outputs, Fault> {
    Ok(smallvec![Value::Tensor(tensor)])
}

/// The inputs of a step. A value whose last reader the step is belongs to it: taken out, it can be
/// overwritten without a copy.
pub struct Args {
    values: SmallVec<[Option<Value>; 4]>,
    captures: SmallVec<[Value; 2]>,
}

impl Args {
    pub fn new(values: SmallVec<[Option<Value>; 4]>, captures: SmallVec<[Value; 2]>) -> Self {
        Args { values, captures }
    }

    /// How many inputs the node names, those left out included.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The values that the node's subgraphs read from around them, graph after graph.
    pub fn captures(&self) -> &[Value] {
        &self.captures
    }

    /// # Errors
    /// When the input is left out.
    pub fn value(&self, index: usize) -> Result<&Value, Fault> {
        self.opt_value(index).ok_or_else(|| fault!("lacks its input {index}"))
    }

    pub fn opt_value(&self, index: usize) -> Option<&Value> {
        self.values.get(index)?.as_ref()
    }

    /// # Errors
    /// When the input is left out or no tensor.
    pub fn tensor(&self, index: usize) -> Result<&Tensor, Fault> {
        self.value(index)?.tensor().map_err(|fault| fault.about(format!("input {index}")))
    }

    /// An input that may be left out.
    ///
    /// # Errors
    /// When it is no tensor.
    pub fn opt(&self, index: usize) -> Result<Option<&Tensor>, Fault> {
        self.opt_value(index).map(|_| self.tensor(index)).transpose()
    }

    /// The elements of an input.
    ///
    /// # Errors
    /// When the input is left out, no tensor, or of another type.
    pub fn slice<T: Element>(&self, index: usize) -> Result<&[T], Fault> {
        self.tensor(index)?.slice().map_err(|fault| fault.about(format!("input {index}")))
    }

    /// The elements of an input that may be left out.
    ///
    /// # Errors
    /// When it is no tensor, or of another type.
    pub fn opt_slice<T: Element>(&self, index: usize) -> Result<Option<&[T]>, Fault> {
        self.opt_value(index).map(|_| self.slice(index)).transpose()
    }

    /// An input taken out.
    ///
    /// # Errors
    /// When the input is left out or no tensor.
    pub fn take(&mut self, index: usize) -> Result<Tensor, Fault> {
        self.tensor(index)?;
        match self.take_value(index)? {
            Value::Tensor(tensor) => Ok(tensor),
            other => Err(fault!("input {index}: is {}, must be a tensor", other.describe())),
        }
    }

    /// An input of any type, taken out.
    ///
    /// # Errors
    /// When the input is left out.
    pub fn take_value(&mut self, index: usize) -> Result<Value, Fault> {
        self.values.get_mut(index).and_then(Option::take).ok_or_else(|| fault!("lacks its input {index}"))
    }

    /// A whole-number input with one element: an axis, a count.
    ///
    /// # Errors
    /// When the input is left out, or isn't one int64 or int32.
    pub fn int(&self, index: usize) -> Result<i64, Fault> {
        match &*self.ints(index)? {
            [value] => Ok(*value),
            values => Err(fault!("input {index}: has {} elements, must have one", values.len())),
        }
    }

    /// A whole-number input: axes, a shape, sizes.
    ///
    /// # Errors
    /// When the input is left out, or isn't int64 or int32.
    pub fn ints(&self, index: usize) -> Result<Vec<i64>, Fault> {
        let tensor = self.tensor(index)?;
        if let Ok(values) = tensor.slice::<i32>() {
            return Ok(values.iter().map(|&value| i64::from(value)).collect());
        }
        Ok(self.slice::<i64>(index)?.to_vec())
    }

    /// As [`ints`](Self::ints), for an input that may be left out.
    ///
    /// # Errors
    /// When it isn't int64 or int32.
    pub fn opt_ints(&self, index: usize) -> Result<Option<Vec<i64>>, Fault> {
        self.opt_value(index).map(|_| self.ints(index)).transpose()
    }
}
