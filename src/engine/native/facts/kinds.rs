//! Sets of element types that an operator takes.

use std::fmt;

use crate::native::value::Kind::{self, *};

/// A set of element types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds(u32);

impl Kinds {
    pub const fn of(kinds: &[Kind]) -> Kinds {
        let (mut bits, mut at) = (0, 0);
        while at < kinds.len() {
            bits |= 1 << kinds[at] as u32;
            at += 1;
        }
        Kinds(bits)
    }

    pub const fn and(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    pub const fn has(self, kind: Kind) -> bool {
        self.0 & 1 << kind as u32 != 0
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> =
            (1..=28).filter_map(Kind::from_code).filter(|kind| self.has(*kind)).map(Kind::name).collect();
        f.write_str(&names.join(", "))
    }
}

pub const ANY: Kinds = Kinds(u32::MAX);
pub const FLOATS: Kinds = Kinds::of(&[F32, F64, F16, BF16]);
pub const SIGNED: Kinds = Kinds::of(&[I8, I16, I32, I64]);
pub const INTEGERS: Kinds = SIGNED.and(Kinds::of(&[U8, U16, U32, U64]));
pub const NUMBERS: Kinds = FLOATS.and(INTEGERS);
pub const BOOL: Kinds = Kinds::of(&[Bool]);
pub const TEXT: Kinds = Kinds::of(&[String]);
/// What holds axes, lengths and places.
pub const INDICES: Kinds = Kinds::of(&[I32, I64]);
/// What the classical operators of ai.onnx.ml take.
pub const FEATURES: Kinds = Kinds::of(&[F32, F64, I32, I64]);
/// Numbers of 16 bits and more, as products of matrices take them.
pub const FACTORS: Kinds = FLOATS.and(Kinds::of(&[I32, I64, U32, U64]));
