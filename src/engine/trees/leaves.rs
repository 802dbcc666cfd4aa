//! What leaves vote for.

use super::{
    place::{Tree, index_u32},
    spec::{Branching, Links},
};
use crate::real::Real;

/// What a leaf adds to one target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Vote<T> {
    pub target: u32,
    pub weight: T,
}

/// The votes of all leaves, found by the place of the leaf.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Leaves<T> {
    /// One vote each, and all leaves of a tree vote for the same target.
    Single {
        /// By place.
        weights: Vec<T>,
        /// By tree.
        targets: Vec<u32>,
        /// The target all trees vote for, if there is one.
        only: Option<u32>,
    },
    /// Every leaf votes for every target once.
    Dense {
        /// By place: which row of `weights`.
        rows: Vec<u32>,
        weights: Vec<T>,
    },
    /// Anything: `votes[first[n]..first[n + 1]]` are the votes of place `n`.
    Sparse { first: Vec<u32>, votes: Vec<Vote<T>> },
}

impl<T: Real> Leaves<T> {
    /// `places` tells the described leaf at each laid-out place; with `once`, of several votes of a
    /// leaf the first counts.
    pub(super) fn new(
        links: &Links<T>,
        places: &[Option<usize>],
        trees: &[Tree],
        targets: usize,
        once: bool,
    ) -> Result<Self, String> {
        let by_leaf = votes_by_leaf(links, targets)?;
        let votes = |place: &Option<usize>| {
            let votes = place.map_or(&[][..], |leaf| by_leaf.of(leaf));
            if once { &votes[..votes.len().min(1)] } else { votes }
        };
        if let Some(single) = single(places, trees, &votes)? {
            return Ok(single);
        }
        let is_dense = |votes: &[Vote<T>]| {
            votes.len() == targets && votes.iter().enumerate().all(|(at, vote)| vote.target as usize == at)
        };
        if places.iter().filter(|place| place.is_some()).all(|place| is_dense(votes(place))) {
            let (mut rows, mut weights) = (Vec::with_capacity(places.len()), vec![]);
            for place in places {
                rows.push(index_u32(weights.len() / targets)?);
                weights.extend(votes(place).iter().map(|vote| vote.weight));
            }
            return Ok(Leaves::Dense { rows, weights });
        }
        let (mut first, mut all) = (vec![0], vec![]);
        for place in places {
            all.extend(votes(place));
            first.push(index_u32(all.len())?);
        }
        Ok(Leaves::Sparse { first, votes: all })
    }

    /// Which targets have a vote in every row, if that is the same for all rows.
    pub(super) fn always(&self, targets: usize) -> Option<Vec<bool>> {
        match self {
            Leaves::Single { targets: by_tree, .. } => {
                let mut voted = vec![false; targets];
                by_tree.iter().for_each(|&target| voted[target as usize] = true);
                Some(voted)
            }
            Leaves::Dense { .. } => Some(vec![true; targets]),
            Leaves::Sparse { .. } => None,
        }
    }
}

/// [`Leaves::Single`] where it fits.
fn single<'a, T: Real>(
    places: &'a [Option<usize>],
    trees: &[Tree],
    votes: &impl Fn(&'a Option<usize>) -> &'a [Vote<T>],
) -> Result<Option<Leaves<T>>, String> {
    let mut weights = vec![T::ZERO; places.len()];
    let mut targets = Vec::with_capacity(trees.len());
    for (at, tree) in trees.iter().enumerate() {
        let end = trees.get(at + 1).map_or(places.len(), |next| next.root as usize);
        let mut target = None;
        for place in tree.root as usize..end {
            match (&places[place], votes(&places[place])) {
                (None, _) => {}
                (Some(_), &[vote]) if target.is_none_or(|target| target == vote.target) => {
                    target = Some(vote.target);
                    weights[place] = vote.weight;
                }
                _ => return Ok(None),
            }
        }
        targets.push(target.unwrap_or(0));
    }
    let only = targets.first().copied().filter(|first| targets.iter().all(|target| target == first));
    Ok(Some(Leaves::Single { weights, targets, only }))
}

/// Votes in the file's order, gathered by leaf.
struct ByLeaf<T> {
    first: Vec<usize>,
    votes: Vec<Vote<T>>,
}

impl<T> ByLeaf<T> {
    fn of(&self, leaf: usize) -> &[Vote<T>] {
        &self.votes[self.first[leaf]..self.first[leaf + 1]]
    }
}

fn votes_by_leaf<T: Real>(links: &Links<T>, targets: usize) -> Result<ByLeaf<T>, String> {
    let mut counts = vec![0usize; links.nodes.len() + 1];
    for &(place, target, _) in &links.votes {
        let Some(node) = links.nodes.get(place) else {
            return Err(format!("a vote comes from node {place}, which isn't there"));
        };
        if usize::try_from(target).ok().is_none_or(|target| target >= targets) {
            return Err(format!("{} votes for {target} of {targets}", links.name(place)));
        }
        // Votes of inner nodes are never cast.
        if node.branching == Branching::Leaf {
            counts[place + 1] += 1;
        }
    }
    for at in 1..counts.len() {
        counts[at] += counts[at - 1];
    }
    let total = counts.last().copied().unwrap_or(0);
    let mut votes = vec![Vote { target: 0, weight: T::ZERO }; total];
    let mut next = counts.clone();
    for &(place, target, weight) in &links.votes {
        if links.nodes[place].branching == Branching::Leaf {
            votes[next[place]] = Vote { target: index_u32(target as usize)?, weight };
            next[place] += 1;
        }
    }
    Ok(ByLeaf { first: counts, votes })
}
