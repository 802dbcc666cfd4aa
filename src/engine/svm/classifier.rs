//! SVMClassifier.

use super::{
    coupling::couple,
    kernel::Kernel,
    machine::{Machine, Scratch, Segment},
};
use crate::{
    linear::Weights,
    trees::{Transform, logistic, probit},
};

/// The attributes of an SVMClassifier.
#[derive(Debug, Clone)]
pub struct SvmClassifierSpec {
    pub kernel: Kernel,
    pub classes: usize,
    /// How many support vectors each class has; empty for a linear model without.
    pub vectors_per_class: Vec<usize>,
    pub support_vectors: Vec<f32>,
    /// `[classes - 1][vectors]`; for a linear model `[classes][features]`.
    pub coefficients: Vec<f32>,
    /// What is added to the sum of each pair of classes, in the order 01, 02, ... 12, ...
    pub rho: Vec<f32>,
    /// Platt's parameters of each pair, or none: then scores are the sums.
    pub prob_a: Vec<f32>,
    pub prob_b: Vec<f32>,
    pub transform: Transform,
}

/// A support vector machine that classifies. Where the ONNX text is open, the reference is
/// onnxruntime 1.32.
///
/// With support vectors every pair of classes is decided on its own and the class with the most
/// votes wins, the first of several. Scores are the pairs' sums (for two classes that sum and its
/// negative), or with Platt's parameters the classes' probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct SvmClassifier {
    machine: Machine,
    classes: usize,
    mode: Mode,
    transform: Transform,
}

#[derive(Debug, Clone, PartialEq)]
enum Mode {
    /// A score per class; two classes are also told apart by a threshold.
    Linear {
        positive: bool,
    },
    Pairs,
    Probabilities {
        a: Vec<f32>,
        b: Vec<f32>,
    },
}

impl SvmClassifier {
    /// # Errors
    /// One sentence when the numbers of vectors, coefficients and classes don't fit.
    pub fn new(spec: SvmClassifierSpec) -> Result<Self, String> {
        let classes = spec.classes;
        let vectors = spec
            .vectors_per_class
            .iter()
            .try_fold(0usize, |sum, &count| sum.checked_add(count))
            .ok_or("there are too many support vectors")?;
        let (machine, mode) = if vectors == 0 {
            linear(&spec)?
        } else {
            (pairs(&spec, vectors)?, if spec.prob_a.is_empty() { Mode::Pairs } else { probabilities(&spec)? })
        };
        Ok(SvmClassifier { machine, classes, mode, transform: spec.transform })
    }

    pub fn features(&self) -> usize {
        self.machine.features()
    }

    /// Scores of a row.
    pub fn scores(&self) -> usize {
        match self.mode {
            Mode::Pairs if self.classes > 2 => self.machine.outputs(),
            Mode::Pairs => 2,
            _ => self.classes,
        }
    }

    /// Classifies rows of `features()`: the index of each row's label, and `scores()` a row.
    pub fn run(&self, rows: &[f32], scratch: &mut Scratch, winners: &mut Vec<u32>, scores: &mut Vec<f32>) {
        winners.clear();
        scores.clear();
        let Scratch { kernels, values, .. } = scratch;
        values.clear();
        self.machine.run(rows, kernels, values);
        let values = std::mem::take(values);
        for sums in values.chunks_exact(self.machine.outputs()) {
            let start = scores.len();
            match &self.mode {
                Mode::Linear { positive } => {
                    winners.push(self.largest(sums, *positive));
                    scores.extend(sums);
                }
                Mode::Pairs if self.classes > 2 => {
                    winners.push(self.most_votes(sums));
                    scores.extend(sums);
                }
                Mode::Pairs => {
                    winners.push(self.most_votes(sums));
                    scores.extend(self.pair(sums[0]));
                    continue;
                }
                Mode::Probabilities { a, b } => {
                    winners.push(self.most_votes(sums));
                    let probabilities = self.probabilities(sums, a, b, scratch);
                    scores.extend(probabilities.iter().map(|&probability| probability as f32));
                }
            }
            let width = scores.len() - start;
            self.transform.apply(&mut scores[start..], width);
        }
        scratch.values = values;
    }

    fn largest(&self, sums: &[f32], positive: bool) -> u32 {
        let mut best = 0;
        for (class, &sum) in sums.iter().enumerate().skip(1) {
            if sum > sums[best] {
                best = class;
            }
        }
        let passes = if positive { sums[best] >= 0.5 } else { sums[best] > 0.0 };
        if self.classes == 2 && passes { 1 } else { best as u32 }
    }

    /// The two scores of two classes without probabilities.
    fn pair(&self, sum: f32) -> [f32; 2] {
        match self.transform {
            Transform::None => [-sum, sum],
            Transform::Probit => [-probit(sum), probit(sum)],
            Transform::Logistic => [logistic(-sum), logistic(sum)],
            _ => [1.0 - sum, sum],
        }
    }

    fn most_votes(&self, sums: &[f32]) -> u32 {
        let mut best = (0, 0);
        for class in 0..self.classes {
            let votes = self.pairs_of(class).filter(|&(pair, first)| (sums[pair] > 0.0) == first).count();
            if class == 0 || votes > best.1 {
                best = (class, votes);
            }
        }
        best.0 as u32
    }

    /// The pairs a class is in, and whether it is the first of the two.
    fn pairs_of(&self, class: usize) -> impl Iterator<Item = (usize, bool)> {
        let classes = self.classes;
        (0..classes).filter(move |&other| other != class).map(move |other| {
            let (low, high) = (class.min(other), class.max(other));
            (low * (2 * classes - low - 1) / 2 + high - low - 1, class == low)
        })
    }

    fn probabilities<'a>(&self, sums: &[f32], a: &[f32], b: &[f32], scratch: &'a mut Scratch) -> &'a [f64] {
        let classes = self.classes;
        let Scratch { pairs, probabilities, matrix, .. } = scratch;
        pairs.clear();
        pairs.resize(classes * classes, 0.0);
        let mut pair = 0;
        for i in 0..classes {
            for j in i + 1..classes {
                let sum = f64::from(sums[pair]) * f64::from(a[pair]) + f64::from(b[pair]);
                // As libsvm: no pair is quite certain.
                let probability = (1.0 - logistic(sum)).clamp(1e-7, 1.0 - 1e-7);
                pairs[i * classes + j] = probability;
                pairs[j * classes + i] = 1.0 - probability;
                pair += 1;
            }
        }
        probabilities.clear();
        probabilities.resize(classes, 0.0);
        couple(pairs, probabilities, matrix);
        probabilities
    }
}

fn linear(spec: &SvmClassifierSpec) -> Result<(Machine, Mode), String> {
    let Some(&rho) = spec.rho.first() else { return Err("it lacks `rho`".into()) };
    if spec.classes > spec.coefficients.len() {
        return Err(format!("{} coefficients don't fit {} classes", spec.coefficients.len(), spec.classes));
    }
    let weights = Weights::new(spec.coefficients.clone(), vec![rho; spec.classes])?;
    let positive = spec.coefficients.iter().all(|&coefficient| coefficient >= 0.0);
    Ok((Machine::Linear(weights), Mode::Linear { positive }))
}

fn pairs(spec: &SvmClassifierSpec, vectors: usize) -> Result<Machine, String> {
    let classes = spec.classes;
    if classes < 2 || spec.vectors_per_class.len() != classes {
        return Err(format!(
            "support vectors of {} classes don't fit {classes}",
            spec.vectors_per_class.len()
        ));
    }
    let values = spec.support_vectors.len();
    if values == 0 || !values.is_multiple_of(vectors) {
        return Err(format!("{values} values don't make {vectors} support vectors"));
    }
    if spec.coefficients.len() / (classes - 1) < vectors {
        return Err(format!(
            "{} coefficients don't fit {classes} classes and {vectors} support vectors",
            spec.coefficients.len()
        ));
    }
    check_pairs("rho", spec.rho.len(), classes)?;
    let mut first = vec![0];
    for &count in &spec.vectors_per_class {
        first.push(first.last().copied().unwrap_or(0) + count);
    }
    let segment = |class: usize, row: usize| {
        let (first, count) = (first[class], spec.vectors_per_class[class]);
        Segment { first, coefficients: spec.coefficients[row * vectors + first..][..count].to_vec() }
    };
    let mut sums = vec![];
    for i in 0..classes {
        for j in i + 1..classes {
            sums.push((vec![segment(i, j - 1), segment(j, i)], spec.rho[sums.len()]));
        }
    }
    Machine::new(&spec.support_vectors, values / vectors, spec.kernel, sums)
}

fn probabilities(spec: &SvmClassifierSpec) -> Result<Mode, String> {
    check_pairs("prob_a", spec.prob_a.len(), spec.classes)?;
    check_pairs("prob_b", spec.prob_b.len(), spec.classes)?;
    Ok(Mode::Probabilities { a: spec.prob_a.clone(), b: spec.prob_b.clone() })
}

fn check_pairs(name: &str, len: usize, classes: usize) -> Result<(), String> {
    // A class number too large to multiply has more pairs than there are values.
    let pairs = classes.checked_mul(classes - 1).map(|twice| twice / 2);
    match pairs {
        Some(pairs) if pairs <= len => Ok(()),
        _ => Err(format!("`{name}` has {len} values, fewer than {classes} classes have pairs")),
    }
}
