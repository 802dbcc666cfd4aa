//! How near a row is to a support vector: the attributes `kernel_type` and `kernel_params`.

use super::lanes::LANES;
use crate::exp::exp;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kernel {
    /// The product x·s.
    Linear,
    /// (gamma x·s + coef0)^degree
    Poly { gamma: f32, coef0: f32, degree: f32 },
    /// e^(-gamma |x - s|²)
    Rbf { gamma: f32 },
    /// tanh(gamma x·s + coef0)
    Sigmoid { gamma: f32, coef0: f32 },
}

impl Kernel {
    /// By its name in the attribute; `parameters` are gamma, coef0 and degree, or none.
    pub fn named(name: &str, parameters: &[f32]) -> Result<Self, String> {
        let (gamma, coef0, degree) = match *parameters {
            [] => (0.0, 0.0, 0.0),
            [gamma, coef0, degree, ..] => (gamma, coef0, degree),
            _ => return Err(format!("{} kernel parameters instead of 3", parameters.len())),
        };
        Ok(match name {
            "LINEAR" => Kernel::Linear,
            "POLY" => Kernel::Poly { gamma, coef0, degree },
            "RBF" => Kernel::Rbf { gamma },
            "SIGMOID" => Kernel::Sigmoid { gamma, coef0 },
            _ => return Err(format!("`kernel_type` {name} is not defined")),
        })
    }

    /// Whether it wants squared distances; the others want products.
    pub(super) fn wants_distances(self) -> bool {
        matches!(self, Kernel::Rbf { .. })
    }

    /// From distances or products to the kernel.
    #[inline(always)]
    pub(super) fn apply(self, x: [f32; LANES]) -> [f32; LANES] {
        match self {
            Kernel::Linear => x,
            Kernel::Rbf { gamma } => x.map(|distance| exp(-gamma * distance)),
            Kernel::Sigmoid { gamma, coef0 } => tanh(x.map(|product| gamma * product + coef0)),
            Kernel::Poly { gamma, coef0, degree } => {
                let base = x.map(|product| gamma * product + coef0);
                if degree == 2.0 {
                    base.map(|base| base * base)
                } else if degree == 3.0 {
                    base.map(|base| base * base * base)
                } else {
                    base.map(|base| base.powf(degree))
                }
            }
        }
    }
}

/// By e^(-2|x|), which can't overflow.
#[inline(always)]
fn tanh(x: [f32; LANES]) -> [f32; LANES] {
    let powers = x.map(|x| exp(-2.0 * x.abs()));
    std::array::from_fn(|lane| ((1.0 - powers[lane]) / (1.0 + powers[lane])).copysign(x[lane]))
}
