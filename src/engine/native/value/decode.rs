//! Values from ONNX's messages, checked: lengths against dimensions, memory against the limits.

use std::sync::Arc;

use half::{bf16, f16};

use super::{Data, Element, Kind, Shape, Tensor, elements};
use crate::{
    native::fault::{Fault, fault},
    onnx::{
        external,
        file::ModelFile,
        proto::{SparseTensorProto, TensorProto},
    },
};

/// Where tensors come from: the bounds, and the folder of data kept outside.
#[derive(Clone, Copy)]
pub struct Weights<'f> {
    /// `None`: there is no file, so nothing may lie outside it.
    pub file: Option<&'f ModelFile<'f>>,
    pub max_tensor_bytes: u64,
}

const EXTERNAL: i32 = 1;

/// The tensor a message describes.
///
/// # Errors
/// A dimension that is negative, data that doesn't fill the dimensions, an unknown type, more than
/// the limit, external data that isn't in order.
pub fn tensor(proto: &TensorProto, weights: Weights<'_>) -> Result<Tensor, Fault> {
    decode(proto, weights).map_err(|fault| fault.about(format!("tensor `{}`", proto.name)))
}

fn decode(proto: &TensorProto, weights: Weights<'_>) -> Result<Tensor, Fault> {
    let kind = Kind::from_code(i64::from(proto.data_type))
        .ok_or_else(|| fault!("has element type {}, which ONNX does not define", proto.data_type))?;
    let shape = shape(&proto.dims)?;
    let len = elements(&shape)?;
    let bytes = kind.bits().map(|bits| (len as u64).saturating_mul(u64::from(bits)).div_ceil(8));
    // Small elements take a byte in memory.
    if bytes.unwrap_or(len as u64).max(len as u64) > weights.max_tensor_bytes {
        return Err(Fault::limit(format!(
            "needs {} bytes, more than `limits.max_tensor_bytes` = {}",
            bytes.unwrap_or(len as u64),
            weights.max_tensor_bytes
        )));
    }
    if proto.data_location == EXTERNAL {
        let bytes = bytes.ok_or_else(|| Fault::unsupported("keeps strings outside the model file"))?;
        let file = weights.file.ok_or_else(|| fault!("has its data in another file"))?;
        let entry =
            |key: &str| proto.external_data.iter().find(|entry| entry.key == key).map(|e| e.value.as_str());
        let raw = external::read(file, &proto.name, &proto.dims, bytes, &entry)
            .map_err(|error| fault!("{error}"))?;
        return Tensor::new(shape, from_raw(kind, &raw, len)?);
    }
    if !proto.raw_data.is_empty() {
        return Tensor::new(shape, from_raw(kind, &proto.raw_data, len)?);
    }
    Tensor::new(shape, from_fields(kind, proto, len)?)
}

/// # Errors
/// A negative dimension.
pub fn shape(dims: &[i64]) -> Result<Shape, Fault> {
    let fault = || fault!("has a negative dimension: {dims:?}");
    dims.iter().map(|&dim| usize::try_from(dim).map_err(|_| fault())).collect()
}

/// Little-endian elements; those below a byte are packed from the low end.
///
/// # Errors
/// Another number of bytes than `len` elements have; text.
pub fn from_raw(kind: Kind, raw: &[u8], len: usize) -> Result<Data, Fault> {
    let bits = kind.bits().ok_or_else(|| fault!("has strings as raw bytes"))? as usize;
    let expected = (len * bits).div_ceil(8);
    if raw.len() != expected {
        return Err(fault!("should have {expected} bytes and has {}", raw.len()));
    }
    fn read<const N: usize, T: Element>(raw: &[u8], from: impl Fn([u8; N]) -> T) -> Data {
        T::wrap(raw.as_chunks::<N>().0.iter().map(|bytes| from(*bytes)).collect())
    }
    Ok(match kind {
        Kind::F32 => read(raw, f32::from_le_bytes),
        Kind::F64 => read(raw, f64::from_le_bytes),
        Kind::F16 => read(raw, f16::from_le_bytes),
        Kind::BF16 => read(raw, bf16::from_le_bytes),
        Kind::I8 => read(raw, i8::from_le_bytes),
        Kind::I16 => read(raw, i16::from_le_bytes),
        Kind::I32 => read(raw, i32::from_le_bytes),
        Kind::I64 => read(raw, i64::from_le_bytes),
        Kind::U8 => u8::wrap(raw.to_vec()),
        Kind::U16 => read(raw, u16::from_le_bytes),
        Kind::U32 => read(raw, u32::from_le_bytes),
        Kind::U64 => read(raw, u64::from_le_bytes),
        Kind::Bool => read(raw, |[byte]: [u8; 1]| byte != 0),
        Kind::C64 => read(raw, |b: [u8; 8]| halves(b).map(f32::from_le_bytes)),
        Kind::C128 => read(raw, |b: [u8; 16]| halves(b).map(f64::from_le_bytes)),
        Kind::String => return Err(fault!("has strings as raw bytes")),
        small => Data::Small(small, Arc::new(unpack(raw, bits, len))),
    })
}

fn halves<const N: usize, const M: usize>(bytes: [u8; N]) -> [[u8; M]; 2] {
    let mut out = [[0; M]; 2];
    out.as_flattened_mut().copy_from_slice(&bytes);
    out
}

/// Codes of `bits` bits, packed from the low end of each byte: two or four to a byte; six-bit codes
/// run across bytes.
fn unpack(raw: &[u8], bits: usize, len: usize) -> Vec<u8> {
    let mask = ((1u16 << bits) - 1) as u8;
    (0..len)
        .map(|i| {
            let (byte, shift) = (i * bits / 8, i * bits % 8);
            let next = raw.get(byte + 1).copied().unwrap_or(0);
            (u16::from_le_bytes([raw[byte], next]) >> shift) as u8 & mask
        })
        .collect()
}

/// Elements in the typed field of their kind (`TensorProto` in `onnx.proto3`).
fn from_fields(kind: Kind, proto: &TensorProto, len: usize) -> Result<Data, Fault> {
    let full = |held: usize, expected: usize| {
        if held == expected { Ok(()) } else { Err(fault!("should have {expected} elements and has {held}")) }
    };
    fn pairs<T: Copy>(v: &[T]) -> Vec<[T; 2]> {
        v.as_chunks::<2>().0.to_vec()
    }
    let ints = &proto.int32_data;
    Ok(match kind {
        Kind::F32 => {
            full(proto.float_data.len(), len)?;
            f32::wrap(proto.float_data.clone())
        }
        Kind::C64 => {
            full(proto.float_data.len(), 2 * len)?;
            Element::wrap(pairs(&proto.float_data))
        }
        Kind::F64 => {
            full(proto.double_data.len(), len)?;
            f64::wrap(proto.double_data.clone())
        }
        Kind::C128 => {
            full(proto.double_data.len(), 2 * len)?;
            Element::wrap(pairs(&proto.double_data))
        }
        Kind::I64 => {
            full(proto.int64_data.len(), len)?;
            i64::wrap(proto.int64_data.clone())
        }
        Kind::U64 => {
            full(proto.uint64_data.len(), len)?;
            u64::wrap(proto.uint64_data.clone())
        }
        Kind::U32 => {
            full(proto.uint64_data.len(), len)?;
            u32::wrap(proto.uint64_data.iter().map(|&v| v as u32).collect())
        }
        Kind::String => {
            full(proto.string_data.len(), len)?;
            let texts = proto.string_data.iter().map(|bytes| text(bytes));
            <Arc<str>>::wrap(texts.collect::<Result<_, _>>()?)
        }
        small if small.is_small() => {
            let bits = small.bits().unwrap_or(8) as usize;
            if ints.len() == (len * bits).div_ceil(8) {
                let raw: Vec<u8> = ints.iter().map(|&v| v as u8).collect();
                Data::Small(small, Arc::new(unpack(&raw, bits, len)))
            } else {
                full(ints.len(), len)?;
                Data::Small(small, Arc::new(ints.iter().map(|&v| v as u8).collect()))
            }
        }
        _ => {
            full(ints.len(), len)?;
            match kind {
                Kind::F16 => f16::wrap(ints.iter().map(|&v| f16::from_bits(v as u16)).collect()),
                Kind::BF16 => bf16::wrap(ints.iter().map(|&v| bf16::from_bits(v as u16)).collect()),
                Kind::I8 => i8::wrap(ints.iter().map(|&v| v as i8).collect()),
                Kind::I16 => i16::wrap(ints.iter().map(|&v| v as i16).collect()),
                Kind::U8 => u8::wrap(ints.iter().map(|&v| v as u8).collect()),
                Kind::U16 => u16::wrap(ints.iter().map(|&v| v as u16).collect()),
                Kind::Bool => bool::wrap(ints.iter().map(|&v| v != 0).collect()),
                _ => i32::wrap(ints.clone()),
            }
        }
    })
}

/// # Errors
/// Bytes that are not UTF-8.
pub fn text(bytes: &[u8]) -> Result<Arc<str>, Fault> {
    std::str::from_utf8(bytes).map(Arc::from).map_err(|error| fault!("has text that is not UTF-8: {error}"))
}

/// A tensor that lists only what isn't zero, written out.
///
/// # Errors
/// As [`tensor`]; an index outside the dimensions.
pub fn sparse(proto: &SparseTensorProto, weights: Weights<'_>) -> Result<Tensor, Fault> {
    let (Some(values), Some(indices)) = (&proto.values, &proto.indices) else {
        return Err(fault!("a sparse tensor lacks its values or indices"));
    };
    let name = &values.name;
    let values = tensor(values, weights)?;
    let indices = tensor(indices, weights)?;
    let shape = shape(&proto.dims)?;
    let len = elements(&shape)?;
    let bytes = (len as u64).saturating_mul(u64::from(values.kind().bits().unwrap_or(8).div_ceil(8)));
    if bytes > weights.max_tensor_bytes {
        return Err(Fault::limit(format!(
            "sparse tensor `{name}` needs {bytes} bytes written out, more than `limits.max_tensor_bytes` = {}",
            weights.max_tensor_bytes
        )));
    }
    let index = indices.slice::<i64>()?;
    let mut places = Vec::with_capacity(values.len());
    for i in 0..values.len() {
        let place = match (indices.rank(), shape.len()) {
            (1, _) => index.get(i).and_then(|&at| usize::try_from(at).ok()),
            (2, rank) => (0..rank).try_fold(0usize, |place, axis| {
                let at = usize::try_from(*index.get(i * rank + axis)?).ok()?;
                (at < shape[axis]).then_some(place * shape[axis] + at)
            }),
            _ => None,
        };
        let outside = || fault!("sparse tensor `{name}`: index {i} is outside its dimensions");
        places.push(place.filter(|&place| place < len).ok_or_else(outside)?);
    }
    let data = crate::map_data!(values.data(), v => {
        let mut dense = vec![Default::default(); len];
        for (element, &place) in v.iter().zip(&places) {
            dense[place] = element.clone();
        }
        dense
    });
    Tensor::new(shape, data)
}
