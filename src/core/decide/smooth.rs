//! Answers steadied over time; one of these is kept for each source.

use std::collections::VecDeque;

/// The label most often seen among the last ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Majority<L> {
    length: usize,
    seen: VecDeque<L>,
}

impl<L: PartialEq + Clone> Majority<L> {
    /// Over the last `length` labels, at least one.
    pub fn new(length: usize) -> Self {
        Majority { length: length.max(1), seen: VecDeque::new() }
    }

    /// Goes on behind the labels that another one has [`seen`](Self::seen).
    pub fn resumed(length: usize, mut seen: VecDeque<L>) -> Self {
        let length = length.max(1);
        seen.drain(..seen.len().saturating_sub(length));
        Majority { length, seen }
    }

    /// The last labels, oldest first.
    pub fn seen(&self) -> &VecDeque<L> {
        &self.seen
    }

    /// Takes a label; of labels seen equally often the one seen last wins.
    pub fn push(&mut self, label: L) -> L {
        if self.seen.len() == self.length {
            self.seen.pop_front();
        }
        self.seen.push_back(label.clone());
        let mut best = (0, label);
        let mut counted: Vec<&L> = Vec::new();
        for candidate in self.seen.iter().rev() {
            if counted.contains(&candidate) {
                continue;
            }
            counted.push(candidate);
            let count = self.seen.iter().filter(|seen| *seen == candidate).count();
            if count > best.0 {
                best = (count, candidate.clone());
            }
        }
        best.1
    }
}

/// `alpha * new + (1 - alpha) * old`, the first value as it is: `ewm(alpha, adjust=False).mean()` of
/// pandas.
#[derive(Debug, Clone, PartialEq)]
pub struct ExponentialMean {
    alpha: f64,
    state: Vec<f64>,
}

impl ExponentialMean {
    /// `alpha` from 0 (never moves) to 1 (no smoothing).
    pub fn new(alpha: f64) -> Self {
        ExponentialMean { alpha, state: Vec::new() }
    }

    /// Goes on from the means that another one had as its [`state`](Self::state).
    pub fn resumed(alpha: f64, state: Vec<f64>) -> Self {
        ExponentialMean { alpha, state }
    }

    /// The last means.
    pub fn state(&self) -> &[f64] {
        &self.state
    }

    /// Takes values and puts the means in their place; another number of values begins anew.
    pub fn push(&mut self, values: &mut [f64]) {
        if self.state.len() == values.len() {
            for (value, state) in values.iter_mut().zip(&self.state) {
                *value = self.alpha * *value + (1.0 - self.alpha) * state;
            }
        }
        self.state.clear();
        self.state.extend_from_slice(values);
    }
}
