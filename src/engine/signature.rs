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
    /// Another free dimension, by the file's name for it: where a name comes twice, both are of one length.
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
    /// True when the first dimension is free in every input and output: rows can be batched, those of
    /// one run all with the same lengths of the other free dimensions.
    /// Otherwise the model is run one unit at a time with the shapes as declared.
    pub free_batch: bool,
}

impl Signature {
    /// The same with its first dimension free, but not a batch; `name` is what it is called then.
    #[must_use]
    pub fn without_batch(&self, name: &str) -> Signature {
        let renamed = |ports: &[Port]| {
            let rename = |dim: &Dim| if *dim == Dim::Batch { Dim::Free(name.into()) } else { dim.clone() };
            ports.iter().map(|p| Port { dims: p.dims.iter().map(rename).collect(), ..p.clone() }).collect()
        };
        Signature { inputs: renamed(&self.inputs), outputs: renamed(&self.outputs), free_batch: false }
    }

    /// Whether an input has a free dimension besides the batch.
    pub fn has_free_sizes(&self) -> bool {
        self.inputs.iter().any(|port| port.dims.iter().any(|dim| matches!(dim, Dim::Free(_))))
    }

    /// Checks inputs against this signature: how many, their element types and their shapes.
    ///
    /// # Errors
    /// [`RunError::WrongInput`] for the first that doesn't fit.
    pub fn check<'s>(&'s self, inputs: &[Tensor]) -> Result<(), RunError> {
        if inputs.len() != self.inputs.len() {
            return Err(RunError::WrongInput {
                input: format!("all {}", inputs.len()),
                got: format!("{} tensors", inputs.len()),
                expected: format!("{} tensors", self.inputs.len()),
            });
        }
        let rows = inputs.first().and_then(|tensor| tensor.shape.first());
        let mut sizes = Named::default();
        let mut fits = |(tensor, port): (&Tensor, &'s Port)| {
            tensor.element() == port.element
                && tensor.shape.len() == port.dims.len()
                && tensor.shape.iter().zip(&port.dims).all(|(&len, dim)| match dim {
                    Dim::Fixed(n) => len == *n,
                    Dim::Batch => len > 0 && Some(&len) == rows,
                    Dim::Free(name) => len > 0 && sizes.one(name, len),
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

/// The lengths that names stand for.
#[derive(Default)]
struct Named<'s>(Vec<(&'s str, usize)>);

impl<'s> Named<'s> {
    /// False where the name stands for another length already.
    fn one(&mut self, name: &'s str, length: usize) -> bool {
        match self.0.iter().find(|(known, _)| *known == name) {
            Some((_, known)) => *known == length,
            None => {
                self.0.push((name, length));
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TensorData;

    #[test]
    fn a_name_that_comes_twice_is_one_size() {
        let port = |name: &str, dims: &[Dim]| Port {
            name: name.into(),
            element: ElementType::F32,
            dims: dims.to_vec(),
            labels: vec![],
        };
        let free = |name: &str| Dim::Free(name.into());
        let inputs =
            vec![port("a", &[Dim::Batch, free("n")]), port("b", &[Dim::Batch, free("n"), free("m")])];
        let signature = Signature { inputs, outputs: vec![], free_batch: true };
        let tensor =
            |shape: &[usize]| Tensor::new(shape.to_vec(), TensorData::F32(vec![0.0; shape.iter().product()]));
        assert!(signature.check(&[tensor(&[2, 3]), tensor(&[2, 3, 5])]).is_ok());
        let error = signature.check(&[tensor(&[2, 3]), tensor(&[2, 4, 5])]).unwrap_err();
        assert!(error.to_string().contains('b'), "{error}");
        assert!(signature.check(&[tensor(&[2, 3]), tensor(&[2, 3, 0])]).is_err(), "nothing is no length");
    }
}
