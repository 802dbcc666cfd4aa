//! Elements in memory, behind a shared pointer: copies are free until somebody writes.

use std::sync::Arc;

use half::{bf16, f16};

use super::Kind;

/// Real and imaginary part.
pub type Complex<T> = [T; 2];

/// The elements of a tensor, flat, in row-major order.
#[derive(Debug, Clone)]
pub enum Data {
    F32(Arc<Vec<f32>>),
    F64(Arc<Vec<f64>>),
    F16(Arc<Vec<f16>>),
    BF16(Arc<Vec<bf16>>),
    I8(Arc<Vec<i8>>),
    I16(Arc<Vec<i16>>),
    I32(Arc<Vec<i32>>),
    I64(Arc<Vec<i64>>),
    U8(Arc<Vec<u8>>),
    U16(Arc<Vec<u16>>),
    U32(Arc<Vec<u32>>),
    U64(Arc<Vec<u64>>),
    Bool(Arc<Vec<bool>>),
    String(Arc<Vec<Arc<str>>>),
    C64(Arc<Vec<Complex<f32>>>),
    C128(Arc<Vec<Complex<f64>>>),
    /// A kind that [is small](Kind::is_small): the bits of one element in the low end of each byte.
    Small(Kind, Arc<Vec<u8>>),
}

/// A Rust type that stands for an ONNX element type.
pub trait Element: Clone + Default + Send + Sync + 'static {
    const KIND: Kind;
    fn wrap(elements: Vec<Self>) -> Data;
    fn of(data: &Data) -> Option<&Arc<Vec<Self>>>;
    fn of_mut(data: &mut Data) -> Option<&mut Arc<Vec<Self>>>;
}

macro_rules! elements {
    ($($variant:ident: $type:ty),* $(,)?) => {$(
        impl Element for $type {
            const KIND: Kind = Kind::$variant;
            fn wrap(elements: Vec<Self>) -> Data {
                Data::$variant(Arc::new(elements))
            }
            fn of_mut(data: &mut Data) -> Option<&mut Arc<Vec<Self>>> {
                if let Data::$variant(elements) = data { Some(elements) } else { None }
            }
            fn of(data: &Data) -> Option<&Arc<Vec<Self>>> {
                if let Data::$variant(elements) = data { Some(elements) } else { None }
            }
        }
    )*};
}

elements! {
    F32: f32, F64: f64, F16: f16, BF16: bf16, I8: i8, I16: i16, I32: i32, I64: i64, U8: u8, U16: u16,
    U32: u32, U64: u64, Bool: bool, String: Arc<str>, C64: Complex<f32>, C128: Complex<f64>,
}

/// Evaluates `$body` for elements of any type, with `$v` bound to the `&Arc<Vec<T>>` inside: for what
/// only counts or compares.
#[macro_export]
#[doc(hidden)]
macro_rules! with_data {
    ($data:expr, $v:ident => $body:expr) => {{
        use $crate::native::value::Data;
        match $data {
            Data::F32($v) => $body,
            Data::F64($v) => $body,
            Data::F16($v) => $body,
            Data::BF16($v) => $body,
            Data::I8($v) => $body,
            Data::I16($v) => $body,
            Data::I32($v) => $body,
            Data::I64($v) => $body,
            Data::U8($v) => $body,
            Data::U16($v) => $body,
            Data::U32($v) => $body,
            Data::U64($v) => $body,
            Data::Bool($v) => $body,
            Data::String($v) => $body,
            Data::C64($v) => $body,
            Data::C128($v) => $body,
            Data::Small(_, $v) => $body,
        }
    }};
}

/// Elements of any type moved: `$body` makes a `Vec<T>` from the `&Arc<Vec<T>>` bound to `$v`; the answer
/// is [`Data`] of the same kind.
#[macro_export]
#[doc(hidden)]
macro_rules! map_data {
    ($data:expr, $v:ident => $body:expr) => {{
        use std::sync::Arc as MapArc;
        use $crate::native::value::Data;
        match $data {
            Data::F32($v) => Data::F32(MapArc::new($body)),
            Data::F64($v) => Data::F64(MapArc::new($body)),
            Data::F16($v) => Data::F16(MapArc::new($body)),
            Data::BF16($v) => Data::BF16(MapArc::new($body)),
            Data::I8($v) => Data::I8(MapArc::new($body)),
            Data::I16($v) => Data::I16(MapArc::new($body)),
            Data::I32($v) => Data::I32(MapArc::new($body)),
            Data::I64($v) => Data::I64(MapArc::new($body)),
            Data::U8($v) => Data::U8(MapArc::new($body)),
            Data::U16($v) => Data::U16(MapArc::new($body)),
            Data::U32($v) => Data::U32(MapArc::new($body)),
            Data::U64($v) => Data::U64(MapArc::new($body)),
            Data::Bool($v) => Data::Bool(MapArc::new($body)),
            Data::String($v) => Data::String(MapArc::new($body)),
            Data::C64($v) => Data::C64(MapArc::new($body)),
            Data::C128($v) => Data::C128(MapArc::new($body)),
            Data::Small(kind, $v) => Data::Small(*kind, MapArc::new($body)),
        }
    }};
}

/// As [`map_data`] with two or more operands of one kind: `$a` and `$b` are bound to their elements;
/// operands of different kinds give `$other`.
#[macro_export]
#[doc(hidden)]
macro_rules! map_data2 {
    (($x:expr, $y:expr), ($a:ident, $b:ident) => $body:expr, $other:expr) => {{
        use std::sync::Arc as MapArc;
        use $crate::native::value::Data;
        match ($x, $y) {
            (Data::F32($a), Data::F32($b)) => Data::F32(MapArc::new($body)),
            (Data::F64($a), Data::F64($b)) => Data::F64(MapArc::new($body)),
            (Data::F16($a), Data::F16($b)) => Data::F16(MapArc::new($body)),
            (Data::BF16($a), Data::BF16($b)) => Data::BF16(MapArc::new($body)),
            (Data::I8($a), Data::I8($b)) => Data::I8(MapArc::new($body)),
            (Data::I16($a), Data::I16($b)) => Data::I16(MapArc::new($body)),
            (Data::I32($a), Data::I32($b)) => Data::I32(MapArc::new($body)),
            (Data::I64($a), Data::I64($b)) => Data::I64(MapArc::new($body)),
            (Data::U8($a), Data::U8($b)) => Data::U8(MapArc::new($body)),
            (Data::U16($a), Data::U16($b)) => Data::U16(MapArc::new($body)),
            (Data::U32($a), Data::U32($b)) => Data::U32(MapArc::new($body)),
            (Data::U64($a), Data::U64($b)) => Data::U64(MapArc::new($body)),
            (Data::Bool($a), Data::Bool($b)) => Data::Bool(MapArc::new($body)),
            (Data::String($a), Data::String($b)) => Data::String(MapArc::new($body)),
            (Data::C64($a), Data::C64($b)) => Data::C64(MapArc::new($body)),
            (Data::C128($a), Data::C128($b)) => Data::C128(MapArc::new($body)),
            (Data::Small(kind, $a), Data::Small(same, $b)) if kind == same => {
                Data::Small(*kind, MapArc::new($body))
            }
            _ => $other,
        }
    }};
}

impl Data {
    pub fn kind(&self) -> Kind {
        match self {
            Data::F32(_) => Kind::F32,
            Data::F64(_) => Kind::F64,
            Data::F16(_) => Kind::F16,
            Data::BF16(_) => Kind::BF16,
            Data::I8(_) => Kind::I8,
            Data::I16(_) => Kind::I16,
            Data::I32(_) => Kind::I32,
            Data::I64(_) => Kind::I64,
            Data::U8(_) => Kind::U8,
            Data::U16(_) => Kind::U16,
            Data::U32(_) => Kind::U32,
            Data::U64(_) => Kind::U64,
            Data::Bool(_) => Kind::Bool,
            Data::String(_) => Kind::String,
            Data::C64(_) => Kind::C64,
            Data::C128(_) => Kind::C128,
            Data::Small(kind, _) => *kind,
        }
    }

    pub fn len(&self) -> usize {
        with_data!(self, v => v.len())
    }

    /// Bytes in memory, without the texts of strings.
    pub fn bytes(&self) -> usize {
        fn of<T>(v: &[T]) -> usize {
            std::mem::size_of_val(v)
        }
        with_data!(self, v => of(v))
    }

    /// No elements, of any kind.
    pub fn empty(kind: Kind) -> Data {
        Data::zeros(kind, 0)
    }

    /// `len` zeros, `false`s or empty texts. The caller has checked that `len` is within bounds.
    pub fn zeros(kind: Kind, len: usize) -> Data {
        match kind {
            Kind::F32 => f32::wrap(vec![0.0; len]),
            Kind::F64 => f64::wrap(vec![0.0; len]),
            Kind::F16 => f16::wrap(vec![f16::ZERO; len]),
            Kind::BF16 => bf16::wrap(vec![bf16::ZERO; len]),
            Kind::I8 => i8::wrap(vec![0; len]),
            Kind::I16 => i16::wrap(vec![0; len]),
            Kind::I32 => i32::wrap(vec![0; len]),
            Kind::I64 => i64::wrap(vec![0; len]),
            Kind::U8 => u8::wrap(vec![0; len]),
            Kind::U16 => u16::wrap(vec![0; len]),
            Kind::U32 => u32::wrap(vec![0; len]),
            Kind::U64 => u64::wrap(vec![0; len]),
            Kind::Bool => bool::wrap(vec![false; len]),
            Kind::String => <Arc<str>>::wrap(vec![Arc::default(); len]),
            Kind::C64 => <Complex<f32>>::wrap(vec![[0.0; 2]; len]),
            Kind::C128 => <Complex<f64>>::wrap(vec![[0.0; 2]; len]),
            small => Data::Small(small, Arc::new(vec![0; len])),
        }
    }
}
