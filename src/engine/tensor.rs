//! Dense tensors in row-major order: what scoring fills and an engine consumes.

use std::fmt;

/// The element types a model's inputs and outputs may have (ONNX names in lower case).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElementType {
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
    String,
}

impl ElementType {
    /// All of them, in the order documentation lists them.
    pub const ALL: [ElementType; 12] = [
        ElementType::F32,
        ElementType::F64,
        ElementType::I8,
        ElementType::I16,
        ElementType::I32,
        ElementType::I64,
        ElementType::U8,
        ElementType::U16,
        ElementType::U32,
        ElementType::U64,
        ElementType::Bool,
        ElementType::String,
    ];

    /// The name used in configuration, bundles and messages.
    pub fn name(self) -> &'static str {
        match self {
            ElementType::F32 => "f32",
            ElementType::F64 => "f64",
            ElementType::I8 => "i8",
            ElementType::I16 => "i16",
            ElementType::I32 => "i32",
            ElementType::I64 => "i64",
            ElementType::U8 => "u8",
            ElementType::U16 => "u16",
            ElementType::U32 => "u32",
            ElementType::U64 => "u64",
            ElementType::Bool => "bool",
            ElementType::String => "string",
        }
    }

    /// The element type with that [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|element| element.name() == name)
    }

    /// Bytes of one element in memory and in a raw payload; a string has no fixed width.
    pub fn width_bytes(self) -> Option<usize> {
        match self {
            ElementType::I8 | ElementType::U8 | ElementType::Bool => Some(1),
            ElementType::I16 | ElementType::U16 => Some(2),
            ElementType::F32 | ElementType::I32 | ElementType::U32 => Some(4),
            ElementType::F64 | ElementType::I64 | ElementType::U64 => Some(8),
            ElementType::String => None,
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The elements of a tensor, flat, in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub enum TensorData {
    F32(Vec<f32>),
    F64(Vec<f64>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    Bool(Vec<bool>),
    String(Vec<String>),
}

/// Evaluates `$body` with `$v` bound to the vector inside, whatever its type.
#[macro_export]
#[doc(hidden)]
macro_rules! for_tensor_data {
    ($data:expr, $v:ident => $body:expr) => {
        match $data {
            $crate::TensorData::F32($v) => $body,
            $crate::TensorData::F64($v) => $body,
            $crate::TensorData::I8($v) => $body,
            $crate::TensorData::I16($v) => $body,
            $crate::TensorData::I32($v) => $body,
            $crate::TensorData::I64($v) => $body,
            $crate::TensorData::U8($v) => $body,
            $crate::TensorData::U16($v) => $body,
            $crate::TensorData::U32($v) => $body,
            $crate::TensorData::U64($v) => $body,
            $crate::TensorData::Bool($v) => $body,
            $crate::TensorData::String($v) => $body,
        }
    };
}

impl TensorData {
    /// An empty vector of that element type.
    pub fn empty(element: ElementType) -> Self {
        match element {
            ElementType::F32 => TensorData::F32(Vec::new()),
            ElementType::F64 => TensorData::F64(Vec::new()),
            ElementType::I8 => TensorData::I8(Vec::new()),
            ElementType::I16 => TensorData::I16(Vec::new()),
            ElementType::I32 => TensorData::I32(Vec::new()),
            ElementType::I64 => TensorData::I64(Vec::new()),
            ElementType::U8 => TensorData::U8(Vec::new()),
            ElementType::U16 => TensorData::U16(Vec::new()),
            ElementType::U32 => TensorData::U32(Vec::new()),
            ElementType::U64 => TensorData::U64(Vec::new()),
            ElementType::Bool => TensorData::Bool(Vec::new()),
            ElementType::String => TensorData::String(Vec::new()),
        }
    }

    pub fn element(&self) -> ElementType {
        match self {
            TensorData::F32(_) => ElementType::F32,
            TensorData::F64(_) => ElementType::F64,
            TensorData::I8(_) => ElementType::I8,
            TensorData::I16(_) => ElementType::I16,
            TensorData::I32(_) => ElementType::I32,
            TensorData::I64(_) => ElementType::I64,
            TensorData::U8(_) => ElementType::U8,
            TensorData::U16(_) => ElementType::U16,
            TensorData::U32(_) => ElementType::U32,
            TensorData::U64(_) => ElementType::U64,
            TensorData::Bool(_) => ElementType::Bool,
            TensorData::String(_) => ElementType::String,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        for_tensor_data!(self, v => v.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps the first `len` elements.
    pub fn truncate(&mut self, len: usize) {
        for_tensor_data!(self, v => v.truncate(len));
    }

    /// Forgets the elements, keeps the buffer.
    pub fn clear(&mut self) {
        self.truncate(0);
    }
}

/// A dense tensor. `shape` multiplies to the number of elements; `[]` is a scalar.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub data: TensorData,
}

impl Tensor {
    /// A tensor of `shape` over `data`.
    ///
    /// # Panics
    /// When the shape does not multiply to the number of elements: that is a bug of the caller.
    pub fn new(shape: Vec<usize>, data: TensorData) -> Self {
        assert_eq!(
            shape.iter().product::<usize>(),
            data.len(),
            "shape {shape:?} must match the number of elements"
        );
        Tensor { shape, data }
    }

    /// An `f32` tensor; see [`Tensor::new`].
    pub fn f32(shape: &[usize], data: Vec<f32>) -> Self {
        Tensor::new(shape.to_vec(), TensorData::F32(data))
    }

    pub fn element(&self) -> ElementType {
        self.data.element()
    }

    /// Elements per index of the first dimension: `[8, 4, 3]` has rows of 12.
    pub fn row_len(&self) -> usize {
        self.shape.iter().skip(1).product()
    }
}
