//! One unit's part of an output tensor.

use std::borrow::Cow;

use super::verdict::Value;
use crate::domain::{Reason, Rejection, Tensor, TensorData};

/// One row of a tensor.
pub(super) struct Slice<'t> {
    pub tensor: &'t Tensor,
    pub start: usize,
    pub len: usize,
}

impl<'t> Slice<'t> {
    /// Row `row` of `rows`; `None` when the tensor does not divide, or has nothing.
    pub fn of(tensor: &'t Tensor, row: usize, rows: usize) -> Option<Self> {
        Slice::or_empty(tensor, row, rows).filter(|slice| slice.len > 0)
    }

    /// The same where nothing is an answer too.
    pub fn or_empty(tensor: &'t Tensor, row: usize, rows: usize) -> Option<Self> {
        let total = tensor.data.len();
        if rows == 0 || !total.is_multiple_of(rows) {
            return None;
        }
        let len = total / rows;
        Some(Slice { tensor, start: row * len, len })
    }

    pub fn get(&self, index: usize) -> Option<Value> {
        if index >= self.len {
            return None;
        }
        let at = self.start + index;
        Some(match &self.tensor.data {
            TensorData::F32(v) => Value::F32(v[at]),
            TensorData::F64(v) => Value::F64(v[at]),
            TensorData::I8(v) => Value::Integer(v[at].into()),
            TensorData::I16(v) => Value::Integer(v[at].into()),
            TensorData::I32(v) => Value::Integer(v[at].into()),
            TensorData::I64(v) => Value::Integer(v[at]),
            TensorData::U8(v) => Value::Unsigned(v[at].into()),
            TensorData::U16(v) => Value::Unsigned(v[at].into()),
            TensorData::U32(v) => Value::Unsigned(v[at].into()),
            TensorData::U64(v) => Value::Unsigned(v[at]),
            TensorData::Bool(v) => Value::Bool(v[at]),
            TensorData::String(v) => Value::Text(v[at].as_str().into()),
        })
    }

    /// All elements as numbers; text has none.
    pub fn numbers(&self) -> Vec<f64> {
        (0..self.len).filter_map(|i| self.get(i)?.as_f64()).collect()
    }

    /// All elements as finite f32.
    ///
    /// # Errors
    /// [`Reason::OutputNotFinite`]; [`Reason::ModelFailed`] for other element types. `name` is told.
    pub fn finite(&self, name: &str) -> Result<Cow<'t, [f32]>, Rejection> {
        let range = self.start..self.start + self.len;
        let values = match &self.tensor.data {
            TensorData::F32(v) => Cow::Borrowed(&v[range]),
            TensorData::F64(v) => Cow::Owned(v[range].iter().map(|x| *x as f32).collect()),
            other => {
                let detail = format!("the model's output `{name}` is of {}, not of floats", other.element());
                return Err(Rejection::new(Reason::ModelFailed, detail));
            }
        };
        if values.iter().all(|x| x.is_finite()) {
            return Ok(values);
        }
        let detail = format!("the model's output `{name}` is NaN or infinite");
        Err(Rejection::new(Reason::OutputNotFinite, detail))
    }

    /// The last two dimensions of the row; those before must be one.
    pub fn table(&self, rows: usize) -> Option<(usize, usize)> {
        let shape = &self.tensor.shape;
        let batched = shape.len() > 2 && shape.first() == Some(&rows);
        let shape = if batched { &shape[1..] } else { &shape[..] };
        let split = shape.len().checked_sub(2)?;
        let (before, table) = shape.split_at(split);
        (before.iter().all(|n| *n == 1) && table[0].checked_mul(table[1])? == self.len)
            .then_some((table[0], table[1]))
    }
}
