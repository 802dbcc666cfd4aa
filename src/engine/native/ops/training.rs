//! Steps of training (ai.onnx.preview.training): `Adagrad`, `Adam`, `Momentum`. Inputs: the learning rate,
//! the number of steps made, then all values, all gradients, and what the last step kept of each.

use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, op},
    fault::{Fault, fault},
    infer::rules::make,
    table::{Entry, Infer, Reads},
    value::{Element, Tensor},
};

pub(super) const OPERATORS: &[Entry] = &[
    entry("Adagrad", adagrad, |_| make::training(1)),
    entry("Adam", adam, |_| make::training(2)),
    entry("Momentum", momentum, |_| make::training(1)),
];

const fn entry(name: &'static str, prepare: fn(&Node<'_>) -> Result<Op, Fault>, infer: Reads) -> Entry {
    Entry {
        domain: "ai.onnx.preview.training",
        name,
        since: &[1],
        note: None,
        varies: false,
        prepare,
        infer: Infer::Rule(infer),
    }
}

/// One element's step: from value, gradient and what was kept (up to two numbers) to the new value and
/// what to keep.
trait Rule: Send + Sync + 'static {
    /// What is kept of each element.
    const KEPT: usize;
    /// `rate` and `steps` are the first two inputs.
    fn step(&self, rate: f64, steps: i64, value: f64, gradient: f64, kept: [f64; 2]) -> (f64, [f64; 2]);
}

fn rate(args: &Args) -> Result<f64, Fault> {
    let tensor = args.tensor(0)?;
    match (tensor.slice::<f32>(), tensor.slice::<f64>()) {
        (Ok([rate]), _) => Ok(f64::from(*rate)),
        (_, Ok([rate])) => Ok(*rate),
        _ => Err(fault!("input 0: is {tensor}, must be one float32 or float64")),
    }
}

/// An element type that can be trained.
trait Trained: Element + Copy {
    fn wide(self) -> f64;
    fn narrow(wide: f64) -> Self;
}

impl Trained for f32 {
    fn wide(self) -> f64 {
        f64::from(self)
    }
    fn narrow(wide: f64) -> Self {
        wide as f32
    }
}

impl Trained for f64 {
    fn wide(self) -> f64 {
        self
    }
    fn narrow(wide: f64) -> Self {
        wide
    }
}

/// The step of one tensor: the new value, and what is kept.
fn tensor<T: Trained, R: Rule>(
    run: &mut Run<'_>,
    rule: &R,
    args: &Args,
    places: &[usize],
) -> Result<Vec<Tensor>, Fault> {
    let (rate, steps) = (rate(args)?, args.int(1)?);
    let shape = args.tensor(places[0])?.shape();
    let mut parts = vec![];
    for &place in places {
        if args.tensor(place)?.shape() != shape {
            return Err(fault!("input {place}: is {}, must have shape {shape:?}", args.tensor(place)?));
        }
        parts.push(args.slice::<T>(place)?);
    }
    let len = parts[0].len();
    let mut out = vec![];
    for _ in 0..=R::KEPT {
        out.push(run.buffer::<T>(len)?);
    }
    for at in 0..len {
        let part = |index: usize| parts.get(index).map_or(0.0, |part| part[at].wide());
        let (value, kept) = rule.step(rate, steps, part(0), part(1), [part(2), part(3)]);
        for (out, value) in out.iter_mut().zip([value, kept[0], kept[1]]) {
            out.push(T::narrow(value));
        }
    }
    out.into_iter().map(|out| Tensor::of(shape, out)).collect()
}

fn training<R: Rule>(rule: R) -> Result<Op, Fault> {
    op(move |run, args| {
        let groups = 2 + R::KEPT;
        let count = (args.len().saturating_sub(2)) / groups;
        if count == 0 || args.len() != 2 + count * groups {
            return Err(fault!("is given {} inputs, takes two and {groups} for each tensor", args.len()));
        }
        let mut out = vec![];
        for index in 0..count {
            let places: Vec<usize> = (0..groups).map(|group| 2 + group * count + index).collect();
            out.push(if args.tensor(places[0])?.slice::<f64>().is_ok() {
                tensor::<f64, R>(run, &rule, &args, &places)?
            } else {
                tensor::<f32, R>(run, &rule, &args, &places)?
            });
        }
        // First all values, then all of each kind that is kept.
        let ordered =
            (0..=R::KEPT).flat_map(|part| out.iter().map(move |tensors| tensors[part].clone().into()));
        Ok(ordered.collect::<Outputs>())
    })
}

struct Adagrad {
    decay: f64,
    epsilon: f64,
    norm: f64,
}

impl Rule for Adagrad {
    const KEPT: usize = 1;
    fn step(&self, rate: f64, steps: i64, value: f64, gradient: f64, kept: [f64; 2]) -> (f64, [f64; 2]) {
        let rate = rate / (1.0 + steps as f64 * self.decay);
        let gradient = self.norm * value + gradient;
        let squares = kept[0] + gradient * gradient;
        (value - rate * gradient / (squares.sqrt() + self.epsilon), [squares, 0.0])
    }
}

/// `Adagrad`, ai.onnx.preview.training 1.
fn adagrad(node: &Node<'_>) -> Result<Op, Fault> {
    training(Adagrad {
        decay: f64::from(node.float("decay_factor", 0.0)?),
        epsilon: f64::from(node.float("epsilon", 1e-6)?),
        norm: f64::from(node.float("norm_coefficient", 0.0)?),
    })
}

struct Adam {
    alpha: f64,
    beta: f64,
    epsilon: f64,
    norm: f64,
    norm_after: f64,
}

impl Rule for Adam {
    const KEPT: usize = 2;
    fn step(&self, rate: f64, steps: i64, value: f64, gradient: f64, kept: [f64; 2]) -> (f64, [f64; 2]) {
        let gradient = self.norm * value + gradient;
        let mean = self.alpha * kept[0] + (1.0 - self.alpha) * gradient;
        let square = self.beta * kept[1] + (1.0 - self.beta) * gradient * gradient;
        let rate = if steps > 0 {
            let steps = steps as f64;
            rate * (1.0 - self.beta.powf(steps)).sqrt() / (1.0 - self.alpha.powf(steps))
        } else {
            rate
        };
        let next = value - rate * mean / (square.sqrt() + self.epsilon);
        ((1.0 - self.norm_after) * next, [mean, square])
    }
}

/// `Adam`, ai.onnx.preview.training 1.
fn adam(node: &Node<'_>) -> Result<Op, Fault> {
    training(Adam {
        alpha: f64::from(node.float("alpha", 0.9)?),
        beta: f64::from(node.float("beta", 0.999)?),
        epsilon: f64::from(node.float("epsilon", 1e-6)?),
        norm: f64::from(node.float("norm_coefficient", 0.0)?),
        norm_after: f64::from(node.float("norm_coefficient_post", 0.0)?),
    })
}

struct Momentum {
    alpha: f64,
    beta: f64,
    norm: f64,
    nesterov: bool,
}

impl Rule for Momentum {
    const KEPT: usize = 1;
    fn step(&self, rate: f64, steps: i64, value: f64, gradient: f64, kept: [f64; 2]) -> (f64, [f64; 2]) {
        let gradient = self.norm * value + gradient;
        // There is nothing before the first step.
        let beta = if steps > 0 { self.beta } else { 1.0 };
        let momentum = self.alpha * kept[0] + beta * gradient;
        let direction = if self.nesterov { gradient + self.alpha * momentum } else { momentum };
        (value - rate * direction, [momentum, 0.0])
    }
}

/// `Momentum`, ai.onnx.preview.training 1.
fn momentum(node: &Node<'_>) -> Result<Op, Fault> {
    let required = |name: &str| -> Result<f64, Fault> {
        let value = node.attributes.float(name)?.ok_or_else(|| fault!("lacks its attribute `{name}`"))?;
        Ok(f64::from(value))
    };
    let nesterov = match node.string("mode", "")? {
        "standard" => false,
        "nesterov" => true,
        other => return Err(fault!("attribute `mode` is `{other}`, must be `standard` or `nesterov`")),
    };
    training(Momentum {
        alpha: required("alpha")?,
        beta: required("beta")?,
        norm: required("norm_coefficient")?,
        nesterov,
    })
}
