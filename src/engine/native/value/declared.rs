//! Declared types: what a value is before it is there.

use super::Kind;
use crate::{
    native::fault::{Fault, fault},
    onnx::proto::{TensorTypeProto, TypeProto},
};

/// One dimension as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Axis {
    Fixed(usize),
    /// Free, with the file's name for it (may be empty).
    Free(String),
}

/// A declared type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    Tensor {
        kind: Kind,
        /// `None`: not even the rank is known.
        axes: Option<Vec<Axis>>,
    },
    Sequence(Box<Type>),
    Map(Kind, Box<Type>),
    Optional(Box<Type>),
    /// Not declared.
    Unknown,
}

impl Type {
    /// # Errors
    /// A tensor without an element type, a type that ONNX lacks.
    pub fn of(proto: Option<&TypeProto>) -> Result<Type, Fault> {
        let Some(proto) = proto else { return Ok(Type::Unknown) };
        if let Some(tensor) = proto.tensor_type.as_ref().or(proto.sparse_tensor_type.as_ref()) {
            return Type::tensor(tensor);
        }
        if let Some(sequence) = &proto.sequence_type {
            return Ok(Type::Sequence(Box::new(Type::of(sequence.elem_type.as_deref())?)));
        }
        if let Some(optional) = &proto.optional_type {
            return Ok(Type::Optional(Box::new(Type::of(optional.elem_type.as_deref())?)));
        }
        if let Some(map) = &proto.map_type {
            let key = Kind::from_code(i64::from(map.key_type))
                .ok_or_else(|| fault!("has map keys of type {}", map.key_type))?;
            return Ok(Type::Map(key, Box::new(Type::of(map.value_type.as_deref())?)));
        }
        Ok(Type::Unknown)
    }

    fn tensor(proto: &TensorTypeProto) -> Result<Type, Fault> {
        let kind = Kind::from_code(i64::from(proto.elem_type))
            .ok_or_else(|| fault!("has element type {}, which ONNX does not define", proto.elem_type))?;
        let axes = proto.shape.as_ref().map(|shape| {
            let axis = |dim: &crate::onnx::proto::DimProto| match (dim.value, &dim.param) {
                // Exporters write a free dimension as zero or minus one too; see `engine::tract::ports`.
                (Some(n), _) if n > 0 => Axis::Fixed(usize::try_from(n).unwrap_or(usize::MAX)),
                (_, name) => Axis::Free(name.clone().unwrap_or_default()),
            };
            shape.dim.iter().map(axis).collect()
        });
        Ok(Type::Tensor { kind, axes })
    }
}
