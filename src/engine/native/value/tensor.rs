//! Tensors, and the other values of ONNX that are made of them.

use std::{collections::BTreeMap, fmt, sync::Arc};

use smallvec::SmallVec;

use super::{Data, Element, Kind};
use crate::native::fault::{Fault, fault};

/// Lengths of the dimensions, outermost first; empty for a scalar.
pub type Shape = SmallVec<[usize; 6]>;

/// Elements with a shape. Invariant: as many elements as the product of the shape.
#[derive(Debug, Clone)]
pub struct Tensor {
    shape: Shape,
    data: Data,
}

impl Tensor {
    /// # Errors
    /// When the number of elements isn't the product of the shape.
    pub fn new(shape: impl Into<Shape>, data: Data) -> Result<Self, Fault> {
        let shape = shape.into();
        let len = elements(&shape)?;
        if len != data.len() {
            return Err(fault!("{} elements don't fill the shape {:?}", data.len(), &*shape));
        }
        Ok(Tensor { shape, data })
    }

    /// A tensor of `elements`, which must fill `shape`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of<T: Element>(shape: impl Into<Shape>, elements: Vec<T>) -> Result<Self, Fault> {
        Tensor::new(shape, T::wrap(elements))
    }

    pub fn scalar<T: Element>(element: T) -> Self {
        Tensor { shape: Shape::new(), data: T::wrap(vec![element]) }
    }

    /// A vector: one dimension.
    pub fn vector<T: Element>(elements: Vec<T>) -> Self {
        Tensor { shape: Shape::from_slice(&[elements.len()]), data: T::wrap(elements) }
    }

    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    pub fn len(&self) -> usize {
        self.data.len()
    }

    pub fn kind(&self) -> Kind {
        self.data.kind()
    }

    pub fn data(&self) -> &Data {
        &self.data
    }

    pub fn into_parts(self) -> (Shape, Data) {
        (self.shape, self.data)
    }

    /// The elements, when they are of that type.
    ///
    /// # Errors
    /// Names the kind that is there and the one asked for.
    pub fn slice<T: Element>(&self) -> Result<&[T], Fault> {
        T::of(&self.data).map(|v| &***v).ok_or_else(|| fault!("is {}, must be {}", self.kind(), T::KIND))
    }

    /// The elements to be written: copied only when somebody else holds them too.
    #[cfg(test)]
    pub fn slice_mut<T: Element>(&mut self) -> Result<&mut [T], Fault> {
        let kind = self.kind();
        T::of_mut(&mut self.data)
            .map(|v| &mut **Arc::make_mut(v))
            .ok_or_else(|| fault!("is {kind}, must be {}", T::KIND))
    }

    /// The same elements in another shape; nothing is copied.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn reshaped(self, shape: impl Into<Shape>) -> Result<Self, Fault> {
        Tensor::new(shape, self.data)
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.kind(), &*self.shape)
    }
}

/// Dimensions of one tensor. What is done with shapes may take the square of their length.
const MAX_RANK: usize = 256;

/// The product of a shape.
///
/// # Errors
/// More dimensions than 256; when it is more than memory could ever hold.
pub fn elements(shape: &[usize]) -> Result<usize, Fault> {
    if shape.len() > MAX_RANK {
        return Err(fault!("{} dimensions are more than the {MAX_RANK} there may be", shape.len()));
    }
    // An empty tensor's other dimensions must have a product too: then so has every part of a shape,
    // and nobody who multiplies some of them need think of it.
    let product = shape
        .iter()
        .filter(|&&dim| dim > 0)
        .try_fold(1usize, |product, &dim| product.checked_mul(dim))
        .filter(|&len| len <= isize::MAX as usize / 16)
        .ok_or_else(|| Fault::limit(format!("the shape {shape:?} has more elements than can be counted")))?;
    Ok(if shape.contains(&0) { 0 } else { product })
}

/// Keys of a map.
#[derive(Debug, Clone, PartialEq)]
pub enum Map {
    /// From whole numbers.
    Ints(BTreeMap<i64, Value>),
    Strings(BTreeMap<Arc<str>, Value>),
}

/// What goes from node to node.
#[derive(Debug, Clone)]
pub enum Value {
    Tensor(Tensor),
    Sequence(Arc<Vec<Value>>),
    Map(Arc<Map>),
    /// An optional, with or without a value.
    Optional(Option<Box<Value>>),
}

impl Value {
    /// What it is, for messages: `float32[2, 3]`, `a sequence of 3`.
    pub fn describe(&self) -> String {
        match self {
            Value::Tensor(tensor) => tensor.to_string(),
            Value::Sequence(items) => format!("a sequence of {}", items.len()),
            Value::Map(_) => "a map".into(),
            Value::Optional(Some(value)) => format!("an optional {}", value.describe()),
            Value::Optional(None) => "an empty optional".into(),
        }
    }

    /// # Errors
    /// When it is something else.
    pub fn tensor(&self) -> Result<&Tensor, Fault> {
        match self {
            Value::Tensor(tensor) => Ok(tensor),
            other => Err(fault!("is {}, must be a tensor", other.describe())),
        }
    }

    /// Bytes in memory, roughly.
    pub fn bytes(&self) -> usize {
        match self {
            Value::Tensor(tensor) => tensor.data().bytes(),
            Value::Sequence(items) => items.iter().map(Value::bytes).sum(),
            Value::Map(map) => match &**map {
                Map::Ints(map) => map.values().map(Value::bytes).sum(),
                Map::Strings(map) => map.values().map(Value::bytes).sum(),
            },
            Value::Optional(value) => value.as_ref().map_or(0, |value| value.bytes()),
        }
    }
}

/// Equal to the bit; NaN equals itself. For tests and for golden values.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Tensor(a), Value::Tensor(b)) => a.shape == b.shape && same_bits(&a.data, &b.data),
            (Value::Sequence(a), Value::Sequence(b)) => a == b,
            (Value::Map(a), Value::Map(b)) => a == b,
            (Value::Optional(a), Value::Optional(b)) => a == b,
            _ => false,
        }
    }
}

fn same_bits(a: &Data, b: &Data) -> bool {
    match (a, b) {
        (Data::F32(a), Data::F32(b)) => a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits())),
        (Data::F64(a), Data::F64(b)) => a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits())),
        (Data::F16(a), Data::F16(b)) => a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits())),
        (Data::BF16(a), Data::BF16(b)) => a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits())),
        (Data::I8(a), Data::I8(b)) => a == b,
        (Data::I16(a), Data::I16(b)) => a == b,
        (Data::I32(a), Data::I32(b)) => a == b,
        (Data::I64(a), Data::I64(b)) => a == b,
        (Data::U8(a), Data::U8(b)) => a == b,
        (Data::U16(a), Data::U16(b)) => a == b,
        (Data::U32(a), Data::U32(b)) => a == b,
        (Data::U64(a), Data::U64(b)) => a == b,
        (Data::Bool(a), Data::Bool(b)) => a == b,
        (Data::String(a), Data::String(b)) => a == b,
        (Data::C64(a), Data::C64(b)) => a == b,
        (Data::C128(a), Data::C128(b)) => a == b,
        (Data::Small(kind, a), Data::Small(same, b)) => kind == same && a == b,
        _ => false,
    }
}

impl From<Tensor> for Value {
    fn from(tensor: Tensor) -> Self {
        Value::Tensor(tensor)
    }
}
