//! How far an answer lies from a frozen reference.

/// What is made of the distances of the elements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reduce {
    /// The largest.
    #[default]
    Max,
    Mean,
    /// The root of the mean of the squares.
    Rms,
}

impl Reduce {
    pub const NAMES: [(&'static str, Reduce); 3] =
        [("max", Reduce::Max), ("mean", Reduce::Mean), ("rms", Reduce::Rms)];
}

/// A reference for rows of one length.
#[derive(Debug, Clone, PartialEq)]
pub enum Anomaly {
    /// `|x - mean| / std` of each element.
    ZScore { mean: Vec<f64>, std: Vec<f64>, reduce: Reduce },
    /// `sqrt((x - mean)' P (x - mean))` with `P` the inverse covariance, row-major:
    /// `scipy.spatial.distance.mahalanobis`.
    Mahalanobis { mean: Vec<f64>, inverse_covariance: Vec<f64> },
}

impl Anomaly {
    /// Elements of a row.
    pub fn len(&self) -> usize {
        match self {
            Anomaly::ZScore { mean, .. } | Anomaly::Mahalanobis { mean, .. } => mean.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The score of a row of [`len`](Self::len) elements; NaN for another number of them.
    pub fn score(&self, row: &[f64]) -> f64 {
        if row.len() != self.len() {
            return f64::NAN;
        }
        match self {
            Anomaly::ZScore { mean, std, reduce } => {
                let scores =
                    row.iter().zip(mean.iter().zip(std)).map(|(x, (mean, std))| ((x - mean) / std).abs());
                let count = row.len() as f64;
                match reduce {
                    // Not f64::max: a NaN must show.
                    Reduce::Max => scores.fold(0.0, |most, z| if z > most || z.is_nan() { z } else { most }),
                    Reduce::Mean => scores.sum::<f64>() / count,
                    Reduce::Rms => (scores.map(|z| z * z).sum::<f64>() / count).sqrt(),
                }
            }
            Anomaly::Mahalanobis { mean, inverse_covariance } => {
                let difference: Vec<f64> = row.iter().zip(mean).map(|(x, mean)| x - mean).collect();
                let rows = inverse_covariance.chunks_exact(difference.len());
                let product =
                    |weights: &[f64]| -> f64 { weights.iter().zip(&difference).map(|(w, d)| w * d).sum() };
                rows.zip(&difference).map(|(weights, d)| d * product(weights)).sum::<f64>().sqrt()
            }
        }
    }
}
