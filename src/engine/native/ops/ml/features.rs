//! Columns picked and put together.

use super::rows::rows_of;
use crate::{
    map_kinds,
    native::{
        attributes::Node,
        exec::{Op, one, op},
        fault::{Fault, fault},
        value::{Shape, Tensor, elements},
    },
    with_kinds,
};

/// `ArrayFeatureExtractor`, ai.onnx.ml 1: elements of the last dimension, by their indices.
pub(super) fn array_feature_extractor(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| {
        let x = args.tensor(0)?;
        let Some((&width, before)) = x.shape().split_last() else {
            return Err(fault!("input 0: is a scalar, has no features"));
        };
        let indices = args.ints(1)?;
        if indices.is_empty() {
            return Err(fault!("input 1: is empty, must name a feature"));
        }
        let indices = indices
            .iter()
            .map(|&index| usize::try_from(index).ok().filter(|&index| index < width))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| fault!("input 1: names features outside the {width} there are"))?;
        let mut shape = Shape::from_slice(if before.is_empty() { &[1] } else { before });
        shape.push(indices.len());
        let len = elements(&shape)?;
        let data = map_kinds!(
            [F32, F64, I32, I64, String, F16, BF16, Bool, I8, I16, U8, U16, U32, U64] x.data(),
            v => {
                let mut out = run.buffer(len)?;
                for row in v.chunks_exact(width) {
                    out.extend(indices.iter().map(|&index| row[index].clone()));
                }
                out
            },
            return Err(fault!("input 0: is {x}, which has no features"))
        );
        one(Tensor::new(shape, data)?)
    })
}

/// `FeatureVectorizer`, ai.onnx.ml 1: inputs side by side as f32, each cut or filled with zeros to its
/// `inputdimensions`.
pub(super) fn feature_vectorizer(node: &Node<'_>) -> Result<Op, Fault> {
    let given = node.ints("inputdimensions")?;
    op(move |run, args| {
        let mut parts = Vec::with_capacity(args.len());
        let mut rows = None;
        for index in 0..args.len() {
            let x = args.tensor(index)?;
            let (count, width) = match x.shape().len() {
                1 | 2 => rows_of(x)?,
                // What is behind the rows is one row of features.
                0 => return Err(fault!("input {index}: is a scalar, must be rows of features")),
                _ => (x.shape()[0], elements(&x.shape()[1..])?),
            };
            if *rows.get_or_insert(count) != count {
                return Err(fault!("input {index}: has {count} rows, input 0 has {}", rows.unwrap_or(0)));
            }
            let wanted = match &given {
                Some(given) => given.get(index).copied().and_then(|n| usize::try_from(n).ok()),
                None => Some(width),
            };
            let wanted = wanted.ok_or_else(|| fault!("`inputdimensions` tells nothing of input {index}"))?;
            parts.push((x, width, wanted));
        }
        let rows = rows.ok_or_else(|| fault!("has no inputs"))?;
        let total = parts.iter().try_fold(0usize, |sum, part| sum.checked_add(part.2));
        let total = total.ok_or_else(|| fault!("`inputdimensions` are too many"))?;
        let mut out = run.filled(elements(&[rows, total])?, 0f32)?;
        let mut first = 0;
        for (x, width, wanted) in parts {
            let copied = width.min(wanted);
            for row in 0..rows {
                let out = &mut out[row * total + first..][..copied];
                let from = row * width..row * width + copied;
                with_kinds!(
                    [F32, F64, I32, I64] x.data(),
                    v => out.iter_mut().zip(&v[from]).for_each(|(out, &v)| *out = v as f32),
                    return Err(fault!("is given {x}, must be float32, float64, int32 or int64"))
                );
            }
            first += wanted;
        }
        one(Tensor::of([rows, total].as_slice(), out)?)
    })
}
