//! Random numbers. A seed gives the same numbers in every run: those of NumPy's `RandomState`, as ONNX's
//! reference implementation draws them. Without one every run draws others.

use std::sync::Arc;

use super::cast;
use crate::native::{
    attributes::{Node, kind},
    exec::{Op, Run, one, op},
    fault::{Fault, fault},
    infer::rules::make,
    kernels::{number::Number, random::Generator},
    table::{Entry, Infer::Rule, onnx},
    value::{Data, Element, Kind, Shape, Tensor, decode, elements},
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("Bernoulli", &[15, 22], bernoulli).varying().infers(Rule(make::random_like)),
    onnx("Multinomial", &[7, 22], multinomial).varying().infers(Rule(make::multinomial)),
    onnx("RandomNormal", &[1, 22], random_normal).varying().infers(Rule(make::random)),
    onnx("RandomNormalLike", &[1, 22], random_normal_like).varying().infers(Rule(make::random_like)),
    onnx("RandomUniform", &[1, 22], random_uniform).varying().infers(Rule(make::random)),
    onnx("RandomUniformLike", &[1, 22], random_uniform_like).varying().infers(Rule(make::random_like)),
];

/// The seed, a float in ONNX.
fn seed(node: &Node<'_>) -> Result<Option<u32>, Fault> {
    Ok(node.attributes.float("seed")?.filter(|seed| !seed.is_nan()).map(|seed| seed as i64 as u32))
}

/// Numbers of f64 as those of another kind.
fn typed(run: &mut Run<'_>, shape: Shape, drawn: Vec<f64>, kind: Kind) -> Result<Tensor, Fault> {
    let data = cast::convert(run, &f64::wrap(drawn), kind, cast::Rounding::saturating(true))?;
    Tensor::new(shape, data)
}

/// What is drawn: where and how wide the distribution is.
#[derive(Clone, Copy)]
enum Law {
    Uniform { low: f64, high: f64 },
    Normal { mean: f64, scale: f64 },
}

impl Law {
    fn uniform(node: &Node<'_>) -> Result<Self, Fault> {
        let (low, high) = (node.float("low", 0.0)?, node.float("high", 1.0)?);
        Ok(Law::Uniform { low: f64::from(low), high: f64::from(high) })
    }

    fn normal(node: &Node<'_>) -> Result<Self, Fault> {
        let (mean, scale) = (node.float("mean", 0.0)?, node.float("scale", 1.0)?);
        Ok(Law::Normal { mean: f64::from(mean), scale: f64::from(scale) })
    }

    fn draw(self, run: &mut Run<'_>, seed: Option<u32>, shape: Shape, kind: Kind) -> Result<Tensor, Fault> {
        let len = elements(&shape)?;
        let mut out = run.buffer(len)?;
        let mut random = Generator::new(seed, &mut run.random);
        out.extend((0..len).map(|_| match self {
            Law::Uniform { low, high } => low + random.uniform() * (high - low),
            Law::Normal { mean, scale } => mean + random.normal() * scale,
        }));
        typed(run, shape, out, kind)
    }
}

fn of_shape(node: &Node<'_>, law: Law) -> Result<Op, Fault> {
    let seed = seed(node)?;
    let kind = kind::of(node, "dtype")?.unwrap_or(Kind::F32);
    let shape = node.ints("shape")?.ok_or_else(|| fault!("lacks its attribute `shape`"))?;
    let shape = decode::shape(&shape).map_err(|fault| fault.about("attribute `shape`"))?;
    op(move |run, _| one(law.draw(run, seed, shape.clone(), kind)?))
}

fn like(node: &Node<'_>, law: Law) -> Result<Op, Fault> {
    let seed = seed(node)?;
    let kind = kind::of(node, "dtype")?;
    op(move |run, args| {
        let x = args.tensor(0)?;
        one(law.draw(run, seed, x.shape().into(), kind.unwrap_or(x.kind()))?)
    })
}

/// `RandomUniform`, ai.onnx 1, 22.
fn random_uniform(node: &Node<'_>) -> Result<Op, Fault> {
    of_shape(node, Law::uniform(node)?)
}

/// `RandomUniformLike`, ai.onnx 1, 22: of the shape of the input, and of its type unless `dtype` says
/// another.
fn random_uniform_like(node: &Node<'_>) -> Result<Op, Fault> {
    like(node, Law::uniform(node)?)
}

/// `RandomNormal`, ai.onnx 1, 22.
fn random_normal(node: &Node<'_>) -> Result<Op, Fault> {
    of_shape(node, Law::normal(node)?)
}

/// `RandomNormalLike`, ai.onnx 1, 22; as [`random_uniform_like`].
fn random_normal_like(node: &Node<'_>) -> Result<Op, Fault> {
    like(node, Law::normal(node)?)
}

/// The input's numbers as f64.
fn numbers(run: &mut Run<'_>, x: &Tensor) -> Result<Arc<Vec<f64>>, Fault> {
    match cast::convert(run, x.data(), Kind::F64, cast::Rounding::saturating(true))? {
        Data::F64(v) if x.kind().is_float() => Ok(v),
        _ => Err(fault!("input 0: is {}, must be floating-point numbers", x.kind())),
    }
}

/// `Bernoulli`, ai.onnx 15, 22: one with the probability that the element says, else zero.
fn bernoulli(node: &Node<'_>) -> Result<Op, Fault> {
    let seed = seed(node)?;
    let kind = kind::of(node, "dtype")?;
    op(move |run, args| {
        let x = args.tensor(0)?;
        let chances = numbers(run, x)?;
        let mut out = run.buffer(chances.len())?;
        let mut random = Generator::new(seed, &mut run.random);
        out.extend(chances.iter().map(|&chance| if random.happens(chance) { 1.0 } else { 0.0 }));
        one(typed(run, x.shape().into(), out, kind.unwrap_or(x.kind()))?)
    })
}

/// `Multinomial`, ai.onnx 7, 22: for each row of unnormalised log-probabilities so many classes, each
/// drawn by itself.
fn multinomial(node: &Node<'_>) -> Result<Op, Fault> {
    let seed = seed(node)?;
    let kind = kind::of(node, "dtype")?.unwrap_or(Kind::I32);
    let samples = node.int("sample_size", 1)?;
    let samples = usize::try_from(samples).map_err(|_| fault!("attribute `sample_size` is {samples}"))?;
    op(move |run, args| {
        let x = args.tensor(0)?;
        let &[rows, classes] = x.shape() else {
            return Err(fault!("input 0: is {x}, must have two dimensions"));
        };
        if classes == 0 {
            return Err(fault!("input 0: is {x}: there are no classes to draw from"));
        }
        let values = numbers(run, x)?;
        let shape = Shape::from_slice(&[rows, samples]);
        let mut out = run.buffer(elements(&shape)?)?;
        let mut sums: Vec<f64> = run.buffer(classes)?;
        let mut random = Generator::new(seed, &mut run.random);
        for row in values.chunks_exact(classes) {
            let top = row.iter().fold(f64::NEG_INFINITY, |top, &x| top.larger(x));
            let mut sum = 0.0;
            sums.clear();
            sums.extend(row.iter().map(|x| {
                sum += (x - top).exp();
                sum
            }));
            out.extend((0..samples).map(|_| {
                let drawn = random.uniform() * sum;
                sums.partition_point(|&sum| sum <= drawn).min(classes - 1) as f64
            }));
        }
        one(typed(run, shape, out, kind)?)
    })
}
