//! Trees as a model file describes them.

use crate::real::Real;

/// How a branch compares its feature `x` with its value `v`; the "true" child is taken when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branching {
    LessOrEqual,
    Less,
    GreaterOrEqual,
    Greater,
    Equal,
    NotEqual,
    /// `x` is one of [`Links::members`]`[first..first + len]`.
    Member {
        first: usize,
        len: usize,
    },
    Leaf,
}

impl Branching {
    /// By its name in the attribute `nodes_modes`.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "BRANCH_LEQ" => Branching::LessOrEqual,
            "BRANCH_LT" => Branching::Less,
            "BRANCH_GTE" => Branching::GreaterOrEqual,
            "BRANCH_GT" => Branching::Greater,
            "BRANCH_EQ" => Branching::Equal,
            "BRANCH_NEQ" => Branching::NotEqual,
            "LEAF" => Branching::Leaf,
            _ => return None,
        })
    }
}

/// One node of one tree, as the attributes `nodes_*` describe it (ai.onnx.ml 1 and 3).
#[derive(Debug, Clone, Copy)]
pub struct NodeSpec<T> {
    pub tree: i64,
    pub id: i64,
    pub branching: Branching,
    pub feature: i64,
    pub value: T,
    pub true_id: i64,
    pub false_id: i64,
    /// Where a missing value (NaN) goes: to the "true" child, or as its comparison falls out.
    pub missing_is_true: bool,
}

/// One vote of one leaf, as the attributes `class_*` or `target_*` describe it (ai.onnx.ml 1 and 3).
#[derive(Debug, Clone, Copy)]
pub struct VoteSpec<T> {
    pub tree: i64,
    pub node: i64,
    pub target: i64,
    pub weight: T,
}

/// A forest whose nodes name their children by place: TreeEnsemble of ai.onnx.ml 5, and what the
/// older tables become.
#[derive(Debug, Clone, Default)]
pub struct Links<T> {
    pub nodes: Vec<LinkedNode<T>>,
    /// One place in `nodes` per tree, in the order their votes are added.
    pub roots: Vec<usize>,
    /// The values of all member branches.
    pub members: Vec<T>,
    /// (place of the leaf, target, weight), in the order they are added.
    pub votes: Vec<(usize, i64, T)>,
    /// What the nodes are called in errors: (tree, id), or nothing where the place is the name.
    pub names: Vec<(i64, i64)>,
}

/// One node of [`Links`]; a leaf's children mean nothing.
#[derive(Debug, Clone, Copy)]
pub struct LinkedNode<T> {
    pub branching: Branching,
    pub feature: i64,
    pub value: T,
    pub yes: usize,
    pub no: usize,
    pub missing_is_true: bool,
}

impl<T: Real> LinkedNode<T> {
    pub fn leaf() -> Self {
        let (feature, value) = (0, T::ZERO);
        LinkedNode { branching: Branching::Leaf, feature, value, yes: 0, no: 0, missing_is_true: false }
    }

    /// The same node in another precision.
    pub fn map<U>(&self, convert: impl Fn(T) -> U) -> LinkedNode<U> {
        let &LinkedNode { branching, feature, value, yes, no, missing_is_true } = self;
        LinkedNode { branching, feature, value: convert(value), yes, no, missing_is_true }
    }
}

impl<T> Links<T> {
    /// How an error calls the node at `place`.
    pub(super) fn name(&self, place: usize) -> String {
        match self.names.get(place) {
            Some((tree, id)) => format!("node {id} of tree {tree}"),
            None => format!("node {place}"),
        }
    }
}
