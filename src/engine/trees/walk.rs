//! Finding leaves and summing their votes, several walks at a time.
//!
//! A walk is a chain of loads that each wait for the last; eight independent ones keep the
//! processor busy. They are eight rows in one tree, or eight trees under one row. Votes are added
//! in the order of the trees either way, so a row's sums have the same bits in every batch.

use super::{
    feature::Feature,
    forest::{Forest, Node, Nodes},
    leaves::Leaves,
    rows::{LANES, Scratch},
};
use crate::real::Real;

/// Steps between two looks whether all walks have ended.
const STRIDE: u32 = 4;

/// How a vote changes a target's value.
pub(super) trait Fold<T> {
    /// Whether it matters if there was a vote before.
    const LOOKS_BACK: bool;

    fn fold(value: T, has_vote: bool, weight: T) -> T;
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Add;

impl<T: Real> Fold<T> for Add {
    const LOOKS_BACK: bool = false;

    #[inline(always)]
    fn fold(value: T, _: bool, weight: T) -> T {
        value + weight
    }
}

/// Bytes of prepared rows walked through one tree before the next: they stay in the second cache
/// while the tree stays in the first.
const BLOCK_BYTES: usize = 128 << 10;

impl<T: Real> Forest<T> {
    /// Rows to hand to [`Forest::cast`] at a time.
    pub(super) fn block(&self) -> usize {
        let bytes = (self.width() + self.targets).max(1) * size_of::<T>();
        (BLOCK_BYTES / bytes).clamp(LANES, 4096) / LANES * LANES
    }

    /// Casts the votes of all trees on each row: afterwards `scratch.sums` has `targets` values a
    /// row, and `scratch.voted` whether they have any vote.
    ///
    /// `rows` is row-major with `width` features a row; `width` is at least [`Forest::features`],
    /// which the caller has checked.
    pub(super) fn cast<I: Feature<T>, F: Fold<T>>(&self, rows: &[I], width: usize, scratch: &mut Scratch<T>) {
        match &self.nodes {
            Nodes::Narrow(nodes) => self.cast_over::<I, F, _>(nodes, rows, width, scratch),
            Nodes::Wide(nodes) => self.cast_over::<I, F, _>(nodes, rows, width, scratch),
        }
    }

    fn cast_over<I: Feature<T>, F: Fold<T>, N: Node<T::Key>>(
        &self,
        nodes: &[N],
        rows: &[I],
        width: usize,
        scratch: &mut Scratch<T>,
    ) {
        let count = rows.len() / width;
        let whole = count / LANES * LANES;
        let Scratch { groups, row, sums, voted } = scratch;
        sums.clear();
        sums.resize(count * self.targets, T::ZERO);
        voted.clear();
        if F::LOOKS_BACK || matches!(self.leaves, Leaves::Sparse { .. }) {
            voted.resize(count * self.targets, false);
        }
        self.fill_groups(&rows[..whole * width], width, groups);
        let mut tally = Tally { leaves: &self.leaves, targets: self.targets, sums, voted };
        for (number, tree) in self.trees.iter().enumerate() {
            for (group, first) in groups.chunks_exact(self.width()).zip((0..).step_by(LANES)) {
                let leaves = walk(nodes, [tree.root; LANES], tree.depth, |lane, at| group[at][lane]);
                tally.add::<F, LANES>(number, first, leaves);
            }
        }
        for (at, rest) in rows[whole * width..].chunks_exact(width).enumerate() {
            self.fill_row(rest, row);
            let row = &**row;
            for (trees, first) in self.trees.chunks(LANES).zip((0..).step_by(LANES)) {
                let depth = trees.iter().map(|tree| tree.depth).max().unwrap_or(0);
                let roots = std::array::from_fn(|lane| trees.get(lane).unwrap_or(&trees[0]).root);
                let leaves = walk(nodes, roots, depth, |_, at| row[at]);
                for (lane, leaf) in leaves.into_iter().take(trees.len()).enumerate() {
                    tally.add::<F, 1>(first + lane, whole + at, [leaf]);
                }
            }
        }
    }
}

/// The leaves that eight walks end in; `x` tells the key of a lane's feature.
#[inline(always)]
fn walk<K: Copy + Ord, N: Node<K>>(
    nodes: &[N],
    roots: [u32; LANES],
    depth: u32,
    x: impl Fn(usize, usize) -> K,
) -> [usize; LANES] {
    let mut at = roots.map(|root| root as usize);
    let mut left = depth;
    loop {
        for _ in 1..left.min(STRIDE) {
            for (lane, at) in at.iter_mut().enumerate() {
                *at = step(nodes, *at, |feature| x(lane, feature)).0;
            }
        }
        // Only a leaf leads nowhere, and then all further steps do.
        let mut moved = 0;
        for (lane, at) in at.iter_mut().enumerate() {
            let (next, ahead) = step(nodes, *at, |feature| x(lane, feature));
            *at = next;
            moved |= ahead;
        }
        left = left.saturating_sub(STRIDE);
        if left == 0 || moved == 0 {
            break at;
        }
    }
}

/// The next node, and how far it was without the right turn.
#[inline(always)]
fn step<K: Copy + Ord, N: Node<K>>(nodes: &[N], at: usize, x: impl Fn(usize) -> K) -> (usize, usize) {
    let (key, feature, ahead) = nodes[at].parts();
    // Arithmetic instead of a branch: which way a row goes can't be predicted.
    (at.wrapping_add(ahead).wrapping_add(usize::from(key < x(feature))), ahead)
}

struct Tally<'a, T> {
    leaves: &'a Leaves<T>,
    targets: usize,
    sums: &'a mut [T],
    voted: &'a mut [bool],
}

impl<T: Real> Tally<'_, T> {
    /// Adds the votes of the leaves that `L` rows from `first` on ended in.
    #[inline(always)]
    fn add<F: Fold<T>, const L: usize>(&mut self, tree: usize, first: usize, leaves: [usize; L]) {
        let targets = self.targets;
        match self.leaves {
            Leaves::Single { weights, targets: by_tree, .. } => {
                let target = by_tree[tree] as usize;
                for (row, leaf) in (first..).zip(leaves) {
                    self.vote::<F>(row * targets + target, weights[leaf]);
                }
            }
            Leaves::Dense { rows, weights } => {
                for (row, leaf) in (first..).zip(leaves) {
                    let weights = &weights[rows[leaf] as usize * targets..][..targets];
                    if F::LOOKS_BACK {
                        for (at, &weight) in (row * targets..).zip(weights) {
                            self.vote::<F>(at, weight);
                        }
                    } else {
                        let sums = &mut self.sums[row * targets..][..targets];
                        for (sum, &weight) in sums.iter_mut().zip(weights) {
                            *sum = F::fold(*sum, false, weight);
                        }
                    }
                }
            }
            Leaves::Sparse { first: starts, votes } => {
                for (row, leaf) in (first..).zip(leaves) {
                    for vote in &votes[starts[leaf] as usize..starts[leaf + 1] as usize] {
                        let at = row * targets + vote.target as usize;
                        self.sums[at] = F::fold(self.sums[at], self.voted[at], vote.weight);
                        self.voted[at] = true;
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn vote<F: Fold<T>>(&mut self, at: usize, weight: T) {
        if F::LOOKS_BACK {
            self.sums[at] = F::fold(self.sums[at], self.voted[at], weight);
            self.voted[at] = true;
        } else {
            self.sums[at] = F::fold(self.sums[at], false, weight);
        }
    }
}
