//! Sums to predictions.

use super::{
    feature::Feature,
    forest::Forest,
    rows::Scratch,
    spec::Links,
    transform::Transform,
    walk::{Add, Fold},
};
use crate::real::Real;

/// How the votes of a forest become one value: the attribute `aggregate_function`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
}

impl Aggregate {
    /// By its name in the attribute.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "SUM" => Aggregate::Sum,
            "AVERAGE" => Aggregate::Average,
            "MIN" => Aggregate::Min,
            "MAX" => Aggregate::Max,
            _ => return None,
        })
    }
}

struct Least;
struct Most;

impl<T: Real> Fold<T> for Least {
    const LOOKS_BACK: bool = true;

    fn fold(value: T, has_vote: bool, weight: T) -> T {
        if !has_vote || weight < value { weight } else { value }
    }
}

impl<T: Real> Fold<T> for Most {
    const LOOKS_BACK: bool = true;

    fn fold(value: T, has_vote: bool, weight: T) -> T {
        if !has_vote || weight > value { weight } else { value }
    }
}

/// A forest that predicts numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Regressor<T: Real> {
    forest: Forest<T>,
    aggregate: Aggregate,
    base: Vec<T>,
    transform: Transform,
}

impl<T: Real> Regressor<T> {
    /// # Errors
    /// One sentence when the forest can't be, or base values don't fit the targets.
    pub fn new(
        links: &Links<T>,
        targets: usize,
        aggregate: Aggregate,
        base: Vec<T>,
        transform: Transform,
    ) -> Result<Self, String> {
        if !(base.is_empty() || base.len() == targets) {
            return Err(format!("{} base values don't fit {targets} targets", base.len()));
        }
        // With one target onnxruntime takes one vote a leaf; scikit-learn's trees that tell their leaf
        // rely on it.
        let forest = Forest::new(links, targets, targets == 1)?;
        Ok(Regressor { forest, aggregate, base, transform })
    }

    /// Values of a row.
    pub fn targets(&self) -> usize {
        self.forest.targets
    }

    /// Features a row must have at least.
    pub fn features(&self) -> usize {
        self.forest.features
    }

    /// Predicts rows of `width` features, at least [`Regressor::features`]: `targets()` values a
    /// row.
    pub fn run<I: Feature<T>>(
        &self,
        rows: &[I],
        width: usize,
        scratch: &mut Scratch<T>,
        values: &mut Vec<T>,
    ) {
        values.clear();
        for block in rows.chunks(width * self.forest.block()) {
            match self.aggregate {
                Aggregate::Sum | Aggregate::Average => {
                    self.forest.cast::<I, Add>(block, width, scratch);
                }
                Aggregate::Min => self.forest.cast::<I, Least>(block, width, scratch),
                Aggregate::Max => self.forest.cast::<I, Most>(block, width, scratch),
            }
            let start = values.len();
            values.extend_from_slice(&scratch.sums);
            self.finish(&mut values[start..]);
        }
    }

    fn finish(&self, values: &mut [T]) {
        if self.aggregate == Aggregate::Average {
            let trees = T::from_f64(self.forest.trees.len() as f64);
            values.iter_mut().for_each(|value| *value /= trees);
        }
        if !self.base.is_empty() {
            for row in values.chunks_exact_mut(self.base.len()) {
                row.iter_mut().zip(&self.base).for_each(|(value, &base)| *value += base);
            }
        }
        // One value has nothing to be weighed against: onnxruntime leaves it as it is.
        if self.targets() > 1 || self.transform == Transform::Probit {
            self.transform.apply(values, self.targets());
        }
    }
}
