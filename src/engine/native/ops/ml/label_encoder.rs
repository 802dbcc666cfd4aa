//! LabelEncoder: any key to any value.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use crate::native::{
    attributes::Node,
    exec::{Op, one, op},
    fault::{Fault, fault},
    value::{Data, Element, Kind, Tensor},
};

/// `LabelEncoder`, ai.onnx.ml 1, 2 and 4. Version 1 maps the texts of `classes_strings` to their places
/// and back; version 2 has keys and values; version 4 adds tensors of them, f64, i32 and i16. NaN is a key
/// like any other. Of equal keys the first counts.
pub(super) fn label_encoder(node: &Node<'_>) -> Result<Op, Fault> {
    if node.opset < 2 && !node.attributes.has("keys_strings") {
        return first_version(node);
    }
    let keys = tensor(node, "keys")?;
    let values = tensor(node, "values")?;
    if keys.len() != values.len() {
        return Err(fault!("has {} keys and {} values", keys.len(), values.len()));
    }
    let unknown = unknown(node, values.kind())?;
    let encoder = Encoder::new(keys.data(), values, unknown)?;
    op(move |_, args| one(encoder.encode(args.tensor(0)?)?))
}

fn first_version(node: &Node<'_>) -> Result<Op, Fault> {
    let texts: Vec<Arc<str>> =
        node.attributes.strings("classes_strings")?.unwrap_or_default().into_iter().map(Arc::from).collect();
    let places = (0..texts.len() as i64).collect::<Vec<_>>();
    let (texts, places) = (Tensor::vector(texts), Tensor::vector(places));
    let to_place = Encoder::new(texts.data(), places.clone(), unknown(node, Kind::I64)?)?;
    let to_text = Encoder::new(places.data(), texts.clone(), unknown(node, Kind::String)?)?;
    op(move |_, args| {
        let x = args.tensor(0)?;
        one(if x.kind() == Kind::String { to_place.encode(x) } else { to_text.encode(x) }?)
    })
}

/// `{role}_tensor`, or what is there of `{role}_strings`, `{role}_int64s`, `{role}_floats`.
fn tensor(node: &Node<'_>, role: &str) -> Result<Tensor, Fault> {
    if let Some(tensor) = node.attributes.tensor(&format!("{role}_tensor"))? {
        return Ok(tensor);
    }
    if let Some(texts) = node.attributes.strings(&format!("{role}_strings"))? {
        return Ok(Tensor::vector::<Arc<str>>(texts.into_iter().map(Arc::from).collect()));
    }
    if let Some(numbers) = node.attributes.ints(&format!("{role}_int64s"))? {
        return Ok(Tensor::vector(numbers.to_vec()));
    }
    if let Some(numbers) = node.attributes.floats(&format!("{role}_floats"))? {
        return Ok(Tensor::vector(numbers.to_vec()));
    }
    Err(fault!("lacks its {role}"))
}

/// What a key that isn't there becomes.
fn unknown(node: &Node<'_>, kind: Kind) -> Result<Tensor, Fault> {
    if let Some(tensor) = node.attributes.tensor("default_tensor")? {
        if tensor.kind() != kind || tensor.len() != 1 {
            return Err(fault!("attribute `default_tensor` is {tensor}, must be one {kind}"));
        }
        return Ok(tensor);
    }
    Ok(match kind {
        Kind::String => Tensor::scalar::<Arc<str>>(node.string("default_string", "_Unused")?.into()),
        Kind::F32 => Tensor::scalar(node.float("default_float", -0.0)?),
        Kind::F64 => Tensor::scalar(f64::from(node.float("default_float", -0.0)?)),
        Kind::I64 => Tensor::scalar(node.int("default_int64", -1)?),
        Kind::I32 => Tensor::scalar(node.int("default_int64", -1)? as i32),
        Kind::I16 => Tensor::scalar(node.int("default_int64", -1)? as i16),
        other => return Err(fault!("has values of {other}")),
    })
}

struct Encoder {
    places: Places,
    values: Tensor,
    unknown: Tensor,
}

/// Where each key's value is, for keys of each type. Floats are told apart by their bits.
enum Places {
    Texts(HashMap<Arc<str>, usize>),
    Numbers(Kind, HashMap<u64, usize>),
}

impl Encoder {
    fn new(keys: &Data, values: Tensor, unknown: Tensor) -> Result<Self, Fault> {
        fn first<K: Hash + Eq>(keys: impl Iterator<Item = K>) -> HashMap<K, usize> {
            let mut places = HashMap::new();
            keys.zip(0..).for_each(|(key, place)| {
                places.entry(key).or_insert(place);
            });
            places
        }
        let places = match keys {
            Data::String(keys) => Places::Texts(first(keys.iter().cloned())),
            keys => {
                let bits = bits(keys).ok_or_else(|| fault!("has keys of {}", keys.kind()))?;
                Places::Numbers(keys.kind(), first(bits.into_iter()))
            }
        };
        Ok(Encoder { places, values, unknown })
    }

    fn encode(&self, x: &Tensor) -> Result<Tensor, Fault> {
        let places: Vec<Option<usize>> = match (&self.places, x.data()) {
            (Places::Texts(places), Data::String(v)) => v.iter().map(|v| places.get(v).copied()).collect(),
            (Places::Numbers(kind, places), data) if data.kind() == *kind => {
                bits(data).unwrap_or_default().iter().map(|bits| places.get(bits).copied()).collect()
            }
            (Places::Texts(_), _) => return Err(fault!("input 0: is {x}, must be string")),
            (Places::Numbers(kind, _), _) => return Err(fault!("input 0: is {x}, must be {kind}")),
        };
        match self.values.data() {
            Data::String(_) => self.decode::<Arc<str>>(x, &places),
            Data::F32(_) => self.decode::<f32>(x, &places),
            Data::F64(_) => self.decode::<f64>(x, &places),
            Data::I64(_) => self.decode::<i64>(x, &places),
            Data::I32(_) => self.decode::<i32>(x, &places),
            Data::I16(_) => self.decode::<i16>(x, &places),
            other => Err(fault!("has values of {}", other.kind())),
        }
    }

    fn decode<T: Element>(&self, x: &Tensor, places: &[Option<usize>]) -> Result<Tensor, Fault> {
        let (values, unknown) = (self.values.slice::<T>()?, self.unknown.slice::<T>()?);
        let value = |place: &Option<usize>| place.map_or(&unknown[0], |place| &values[place]).clone();
        Tensor::of(x.shape(), places.iter().map(value).collect())
    }
}

/// Each number as bits that are equal just when the numbers are, all NaN being one.
fn bits(data: &Data) -> Option<Vec<u64>> {
    fn float(v: f64) -> u64 {
        // Adding zero makes one zero of the two.
        if v.is_nan() { u64::MAX } else { (v + 0.0).to_bits() }
    }
    Some(match data {
        Data::F32(v) => v.iter().map(|&v| float(v.into())).collect(),
        Data::F64(v) => v.iter().map(|&v| float(v)).collect(),
        Data::I64(v) => v.iter().map(|&v| v as u64).collect(),
        Data::I32(v) => v.iter().map(|&v| v as u64).collect(),
        Data::I16(v) => v.iter().map(|&v| v as u64).collect(),
        _ => return None,
    })
}
