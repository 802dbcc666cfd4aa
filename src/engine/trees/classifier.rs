//! Sums to labels and probabilities.

use super::{
    feature::Feature,
    forest::Forest,
    rows::Scratch,
    spec::{Branching, Links},
    transform::{Transform, logistic, probit},
    walk::Add,
};
use crate::real::Real;

/// A forest that classifies.
///
/// The ONNX text leaves two classes open; the reference is what onnxruntime 1.32 answers:
/// - votes for one class only, as scikit-learn and XGBoost export two classes: with no negative
///   weight the sum `s` is the second class's probability and 0.5 decides; else its sign does, and
///   the scores are `-s` and `s`, or both through the logistic function;
/// - votes for both: scores as they are, and the larger wins (onnxruntime answers the constants 0
///   and 1 there instead of labels; no known exporter writes this).
#[derive(Debug, Clone, PartialEq)]
pub struct Classifier<T: Real> {
    forest: Forest<T>,
    classes: usize,
    base: Vec<T>,
    transform: Transform,
    binary: Option<Binary>,
    /// Which classes have a vote in every row, if that is the same for all rows.
    voted: Option<Vec<bool>>,
}

/// Two classes of which only one is voted for: the forest has one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Binary {
    /// The class voted for.
    voted: i64,
    /// No weight is negative: the sum is a probability.
    positive: bool,
}

impl<T: Real> Classifier<T> {
    /// # Errors
    /// One sentence when the forest can't be, base values don't fit the classes or there is only
    /// one class.
    pub fn new(
        mut links: Links<T>,
        classes: usize,
        base: Vec<T>,
        transform: Transform,
    ) -> Result<Self, String> {
        if classes < 2 {
            return Err(format!("{classes} class leaves nothing to tell apart"));
        }
        let binary = if classes == 2 && base.len() < 2 { binary(&links) } else { None };
        if !(base.is_empty() || base.len() == classes || binary.is_some() && base.len() == 1) {
            return Err(format!("{} base values don't fit {classes} classes", base.len()));
        }
        if binary.is_some() {
            links.votes.iter_mut().for_each(|(_, target, _)| *target = 0);
        }
        let forest = Forest::new(&links, if binary.is_some() { 1 } else { classes }, false)?;
        let voted = forest.leaves.always(forest.targets);
        Ok(Classifier { forest, classes, base, transform, binary, voted })
    }

    /// Features a row must have at least.
    pub fn features(&self) -> usize {
        self.forest.features
    }

    /// Classifies rows of `width` features, at least [`Classifier::features`]: the index of each
    /// row's label, and `classes()` scores a row.
    pub fn run<I: Feature<T>>(
        &self,
        rows: &[I],
        width: usize,
        scratch: &mut Scratch<T>,
        winners: &mut Vec<u32>,
        scores: &mut Vec<f32>,
    ) {
        winners.clear();
        scores.clear();
        for block in rows.chunks(width * self.forest.block()) {
            self.forest.cast::<I, Add>(block, width, scratch);
            match self.binary {
                Some(binary) => self.finish_binary(binary, &scratch.sums, winners, scores),
                None => self.finish(scratch, winners, scores),
            }
        }
    }

    fn finish_binary(&self, binary: Binary, sums: &[T], winners: &mut Vec<u32>, scores: &mut Vec<f32>) {
        // Only the first class has a place for a single base value.
        let base = if binary.voted == 0 { self.base.first().copied() } else { None }.unwrap_or_default();
        let threshold = if binary.positive { T::from_f32(0.5) } else { T::ZERO };
        for &sum in sums {
            let sum = sum + base;
            winners.push(u32::from(sum > threshold));
            let score = sum.to_f32();
            let mut pair = match (binary.voted, self.transform, binary.positive) {
                (0, Transform::Probit, _) => [-probit(score), probit(score)],
                (0, Transform::Logistic, _) => [logistic(-score), logistic(score)],
                (0, _, true) => [(T::ONE - sum).to_f32(), score],
                (0, _, false) => [-score, score],
                _ => [0.0, score],
            };
            if binary.voted != 0 {
                self.transform.apply(&mut pair, 2);
            }
            scores.extend(pair);
        }
    }

    fn finish(&self, scratch: &mut Scratch<T>, winners: &mut Vec<u32>, scores: &mut Vec<f32>) {
        let Scratch { sums, voted, .. } = scratch;
        let start = scores.len();
        for (row, sums) in sums.chunks_exact_mut(self.classes).enumerate() {
            let winner = if self.base.is_empty() {
                let voted = match &self.voted {
                    Some(voted) => &**voted,
                    None => &voted[row * self.classes..][..self.classes],
                };
                winner(sums, |class| voted[class])
            } else {
                sums.iter_mut().zip(&self.base).for_each(|(sum, &base)| *sum += base);
                winner(sums, |_| true)
            };
            winners.push(winner);
            scores.extend(sums.iter().map(|sum| sum.to_f32()));
        }
        self.transform.apply(&mut scores[start..], self.classes);
    }
}

fn binary<T: Real>(links: &Links<T>) -> Option<Binary> {
    let is_cast = |place: usize| links.nodes.get(place).is_some_and(|node| node.branching == Branching::Leaf);
    let mut votes = links.votes.iter().filter(|vote| is_cast(vote.0));
    let &(_, voted, _) = votes.clone().next()?;
    let only = matches!(voted, 0 | 1) && votes.clone().all(|vote| vote.1 == voted);
    only.then(|| Binary { voted, positive: votes.all(|vote| vote.2 >= T::ZERO) })
}

/// The first of the largest scores among the classes that have one.
fn winner<T: Real>(sums: &[T], voted: impl Fn(usize) -> bool) -> u32 {
    let mut best: Option<(usize, T)> = None;
    for (class, &score) in sums.iter().enumerate() {
        if voted(class) && best.is_none_or(|(_, most)| score > most) {
            best = Some((class, score));
        }
    }
    best.map_or(0, |(class, _)| class as u32)
}
