//! Finding leaves and summing their votes, several walks at a time.
//!
//! A walk is a chain of loads that each wait for the last; eight independent ones keep the
//! processor busy. They are eight rows in one tree, or eight trees under one row. Votes are added
//! in the order of the trees either way, so a row's sums have the same bits in every batch.

use super::forest::{Forest, Node, Rule};

/// Walks side by side.
const LANES: usize = 8;
/// Steps between two looks whether all walks have ended.
const STRIDE: u32 = 4;

/// What the leaves said about the targets of one row.
pub(super) trait Tally {
    fn vote(&mut self, target: u32, weight: f32);
}

impl Forest {
    /// Casts the votes of all trees on each row; `tallies` has one per row of `rows`.
    ///
    /// `rows` is row-major with `width` features a row; `width` is at least [`Forest::features`],
    /// which the caller has checked.
    pub(super) fn cast<T: Tally>(&self, rows: &[f32], width: usize, tallies: &mut [T]) {
        if self.has_equality {
            self.cast_with::<T, true>(rows, width, tallies);
        } else {
            self.cast_with::<T, false>(rows, width, tallies);
        }
    }

    fn cast_with<T: Tally, const EQ: bool>(&self, rows: &[f32], width: usize, tallies: &mut [T]) {
        let mut blocks = rows.chunks_exact(width * LANES);
        let mut tallies = tallies.chunks_mut(LANES);
        for (block, tallies) in blocks.by_ref().zip(tallies.by_ref()) {
            let rows: [&[f32]; LANES] = std::array::from_fn(|lane| &block[lane * width..][..width]);
            for tree in &self.trees {
                let leaves = self.walk::<EQ>([tree.root; LANES], rows, tree.depth);
                for (tally, leaf) in tallies.iter_mut().zip(leaves) {
                    self.votes_of(leaf, tally);
                }
            }
        }
        let rest = blocks.remainder().chunks_exact(width);
        for (row, tally) in rest.zip(tallies.flatten()) {
            for trees in self.trees.chunks(LANES) {
                let depth = trees.iter().map(|tree| tree.depth).max().unwrap_or(0);
                let roots = std::array::from_fn(|lane| trees.get(lane).unwrap_or(&trees[0]).root);
                let leaves = self.walk::<EQ>(roots, [row; LANES], depth);
                for leaf in leaves.into_iter().take(trees.len()) {
                    self.votes_of(leaf, tally);
                }
            }
        }
    }

    /// The leaves that eight walks end in.
    #[inline(always)]
    fn walk<const EQ: bool>(&self, mut at: [u32; LANES], rows: [&[f32]; LANES], depth: u32) -> [u32; LANES] {
        let nodes = &*self.nodes;
        let mut left = depth;
        while left > 0 {
            let before = at;
            for _ in 0..left.min(STRIDE) {
                for (at, row) in at.iter_mut().zip(rows) {
                    *at = step::<EQ>(&nodes[*at as usize], row);
                }
            }
            left = left.saturating_sub(STRIDE);
            // A node's child is never itself, so nothing moved means all are at leaves.
            if at == before {
                break;
            }
        }
        at
    }

    #[inline(always)]
    fn votes_of(&self, leaf: u32, tally: &mut impl Tally) {
        let leaf = leaf as usize;
        let range = self.first_vote[leaf] as usize..self.first_vote[leaf + 1] as usize;
        for vote in &self.votes[range] {
            tally.vote(vote.target, vote.weight);
        }
    }
}

#[inline(always)]
fn step<const EQ: bool>(node: &Node, row: &[f32]) -> u32 {
    let x = row[node.feature as usize];
    if EQ && matches!(node.rule, Rule::Unequal | Rule::UnequalMissingFirst) {
        let missing = x.is_nan();
        let right = if missing { node.rule == Rule::Unequal } else { x != node.value };
        return node.first + u32::from(right);
    }
    // Arithmetic instead of a branch: which way a row goes can't be predicted.
    let missing = u32::from(x.is_nan()) & node.rule as u32;
    node.first + (u32::from(x > node.value) | missing)
}
