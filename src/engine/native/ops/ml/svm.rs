//! SVMClassifier and SVMRegressor.

use super::{
    labels::Labels,
    linear::{floats, transform},
    pool::Pool,
    rows::{as_f32, check_width, rows_of},
};
use crate::{
    native::{
        attributes::Node,
        exec::{Op, one, op},
        fault::{Fault, fault},
        value::Tensor,
    },
    svm::{Kernel, SvmClassifier, SvmClassifierSpec, SvmRegressor, SvmRegressorSpec, SvmScratch},
};

fn kernel(node: &Node<'_>) -> Result<Kernel, Fault> {
    Kernel::named(node.string("kernel_type", "LINEAR")?, &floats(node, "kernel_params")?)
        .map_err(Fault::invalid)
}

fn count(name: &str, value: i64) -> Result<usize, Fault> {
    usize::try_from(value).map_err(|_| fault!("attribute `{name}` is {value}"))
}

/// `SVMClassifier`, ai.onnx.ml 1: pairs of classes decided by kernels, or a linear model where there
/// are no support vectors.
pub(super) fn svm_classifier(node: &Node<'_>) -> Result<Op, Fault> {
    let labels = Labels::of(node, "classlabels_ints", "classlabels_strings")?;
    let per_class = node.ints("vectors_per_class")?.unwrap_or_default();
    let model = SvmClassifier::new(SvmClassifierSpec {
        kernel: kernel(node)?,
        classes: labels.len(),
        vectors_per_class: per_class
            .into_iter()
            .map(|n| count("vectors_per_class", n))
            .collect::<Result<_, _>>()?,
        support_vectors: floats(node, "support_vectors")?,
        coefficients: floats(node, "coefficients")?,
        rho: floats(node, "rho")?,
        prob_a: floats(node, "prob_a")?,
        prob_b: floats(node, "prob_b")?,
        transform: transform(node)?,
    })
    .map_err(Fault::invalid)?;
    let pool = Pool::<(Vec<f32>, Vec<u32>, SvmScratch)>::new();
    op(move |run, args| {
        let x = args.tensor(0)?;
        let (rows, width) = rows_of(x)?;
        check_width(width, model.features())?;
        let mut scores = run.buffer(rows.saturating_mul(model.scores()))?;
        pool.with(|(buffer, winners, scratch)| {
            model.run(as_f32(x, buffer)?, scratch, winners, &mut scores);
            let labels = labels.tensor(run, winners)?;
            Ok(smallvec::smallvec![
                labels.into(),
                Tensor::of([rows, model.scores()].as_slice(), scores)?.into()
            ])
        })
    })
}

/// `SVMRegressor`, ai.onnx.ml 1: a sum of kernels; with `one_class` its sign.
pub(super) fn svm_regressor(node: &Node<'_>) -> Result<Op, Fault> {
    let model = SvmRegressor::new(SvmRegressorSpec {
        kernel: kernel(node)?,
        supports: count("n_supports", node.int("n_supports", 0)?)?,
        support_vectors: floats(node, "support_vectors")?,
        coefficients: floats(node, "coefficients")?,
        rho: floats(node, "rho")?.first().copied().ok_or_else(|| fault!("lacks its attribute `rho`"))?,
        one_class: node.flag("one_class", false)?,
        transform: transform(node)?,
    })
    .map_err(Fault::invalid)?;
    let pool = Pool::<(Vec<f32>, SvmScratch)>::new();
    op(move |run, args| {
        let x = args.tensor(0)?;
        let (rows, width) = rows_of(x)?;
        check_width(width, model.features())?;
        let mut values = run.buffer(rows)?;
        pool.with(|(buffer, scratch)| {
            model.run(as_f32(x, buffer)?, scratch, &mut values);
            one(Tensor::of([rows, 1].as_slice(), values)?)
        })
    })
}
