//! Losses: how far predictions are from the truth.

use crate::{
    native::{
        attributes::Node,
        exec::{Args, Op, Outputs, Run, op},
        fault::{Fault, fault},
        infer::rules::make,
        kernels::{
            number::{Float, Number, narrow, widen},
            softmax,
        },
        table::{Entry, Infer::Rule, onnx},
        value::{Shape, Tensor},
    },
    with_kinds,
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("NegativeLogLikelihoodLoss", &[12, 13, 22], negative_log_likelihood).infers(Rule(make::loss)),
    onnx("SoftmaxCrossEntropyLoss", &[12, 13], softmax_cross_entropy).infers(Rule(make::loss)),
];

/// What the losses of all elements become.
#[derive(Clone, Copy, PartialEq)]
enum Reduction {
    None,
    Sum,
    Mean,
}

struct Loss {
    reduction: Reduction,
    /// The class that doesn't count.
    ignored: Option<i64>,
    /// The input is scores, of which the log-softmax is taken first.
    scores: bool,
}

impl Loss {
    fn new(node: &Node<'_>, scores: bool) -> Result<Self, Fault> {
        let reduction = match node.string("reduction", "mean")? {
            "none" => Reduction::None,
            "sum" => Reduction::Sum,
            "mean" => Reduction::Mean,
            other => {
                return Err(fault!("attribute `reduction` is `{other}`, must be `none`, `sum` or `mean`"));
            }
        };
        Ok(Loss { reduction, ignored: node.attributes.int("ignore_index")?, scores })
    }

    fn run<T: Float>(&self, run: &mut Run<'_>, args: &Args, x: &Tensor, v: &[T]) -> Result<Outputs, Fault> {
        let [batch, classes, rest @ ..] = x.shape() else {
            return Err(fault!("input 0: is {x}, must have at least two dimensions"));
        };
        let (classes, inner) = (*classes, rest.iter().product::<usize>());
        let target = args.tensor(1)?;
        let places = args.ints(1)?;
        if target.rank() + 1 != x.rank() || target.shape()[0] != *batch || target.shape()[1..] != *rest {
            return Err(fault!("input 1: is {target}, doesn't go with {x}"));
        }
        let weights = args.opt_slice::<T>(2)?;
        if let Some(weights) = weights.filter(|weights| weights.len() != classes) {
            return Err(fault!("input 2: has {} weights for {classes} classes", weights.len()));
        }
        let mut logs = run.buffer(v.len())?;
        widen(v, &mut logs);
        if self.scores {
            run.check_len::<f64>(inner)?;
            softmax::log_softmax(&mut logs, classes, inner, &mut vec![]);
        }
        let mut losses: Vec<T> = run.buffer(places.len())?;
        let (mut sum, mut weight_sum) = (0.0, 0.0);
        for (at, &place) in places.iter().enumerate() {
            if self.ignored == Some(place) {
                losses.push(T::ZERO);
                continue;
            }
            let class = usize::try_from(place).ok().filter(|&class| class < classes);
            let class =
                class.ok_or_else(|| fault!("input 1: class {place} is outside the {classes} there are"))?;
            let weight = weights.map_or(1.0, |weights| weights[class].to_f64());
            let log = logs[(at / inner * classes + class) * inner + at % inner];
            let loss = -log.to_f64() * weight;
            losses.push(T::from_f64(loss));
            sum += loss;
            weight_sum += weight;
        }
        let loss = match self.reduction {
            Reduction::None => Tensor::of(target.shape(), losses)?,
            Reduction::Sum => Tensor::scalar(T::from_f64(sum)),
            Reduction::Mean => Tensor::scalar(T::from_f64(sum / weight_sum)),
        };
        if !self.scores {
            return Ok(smallvec::smallvec![loss.into()]);
        }
        run.check_len::<T>(logs.len())?;
        Ok(smallvec::smallvec![loss.into(), Tensor::of(Shape::from(x.shape()), narrow(v, logs))?.into()])
    }

    fn op(self) -> Result<Op, Fault> {
        op(move |run, args| {
            let x = args.tensor(0)?;
            with_kinds!([F32, F64, F16, BF16] x.data(), v => self.run(run, &args, x, v),
                Err(fault!("input 0: is {}, must be floating-point numbers", x.kind())))
        })
    }
}

/// `NegativeLogLikelihoodLoss`, ai.onnx 12, 13, 22: later versions add types. A mean is weighted.
fn negative_log_likelihood(node: &Node<'_>) -> Result<Op, Fault> {
    Loss::new(node, false)?.op()
}

/// `SoftmaxCrossEntropyLoss`, ai.onnx 12, 13: later versions add types. The second output is the
/// log-probabilities.
fn softmax_cross_entropy(node: &Node<'_>) -> Result<Op, Fault> {
    Loss::new(node, true)?.op()
}
