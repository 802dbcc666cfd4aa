//! Normalisation by neighbours, by a norm, by mean and variance over any axes.

use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    kernels::{
        normal,
        pool::Norm,
        real::{self, Computed, reals},
        shape::{Walk, around, axes, axis, strides},
    },
    value::{Shape, elements},
};

struct Lrn {
    alpha: f64,
    beta: f64,
    bias: f64,
    size: usize,
}

/// `LRN`, ai.onnx 1, 13: `x / (bias + alpha / size * sum of squares of the channels around)^beta`.
pub(super) fn lrn(node: &Node<'_>) -> Result<Op, Fault> {
    let size = node.required_int("size")?;
    let lrn = Lrn {
        alpha: f64::from(node.float("alpha", 1e-4)?),
        beta: f64::from(node.float("beta", 0.75)?),
        bias: f64::from(node.float("bias", 1.0)?),
        size: usize::try_from(size)
            .ok()
            .filter(|&size| size > 0)
            .ok_or_else(|| fault!("attribute `size` is {size}, must be 1 or more"))?,
    };
    fn body<T: Computed>(run: &mut Run<'_>, args: &Args, lrn: &Lrn) -> Result<Outputs, Fault> {
        let x = args.tensor(0)?;
        let &[_, channels, ref spatial @ ..] = x.shape() else {
            return Err(fault!("input 0: has shape {:?}, must have a batch and channels", x.shape()));
        };
        let cells = elements(spatial)?;
        let (wide, mut y) = (real::widened::<T>(run, x)?, run.filled(x.len(), T::ZERO)?);
        let (factor, bias) = (T::from_f64(lrn.alpha / lrn.size as f64), T::from_f64(lrn.bias));
        let beta = T::from_f64(lrn.beta);
        let (behind, ahead) = ((lrn.size - 1) / 2, lrn.size / 2);
        let image = (channels * cells).max(1);
        for (x, y) in wide.chunks_exact(image).zip(y.chunks_exact_mut(image)) {
            normal::square_sums(x, cells, behind, ahead, y);
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = x / (bias + factor * *y).powf(beta));
        }
        one(real::tensor(run, x.kind(), x.shape(), y)?)
    }
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, &lrn)))
}

/// `LpNormalization`, ai.onnx 1, 22: `x / norm`, zero where the norm is zero. 22 adds bfloat16.
pub(super) fn lp_normalization(node: &Node<'_>) -> Result<Op, Fault> {
    let (given, p) = (node.int("axis", -1)?, node.int("p", 2)?);
    if p != 1 && p != 2 {
        return Err(fault!("attribute `p` is {p}, must be 1 or 2"));
    }
    fn body<T: Computed>(run: &mut Run<'_>, args: &Args, given: i64, norm: Norm) -> Result<Outputs, Fault> {
        let x = args.tensor(0)?;
        let (outer, size, inner) = around(x.shape(), axis(given, x.rank())?);
        let (wide, mut y) = (real::widened::<T>(run, x)?, run.filled(x.len(), T::ZERO)?);
        let mut norms = run.filled(inner, T::ZERO)?;
        for block in 0..outer {
            let range = block * size * inner..(block + 1) * size * inner;
            norms.fill(T::ZERO);
            for x in wide[range.clone()].chunks_exact(inner.max(1)) {
                norms.iter_mut().zip(x).for_each(|(sum, &x)| *sum += norm.part(x));
            }
            norms.iter_mut().for_each(|sum| *sum = norm.root(*sum));
            let rows =
                wide[range.clone()].chunks_exact(inner.max(1)).zip(y[range].chunks_exact_mut(inner.max(1)));
            for (x, y) in rows {
                for ((y, &x), &norm) in y.iter_mut().zip(x).zip(&norms) {
                    *y = if norm == T::ZERO { T::ZERO } else { x / norm };
                }
            }
        }
        one(real::tensor(run, x.kind(), x.shape(), y)?)
    }
    op(
        move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, given, Norm::new(p as f64))),
    )
}

/// `MeanVarianceNormalization`, ai.onnx 9, 13: `(x - mean) / (deviation + 1e-9)` over the given axes. 13 adds
/// bfloat16.
pub(super) fn mean_variance_normalization(node: &Node<'_>) -> Result<Op, Fault> {
    let given = node.ints("axes")?.unwrap_or_else(|| vec![0, 2, 3]);
    fn body<T: Computed>(run: &mut Run<'_>, args: &Args, given: &[i64]) -> Result<Outputs, Fault> {
        let x = args.tensor(0)?;
        let reduced = axes(given, x.rank())?;
        let kept: Shape = x
            .shape()
            .iter()
            .enumerate()
            .map(|(at, &size)| if reduced.contains(&at) { 1 } else { size })
            .collect();
        let count = elements(&kept)?;
        let mut steps = strides(&kept);
        reduced.iter().for_each(|&axis| steps[axis] = 0);
        let groups = || Walk::new(x.shape(), [steps.clone()]);
        let wide = real::widened::<T>(run, x)?;
        let size = T::from_usize(x.len() / count.max(1));
        let (mut means, mut deviations) = (run.filled(count, T::ZERO)?, run.filled(count, T::ZERO)?);
        wide.iter().zip(groups()).for_each(|(&x, [group])| means[group] += x);
        means.iter_mut().for_each(|mean| *mean /= size);
        for (&x, [group]) in wide.iter().zip(groups()) {
            let difference = x - means[group];
            deviations[group] += difference * difference;
        }
        deviations.iter_mut().for_each(|sum| *sum = (*sum / size).sqrt() + T::from_f64(1e-9));
        let mut y = run.buffer(x.len())?;
        y.extend(wide.iter().zip(groups()).map(|(&x, [group])| (x - means[group]) / deviations[group]));
        one(real::tensor(run, x.kind(), x.shape(), y)?)
    }
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, &given)))
}
