//! LinearClassifier and LinearRegressor.

use super::{
    labels::Labels,
    pool::Pool,
    rows::{as_f32, check_width, rows_of},
};
use crate::{
    linear::{LinearClassifier, LinearRegressor},
    native::{
        attributes::Node,
        exec::{Op, one, op},
        fault::{Fault, fault},
        value::Tensor,
    },
    trees::Transform,
};

/// The attribute `post_transform`.
pub(super) fn transform(node: &Node<'_>) -> Result<Transform, Fault> {
    let name = node.string("post_transform", "NONE")?;
    Transform::named(name).ok_or_else(|| fault!("attribute `post_transform` {name} is not defined"))
}

/// Numbers of an attribute; none where it is left out.
pub(super) fn floats(node: &Node<'_>, name: &str) -> Result<Vec<f32>, Fault> {
    Ok(node.attributes.floats(name)?.unwrap_or_default().to_vec())
}

/// `LinearClassifier`, ai.onnx.ml 1: rows times `coefficients` plus `intercepts`; the largest score wins.
pub(super) fn linear_classifier(node: &Node<'_>) -> Result<Op, Fault> {
    let labels = Labels::of(node, "classlabels_ints", "classlabels_strings")?;
    let model = LinearClassifier::new(
        floats(node, "coefficients")?,
        floats(node, "intercepts")?,
        labels.len(),
        transform(node)?,
    )
    .map_err(Fault::invalid)?;
    let labels = if model.is_single() { labels.or_truth() } else { labels };
    let pool = Pool::<(Vec<f32>, Vec<u32>)>::new();
    op(move |run, args| {
        let x = args.tensor(0)?;
        let (rows, width) = rows_of(x)?;
        check_width(width, model.features())?;
        let mut scores = run.buffer(rows.saturating_mul(model.scores()))?;
        pool.with(|(buffer, winners)| {
            model.run(as_f32(x, buffer)?, winners, &mut scores);
            let labels = labels.tensor(run, winners)?;
            Ok(smallvec::smallvec![
                labels.into(),
                Tensor::of([rows, model.scores()].as_slice(), scores)?.into()
            ])
        })
    })
}

/// `LinearRegressor`, ai.onnx.ml 1: rows times `coefficients` plus `intercepts`, one row of them a target.
pub(super) fn linear_regressor(node: &Node<'_>) -> Result<Op, Fault> {
    let targets = node.int("targets", 1)?;
    let targets = usize::try_from(targets).map_err(|_| fault!("attribute `targets` is {targets}"))?;
    let model = LinearRegressor::new(
        floats(node, "coefficients")?,
        floats(node, "intercepts")?,
        targets,
        transform(node)?,
    )
    .map_err(Fault::invalid)?;
    let pool = Pool::<Vec<f32>>::new();
    op(move |run, args| {
        let x = args.tensor(0)?;
        let (rows, width) = rows_of(x)?;
        check_width(width, model.features())?;
        let mut values = run.buffer(rows.saturating_mul(model.targets()))?;
        pool.with(|buffer| {
            model.run(as_f32(x, buffer)?, &mut values);
            one(Tensor::of([rows, model.targets()].as_slice(), values)?)
        })
    })
}
