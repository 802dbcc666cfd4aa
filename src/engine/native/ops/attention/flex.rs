//! `FlexAttention`.

use std::ops::Range;

use super::dot_product::precision;
use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    graph::Subgraph,
    kernels::{
        attention::{self, Head},
        real::{self, Computed, reals},
    },
    value::{Kind, Tensor, Value, elements},
};

/// A graph that changes the scores, and which of the node's captures are its own.
type Change = Option<(Subgraph, Range<usize>)>;

struct Config {
    scale: Option<f32>,
    precision: Option<Kind>,
    score: Change,
    probability: Change,
}

/// `FlexAttention`, ai.onnx.preview 1: attention whose scores and probabilities go through graphs.
pub(super) fn flex_attention(node: &Node<'_>) -> Result<Op, Fault> {
    let change = |name: &str| match node.attributes.has(name) {
        true => node.graph(name).map(Some),
        false => Ok(None),
    };
    let config = Config {
        scale: node.attributes.float("scale")?,
        precision: precision(node)?,
        score: change("score_mod")?,
        probability: change("prob_mod")?,
    };
    op(move |run, args| {
        let kind = args.tensor(0)?.kind();
        let inner = config.precision.unwrap_or(if kind == Kind::F64 { Kind::F64 } else { Kind::F32 });
        // The wider of the two: products in the inputs' type, the rest in that of the softmax.
        let wide = if inner == Kind::F64 { inner } else { kind };
        reals!(wide, T => body::<T>(run, &args, &config, inner))
    })
}

/// Hands the scores to a graph, which must give as many back.
fn changed<T: Computed>(
    run: &mut Run<'_>,
    args: &Args,
    change: &Change,
    inner: Kind,
    shape: [usize; 4],
    values: Vec<T>,
) -> Result<Vec<T>, Fault> {
    let Some((graph, captures)) = change else { return Ok(values) };
    let scores = real::tensor(run, inner, &shape, values)?;
    let captures = args.captures().get(captures.clone()).unwrap_or_default();
    let outputs = run.graph(graph, [Some(Value::Tensor(scores))], captures)?;
    let [output] = &outputs[..] else {
        return Err(fault!("its graph has {} outputs, must have one", outputs.len()));
    };
    let output: &Tensor = output.tensor()?;
    if *output.shape() != shape {
        return Err(fault!("its graph makes {output}, must keep the shape {shape:?}"));
    }
    Ok(real::widened::<T>(run, output)?.into_owned())
}

fn body<T: Computed>(run: &mut Run<'_>, args: &Args, config: &Config, inner: Kind) -> Result<Outputs, Fault> {
    let shapes = [args.tensor(0)?, args.tensor(1)?, args.tensor(2)?].map(|tensor| {
        <[usize; 4]>::try_from(tensor.shape()).map_err(|_| fault!("{tensor} must have four axes"))
    });
    let [q_shape, k_shape, v_shape] = shapes;
    let (q_shape, k_shape, v_shape) = (q_shape?, k_shape?, v_shape?);
    let [batch, heads, queries, width] = q_shape;
    let [_, shared, keys, _] = k_shape;
    let value_width = v_shape[3];
    if k_shape != [batch, shared, keys, width]
        || v_shape != [batch, shared, keys, value_width]
        || shared == 0
        || heads % shared != 0
    {
        return Err(fault!("queries {q_shape:?}, keys {k_shape:?} and values {v_shape:?} don't go together"));
    }
    let kind = args.tensor(0)?.kind();
    let (rounded, narrow) = (real::rounding::<T>(kind), real::rounding::<T>(inner));
    let scale = config.scale.unwrap_or(1.0 / (width as f32).sqrt());
    let factor = rounded(T::from_f64(f64::from(scale).sqrt()));
    let mut q = real::input::<T>(run, args, 0)?.into_owned();
    let mut k = real::input::<T>(run, args, 1)?.into_owned();
    let v = real::input::<T>(run, args, 2)?;
    q.iter_mut().chain(&mut k).for_each(|value| *value = rounded(*value * factor));
    let head = Head { queries, keys, width, value_width };
    let shape = [batch, heads, queries, keys];
    let mut scores = run.filled(elements(&shape)?, T::ZERO)?;
    let from = |at: usize| at / heads * shared + at % heads / (heads / shared);
    let plane = queries * keys;
    for at in 0..batch * heads {
        let q = &q[at * queries * width..][..queries * width];
        let k = &k[from(at) * keys * width..][..keys * width];
        attention::scores(head, q, k, &mut scores[at * plane..(at + 1) * plane]);
    }
    scores.iter_mut().for_each(|score| *score = narrow(rounded(*score)));
    let mut scores = changed(run, args, &config.score, inner, shape, scores)?;
    for row in scores.chunks_exact_mut(keys.max(1)) {
        // A row of minus infinities has no softmax.
        attention::softmax(row, T::from_f64(f64::NAN));
        row.iter_mut().for_each(|score| *score = narrow(*score));
    }
    let scores = changed(run, args, &config.probability, inner, shape, scores)?;
    let mut y = run.filled(elements(&[batch, heads, queries, value_width])?, T::ZERO)?;
    for at in 0..batch * heads {
        let v = &v[from(at) * keys * value_width..][..keys * value_width];
        let y = &mut y[at * queries * value_width..][..queries * value_width];
        attention::values(head, &scores[at * plane..(at + 1) * plane], v, y);
    }
    one(real::tensor(run, args.tensor(2)?.kind(), &[batch, heads, queries, value_width], y)?)
}
