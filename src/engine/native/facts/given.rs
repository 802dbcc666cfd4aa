//! What a rule sees of its node, and the steps that many rules have in common.

use std::{ops::Deref, sync::Arc};

use smallvec::{SmallVec, smallvec};

use super::{Dim, Dims, Fact, Kinds, Pass, Symbols, TensorFact};
use crate::native::{
    fault::{Fault, fault},
    kernels::shape,
    value::Kind,
};

/// One fact for each output that is known of; those left out at the end are unknown.
pub type Facts = SmallVec<[Fact; 1]>;

/// Works out what a node makes of what it is given. A fault means that every run fails there.
pub type Rule = Box<dyn Fn(&mut Given<'_>) -> Result<Facts, Fault> + Send + Sync>;

/// A closure as a rule.
pub fn rule(
    infer: impl Fn(&mut Given<'_>) -> Result<Facts, Fault> + Send + Sync + 'static,
) -> Result<Rule, Fault> {
    Ok(Box::new(infer))
}

/// One output.
pub fn one(fact: Fact) -> Result<Facts, Fault> {
    Ok(smallvec![fact])
}

/// One tensor.
pub fn tensor(kind: impl Into<Option<Kind>>, shape: impl Into<Option<Dims>>) -> Result<Facts, Fault> {
    one(Fact::tensor(kind, shape))
}

/// What is known of one input of a step.
pub enum Input<'g> {
    Slot(&'g Fact),
    Constant(Fact),
}

impl Deref for Input<'_> {
    type Target = Fact;

    fn deref(&self) -> &Fact {
        match self {
            Input::Slot(fact) => fact,
            Input::Constant(fact) => fact,
        }
    }
}

/// A node's inputs, and the pass it is part of.
pub struct Given<'g> {
    pub pass: &'g mut Pass,
    pub inputs: &'g [Option<Input<'g>>],
    pub captures: Vec<Fact>,
    pub outputs: usize,
}

impl Given<'_> {
    /// How many inputs the node names, those left out included.
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// How many outputs the node names.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    pub fn symbols(&mut self) -> &mut Symbols {
        &mut self.pass.symbols
    }

    pub fn has(&self, index: usize) -> bool {
        self.inputs.get(index).is_some_and(Option::is_some)
    }

    /// What is known of an input.
    ///
    /// # Errors
    /// When it is left out.
    pub fn fact(&self, index: usize) -> Result<&Fact, Fault> {
        let input = self.inputs.get(index).and_then(Option::as_ref);
        input.map(|input| &**input).ok_or_else(|| fault!("lacks its input {index}"))
    }

    /// What is known of an input that must be a tensor; `None` where not even that is known.
    ///
    /// # Errors
    /// When it is left out or certainly something else.
    pub fn tensor(&self, index: usize) -> Result<Option<&TensorFact>, Fault> {
        match self.fact(index)? {
            Fact::Tensor(tensor) => Ok(Some(tensor)),
            Fact::Unknown => Ok(None),
            other => Err(fault!("input {index}: is {}, must be a tensor", other.sort())),
        }
    }

    /// The element type of an input that must be a tensor of one of `kinds`.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor); another type.
    pub fn kind(&self, index: usize, kinds: Kinds) -> Result<Option<Kind>, Fault> {
        let kind = self.tensor(index)?.and_then(|tensor| tensor.kind);
        match kind.filter(|kind| !kinds.has(*kind)) {
            Some(kind) => Err(fault!("input {index}: is {kind}, must be one of {kinds}")),
            None => Ok(kind),
        }
    }

    /// As [`kind`](Self::kind), for an input that may be left out.
    ///
    /// # Errors
    /// As [`kind`](Self::kind).
    pub fn opt_kind(&self, index: usize, kinds: Kinds) -> Result<Option<Kind>, Fault> {
        if self.has(index) { self.kind(index, kinds) } else { Ok(None) }
    }

    /// The element type that several inputs have in common.
    ///
    /// # Errors
    /// As [`kind`](Self::kind); two types.
    pub fn common(
        &self,
        indices: impl IntoIterator<Item = usize>,
        kinds: Kinds,
    ) -> Result<Option<Kind>, Fault> {
        let mut all: Option<Kind> = None;
        for index in indices {
            if let Some(kind) = self.kind(index, kinds)?
                && let Some(other) = all.replace(kind).filter(|other| *other != kind)
            {
                return Err(fault!(
                    "takes tensors of the same kind, is given {other} and {kind} (input {index})"
                ));
            }
        }
        Ok(all)
    }

    /// The element type of the first of several inputs, all of which must be floats, of one type or not.
    ///
    /// # Errors
    /// As [`kind`](Self::kind).
    pub fn floats_of(&self, indices: impl IntoIterator<Item = usize>) -> Result<Option<Kind>, Fault> {
        let mut kinds = vec![];
        for index in indices {
            kinds.push(self.opt_kind(index, super::kinds::FLOATS)?);
        }
        Ok(kinds.into_iter().next().flatten())
    }

    /// The dimensions of an input that must be a tensor.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn shape(&self, index: usize) -> Result<Option<Dims>, Fault> {
        Ok(self.tensor(index)?.and_then(|tensor| tensor.shape.clone()))
    }

    /// The dimensions of an input that may be left out.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn opt_shape(&self, index: usize) -> Result<Option<Dims>, Fault> {
        if self.has(index) { self.shape(index) } else { Ok(None) }
    }

    /// The dimensions of an input that must have `rank` of them; where nothing is known, that many unknown
    /// ones.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor); another rank.
    pub fn ranked(&self, index: usize, rank: usize) -> Result<Dims, Fault> {
        match self.shape(index)? {
            None => Ok(unknown(rank)),
            Some(shape) if shape.len() == rank => Ok(shape),
            Some(shape) => Err(fault!(
                "input {index}: has shape {}, must have {rank} dimensions",
                self.pass.symbols.shown_shape(&shape)
            )),
        }
    }

    /// The elements of an input of whole numbers, as far as they are known.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn integers(&self, index: usize) -> Result<Option<Arc<[Dim]>>, Fault> {
        Ok(self.tensor(index)?.and_then(|tensor| tensor.contents.integers()))
    }

    /// As [`integers`](Self::integers), where all are numbers: axes. The outer `None`: the input is there,
    /// and not known; the inner one: it is left out.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    #[allow(clippy::option_option, reason = "left out and not known are two things")]
    pub fn numbers(&self, index: usize) -> Result<Option<Option<Vec<i64>>>, Fault> {
        if !self.has(index) {
            return Ok(Some(None));
        }
        self.kind(index, super::kinds::INDICES)?;
        let all = self.integers(index)?;
        Ok(all.and_then(|all| all.iter().map(|dim| dim.number()).collect::<Option<Vec<_>>>()).map(Some))
    }

    /// One whole number: an axis, a count. `None`: not known.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor); more than one element.
    pub fn integer(&self, index: usize) -> Result<Option<Dim>, Fault> {
        self.kind(index, super::kinds::INDICES)?;
        match self.integers(index)?.as_deref() {
            None => Ok(None),
            Some([dim]) => Ok(Some(*dim).filter(|dim| *dim != Dim::Unknown)),
            Some(many) => Err(fault!("input {index}: has {} elements, must have one", many.len())),
        }
    }

    /// The elements of a float32 input that is known altogether.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn floats(&self, index: usize) -> Result<Option<Vec<f32>>, Fault> {
        Ok(match self.tensor(index)?.map(|tensor| &tensor.contents) {
            Some(super::Contents::Whole(tensor)) => tensor.slice::<f32>().ok().map(<[f32]>::to_vec),
            _ => None,
        })
    }

    /// How many elements a vector has, where that is known.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn length(&mut self, index: usize) -> Result<Dim, Fault> {
        let Some(shape) = self.shape(index)? else { return Ok(Dim::Unknown) };
        Ok(self.symbols().product(&shape))
    }

    /// The shape two operands have together: aligned at the end, ones repeated.
    ///
    /// # Errors
    /// Two numbers that differ, neither being one.
    pub fn broadcast(&self, a: &[Dim], b: &[Dim]) -> Result<Dims, Fault> {
        let rank = a.len().max(b.len());
        let dim = |shape: &[Dim], axis: usize| {
            (axis + shape.len()).checked_sub(rank).map_or(Dim::ONE, |at| shape[at])
        };
        (0..rank)
            .map(|axis| match (dim(a, axis), dim(b, axis)) {
                (x, y) if x == y => Ok(x),
                (Dim::ONE, y) => Ok(y),
                (x, Dim::ONE) => Ok(x),
                (Dim::Number(_), Dim::Number(_)) => Err(fault!(
                    "shapes {} and {} can't be broadcast: dimension {axis} differs",
                    self.pass.symbols.shown_shape(a),
                    self.pass.symbols.shown_shape(b)
                )),
                // Whatever the other is, it must be this or one.
                (n @ Dim::Number(_), _) | (_, n @ Dim::Number(_)) => Ok(n),
                _ => Ok(Dim::Unknown),
            })
            .collect()
    }

    /// The shape that several inputs have together.
    ///
    /// # Errors
    /// As [`broadcast`](Self::broadcast) and [`tensor`](Self::tensor).
    pub fn together(&self, indices: impl IntoIterator<Item = usize>) -> Result<Option<Dims>, Fault> {
        let mut all: Option<Dims> = Some(Dims::new());
        for index in indices {
            all = match (all, self.shape(index)?) {
                (Some(all), Some(shape)) => Some(self.broadcast(&all, &shape)?),
                _ => None,
            };
        }
        Ok(all)
    }

    /// Two lengths that must be the same: what is known of either.
    ///
    /// # Errors
    /// Two numbers that differ.
    pub fn same(&self, a: Dim, b: Dim, what: impl FnOnce() -> String) -> Result<Dim, Fault> {
        match (a, b) {
            (Dim::Number(x), Dim::Number(y)) if x != y => Err(fault!("{}", what())),
            (n @ Dim::Number(_), _) | (_, n @ Dim::Number(_)) => Ok(n),
            (Dim::Unknown, other) | (other, _) => Ok(other),
        }
    }

    /// A shape for a message.
    pub fn shown(&self, shape: &[Dim]) -> String {
        self.pass.symbols.shown_shape(shape)
    }
}

/// `rank` dimensions that nothing is known of.
pub fn unknown(rank: usize) -> Dims {
    Dims::from_elem(Dim::Unknown, rank)
}

/// All dimensions as lengths, where all are numbers.
pub fn lengths(dims: &[Dim]) -> Option<Vec<usize>> {
    dims.iter().map(|dim| dim.number().and_then(|n| usize::try_from(n).ok())).collect()
}

/// Which axes a list names: a flag for each of `rank`.
///
/// # Errors
/// As [`shape::axes`].
pub fn chosen(axes: &[i64], rank: usize) -> Result<Vec<bool>, Fault> {
    let axes = shape::axes(axes, rank)?;
    Ok((0..rank).map(|axis| axes.contains(&axis)).collect())
}
