//! A checked forest, laid out for walking.

use std::collections::HashMap;

/// How a branch compares its feature `x` with its value `v`; the "true" child is taken when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branching {
    LessOrEqual,
    Less,
    GreaterOrEqual,
    Greater,
    Equal,
    NotEqual,
    Leaf,
}

/// One node of one tree, as the attributes `nodes_*` describe it.
#[derive(Debug, Clone, Copy)]
pub struct NodeSpec {
    pub tree: i64,
    pub id: i64,
    pub branching: Branching,
    pub feature: i64,
    pub value: f32,
    pub true_id: i64,
    pub false_id: i64,
    /// Where a missing value (NaN) goes: to the "true" child, or as its comparison falls out.
    pub missing_is_true: bool,
}

/// One vote of one leaf, as the attributes `class_*` or `target_*` describe it.
#[derive(Debug, Clone, Copy)]
pub struct VoteSpec {
    pub tree: i64,
    pub node: i64,
    pub target: i64,
    pub weight: f32,
}

/// What a leaf adds to one target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Vote {
    pub target: u32,
    pub weight: f32,
}

/// A laid-out node: go to `first`, or to its right neighbour when `x > value`.
///
/// A leaf points to itself and has an infinite value, so that a walk of fixed length stays there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Node {
    pub value: f32,
    pub feature: u32,
    pub first: u32,
    pub rule: Rule,
}

/// What besides `x > value` leads to the right neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Rule {
    /// Nothing: NaN goes to `first`.
    Plain = 0,
    /// NaN goes right as well.
    MissingRight = 1,
    /// Instead: everything but `value` goes right, NaN too.
    Unequal = 2,
    /// Instead: everything but `value` goes right, NaN to `first`.
    UnequalMissingFirst = 3,
}

/// A forest ready to be walked.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    /// Each tree's nodes in breadth-first order, siblings side by side.
    pub(super) nodes: Vec<Node>,
    pub(super) trees: Vec<Tree>,
    /// `votes[first_vote[n]..first_vote[n + 1]]` are the votes of node `n`.
    pub(super) first_vote: Vec<u32>,
    pub(super) votes: Vec<Vote>,
    /// Features a row must have.
    pub(super) features: usize,
    /// Targets a vote can be for.
    pub(super) targets: usize,
    /// Some branch asks for equality.
    pub(super) has_equality: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tree {
    pub root: u32,
    pub depth: u32,
}

/// Deepest tree accepted; scikit-learn's own are far below.
const MAX_DEPTH: u32 = 10_000;

impl Forest {
    /// Checks the description and lays it out. Trees keep the order in which they first appear.
    ///
    /// # Errors
    /// One sentence: a node that isn't there, a tree with no root or two, a circle, a vote for a
    /// target there is not.
    pub fn new(nodes: &[NodeSpec], votes: &[VoteSpec], targets: usize) -> Result<Self, String> {
        let mut by_id = HashMap::with_capacity(nodes.len());
        let mut tree_ids = vec![];
        for (index, node) in nodes.iter().enumerate() {
            if by_id.insert((node.tree, node.id), index).is_some() {
                return Err(format!("tree {} has two nodes {}", node.tree, node.id));
            }
            if tree_ids.last() != Some(&node.tree) {
                tree_ids.push(node.tree);
            }
        }
        let mut seen = std::collections::HashSet::new();
        tree_ids.retain(|id| seen.insert(*id));
        if tree_ids.is_empty() {
            return Err("it has no trees".into());
        }
        let votes = votes_by_node(votes, &by_id, nodes, targets)?;
        let roots = roots(nodes, &by_id, &tree_ids)?;
        let mut forest = Forest {
            nodes: Vec::with_capacity(nodes.len()),
            trees: vec![],
            first_vote: vec![0],
            votes: vec![],
            features: 0,
            targets,
            has_equality: nodes.iter().any(|n| matches!(n.branching, Branching::Equal | Branching::NotEqual)),
        };
        for root in roots {
            forest.lay_out(root, nodes, &by_id, &votes)?;
        }
        // Fewer laid out than given: the rest hang in a circle no root leads to.
        if forest.nodes.len() != nodes.len() {
            return Err(format!("{} nodes can't be reached", nodes.len() - forest.nodes.len()));
        }
        Ok(forest)
    }

    fn lay_out(
        &mut self,
        root: usize,
        specs: &[NodeSpec],
        by_id: &HashMap<(i64, i64), usize>,
        votes: &[Vec<Vote>],
    ) -> Result<(), String> {
        let base = self.nodes.len();
        // Breadth first: `row` holds the nodes to place, in the order of their places.
        let mut row = vec![(root, 0u32)];
        let mut placed = 0;
        let mut depth = 0;
        while let Some(&(index, level)) = row.get(placed) {
            let spec = &specs[index];
            let place = index_u32(base + placed)?;
            placed += 1;
            depth = depth.max(level);
            if spec.branching == Branching::Leaf {
                self.nodes.push(Node { value: f32::INFINITY, feature: 0, first: place, rule: Rule::Plain });
                self.votes.extend(&votes[index]);
            } else {
                let child = |id| by_id[&(spec.tree, id)];
                let (first, second, node) = branch(spec, index_u32(base + row.len())?)?;
                // A node has one parent, so a walk from a root can't come back to it.
                row.extend([(child(first), level + 1), (child(second), level + 1)]);
                self.features = self.features.max(node.feature as usize + 1);
                self.nodes.push(node);
            }
            self.first_vote.push(index_u32(self.votes.len())?);
        }
        if depth > MAX_DEPTH {
            return Err(format!("a tree is {depth} levels deep"));
        }
        self.trees.push(Tree { root: index_u32(base)?, depth });
        Ok(())
    }
}

/// The (first, second) child ids of a branch and its node, whose children start at `place`.
fn branch(spec: &NodeSpec, place: u32) -> Result<(i64, i64, Node), String> {
    let feature = u32::try_from(spec.feature)
        .ok()
        .filter(|&feature| feature < u32::MAX)
        .ok_or_else(|| format!("node {} of tree {} asks for feature {}", spec.id, spec.tree, spec.feature))?;
    let (yes, no, missing_yes) = (spec.true_id, spec.false_id, spec.missing_is_true);
    let right = |right| if right { Rule::MissingRight } else { Rule::Plain };
    // Everything is brought to "right when x > value". NaN compares false, so without
    // `missing_is_true` it goes to the false child (for !=, to the true one).
    let (first, second, value, rule) = match spec.branching {
        Branching::LessOrEqual => (yes, no, spec.value, right(!missing_yes)),
        Branching::Less => (yes, no, spec.value.next_down(), right(!missing_yes)),
        Branching::Greater => (no, yes, spec.value, right(missing_yes)),
        Branching::GreaterOrEqual => (no, yes, spec.value.next_down(), right(missing_yes)),
        Branching::Equal if missing_yes => (yes, no, spec.value, Rule::UnequalMissingFirst),
        Branching::Equal => (yes, no, spec.value, Rule::Unequal),
        Branching::NotEqual => (no, yes, spec.value, Rule::Unequal),
        Branching::Leaf => return Err("a leaf has no children".into()),
    };
    Ok((first, second, Node { value, feature, first: place, rule }))
}

/// The one node of each tree that is nobody's child.
fn roots(
    nodes: &[NodeSpec],
    by_id: &HashMap<(i64, i64), usize>,
    tree_ids: &[i64],
) -> Result<Vec<usize>, String> {
    let mut has_parent = vec![false; nodes.len()];
    for node in nodes.iter().filter(|node| node.branching != Branching::Leaf) {
        for child in [node.true_id, node.false_id] {
            let Some(&index) = by_id.get(&(node.tree, child)) else {
                return Err(format!(
                    "node {} of tree {} leads to a node {child} it lacks",
                    node.id, node.tree
                ));
            };
            if std::mem::replace(&mut has_parent[index], true) {
                return Err(format!("two branches of tree {} lead to its node {child}", node.tree));
            }
        }
    }
    let mut roots: HashMap<i64, usize> = HashMap::new();
    for (index, node) in nodes.iter().enumerate().filter(|&(index, _)| !has_parent[index]) {
        if roots.insert(node.tree, index).is_some() {
            return Err(format!("tree {} has two roots", node.tree));
        }
    }
    tree_ids
        .iter()
        .map(|tree| roots.get(tree).copied().ok_or_else(|| format!("tree {tree} goes round in a circle")))
        .collect()
}

/// The votes of each node, in the file's order.
fn votes_by_node(
    specs: &[VoteSpec],
    by_id: &HashMap<(i64, i64), usize>,
    nodes: &[NodeSpec],
    targets: usize,
) -> Result<Vec<Vec<Vote>>, String> {
    let mut votes = vec![vec![]; nodes.len()];
    for vote in specs {
        let Some(&index) = by_id.get(&(vote.tree, vote.node)) else {
            return Err(format!(
                "a vote comes from node {} of tree {}, which isn't there",
                vote.node, vote.tree
            ));
        };
        let target = usize::try_from(vote.target).ok().filter(|&target| target < targets);
        let Some(target) = target else {
            return Err(format!("a leaf of tree {} votes for {} of {targets}", vote.tree, vote.target));
        };
        // Votes of inner nodes are never cast.
        if nodes[index].branching == Branching::Leaf {
            votes[index].push(Vote { target: index_u32(target)?, weight: vote.weight });
        }
    }
    Ok(votes)
}

fn index_u32(index: usize) -> Result<u32, String> {
    u32::try_from(index).map_err(|_| "it has more nodes or votes than 32 bits can count".into())
}
