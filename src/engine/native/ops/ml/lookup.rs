//! Categories looked up: CategoryMapper and OneHotEncoder.

use std::{collections::HashMap, sync::Arc};

use crate::{
    native::{
        attributes::Node,
        exec::{Op, one, op},
        fault::{Fault, fault},
        value::{Data, Shape, Tensor, elements},
    },
    with_kinds,
};

/// `CategoryMapper`, ai.onnx.ml 1: texts to whole numbers and whole numbers to texts.
pub(super) fn category_mapper(node: &Node<'_>) -> Result<Op, Fault> {
    let texts = node.attributes.strings("cats_strings")?.unwrap_or_default();
    let numbers = node.ints("cats_int64s")?.unwrap_or_default();
    if texts.len() != numbers.len() {
        return Err(fault!("has {} `cats_strings` and {} `cats_int64s`", texts.len(), numbers.len()));
    }
    let texts: Vec<Arc<str>> = texts.into_iter().map(Arc::from).collect();
    let to_number: HashMap<Arc<str>, i64> = texts.iter().cloned().zip(numbers.iter().copied()).collect();
    let to_text: HashMap<i64, Arc<str>> = numbers.into_iter().zip(texts).collect();
    let unknown_number = node.int("default_int64", -1)?;
    let unknown_text: Arc<str> = node.string("default_string", "_Unused")?.into();
    op(move |run, args| {
        let x = args.tensor(0)?;
        one(match x.data() {
            Data::String(v) => {
                let mut out = run.buffer::<i64>(v.len())?;
                out.extend(v.iter().map(|v| to_number.get(v).copied().unwrap_or(unknown_number)));
                Tensor::of(x.shape(), out)?
            }
            Data::I64(v) => {
                let mut out = run.buffer::<Arc<str>>(v.len())?;
                out.extend(v.iter().map(|v| Arc::clone(to_text.get(v).unwrap_or(&unknown_text))));
                Tensor::of(x.shape(), out)?
            }
            _ => return Err(fault!("input 0: is {x}, must be string or int64")),
        })
    })
}

/// `OneHotEncoder`, ai.onnx.ml 1: a new last dimension with 1 at the category's place. Numbers that aren't
/// int64 are cast to it.
pub(super) fn one_hot_encoder(node: &Node<'_>) -> Result<Op, Fault> {
    let numbers = node.ints("cats_int64s")?.unwrap_or_default();
    let texts = node.attributes.strings("cats_strings")?.unwrap_or_default();
    if numbers.is_empty() == texts.is_empty() {
        return Err(fault!("must have either `cats_int64s` or `cats_strings`"));
    }
    let zeros = node.flag("zeros", true)?;
    let width = numbers.len().max(texts.len());
    let numbers: HashMap<i64, usize> = numbers.into_iter().zip(0..).collect();
    let texts: HashMap<Arc<str>, usize> = texts.into_iter().map(Arc::from).zip(0..).collect();
    op(move |run, args| {
        let x = args.tensor(0)?;
        let mut shape = Shape::from_slice(x.shape());
        shape.push(width);
        let mut out = run.filled(elements(&shape)?, 0f32)?;
        let mut set = |at: usize, place: Option<&usize>| match place {
            Some(place) => {
                out[at * width + place] = 1.0;
                Ok(())
            }
            None if zeros => Ok(()),
            None => Err(fault!("input 0: element {at} is none of the categories, and `zeros` is 0")),
        };
        match x.data() {
            Data::String(v) => v.iter().enumerate().try_for_each(|(at, v)| set(at, texts.get(v)))?,
            data => with_kinds!(
                [F32, F64, I32, I64] data,
                v => for (at, &v) in v.iter().enumerate() {
                    // A cast would make some category of NaN.
                    let is_number = !(v as f64).is_nan();
                    set(at, numbers.get(&(v as i64)).filter(|_| is_number))?;
                },
                return Err(fault!("input 0: is {x}, must be string, float32, float64, int32 or int64"))
            ),
        }
        one(Tensor::of(shape, out)?)
    })
}
