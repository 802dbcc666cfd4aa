//! Powers as decibels: `librosa.power_to_db`.

use crate::signal::BadParameter;

#[derive(Debug, Clone, PartialEq)]
pub struct DecibelSpec {
    /// The power that is 0 dB; none is the largest of each call (`ref=numpy.max`).
    pub reference: Option<f64>,
    /// Powers below count as this.
    pub amin: f64,
    /// What is further below the loudest is raised to there.
    pub top_db: Option<f64>,
}

impl Default for DecibelSpec {
    /// librosa's.
    fn default() -> Self {
        DecibelSpec { reference: Some(1.0), amin: 1e-10, top_db: Some(80.0) }
    }
}

impl DecibelSpec {
    /// # Errors
    /// Numbers that have no logarithm.
    pub fn check(&self) -> Result<(), BadParameter> {
        if !(self.amin > 0.0 && self.amin.is_finite()) {
            return Err(BadParameter::new("amin", "must be above 0"));
        }
        if self.reference.is_some_and(|reference| !(reference > 0.0 && reference.is_finite())) {
            return Err(BadParameter::new("ref", "must be above 0"));
        }
        if self.top_db.is_some_and(|top| !(top >= 0.0 && top.is_finite())) {
            return Err(BadParameter::new("top_db", "must not be negative"));
        }
        Ok(())
    }
}

/// Powers to decibels, in place.
pub fn decibels(spec: &DecibelSpec, powers: &mut [f64]) {
    let loudest = powers.iter().copied().fold(0.0, f64::max);
    let reference = spec.reference.unwrap_or(loudest).max(spec.amin);
    let zero = 10.0 * reference.log10();
    let decibels = |power: f64| 10.0 * power.max(spec.amin).log10() - zero;
    let floor = spec.top_db.map_or(f64::NEG_INFINITY, |top| decibels(loudest) - top);
    for power in powers {
        // `max` would turn a NaN into a number.
        if !power.is_nan() {
            *power = decibels(*power).max(floor);
        }
    }
}
