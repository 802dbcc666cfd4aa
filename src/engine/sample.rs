//! Random inputs: for trying a model out and for measuring it.

use super::{Dim, Signature};
use crate::{ElementType, Tensor, TensorData};

/// Lengths of the free dimensions besides the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    named: Vec<(String, usize)>,
    otherwise: usize,
}

impl Sizes {
    /// Every free dimension has this length.
    pub fn all(length: usize) -> Self {
        Sizes { named: vec![], otherwise: length }
    }

    /// Those that are named have their own.
    pub fn with(mut self, name: &str, length: usize) -> Self {
        self.named.push((name.to_owned(), length));
        self
    }

    /// The names that no input of the signature has.
    pub fn unknown<'s>(&'s self, signature: &'s Signature) -> impl Iterator<Item = &'s str> {
        let has = |name: &str| {
            let dims = signature.inputs.iter().flat_map(|port| &port.dims);
            dims.into_iter().any(|dim| matches!(dim, Dim::Free(known) if known == name))
        };
        self.named.iter().map(|(name, _)| name.as_str()).filter(move |name| !has(name))
    }

    /// Of a dimension; a batch has so many rows.
    pub(crate) fn length(&self, dim: &Dim, rows: usize) -> usize {
        match dim {
            Dim::Fixed(n) => *n,
            Dim::Batch => rows,
            Dim::Free(name) => {
                let named = self.named.iter().find(|(known, _)| known == name);
                named.map_or(self.otherwise, |(_, length)| *length)
            }
        }
    }
}

/// Every length is one.
impl Default for Sizes {
    fn default() -> Self {
        Sizes::all(1)
    }
}

/// Inputs that fit the signature with `rows` rows (one where rows can't be batched): numbers
/// between -1 and 1, integers of 0 and 1, which are valid as an index too. Other free dimensions
/// are one. The same for the same signature, every time.
pub fn random_inputs(signature: &Signature, rows: usize) -> Vec<Tensor> {
    sized_inputs(signature, rows, &Sizes::default(), 0)
}

/// As [`random_inputs`], with these lengths of free dimensions; every `seed` gives other numbers.
pub fn sized_inputs(signature: &Signature, rows: usize, sizes: &Sizes, seed: u64) -> Vec<Tensor> {
    // Never zero, from which the generator would not leave.
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ seed.wrapping_shl(1));
    signature
        .inputs
        .iter()
        .map(|port| {
            let shape: Vec<_> = port.dims.iter().map(|dim| sizes.length(dim, rows)).collect();
            let len = shape.iter().product();
            Tensor::new(shape, random.elements(port.element, len))
        })
        .collect()
}

/// The same with real numbers between 2 and 4: for models that can't do with those near zero, such as one that divides
/// by what is left of them as integers.
pub(super) fn far_from_zero(mut inputs: Vec<Tensor>) -> Vec<Tensor> {
    for tensor in &mut inputs {
        match &mut tensor.data {
            TensorData::F32(values) => values.iter_mut().for_each(|x| *x += 3.0),
            TensorData::F64(values) => values.iter_mut().for_each(|x| *x += 3.0),
            _ => {}
        }
    }
    inputs
}

/// xorshift64*, from Vigna's "An experimental exploration of Marsaglia's xorshift generators".
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40
    }

    fn small(&mut self) -> f32 {
        self.bits() as f32 / (1u32 << 23) as f32 - 1.0
    }

    fn bit(&mut self) -> u8 {
        (self.bits() & 1) as u8
    }

    fn elements(&mut self, element: ElementType, len: usize) -> TensorData {
        let n = 0..len;
        match element {
            ElementType::F32 => TensorData::F32(n.map(|_| self.small()).collect()),
            ElementType::F64 => TensorData::F64(n.map(|_| self.small().into()).collect()),
            ElementType::I8 => TensorData::I8(n.map(|_| self.bit() as i8).collect()),
            ElementType::I16 => TensorData::I16(n.map(|_| self.bit().into()).collect()),
            ElementType::I32 => TensorData::I32(n.map(|_| self.bit().into()).collect()),
            ElementType::I64 => TensorData::I64(n.map(|_| self.bit().into()).collect()),
            ElementType::U8 => TensorData::U8(n.map(|_| self.bit()).collect()),
            ElementType::U16 => TensorData::U16(n.map(|_| self.bit().into()).collect()),
            ElementType::U32 => TensorData::U32(n.map(|_| self.bit().into()).collect()),
            ElementType::U64 => TensorData::U64(n.map(|_| self.bit().into()).collect()),
            ElementType::Bool => TensorData::Bool(n.map(|_| self.bit() == 1).collect()),
            ElementType::String => TensorData::String(n.map(|_| self.bit().to_string()).collect()),
        }
    }
}
