//! What a model takes and gives.

use std::fmt;

use super::RunError;
use crate::{ElementType, Tensor};

/// One dimension of an input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    /// A number known from the file.
    Fixed(usize),
    /// The free first dimension shared by inputs and outputs: any number of rows at once.
    Batch,
    /// Another free dimension, by the file's name for it.
    Free(String),
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Fixed(n) => write!(f, "{n}"),
            Dim::Batch => f.write_str("N"),
            Dim::Free(name) => f.write_str(name),
        }
    }
}

/// One input or output of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    pub name: String,
    pub element: ElementType,
    pub dims: Vec<Dim>,
    /// What the columns of an output stand for, where the model says so: the classes of a classifier.
    pub labels: Vec<String>,
}

impl Port {
    /// Elements of one row (all dimensions but the first), when they are all fixed.
    pub fn row_len(&self) -> Option<usize> {
        self.dims.iter().skip(1).try_fold(1usize, |product, dim| match dim {
            Dim::Fixed(n) => product.checked_mul(*n),
            Dim::Batch | Dim::Free(_) => None,
        })
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}[", self.name, self.element)?;
        for (i, dim) in self.dims.iter().enumerate() {
            write!(f, "{}{dim}", if i == 0 { "" } else { ", " })?;
        }
        f.write_str("]")
    }
}

/// Inputs and outputs of a model, in the file's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
    /// True when the first dimension is free in every input and output: rows can be batched.
    /// Otherwise the model is run one unit at a time with the shapes as declared.
    pub free_batch: bool,
}

impl Signature {
    /// Checks inputs against this signature: how many, their element types and their shapes.
    ///
    /// # Errors
    /// [`RunError::WrongInput`] for the first that doesn't fit.
    pub fn check(&self, inputs: &[Tensor]) -> Result<(), RunError> {
        if inputs.len() != self.inputs.len() {
            return Err(RunError::WrongInput {
                input: format!("all {}", inputs.len()),
                got: format!("{} tensors", inputs.len()),
                expected: format!("{} tensors", self.inputs.len()),
            });
        }
        let rows = inputs.first().and_then(|tensor| tensor.shape.first());
        let fits = |(tensor, port): (&Tensor, &Port)| {
            tensor.element() == port.element
                && tensor.shape.len() == port.dims.len()
                && tensor.shape.iter().zip(&port.dims).all(|(&len, dim)| match dim {
                    Dim::Fixed(n) => len == *n,
                    Dim::Batch => len > 0 && Some(&len) == rows,
                    Dim::Free(_) => len > 0,
                })
        };
        match inputs.iter().zip(&self.inputs).find(|&pair| !fits(pair)) {
            None => Ok(()),
            Some((tensor, port)) => Err(RunError::WrongInput {
                input: port.name.clone(),
                got: format!("{}{:?}", tensor.element(), tensor.shape),
                expected: port.to_string(),
            }),
        }
    }
}
