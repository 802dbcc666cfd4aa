//! `BitCast`: the same bits, read as another type.

use std::sync::Arc;

use crate::native::{
    attributes::{Node, kind},
    exec::{Op, one, op},
    fault::{Fault, fault},
    value::{Data, Tensor, decode},
};

/// `BitCast`, ai.onnx 26.
pub(super) fn bit_cast(node: &Node<'_>) -> Result<Op, Fault> {
    let to = kind::of(node, "to")?.ok_or_else(|| fault!("lacks its attribute `to`"))?;
    op(move |run, args| {
        let x = args.tensor(0)?;
        let Some(bits) = x.kind().bits().filter(|&bits| to.bits() == Some(bits)) else {
            return Err(fault!("input 0: is {}, whose elements have another size than {to}", x.kind()));
        };
        let mut bytes = run.buffer::<u8>(x.len().saturating_mul(bits.div_ceil(8) as usize))?;
        fn put<T: Copy, const N: usize>(from: &[T], to: &mut Vec<u8>, bytes: impl Fn(T) -> [u8; N]) {
            from.iter().for_each(|&x| to.extend(bytes(x)));
        }
        let out = &mut bytes;
        match x.data() {
            Data::F32(v) => put(v, out, f32::to_le_bytes),
            Data::F64(v) => put(v, out, f64::to_le_bytes),
            Data::F16(v) => put(v, out, half::f16::to_le_bytes),
            Data::BF16(v) => put(v, out, half::bf16::to_le_bytes),
            Data::I8(v) => put(v, out, i8::to_le_bytes),
            Data::I16(v) => put(v, out, i16::to_le_bytes),
            Data::I32(v) => put(v, out, i32::to_le_bytes),
            Data::I64(v) => put(v, out, i64::to_le_bytes),
            Data::U8(v) => out.extend_from_slice(v),
            Data::U16(v) => put(v, out, u16::to_le_bytes),
            Data::U32(v) => put(v, out, u32::to_le_bytes),
            Data::U64(v) => put(v, out, u64::to_le_bytes),
            Data::Bool(v) => out.extend(v.iter().map(|&x| u8::from(x))),
            Data::C64(v) => put(v.as_flattened(), out, f32::to_le_bytes),
            Data::C128(v) => put(v.as_flattened(), out, f64::to_le_bytes),
            Data::Small(_, v) => out.extend_from_slice(v),
            Data::String(_) => return Err(fault!("input 0: text has no bits to read")),
        }
        // Small elements are kept a byte each, not packed as in a file.
        let data = if to.is_small() {
            Data::Small(to, Arc::new(bytes))
        } else {
            decode::from_raw(to, &bytes, x.len())?
        };
        one(Tensor::new(x.shape(), data)?)
    })
}
