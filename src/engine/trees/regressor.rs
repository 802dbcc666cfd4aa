//! Sums to predictions.

use super::{classifier::Sum, forest::Forest, transform::Transform, walk::Tally};

/// How the votes of a forest become one value: the attribute `aggregate_function`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
}

/// A forest that predicts numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Regressor {
    forest: Forest,
    aggregate: Aggregate,
    base: Vec<f32>,
    transform: Transform,
}

/// One row's values under any aggregate.
#[derive(Debug, Clone)]
struct Values {
    values: Vec<f32>,
    voted: Vec<bool>,
    aggregate: Aggregate,
}

impl Tally for Values {
    fn vote(&mut self, target: u32, weight: f32) {
        let target = target as usize;
        let value = &mut self.values[target];
        let first = !std::mem::replace(&mut self.voted[target], true);
        match self.aggregate {
            Aggregate::Sum | Aggregate::Average => *value += weight,
            Aggregate::Min if first || weight < *value => *value = weight,
            Aggregate::Max if first || weight > *value => *value = weight,
            Aggregate::Min | Aggregate::Max => {}
        }
    }
}

/// Rows whose values are held at a time; a multiple of what is walked side by side.
const BLOCK: usize = 64;

impl Regressor {
    /// # Errors
    /// One sentence when base values don't fit the targets.
    pub fn new(
        forest: Forest,
        aggregate: Aggregate,
        base: Vec<f32>,
        transform: Transform,
    ) -> Result<Self, String> {
        if !(base.is_empty() || base.len() == forest.targets) {
            return Err(format!("{} base values don't fit {} targets", base.len(), forest.targets));
        }
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

    /// Predicts rows of `width` features: `targets()` values a row.
    pub fn run(&self, rows: &[f32], width: usize, values: &mut Vec<f32>) {
        values.clear();
        let trees = self.forest.trees.len() as f32;
        let sums_one = self.targets() == 1 && matches!(self.aggregate, Aggregate::Sum | Aggregate::Average);
        if sums_one {
            let mut sums = [Sum::default(); BLOCK];
            for block in rows.chunks(width * BLOCK) {
                let sums = &mut sums[..block.len() / width];
                sums.fill(Sum::default());
                self.forest.cast(block, width, sums);
                values.extend(sums.iter().map(|sum| sum.0));
            }
        } else {
            let targets = self.targets();
            let empty =
                Values { values: vec![0.0; targets], voted: vec![false; targets], aggregate: self.aggregate };
            let mut rows_values = vec![empty.clone(); BLOCK.min(rows.len() / width)];
            for block in rows.chunks(width * BLOCK) {
                let rows_values = &mut rows_values[..block.len() / width];
                rows_values.fill(empty.clone());
                self.forest.cast(block, width, rows_values);
                values.extend(rows_values.iter().flat_map(|row| &row.values));
            }
        }
        for row in values.chunks_mut(self.targets()) {
            for (target, value) in row.iter_mut().enumerate() {
                if self.aggregate == Aggregate::Average {
                    *value /= trees;
                }
                *value += self.base.get(target).copied().unwrap_or(0.0);
            }
            // One value has nothing to be weighed against: onnxruntime leaves it as it is.
            if row.len() > 1 {
                self.transform.apply(row);
            }
        }
    }
}
