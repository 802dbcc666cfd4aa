//! A checked forest, laid out for walking.

use super::{
    leaves::Leaves,
    lower::{Lowered, Test, lower},
    place::{Tree, index_u32},
    spec::Links,
};
use crate::real::Real;

/// A forest ready to be walked. A walk stands at a node, looks at one feature and goes `ahead` by
/// so many nodes, and one more where the feature is greater than the node's value.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest<T: Real> {
    pub(super) nodes: Nodes<T::Key>,
    pub(super) trees: Vec<Tree>,
    pub(super) leaves: Leaves<T>,
    /// Features a row must have; at least one, which leaves look at in vain.
    pub(super) features: usize,
    /// Targets a vote can be for.
    pub(super) targets: usize,
    pub(super) signs: Signs,
}

/// Each tree's nodes level by level, the two children of a node side by side. A leaf leads to
/// itself and has an infinite value, so that a walk of any length stays there.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Nodes<K> {
    Narrow(Vec<Narrow>),
    Wide(Vec<Wide<K>>),
}

/// A node and its parts: the key of its value, which feature it looks at, how far it leads.
pub(super) trait Node<K>: Copy {
    fn parts(self) -> (K, usize, usize);
}

/// Eight bytes, loaded at once: nearly all forests of f32 there are. From the low end: key,
/// 16 bits of how far, 16 bits of which feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Narrow(u64);

impl<K: From<u32>> Node<K> for Narrow {
    #[inline(always)]
    fn parts(self) -> (K, usize, usize) {
        ((self.0 as u32).into(), (self.0 >> 48) as usize, (self.0 >> 32 & 0xffff) as usize)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Wide<K> {
    key: K,
    feature: u32,
    ahead: u32,
}

impl<K: Copy> Node<K> for Wide<K> {
    #[inline(always)]
    fn parts(self) -> (K, usize, usize) {
        (self.key, self.feature as usize, self.ahead as usize)
    }
}

/// Which of `x` and `-x` the tests ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signs {
    Plain,
    Negated,
    /// Feature `n` is at `n`, its negative at `n + features`.
    Both,
}

/// Deepest tree accepted; scikit-learn's own are far below.
const MAX_DEPTH: u32 = 10_000;

/// How many times more nodes than described a forest may take: a child shared by several parents
/// takes a place for each.
const MAX_SHARED: usize = 4;

impl<T: Real> Forest<T> {
    /// Checks the description and lays it out. With `once`, of several votes of a leaf the first
    /// counts.
    ///
    /// # Errors
    /// One sentence: a node that isn't there or can't be reached, a circle, a tree too deep, a vote
    /// for a target there is not.
    pub fn new(links: &Links<T>, targets: usize, once: bool) -> Result<Self, String> {
        if links.roots.is_empty() {
            return Err("it has no trees".into());
        }
        let lowered = lower(links)?;
        let mut layout = Layout::new(&lowered);
        let mut trees = Vec::with_capacity(links.roots.len());
        for &root in &links.roots {
            if root >= links.nodes.len() {
                return Err(format!("a tree begins at node {root}, which isn't there"));
            }
            trees.push(layout.tree(root)?);
        }
        // The rest hang in a circle no root leads to.
        let lost = layout.tree[..links.nodes.len()].iter().filter(|&&tree| tree == 0).count();
        if lost > 0 && !links.names.is_empty() {
            return Err(format!("{lost} nodes can't be reached"));
        }
        let tests = || {
            lowered.iter().filter_map(|node| if let Lowered::Test(test) = node { Some(test) } else { None })
        };
        let signs = match (tests().any(|test| test.negated), tests().all(|test| test.negated)) {
            (false, _) => Signs::Plain,
            (true, true) => Signs::Negated,
            (true, false) => Signs::Both,
        };
        let features = tests().map(|test| test.feature as usize + 1).max().unwrap_or(1);
        let leaves = Leaves::new(links, &layout.leaf_places(), &trees, targets, once)?;
        let nodes = layout.nodes(if signs == Signs::Both { features } else { 0 })?;
        Ok(Forest { nodes, trees, leaves, features, targets, signs })
    }

    /// Values a prepared row has.
    pub(super) fn width(&self) -> usize {
        if self.signs == Signs::Both { 2 * self.features } else { self.features }
    }
}

/// Where the lowered nodes are placed, tree by tree.
struct Layout<'a, T> {
    lowered: &'a [Lowered<T>],
    /// The lowered node at each place, and how far ahead its children are.
    places: Vec<(usize, u32)>,
    /// Of each lowered node, in the tree at hand: parents not yet passed, and the places that wait
    /// for the place of its children.
    parents: Vec<u32>,
    waiting: Vec<Vec<u32>>,
    /// The last tree each lowered node was met in, counted from 1.
    tree: Vec<u32>,
    trees: u32,
}

impl<'a, T: Real> Layout<'a, T> {
    fn new(lowered: &'a [Lowered<T>]) -> Self {
        let len = lowered.len();
        Layout {
            lowered,
            places: Vec::with_capacity(len),
            parents: vec![0; len],
            waiting: vec![vec![]; len],
            tree: vec![0; len],
            trees: 0,
        }
    }

    /// Places one tree: a node after all its parents, so that every step goes forward.
    fn tree(&mut self, root: usize) -> Result<Tree, String> {
        let members = self.count_parents(root)?;
        let start = self.places.len();
        self.place(root)?;
        let mut ready = vec![root];
        let mut next = vec![];
        let (mut passed, mut depth) = (0, 0);
        while !ready.is_empty() {
            for node in ready.drain(..) {
                passed += 1;
                let Lowered::Test(Test { left, right, .. }) = self.lowered[node] else {
                    self.waiting[node].clear();
                    continue;
                };
                let children = self.places.len();
                for place in std::mem::take(&mut self.waiting[node]) {
                    let place = place as usize;
                    self.places[place].1 = index_u32(children - place)?;
                }
                self.place(left)?;
                self.place(right)?;
                for child in [left, right] {
                    self.parents[child] -= 1;
                    if self.parents[child] == 0 {
                        next.push(child);
                    }
                }
            }
            if !next.is_empty() {
                depth += 1;
            }
            std::mem::swap(&mut ready, &mut next);
        }
        if passed != members {
            return Err("a tree goes round in a circle".into());
        }
        if depth > MAX_DEPTH {
            return Err(format!("a tree is {depth} levels deep"));
        }
        Ok(Tree { root: index_u32(start)?, depth })
    }

    /// Counts what the root leads to, and of each how many lead there.
    fn count_parents(&mut self, root: usize) -> Result<usize, String> {
        self.trees = self.trees.checked_add(1).ok_or("it has more trees than 32 bits can count")?;
        let mut found = 1;
        let mut open = vec![root];
        (self.parents[root], self.tree[root]) = (0, self.trees);
        while let Some(node) = open.pop() {
            let Lowered::Test(Test { left, right, .. }) = self.lowered[node] else { continue };
            for child in [left, right] {
                if child == root {
                    return Err("a tree goes round in a circle".into());
                }
                if self.tree[child] != self.trees {
                    (self.parents[child], self.tree[child]) = (0, self.trees);
                    found += 1;
                    open.push(child);
                }
                self.parents[child] += 1;
            }
        }
        Ok(found)
    }

    fn place(&mut self, node: usize) -> Result<(), String> {
        if self.places.len() >= MAX_SHARED.saturating_mul(self.lowered.len()) {
            return Err("its trees share too many nodes".into());
        }
        self.waiting[node].push(index_u32(self.places.len())?);
        self.places.push((node, 0));
        Ok(())
    }

    /// The leaf of the description at each place.
    fn leaf_places(&self) -> Vec<Option<usize>> {
        let leaf = |&(node, _): &(usize, u32)| match self.lowered[node] {
            Lowered::Leaf(leaf) => Some(leaf),
            Lowered::Test(_) => None,
        };
        self.places.iter().map(leaf).collect()
    }

    /// The nodes, with negated features `negatives` further on.
    fn nodes(&self, negatives: usize) -> Result<Nodes<T::Key>, String> {
        let mut wide = Vec::with_capacity(self.places.len());
        for &(node, ahead) in &self.places {
            wide.push(match self.lowered[node] {
                Lowered::Leaf(_) => Wide { key: T::INFINITY.key(), feature: 0, ahead: 0 },
                Lowered::Test(test) => {
                    let feature = test.feature as usize + if test.negated { negatives } else { 0 };
                    Wide { key: test.value.key(), feature: index_u32(feature)?, ahead }
                }
            });
        }
        let narrow = wide.iter().map(|node| {
            let key: u32 = node.key.try_into().ok()?;
            let (feature, ahead) = (u16::try_from(node.feature).ok()?, u16::try_from(node.ahead).ok()?);
            Some(Narrow(u64::from(feature) << 48 | u64::from(ahead) << 32 | u64::from(key)))
        });
        let narrow: Option<Vec<_>> = narrow.collect();
        Ok(narrow.map_or(Nodes::Wide(wide), Nodes::Narrow))
    }
}
