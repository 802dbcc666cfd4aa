//! From the tables of ai.onnx.ml 1 and 3, where a node is named by its tree and its id, to links.

use std::collections::{HashMap, HashSet};

use super::spec::{Branching, LinkedNode, Links, NodeSpec, VoteSpec};
use crate::real::Real;

/// Links the tables. Trees keep the order in which they first appear; a tree's root is the one node
/// that is nobody's child.
///
/// # Errors
/// One sentence: a node that isn't there, a tree with no root or two, a vote of a node there is not.
pub fn link<T: Real>(nodes: &[NodeSpec<T>], votes: &[VoteSpec<T>]) -> Result<Links<T>, String> {
    let mut by_id = HashMap::with_capacity(nodes.len());
    let mut trees = vec![];
    let mut seen = HashSet::new();
    for (place, node) in nodes.iter().enumerate() {
        if by_id.insert((node.tree, node.id), place).is_some() {
            return Err(format!("tree {} has two nodes {}", node.tree, node.id));
        }
        if seen.insert(node.tree) {
            trees.push(node.tree);
        }
    }
    let mut links = Links {
        nodes: Vec::with_capacity(nodes.len()),
        roots: vec![],
        members: vec![],
        votes: Vec::with_capacity(votes.len()),
        names: nodes.iter().map(|node| (node.tree, node.id)).collect(),
    };
    let mut has_parent = vec![false; nodes.len()];
    for node in nodes {
        let child = |id| {
            by_id.get(&(node.tree, id)).copied().ok_or_else(|| {
                format!("node {} of tree {} leads to a node {id} it lacks", node.id, node.tree)
            })
        };
        let (mut yes, mut no) = (0, 0);
        if node.branching != Branching::Leaf {
            (yes, no) = (child(node.true_id)?, child(node.false_id)?);
            has_parent[yes] = true;
            has_parent[no] = true;
        }
        links.nodes.push(LinkedNode {
            branching: node.branching,
            feature: node.feature,
            value: node.value,
            yes,
            no,
            missing_is_true: node.missing_is_true,
        });
    }
    let mut roots: HashMap<i64, usize> = HashMap::new();
    for (place, node) in nodes.iter().enumerate().filter(|&(place, _)| !has_parent[place]) {
        if roots.insert(node.tree, place).is_some() {
            return Err(format!("tree {} has two roots", node.tree));
        }
    }
    for tree in trees {
        let root = roots.get(&tree).ok_or_else(|| format!("tree {tree} goes round in a circle"))?;
        links.roots.push(*root);
    }
    for vote in votes {
        let Some(&place) = by_id.get(&(vote.tree, vote.node)) else {
            return Err(format!(
                "a vote comes from node {} of tree {}, which isn't there",
                vote.node, vote.tree
            ));
        };
        links.votes.push((place, vote.target, vote.weight));
    }
    Ok(links)
}
