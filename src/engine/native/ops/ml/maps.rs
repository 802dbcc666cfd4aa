//! Maps to tensors and back: CastMap, DictVectorizer, ZipMap.

use std::{collections::BTreeMap, sync::Arc};

use smallvec::smallvec;

use super::{labels::Labels, rows::rows_of};
use crate::{
    native::{
        attributes::Node,
        exec::{Args, Op, Run, one, op},
        fault::{Fault, fault},
        value::{Data, Element, Map, Tensor, Value},
    },
    with_kinds,
};

fn map_of(args: &Args) -> Result<&Map, Fault> {
    match args.value(0)? {
        Value::Map(map) => Ok(map),
        other => Err(fault!("input 0: is {}, must be a map", other.describe())),
    }
}

/// The one element of a map's value.
fn element<T: Element>(value: &Value) -> Result<T, Fault> {
    match value.tensor()?.slice::<T>()? {
        [element] => Ok(element.clone()),
        other => Err(fault!("has a value of {} elements in its map", other.len())),
    }
}

/// `ZipMap`, ai.onnx.ml 1: a map from class to score for each row.
pub(super) fn zip_map(node: &Node<'_>) -> Result<Op, Fault> {
    let labels = Labels::of(node, "classlabels_int64s", "classlabels_strings")?;
    op(move |run, args| {
        let (rows, width) = rows_of(args.tensor(0)?)?;
        let x = args.slice::<f32>(0)?;
        if width != labels.len() {
            return Err(fault!("input 0: has {width} scores a row for {} labels", labels.len()));
        }
        // A map takes far more than its numbers.
        run.check_len::<(Value, i64)>(x.len())?;
        let mut maps = Vec::with_capacity(rows);
        for row in x.chunks_exact(width) {
            let scores = row.iter().map(|&score| Value::Tensor(Tensor::scalar(score)));
            maps.push(Value::Map(Arc::new(match &labels {
                Labels::Numbers(labels) => Map::Ints(labels.iter().copied().zip(scores).collect()),
                Labels::Texts(labels) => Map::Strings(labels.iter().cloned().zip(scores).collect()),
            })));
        }
        Ok(smallvec![Value::Sequence(Arc::new(maps))])
    })
}

/// `DictVectorizer`, ai.onnx.ml 1: the values of a map in the order of a vocabulary, zero or an empty text
/// where a key is missing.
pub(super) fn dict_vectorizer(node: &Node<'_>) -> Result<Op, Fault> {
    let vocabulary = Labels::of(node, "int64_vocabulary", "string_vocabulary")?;
    op(move |run, args| {
        let map = map_of(&args)?;
        let values: Vec<Option<&Value>> = match (map, &vocabulary) {
            (Map::Ints(map), Labels::Numbers(keys)) => keys.iter().map(|key| map.get(key)).collect(),
            (Map::Strings(map), Labels::Texts(keys)) => keys.iter().map(|key| map.get(key)).collect(),
            _ => return Err(fault!("input 0: has keys of another type than the vocabulary")),
        };
        let first = match map {
            Map::Ints(map) => map.values().next(),
            Map::Strings(map) => map.values().next(),
        };
        let Some(first) = first else { return vector::<f32>(run, &values) };
        let kind = first.tensor()?;
        with_kinds!(
            [F32, F64, I64, String] kind.data(),
            v => return vector_like(run, &values, v),
            Err(fault!("input 0: has values of {kind}"))
        )
    })
}

fn vector_like<T: Element>(
    run: &mut Run<'_>,
    values: &[Option<&Value>],
    _: &[T],
) -> Result<crate::native::exec::Outputs, Fault> {
    vector::<T>(run, values)
}

fn vector<T: Element>(
    run: &mut Run<'_>,
    values: &[Option<&Value>],
) -> Result<crate::native::exec::Outputs, Fault> {
    let mut out = run.buffer::<T>(values.len())?;
    for value in values {
        out.push(value.map_or(Ok(T::default()), element::<T>)?);
    }
    one(Tensor::of([1, values.len()].as_slice(), out)?)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Target {
    Float,
    Int,
    Text,
}

/// One value of the map, of whichever type it is.
enum Scalar {
    Float(f32),
    Text(Arc<str>),
}

/// `CastMap`, ai.onnx.ml 1: the values of a map in the order of its keys, or each at the place of its key
/// with padding between.
pub(super) fn cast_map(node: &Node<'_>) -> Result<Op, Fault> {
    let target = match node.string("cast_to", "TO_FLOAT")? {
        "TO_FLOAT" => Target::Float,
        "TO_INT64" => Target::Int,
        "TO_STRING" => Target::Text,
        other => return Err(fault!("attribute `cast_to` {other} is not defined")),
    };
    let places = match node.string("map_form", "DENSE")? {
        "DENSE" => None,
        "SPARSE" => {
            let places = node.int("max_map", 1)?;
            Some(usize::try_from(places).map_err(|_| fault!("attribute `max_map` is {places}"))?)
        }
        other => return Err(fault!("attribute `map_form` {other} is not defined")),
    };
    op(move |run, args| {
        let Map::Ints(map) = map_of(&args)? else {
            return Err(fault!("input 0: has keys of text, must be a map of int64"));
        };
        match target {
            Target::Float => cast(run, map, places, 0.0, |value| match value {
                Scalar::Float(value) => Ok(value),
                Scalar::Text(text) => parse(&text),
            }),
            Target::Int => cast(run, map, places, 0, |value| match value {
                Scalar::Float(value) => Ok(value as i64),
                Scalar::Text(text) => parse(&text),
            }),
            // The padding and the six digits are ONNX Runtime's.
            Target::Text => cast::<Arc<str>>(run, map, places, "0.f".into(), |value| {
                Ok(match value {
                    Scalar::Float(value) => format!("{value:.6}").into(),
                    Scalar::Text(text) => text,
                })
            }),
        }
    })
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T, Fault> {
    text.trim().parse().map_err(|_| fault!("input 0: `{text}` is no number"))
}

fn cast<T: Element>(
    run: &mut Run<'_>,
    map: &BTreeMap<i64, Value>,
    places: Option<usize>,
    padding: T,
    convert: impl Fn(Scalar) -> Result<T, Fault>,
) -> Result<crate::native::exec::Outputs, Fault> {
    let value = |value: &Value| {
        convert(match value.tensor()?.data() {
            Data::String(_) => Scalar::Text(element(value)?),
            _ => Scalar::Float(element(value)?),
        })
    };
    let Some(places) = places else {
        let mut out = run.buffer(map.len())?;
        for entry in map.values() {
            out.push(value(entry)?);
        }
        return one(Tensor::of([1, map.len()].as_slice(), out)?);
    };
    if let Some(key) = map.keys().next().filter(|key| **key < 0) {
        return Err(fault!("input 0: has the key {key}, which is no place"));
    }
    let mut out = run.filled(places, padding)?;
    for (&key, entry) in map {
        if let Some(out) = usize::try_from(key).ok().and_then(|key| out.get_mut(key)) {
            *out = value(entry)?;
        }
    }
    one(Tensor::of([1, places].as_slice(), out)?)
}
