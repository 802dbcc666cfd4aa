//! Are the rows of a batch really independent? Tried out, once, at load.
//!
//! A free first dimension in every input and output does not make it a batch: it may be the time
//! steps of a recurrent layer, or something in between may mix rows (a softmax over the wrong
//! axis). And the kernels must give a row the same bits in every batch. Three rows together and
//! one by one show all of that for a few row's worth of work.

use crate::{
    domain::{ElementType, Tensor, TensorData},
    engine::{Port, Session, Signature},
};

const ROWS: usize = 3;

/// True when each of three rows gets the same bits alone and together.
pub(super) fn are_independent(signature: &Signature, session: &mut dyn Session) -> bool {
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    let Some(together) =
        signature.inputs.iter().map(|port| sample(port, ROWS, &mut seed)).collect::<Option<Vec<_>>>()
    else {
        return false;
    };
    let Ok(expected) = session.run(&together).map(<[Tensor]>::to_vec) else { return false };
    (0..ROWS).all(|row| {
        let alone: Vec<_> = together.iter().map(|tensor| slice_row(tensor, row)).collect();
        session.run(&alone).is_ok_and(|answer| {
            answer.len() == expected.len()
                && answer.iter().zip(&expected).all(|(one, all)| {
                    all.shape.first() == Some(&ROWS) && same_bits(&one.data, &slice_row(all, row).data)
                })
        })
    })
}

/// Random rows for a port whose dimensions but the first are fixed.
pub(in crate::engine) fn sample(port: &Port, rows: usize, seed: &mut u64) -> Option<Tensor> {
    let row_len = port.row_len()?;
    let mut shape: Vec<_> = vec![rows];
    for dim in port.dims.iter().skip(1) {
        match dim {
            crate::engine::Dim::Fixed(n) => shape.push(*n),
            _ => return None,
        }
    }
    Some(Tensor::new(shape, fill(port.element, rows * row_len, seed)))
}

/// `len` random elements: small numbers around zero, integers that can be an index.
pub(in crate::engine) fn fill(element: ElementType, len: usize, seed: &mut u64) -> TensorData {
    let mut next = || {
        // xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators".
        *seed ^= *seed >> 12;
        *seed ^= *seed << 25;
        *seed ^= *seed >> 27;
        seed.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40
    };
    let mut small = || next() as f32 / (1u32 << 23) as f32 - 1.0;
    match element {
        ElementType::F32 => TensorData::F32((0..len).map(|_| small()).collect()),
        ElementType::F64 => TensorData::F64((0..len).map(|_| f64::from(small())).collect()),
        ElementType::I8 => TensorData::I8((0..len).map(|_| (next() & 1) as i8).collect()),
        ElementType::I16 => TensorData::I16((0..len).map(|_| (next() & 1) as i16).collect()),
        ElementType::I32 => TensorData::I32((0..len).map(|_| (next() & 1) as i32).collect()),
        ElementType::I64 => TensorData::I64((0..len).map(|_| (next() & 1) as i64).collect()),
        ElementType::U8 => TensorData::U8((0..len).map(|_| (next() & 1) as u8).collect()),
        ElementType::U16 => TensorData::U16((0..len).map(|_| (next() & 1) as u16).collect()),
        ElementType::U32 => TensorData::U32((0..len).map(|_| (next() & 1) as u32).collect()),
        ElementType::U64 => TensorData::U64((0..len).map(|_| next() & 1).collect()),
        ElementType::Bool => TensorData::Bool((0..len).map(|_| next() & 1 == 1).collect()),
        ElementType::String => TensorData::String((0..len).map(|_| (next() & 1).to_string()).collect()),
    }
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
