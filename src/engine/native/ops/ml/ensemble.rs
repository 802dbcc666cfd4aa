//! TreeEnsemble: forests whose nodes and leaves are told apart by place.

use half::f16;

use super::{
    pool::Pool,
    rows::rows_of,
    trees::{check_features, targets},
};
use crate::{
    native::{
        attributes::Node,
        exec::{Op, one, op},
        fault::{Fault, fault},
        value::{Data, Kind, Tensor},
    },
    real::Real,
    trees::{Aggregate, Branching, LinkedNode, Links, Regressor, Scratch, Transform},
};

/// `TreeEnsemble`, ai.onnx.ml 5: nodes and leaves in tables of their own, numbers as tensors, and
/// membership in a set as a seventh kind of branch. Trees of f16 are computed in f32.
pub(super) fn tree_ensemble(node: &Node<'_>) -> Result<Op, Fault> {
    let targets = targets(node)?;
    let aggregate = match node.int("aggregate_function", 1)? {
        0 => Aggregate::Average,
        1 => Aggregate::Sum,
        2 => Aggregate::Min,
        3 => Aggregate::Max,
        other => return Err(fault!("attribute `aggregate_function` {other} is not defined")),
    };
    let transform = match node.int("post_transform", 0)? {
        0 => Transform::None,
        1 => Transform::Softmax,
        2 => Transform::Logistic,
        3 => Transform::SoftmaxZero,
        4 => Transform::Probit,
        other => return Err(fault!("attribute `post_transform` {other} is not defined")),
    };
    let splits = required(node, "nodes_splits")?;
    match splits.kind() {
        Kind::F64 => {
            let model = Regressor::<f64>::new(&links(node)?, targets, aggregate, vec![], transform)
                .map_err(Fault::invalid)?;
            let pool = Pool::<Scratch<f64>>::new();
            op(move |run, args| {
                let x = args.tensor(0)?;
                let (rows, width) = rows_of(x)?;
                check_features(width, model.features())?;
                let mut values = run.buffer(rows.saturating_mul(targets))?;
                let x = args.slice::<f64>(0)?;
                pool.with(|scratch| model.run(x, width, scratch, &mut values));
                one(Tensor::of([rows, targets].as_slice(), values)?)
            })
        }
        Kind::F32 | Kind::F16 => {
            let model = Regressor::<f32>::new(&links(node)?, targets, aggregate, vec![], transform)
                .map_err(Fault::invalid)?;
            let pool = Pool::<(Vec<f32>, Scratch<f32>)>::new();
            op(move |run, args| {
                let x = args.tensor(0)?;
                let (rows, width) = rows_of(x)?;
                check_features(width, model.features())?;
                let mut values = run.buffer(rows.saturating_mul(targets))?;
                pool.with(|(buffer, scratch)| match x.data() {
                    Data::F32(x) => {
                        model.run(x, width, scratch, &mut values);
                        one(Tensor::of([rows, targets].as_slice(), values)?)
                    }
                    Data::F16(x) => {
                        buffer.clear();
                        buffer.extend(x.iter().map(|x| x.to_f32()));
                        model.run(buffer, width, scratch, &mut values);
                        let mut halves = run.buffer(values.len())?;
                        halves.extend(values.iter().map(|&value| f16::from_f32(value)));
                        one(Tensor::of([rows, targets].as_slice(), halves)?)
                    }
                    _ => Err(fault!("input 0: is {x}, must be of the type of `nodes_splits`")),
                })
            })
        }
        other => Err(fault!("attribute `nodes_splits` is {other}, must be float16, float32 or float64")),
    }
}

fn required(node: &Node<'_>, name: &str) -> Result<Tensor, Fault> {
    node.attributes.tensor(name)?.ok_or_else(|| fault!("lacks its attribute `{name}`"))
}

/// A tensor attribute in the precision of the forest.
fn reals<T: Real>(tensor: &Tensor, name: &str) -> Result<Vec<T>, Fault> {
    Ok(match tensor.data() {
        Data::F16(v) => v.iter().map(|v| T::from_f32(v.to_f32())).collect(),
        Data::F32(v) => v.iter().map(|&v| T::from_f32(v)).collect(),
        Data::F64(v) => v.iter().map(|&v| T::from_f64(v)).collect(),
        _ => return Err(fault!("attribute `{name}` is {tensor}, must be float16, float32 or float64")),
    })
}

/// Nodes at their own places, leaves behind them.
fn links<T: Real>(node: &Node<'_>) -> Result<Links<T>, Fault> {
    let ints = |name: &str| node.attributes.ints(name)?.ok_or_else(|| fault!("lacks its attribute `{name}`"));
    let splits = reals::<T>(&required(node, "nodes_splits")?, "nodes_splits")?;
    let modes = required(node, "nodes_modes")?;
    let modes = modes.slice::<u8>().map_err(|fault| fault.about("attribute `nodes_modes`"))?;
    let features = ints("nodes_featureids")?;
    let (yes, no) = (ints("nodes_truenodeids")?, ints("nodes_falsenodeids")?);
    let (yes_is_leaf, no_is_leaf) = (ints("nodes_trueleafs")?, ints("nodes_falseleafs")?);
    let missing = node.attributes.ints("nodes_missing_value_tracks_true")?.unwrap_or_default();
    let count = modes.len();
    let lengths = [splits.len(), features.len(), yes.len(), no.len(), yes_is_leaf.len(), no_is_leaf.len()];
    if lengths.iter().any(|&len| len != count) || !(missing.is_empty() || missing.len() == count) {
        return Err(fault!("its `nodes_` attributes differ in length"));
    }
    let leaf_targets = ints("leaf_targetids")?;
    let leaf_weights = reals::<T>(&required(node, "leaf_weights")?, "leaf_weights")?;
    if leaf_targets.len() != leaf_weights.len() {
        return Err(fault!("its `leaf_` attributes differ in length"));
    }
    let members = match node.attributes.tensor("membership_values")? {
        Some(tensor) => reals::<T>(&tensor, "membership_values")?,
        None => vec![],
    };
    // One set after the other, in the order of the nodes that ask for them; NaN ends each.
    let mut sets = members.split(|member| member.is_nan()).scan(0, |first, set| {
        let set = (std::mem::replace(first, *first + set.len() + 1), set.len());
        Some(set)
    });
    let child = |id: i64, is_leaf: i64, index: usize| {
        let (count, all) = if is_leaf == 0 { (0, count) } else { (count, leaf_weights.len()) };
        usize::try_from(id)
            .ok()
            .filter(|&id| id < all)
            .map(|id| count + id)
            .ok_or_else(|| fault!("node {index} leads to {id}, which isn't there"))
    };
    let mut nodes = Vec::with_capacity(count + leaf_weights.len());
    for index in 0..count {
        let branching = match modes[index] {
            0 => Branching::LessOrEqual,
            1 => Branching::Less,
            2 => Branching::GreaterOrEqual,
            3 => Branching::Greater,
            4 => Branching::Equal,
            5 => Branching::NotEqual,
            6 => {
                let (first, len) =
                    sets.next().ok_or_else(|| fault!("node {index} has no set in `membership_values`"))?;
                Branching::Member { first, len }
            }
            other => return Err(fault!("node mode {other} is not defined")),
        };
        nodes.push(LinkedNode {
            branching,
            feature: features[index],
            value: splits[index],
            yes: child(yes[index], yes_is_leaf[index], index)?,
            no: child(no[index], no_is_leaf[index], index)?,
            missing_is_true: missing.get(index).is_some_and(|&flag| flag != 0),
        });
    }
    nodes.extend(leaf_weights.iter().map(|_| LinkedNode::leaf()));
    let votes = leaf_targets.iter().zip(&leaf_weights).enumerate();
    let votes = votes.map(|(leaf, (&target, &weight))| (count + leaf, target, weight)).collect();
    let roots = ints("tree_roots")?.iter().map(|&root| {
        usize::try_from(root)
            .ok()
            .filter(|&root| root < count)
            .ok_or_else(|| fault!("a tree begins at node {root}"))
    });
    Ok(Links { nodes, roots: roots.collect::<Result<_, _>>()?, members, votes, names: vec![] })
}
