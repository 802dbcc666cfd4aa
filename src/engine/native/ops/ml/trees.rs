//! TreeEnsembleClassifier and TreeEnsembleRegressor: forests as tables.

use std::sync::OnceLock;

use super::{labels::Labels, linear::transform, pool::Pool, rows::rows_of};
use crate::{
    native::{
        attributes::Node,
        exec::{Op, one, op},
        fault::{Fault, fault},
        value::{Data, Element, Tensor},
    },
    real::Real,
    trees::{Aggregate, Branching, Classifier, Links, NodeSpec, Regressor, Scratch, VoteSpec, link},
};

/// A forest in the precision its input asks for. Numbers written as f32 serve inputs of f64 as well,
/// compared and summed in f64 as onnxruntime does; that forest is made when the first such input comes.
struct Precise<S, D> {
    single: Option<S>,
    double: OnceLock<Result<D, String>>,
    make: Box<dyn Fn() -> Result<D, String> + Send + Sync>,
}

impl<S, D> Precise<S, D> {
    fn double(&self) -> Result<&D, Fault> {
        self.double.get_or_init(&self.make).as_ref().map_err(Fault::invalid)
    }
}

/// What a forest is made of besides its branches.
#[derive(Debug, Clone)]
struct Parts<T> {
    links: Links<T>,
    base: Vec<T>,
}

impl Parts<f32> {
    fn widened(&self) -> Parts<f64> {
        let Links { nodes, roots, members, votes, names } = &self.links;
        Parts {
            links: Links {
                nodes: nodes.iter().map(|node| node.map(f64::from)).collect(),
                roots: roots.clone(),
                members: members.iter().map(|&member| member.into()).collect(),
                votes: votes.iter().map(|&(place, target, weight)| (place, target, weight.into())).collect(),
                names: names.clone(),
            },
            base: self.base.iter().map(|&base| base.into()).collect(),
        }
    }
}

/// `TreeEnsembleClassifier`, ai.onnx.ml 1 to 5: since 3 values also as tensors of double precision.
pub(super) fn tree_ensemble_classifier(node: &Node<'_>) -> Result<Op, Fault> {
    let labels = Labels::of(node, "classlabels_int64s", "classlabels_strings")?;
    let classes = labels.len();
    let transform = transform(node)?;
    let models = precise(
        node,
        "class",
        move |parts| Classifier::new(parts.links, classes, parts.base, transform),
        move |parts| Classifier::new(parts.links, classes, parts.base, transform),
    )?;
    let single = Pool::<(Vec<u32>, Scratch<f32>)>::new();
    let double = Pool::<(Vec<u32>, Scratch<f64>)>::new();
    op(move |run, args| {
        let x = args.tensor(0)?;
        let (rows, width) = rows_of(x)?;
        let mut scores = run.buffer(rows.saturating_mul(classes))?;
        macro_rules! classify {
            ($model:expr, $x:expr, $pool:expr) => {{
                let model = $model;
                check_features(width, model.features())?;
                $pool.with(|(winners, scratch)| {
                    model.run($x, width, scratch, winners, &mut scores);
                    labels.tensor(run, winners)
                })?
            }};
        }
        let labels = match (x.data(), &models.single) {
            (Data::F32(x), Some(model)) => classify!(model, x, single),
            (Data::I32(x), Some(model)) => classify!(model, x, single),
            (Data::I64(x), Some(model)) => classify!(model, x, single),
            (Data::F64(x), _) => classify!(models.double()?, x, double),
            (Data::F32(x), None) => classify!(models.double()?, x, double),
            (Data::I32(x), None) => classify!(models.double()?, x, double),
            (Data::I64(x), None) => classify!(models.double()?, x, double),
            _ => return Err(fault!("input 0: is {x}, must be float32, float64, int32 or int64")),
        };
        Ok(smallvec::smallvec![labels.into(), Tensor::of([rows, classes].as_slice(), scores)?.into()])
    })
}

/// `TreeEnsembleRegressor`, ai.onnx.ml 1 to 5: since 3 values also as tensors of double precision. The
/// answer is f32 in any case.
pub(super) fn tree_ensemble_regressor(node: &Node<'_>) -> Result<Op, Fault> {
    let targets = targets(node)?;
    let aggregate = node.string("aggregate_function", "SUM")?;
    let aggregate = Aggregate::named(aggregate)
        .ok_or_else(|| fault!("attribute `aggregate_function` {aggregate} is not defined"))?;
    let transform = transform(node)?;
    let models = precise(
        node,
        "target",
        move |parts| Regressor::new(&parts.links, targets, aggregate, parts.base, transform),
        move |parts| Regressor::new(&parts.links, targets, aggregate, parts.base, transform),
    )?;
    let single = Pool::<Scratch<f32>>::new();
    let double = Pool::<(Vec<f64>, Scratch<f64>)>::new();
    op(move |run, args| {
        let x = args.tensor(0)?;
        let (rows, width) = rows_of(x)?;
        let mut values = run.buffer(rows.saturating_mul(targets))?;
        macro_rules! regress {
            ($x:expr) => {
                if let Some(model) = &models.single {
                    check_features(width, model.features())?;
                    single.with(|scratch| model.run($x, width, scratch, &mut values));
                } else {
                    regress!(double $x)
                }
            };
            (double $x:expr) => {{
                let model = models.double()?;
                check_features(width, model.features())?;
                double.with(|(wide, scratch)| {
                    model.run($x, width, scratch, wide);
                    values.extend(wide.iter().map(|&value| value as f32));
                });
            }};
        }
        match x.data() {
            Data::F32(x) => regress!(x),
            Data::I32(x) => regress!(x),
            Data::I64(x) => regress!(x),
            Data::F64(x) => regress!(double x),
            _ => return Err(fault!("input 0: is {x}, must be float32, float64, int32 or int64")),
        }
        one(Tensor::of([rows, targets].as_slice(), values)?)
    })
}

/// The attribute `n_targets`.
pub(super) fn targets(node: &Node<'_>) -> Result<usize, Fault> {
    let targets = node.int("n_targets", 1)?;
    usize::try_from(targets)
        .ok()
        .filter(|&targets| targets > 0 && targets <= 1 << 20)
        .ok_or_else(|| fault!("attribute `n_targets` is {targets}"))
}

pub(super) fn check_features(width: usize, features: usize) -> Result<(), Fault> {
    if width >= features {
        return Ok(());
    }
    Err(fault!("its trees look at {features} features, its input has {width}"))
}

/// Reads the tables and makes the forest, and what makes it in double precision.
fn precise<S, D: 'static>(
    node: &Node<'_>,
    votes: &str,
    single: impl Fn(Parts<f32>) -> Result<S, String>,
    double: impl Fn(Parts<f64>) -> Result<D, String> + Send + Sync + 'static,
) -> Result<Precise<S, D>, Fault> {
    let tensors = ["nodes_values", "base_values", &format!("{votes}_weights")]
        .iter()
        .map(|name| node.attributes.tensor(&format!("{name}_as_tensor")))
        .collect::<Result<Vec<_>, _>>()?;
    let is_double = tensors.iter().flatten().any(|tensor| tensor.slice::<f64>().is_ok());
    if is_double {
        let made = double(parts(node, votes)?).map_err(Fault::invalid)?;
        let make = Box::new(|| Err("it has no other precision".into()));
        return Ok(Precise { single: None, double: OnceLock::from(Ok(made)), make });
    }
    let parts: Parts<f32> = parts(node, votes)?;
    let made = single(parts.clone()).map_err(Fault::invalid)?;
    let make = Box::new(move || double(parts.widened()));
    Ok(Precise { single: Some(made), double: OnceLock::new(), make })
}

/// An attribute as floats, or as a tensor of either precision.
fn reals<T: Real + Element>(node: &Node<'_>, name: &str) -> Result<Vec<T>, Fault> {
    let as_tensor = format!("{name}_as_tensor");
    if let Some(tensor) = node.attributes.tensor(&as_tensor)? {
        if let Ok(values) = tensor.slice::<T>() {
            return Ok(values.to_vec());
        }
        let values =
            tensor.slice::<f32>().map_err(|fault| fault.about(format!("attribute `{as_tensor}`")))?;
        return Ok(values.iter().map(|&value| T::from_f32(value)).collect());
    }
    let values = node.attributes.floats(name)?.unwrap_or_default();
    Ok(values.iter().map(|&value| T::from_f32(value)).collect())
}

/// The attributes `nodes_*` and `{votes}_*`.
fn parts<T: Real + Element>(node: &Node<'_>, votes: &str) -> Result<Parts<T>, Fault> {
    let ints = |name: &str| Ok::<_, Fault>(node.attributes.ints(name)?.unwrap_or_default());
    let ids = ints("nodes_nodeids")?;
    let trees = ints("nodes_treeids")?;
    let features = ints("nodes_featureids")?;
    let yes = ints("nodes_truenodeids")?;
    let no = ints("nodes_falsenodeids")?;
    let missing = ints("nodes_missing_value_tracks_true")?;
    let values = reals::<T>(node, "nodes_values")?;
    let modes = node.attributes.strings("nodes_modes")?.unwrap_or_default();
    let lengths = [trees.len(), features.len(), yes.len(), no.len(), values.len(), modes.len()];
    if lengths.iter().any(|&len| len != ids.len()) || !(missing.is_empty() || missing.len() == ids.len()) {
        return Err(fault!("its `nodes_` attributes differ in length"));
    }
    let mut nodes = Vec::with_capacity(ids.len());
    for index in 0..ids.len() {
        nodes.push(NodeSpec {
            tree: trees[index],
            id: ids[index],
            branching: Branching::named(modes[index])
                .ok_or_else(|| fault!("node mode {} is not defined", modes[index]))?,
            feature: features[index],
            value: values[index],
            true_id: yes[index],
            false_id: no[index],
            missing_is_true: missing.get(index).is_some_and(|&flag| flag != 0),
        });
    }
    let vote_nodes = ints(&format!("{votes}_nodeids"))?;
    let vote_trees = ints(&format!("{votes}_treeids"))?;
    let vote_targets = ints(&format!("{votes}_ids"))?;
    let weights = reals::<T>(node, &format!("{votes}_weights"))?;
    if [vote_trees.len(), vote_targets.len(), weights.len()].iter().any(|&len| len != vote_nodes.len()) {
        return Err(fault!("its `{votes}_` attributes differ in length"));
    }
    let vote = |index: usize| VoteSpec {
        tree: vote_trees[index],
        node: vote_nodes[index],
        target: vote_targets[index],
        weight: weights[index],
    };
    let votes: Vec<_> = (0..vote_nodes.len()).map(vote).collect();
    let links = link(&nodes, &votes).map_err(Fault::invalid)?;
    Ok(Parts { links, base: reals(node, "base_values")? })
}
