//! The element types of ONNX: `TensorProto.DataType` of `onnx.proto3`, ONNX 1.23.

use std::fmt;

/// What an element is. Types of up to 8 bits that no processor knows are kept one to a byte
/// ([`Kind::is_small`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    F32,
    U8,
    I8,
    U16,
    I16,
    I32,
    I64,
    String,
    Bool,
    F16,
    F64,
    U32,
    U64,
    C64,
    C128,
    BF16,
    F8E4M3FN,
    F8E4M3FNUZ,
    F8E5M2,
    F8E5M2FNUZ,
    U4,
    I4,
    F4E2M1,
    F8E8M0,
    U2,
    I2,
    F6E2M3,
    F6E3M2,
}

use Kind::*;

/// In the order of their ONNX numbers, which begin with 1; with the ONNX name in lower case, and
/// the bits of one element in a file (0 for strings).
const KINDS: [(Kind, &str, u32); 28] = [
    (F32, "float32", 32),
    (U8, "uint8", 8),
    (I8, "int8", 8),
    (U16, "uint16", 16),
    (I16, "int16", 16),
    (I32, "int32", 32),
    (I64, "int64", 64),
    (String, "string", 0),
    (Bool, "bool", 8),
    (F16, "float16", 16),
    (F64, "float64", 64),
    (U32, "uint32", 32),
    (U64, "uint64", 64),
    (C64, "complex64", 64),
    (C128, "complex128", 128),
    (BF16, "bfloat16", 16),
    (F8E4M3FN, "float8e4m3fn", 8),
    (F8E4M3FNUZ, "float8e4m3fnuz", 8),
    (F8E5M2, "float8e5m2", 8),
    (F8E5M2FNUZ, "float8e5m2fnuz", 8),
    (U4, "uint4", 4),
    (I4, "int4", 4),
    (F4E2M1, "float4e2m1", 4),
    (F8E8M0, "float8e8m0", 8),
    (U2, "uint2", 2),
    (I2, "int2", 2),
    (F6E2M3, "float6e2m3", 6),
    (F6E3M2, "float6e3m2", 6),
];

impl Kind {
    /// The kind of an ONNX number.
    pub fn from_code(code: i64) -> Option<Kind> {
        let at = usize::try_from(code).ok()?.checked_sub(1)?;
        KINDS.get(at).map(|(kind, ..)| *kind)
    }

    /// Its ONNX number.
    pub fn code(self) -> i64 {
        KINDS.iter().position(|(kind, ..)| *kind == self).map_or(0, |at| at as i64 + 1)
    }

    pub fn name(self) -> &'static str {
        KINDS[self.code() as usize - 1].1
    }

    /// Bits of one element in a model file; a string has no fixed number.
    pub fn bits(self) -> Option<u32> {
        Some(KINDS[self.code() as usize - 1].2).filter(|bits| *bits > 0)
    }

    /// Kept as one byte an element that no processor computes with.
    pub fn is_small(self) -> bool {
        self.code() >= F8E4M3FN.code()
    }

    /// An integer whose type has a sign or not, of up to 64 bits.
    pub fn is_integer(self) -> bool {
        matches!(self, U8 | I8 | U16 | I16 | I32 | I64 | U32 | U64 | U4 | I4 | U2 | I2)
    }

    /// A real floating-point number.
    pub fn is_float(self) -> bool {
        matches!(self, F32 | F64 | F16 | BF16) || self.is_small() && !matches!(self, U4 | I4 | U2 | I2)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
