//! Between the tensors of scoring and those of the executor.

use std::sync::Arc;

use half::{bf16, f16};

use super::{Data, Element, Kind, Tensor, small};
use crate::{
    ElementType, Tensor as Ours, TensorData,
    native::fault::{Fault, fault},
};

/// How an element type is exchanged: half and smaller floats as f32, small integers in the next type
/// that holds them.
///
/// # Errors
/// Complex numbers, which nothing outside the model can take.
pub fn exchanged(kind: Kind) -> Result<ElementType, Fault> {
    Ok(match kind {
        Kind::F32 | Kind::F16 | Kind::BF16 => ElementType::F32,
        Kind::F64 => ElementType::F64,
        Kind::I8 | Kind::I4 | Kind::I2 => ElementType::I8,
        Kind::I16 => ElementType::I16,
        Kind::I32 => ElementType::I32,
        Kind::I64 => ElementType::I64,
        Kind::U8 | Kind::U4 | Kind::U2 => ElementType::U8,
        Kind::U16 => ElementType::U16,
        Kind::U32 => ElementType::U32,
        Kind::U64 => ElementType::U64,
        Kind::Bool => ElementType::Bool,
        Kind::String => ElementType::String,
        Kind::C64 | Kind::C128 => {
            return Err(Fault::unsupported(format!("has {kind} elements, which have no form in JSON")));
        }
        _ => ElementType::F32,
    })
}

/// What the graph takes, from what scoring made. `kind` is the graph's own type for the input.
///
/// # Errors
/// When the types don't go together, or the elements don't fill the shape.
pub fn from_port(ours: &Ours, kind: Kind) -> Result<Tensor, Fault> {
    let data = match (&ours.data, kind) {
        (TensorData::F32(v), Kind::F32) => f32::wrap(v.clone()),
        (TensorData::F32(v), Kind::F16) => f16::wrap(v.iter().map(|&x| f16::from_f32(x)).collect()),
        (TensorData::F32(v), Kind::BF16) => bf16::wrap(v.iter().map(|&x| bf16::from_f32(x)).collect()),
        (TensorData::F32(v), kind) if kind.is_small() && kind.is_float() => {
            Data::Small(kind, Arc::new(v.iter().map(|&x| small::from_f32(kind, x, true)).collect()))
        }
        (TensorData::F64(v), Kind::F64) => f64::wrap(v.clone()),
        (TensorData::I8(v), Kind::I8) => i8::wrap(v.clone()),
        (TensorData::I8(v), Kind::I4 | Kind::I2) => Data::Small(
            kind,
            Arc::new(v.iter().map(|&x| small::from_f32(kind, f32::from(x), true)).collect()),
        ),
        (TensorData::I16(v), Kind::I16) => i16::wrap(v.clone()),
        (TensorData::I32(v), Kind::I32) => i32::wrap(v.clone()),
        (TensorData::I64(v), Kind::I64) => i64::wrap(v.clone()),
        (TensorData::U8(v), Kind::U8) => u8::wrap(v.clone()),
        (TensorData::U8(v), Kind::U4 | Kind::U2) => Data::Small(
            kind,
            Arc::new(v.iter().map(|&x| small::from_f32(kind, f32::from(x), true)).collect()),
        ),
        (TensorData::U16(v), Kind::U16) => u16::wrap(v.clone()),
        (TensorData::U32(v), Kind::U32) => u32::wrap(v.clone()),
        (TensorData::U64(v), Kind::U64) => u64::wrap(v.clone()),
        (TensorData::Bool(v), Kind::Bool) => bool::wrap(v.clone()),
        (TensorData::String(v), Kind::String) => {
            <Arc<str>>::wrap(v.iter().map(|text| Arc::from(&**text)).collect())
        }
        _ => return Err(fault!("is {}, must be {kind}", ours.element())),
    };
    Tensor::new(&*ours.shape, data)
}

/// What scoring reads, from what the graph gave; `ours` is filled, its memory used again.
///
/// # Errors
/// Complex numbers.
pub fn to_port(tensor: &Tensor, ours: &mut Ours) -> Result<(), Fault> {
    exchanged(tensor.kind())?;
    ours.shape.clear();
    ours.shape.extend_from_slice(tensor.shape());
    fn copy<T: Clone>(from: &[T], to: &mut Vec<T>) {
        to.clear();
        to.extend_from_slice(from);
    }
    match (tensor.data(), &mut ours.data) {
        (Data::F32(from), TensorData::F32(to)) => copy(from, to),
        (Data::F64(from), TensorData::F64(to)) => copy(from, to),
        (Data::I64(from), TensorData::I64(to)) => copy(from, to),
        (from, to) => *to = converted(from),
    }
    Ok(())
}

fn converted(data: &Data) -> TensorData {
    match data {
        Data::F32(v) => TensorData::F32(v.to_vec()),
        Data::F64(v) => TensorData::F64(v.to_vec()),
        Data::F16(v) => TensorData::F32(v.iter().map(|x| x.to_f32()).collect()),
        Data::BF16(v) => TensorData::F32(v.iter().map(|x| x.to_f32()).collect()),
        Data::I8(v) => TensorData::I8(v.to_vec()),
        Data::I16(v) => TensorData::I16(v.to_vec()),
        Data::I32(v) => TensorData::I32(v.to_vec()),
        Data::I64(v) => TensorData::I64(v.to_vec()),
        Data::U8(v) => TensorData::U8(v.to_vec()),
        Data::U16(v) => TensorData::U16(v.to_vec()),
        Data::U32(v) => TensorData::U32(v.to_vec()),
        Data::U64(v) => TensorData::U64(v.to_vec()),
        Data::Bool(v) => TensorData::Bool(v.to_vec()),
        Data::String(v) => TensorData::String(v.iter().map(ToString::to_string).collect()),
        // Refused before.
        Data::C64(_) | Data::C128(_) => TensorData::F32(vec![]),
        Data::Small(kind @ (Kind::I4 | Kind::I2), v) => {
            TensorData::I8(v.iter().map(|&code| small::to_i32(*kind, code) as i8).collect())
        }
        Data::Small(kind @ (Kind::U4 | Kind::U2), v) => {
            TensorData::U8(v.iter().map(|&code| small::to_i32(*kind, code) as u8).collect())
        }
        Data::Small(kind, v) => TensorData::F32(v.iter().map(|&code| small::to_f32(*kind, code)).collect()),
    }
}
