//! Sums to labels and probabilities.

use super::{
    forest::Forest,
    transform::{Transform, logistic},
    walk::Tally,
};

/// The names of the classes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Labels {
    Numbers(Vec<i64>),
    Texts(Vec<String>),
}

impl Labels {
    pub fn len(&self) -> usize {
        match self {
            Labels::Numbers(labels) => labels.len(),
            Labels::Texts(labels) => labels.len(),
        }
    }
}

/// A forest that classifies.
///
/// The ONNX text leaves two classes open; the reference is what onnxruntime 1.32 answers:
/// - votes for one class only, as scikit-learn and XGBoost export two classes: with no negative
///   weight the sum `s` is the second class's probability and 0.5 decides; else its sign does, and
///   the scores are `-s` and `s`, or both through the logistic function;
/// - votes for both: scores as they are, and the larger wins (onnxruntime answers the constants 0
///   and 1 there instead of labels; no known exporter writes this).
#[derive(Debug, Clone, PartialEq)]
pub struct Classifier {
    forest: Forest,
    classes: usize,
    base: Vec<f32>,
    transform: Transform,
    binary: Option<Binary>,
}

/// Two classes of which only one is voted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Binary {
    /// The class voted for.
    voted: usize,
    /// No weight is negative: the sum is a probability.
    positive: bool,
}

/// Scores of one row and which classes have one.
#[derive(Debug, Clone, Default)]
struct Sums {
    scores: Vec<f32>,
    voted: Vec<bool>,
}

impl Tally for Sums {
    #[inline(always)]
    fn vote(&mut self, target: u32, weight: f32) {
        self.scores[target as usize] += weight;
        self.voted[target as usize] = true;
    }
}

/// One sum: nothing to look up when all votes are for one class.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum(pub f32);

impl Tally for Sum {
    #[inline(always)]
    fn vote(&mut self, _: u32, weight: f32) {
        self.0 += weight;
    }
}

/// Rows whose sums are held at a time; a multiple of what is walked side by side.
const BLOCK: usize = 64;

impl Classifier {
    /// # Errors
    /// One sentence when base values don't fit the classes or there is only one class.
    pub fn new(forest: Forest, classes: usize, base: Vec<f32>, transform: Transform) -> Result<Self, String> {
        if classes < 2 {
            return Err(format!("{classes} class leaves nothing to tell apart"));
        }
        let mut voted: Vec<_> = forest.votes.iter().map(|vote| vote.target as usize).collect();
        voted.sort_unstable();
        voted.dedup();
        let binary = match (classes, &*voted) {
            (2, &[voted]) if base.len() < 2 => {
                Some(Binary { voted, positive: forest.votes.iter().all(|vote| vote.weight >= 0.0) })
            }
            _ => None,
        };
        if !(base.is_empty() || base.len() == classes || binary.is_some() && base.len() == 1) {
            return Err(format!("{} base values don't fit {classes} classes", base.len()));
        }
        Ok(Classifier { forest, classes, base, transform, binary })
    }

    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Features a row must have at least.
    pub fn features(&self) -> usize {
        self.forest.features
    }

    /// Classifies rows of `width` features: the index of each row's label, and `classes()` scores
    /// a row.
    pub fn run(&self, rows: &[f32], width: usize, winners: &mut Vec<u32>, scores: &mut Vec<f32>) {
        winners.clear();
        scores.clear();
        match self.binary {
            Some(binary) => self.run_binary(binary, rows, width, winners, scores),
            None => self.run_classes(rows, width, winners, scores),
        }
    }

    fn run_binary(
        &self,
        binary: Binary,
        rows: &[f32],
        width: usize,
        winners: &mut Vec<u32>,
        scores: &mut Vec<f32>,
    ) {
        // Only the first class has a place for a single base value.
        let base = if binary.voted == 0 { self.base.first().copied().unwrap_or(0.0) } else { 0.0 };
        let threshold = if binary.positive { 0.5 } else { 0.0 };
        let mut sums = [Sum::default(); BLOCK];
        for block in rows.chunks(width * BLOCK) {
            let sums = &mut sums[..block.len() / width];
            sums.fill(Sum::default());
            self.forest.cast(block, width, sums);
            for &Sum(sum) in &*sums {
                let sum = sum + base;
                winners.push(u32::from(sum > threshold));
                let mut pair = match (binary.voted, self.transform, binary.positive) {
                    (0, Transform::Logistic, _) => [logistic(-sum), logistic(sum)],
                    (0, _, true) => [1.0 - sum, sum],
                    (0, _, false) => [-sum, sum],
                    _ => [0.0, sum],
                };
                if binary.voted != 0 {
                    self.transform.apply(&mut pair);
                }
                scores.extend(pair);
            }
        }
    }

    fn run_classes(&self, rows: &[f32], width: usize, winners: &mut Vec<u32>, scores: &mut Vec<f32>) {
        let empty = Sums { scores: vec![0.0; self.classes], voted: vec![false; self.classes] };
        let mut sums = vec![empty; BLOCK.min(rows.len() / width)];
        for block in rows.chunks(width * BLOCK) {
            let sums = &mut sums[..block.len() / width];
            for sum in &mut *sums {
                sum.scores.fill(0.0);
                sum.voted.fill(false);
            }
            self.forest.cast(block, width, sums);
            for sum in &mut *sums {
                for (class, base) in self.base.iter().enumerate() {
                    sum.scores[class] += base;
                    sum.voted[class] = true;
                }
                winners.push(winner(sum));
                self.transform.apply(&mut sum.scores);
                scores.extend(&sum.scores);
            }
        }
    }
}

/// The first of the largest scores among the classes that have one.
fn winner(sums: &Sums) -> u32 {
    let mut best: Option<(usize, f32)> = None;
    for (class, (&score, &voted)) in sums.scores.iter().zip(&sums.voted).enumerate() {
        if voted && best.is_none_or(|(_, most)| score > most) {
            best = Some((class, score));
        }
    }
    best.map_or(0, |(class, _)| class as u32)
}
