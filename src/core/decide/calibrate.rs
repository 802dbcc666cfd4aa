//! From scores to probabilities that hold what they promise: parameters fitted elsewhere, applied here.

use super::sigmoid;

/// How scores are calibrated. A single calibrator is for one score, or for the second of two classes
/// (the first gets the rest); else there is one for each class and the results are brought to a sum
/// of one, as `CalibratedClassifierCV` of scikit-learn does.
#[derive(Debug, Clone, PartialEq)]
pub enum Calibration {
    /// Logits divided by this before the activation (Guo and others, 2017).
    Temperature(f64),
    /// `1 / (1 + exp(a * score + b))` of each (a, b): Platt's, as scikit-learn's `sigmoid`.
    Platt(Vec<(f64, f64)>),
    Isotonic(Vec<Isotonic>),
}

impl Calibration {
    /// Whether it is for that many scores.
    pub fn suits(&self, scores: usize) -> bool {
        match self {
            Calibration::Temperature(_) => true,
            Calibration::Platt(all) => suits(all.len(), scores),
            Calibration::Isotonic(all) => suits(all.len(), scores),
        }
    }

    /// The part before the activation.
    pub fn before(&self, logits: &mut [f64]) {
        if let Calibration::Temperature(temperature) = self {
            logits.iter_mut().for_each(|logit| *logit /= temperature);
        }
    }

    /// The part after the activation; without effect on a number of scores it does not suit.
    pub fn after(&self, scores: &mut [f64]) {
        match self {
            Calibration::Temperature(_) => {}
            Calibration::Platt(all) => {
                each(scores, all, |(a, b), score| sigmoid(-(a * score + b)));
            }
            Calibration::Isotonic(all) => each(scores, all, Isotonic::predict),
        }
    }
}

fn suits(calibrators: usize, scores: usize) -> bool {
    calibrators == scores || (calibrators == 1 && scores == 2)
}

fn each<C>(scores: &mut [f64], all: &[C], calibrate: impl Fn(&C, f64) -> f64) {
    match (scores, all) {
        ([score], [one]) => *score = calibrate(one, *score),
        ([negative, positive], [one]) => {
            *positive = calibrate(one, *positive);
            *negative = 1.0 - *positive;
        }
        (scores, all) if scores.len() == all.len() => {
            for (score, one) in scores.iter_mut().zip(all) {
                *score = calibrate(one, *score);
            }
            let sum: f64 = scores.iter().sum();
            let count = scores.len() as f64;
            // All certain to be none of them: nothing speaks for one more than for another.
            let share = |score: f64| if sum == 0.0 { 1.0 / count } else { score / sum };
            scores.iter_mut().for_each(|score| *score = share(*score));
        }
        _ => {}
    }
}

/// A rising curve through points, straight between them and level beyond: what
/// `IsotonicRegression(out_of_bounds="clip")` of scikit-learn predicts from its `X_thresholds_` and
/// `y_thresholds_`.
#[derive(Debug, Clone, PartialEq)]
pub struct Isotonic {
    points: Vec<(f64, f64)>,
}

impl Isotonic {
    /// # Errors
    /// What is wrong with the points.
    pub fn new(x: &[f64], y: &[f64]) -> Result<Isotonic, String> {
        if x.len() != y.len() || x.is_empty() {
            return Err(format!(
                "`x` has {} points and `y` {}; both need as many, at least one",
                x.len(),
                y.len()
            ));
        }
        if let Some(i) = x.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err(format!("`x` must rise from point to point; point {} does not", i + 1));
        }
        Ok(Isotonic { points: x.iter().copied().zip(y.iter().copied()).collect() })
    }

    fn predict(&self, score: f64) -> f64 {
        let after = self.points.partition_point(|(x, _)| *x < score);
        match (after.checked_sub(1).and_then(|i| self.points.get(i)), self.points.get(after)) {
            (Some((x0, y0)), Some((x1, y1))) => y0 + (score - x0) * ((y1 - y0) / (x1 - x0)),
            (None, Some((_, y))) | (Some((_, y)), None) => *y,
            (None, None) => score,
        }
    }
}
