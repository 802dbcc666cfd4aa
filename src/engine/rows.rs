//! Are the rows of a batch really independent? Tried out, once, at load.
//!
//! A free first dimension in every input and output does not make it a batch: it may be the time
//! steps of a recurrent layer, or something in between may mix rows (a softmax over the wrong
//! axis). And the kernels must give a row the same bits in every batch. Three rows together and
//! one by one show all of that for a few row's worth of work.

use super::{
    Session, Signature, Sizes,
    sample::{far_from_zero, sized_inputs},
    trial,
};
use crate::{Tensor, TensorData};

const ROWS: usize = 3;
/// Where lengths are free, so many of them are tried.
const LENGTHS: usize = 2;

/// True when each of three rows gets the same bits alone and together, at each of two lengths where those are free.
pub(super) fn are_independent(signature: &Signature, session: &mut dyn Session) -> bool {
    let tried = trial::sizes(signature).filter_map(|sizes| same(signature, session, &sizes)).take(LENGTHS);
    let tried: Vec<bool> = tried.collect();
    !tried.is_empty() && tried.into_iter().all(|same| same)
}

/// None when the model doesn't answer to these lengths.
fn same(signature: &Signature, session: &mut dyn Session, sizes: &Sizes) -> Option<bool> {
    let inputs = sized_inputs(signature, ROWS, sizes, 0);
    same_of(inputs.clone(), session).or_else(|| same_of(far_from_zero(inputs), session))
}

fn same_of(together: Vec<Tensor>, session: &mut dyn Session) -> Option<bool> {
    let expected = session.run(&together).map(<[Tensor]>::to_vec).ok()?;
    let same = (0..ROWS).all(|row| {
        let alone: Vec<_> = together.iter().map(|tensor| slice_row(tensor, row)).collect();
        session.run(&alone).is_ok_and(|answer| {
            answer.len() == expected.len()
                && answer.iter().zip(&expected).all(|(one, all)| {
                    all.shape.first() == Some(&ROWS) && same_bits(&one.data, &slice_row(all, row).data)
                })
        })
    });
    Some(same)
}

fn slice_row(tensor: &Tensor, row: usize) -> Tensor {
    let len = tensor.row_len();
    let mut shape = tensor.shape.clone();
    if let Some(first) = shape.first_mut() {
        *first = 1;
    }
    let range = row * len..(row + 1) * len;
    let data = match &tensor.data {
        TensorData::F32(v) => TensorData::F32(v[range].to_vec()),
        TensorData::F64(v) => TensorData::F64(v[range].to_vec()),
        TensorData::I8(v) => TensorData::I8(v[range].to_vec()),
        TensorData::I16(v) => TensorData::I16(v[range].to_vec()),
        TensorData::I32(v) => TensorData::I32(v[range].to_vec()),
        TensorData::I64(v) => TensorData::I64(v[range].to_vec()),
        TensorData::U8(v) => TensorData::U8(v[range].to_vec()),
        TensorData::U16(v) => TensorData::U16(v[range].to_vec()),
        TensorData::U32(v) => TensorData::U32(v[range].to_vec()),
        TensorData::U64(v) => TensorData::U64(v[range].to_vec()),
        TensorData::Bool(v) => TensorData::Bool(v[range].to_vec()),
        TensorData::String(v) => TensorData::String(v[range].to_vec()),
    };
    Tensor { shape, data }
}

/// Equal to the bit, so that NaN equals itself and 0.0 is not -0.0.
fn same_bits(a: &TensorData, b: &TensorData) -> bool {
    match (a, b) {
        (TensorData::F32(a), TensorData::F32(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
        }
        (TensorData::F64(a), TensorData::F64(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
        }
        (a, b) => a == b,
    }
}
