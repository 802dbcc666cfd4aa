//! Sequences, maps and optionals from ONNX's messages: how reference cases keep them.

use std::sync::Arc;

use super::{
    Map, Value, Weights,
    decode::{tensor, text},
};
use crate::{
    native::fault::{Fault, fault},
    onnx::proto::{MapProto, OptionalProto, SequenceProto},
};

/// # Errors
/// As [`tensor`], for any part.
pub fn sequence(proto: &SequenceProto, weights: Weights<'_>) -> Result<Value, Fault> {
    let mut items = vec![];
    for item in &proto.tensor_values {
        items.push(Value::Tensor(tensor(item, weights)?));
    }
    for item in &proto.sequence_values {
        items.push(sequence(item, weights)?);
    }
    for item in &proto.map_values {
        items.push(map(item, weights)?);
    }
    for item in &proto.optional_values {
        items.push(optional(item, weights)?);
    }
    Ok(Value::Sequence(Arc::new(items)))
}

/// # Errors
/// As [`tensor`], for any part; keys and values that are not as many.
pub fn map(proto: &MapProto, weights: Weights<'_>) -> Result<Value, Fault> {
    let values = proto.values.as_deref().ok_or_else(|| fault!("a map lacks its values"))?;
    let Value::Sequence(values) = sequence(values, weights)? else {
        return Err(fault!("a map lacks its values"));
    };
    if values.len() != proto.keys.len().max(proto.string_keys.len()) {
        return Err(fault!("a map has {} values for another number of keys", values.len()));
    }
    let values = values.iter().cloned();
    let map = if proto.string_keys.is_empty() {
        Map::Ints(proto.keys.iter().copied().zip(values).collect())
    } else {
        let keys = proto.string_keys.iter().map(|key| text(key)).collect::<Result<Vec<_>, _>>()?;
        Map::Strings(keys.into_iter().zip(values).collect())
    };
    Ok(Value::Map(Arc::new(map)))
}

/// # Errors
/// As [`tensor`], for any part.
pub fn optional(proto: &OptionalProto, weights: Weights<'_>) -> Result<Value, Fault> {
    let value = if let Some(value) = &proto.tensor_value {
        Some(Value::Tensor(tensor(value, weights)?))
    } else if let Some(value) = &proto.sequence_value {
        Some(sequence(value, weights)?)
    } else if let Some(value) = &proto.map_value {
        Some(map(value, weights)?)
    } else if let Some(value) = &proto.optional_value {
        Some(optional(value, weights)?)
    } else {
        None
    };
    Ok(Value::Optional(value.map(Box::new)))
}
