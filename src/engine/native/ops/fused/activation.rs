//! The function at the end of a product, in the same operator.

use std::sync::Arc;

use crate::native::{
    exec::Run,
    fault::Fault,
    kernels::{
        real::{self, Computed},
        recurrent,
    },
    ops::recurrent::activation::named,
    value::{Kind, Tensor},
};

/// A function of every element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Activation {
    Known(recurrent::Activation<f64>),
    /// Between two numbers.
    Clip(f64, f64),
    HardSwish,
    /// `alpha`, `gamma`.
    Selu(f64, f64),
}

impl Activation {
    /// The function of an attribute `activation`; empty for none. Parameters in the order of the function's own
    /// attributes; those missing are as ONNX has them.
    ///
    /// # Errors
    /// A name that ONNX Runtime doesn't write here.
    pub fn read(name: &str, parameters: [Option<f32>; 3]) -> Result<Option<Self>, Fault> {
        let [first, second, third] = parameters.map(|value| value.map(f64::from));
        let known =
            |name: &str| named(name, &mut |own| first.unwrap_or(own), &mut |own| second.unwrap_or(own));
        Ok(Some(match name {
            "" => return Ok(None),
            "Clip" => Activation::Clip(first.unwrap_or(f64::MIN), second.unwrap_or(f64::MAX)),
            "HardSwish" => Activation::HardSwish,
            "Selu" => Activation::Selu(first.unwrap_or(1.673_263_2), third.or(second).unwrap_or(1.050_701)),
            other => Activation::Known(known(other).ok_or_else(|| {
                Fault::unsupported(format!(
                    "attribute `activation` is `{other}`, which is no function known here"
                ))
            })?),
        }))
    }

    fn each<T: Computed>(self, x: &mut [T]) {
        let t = T::from_f64;
        match self {
            Activation::Known(known) => known.of().each(x),
            Activation::Clip(low, high) => x.iter_mut().for_each(|x| *x = x.max(t(low)).min(t(high))),
            Activation::HardSwish => {
                let part = |x: T| (x / t(6.0) + t(0.5)).max(T::ZERO).min(T::ONE);
                x.iter_mut().for_each(|x| *x = *x * part(*x));
            }
            Activation::Selu(alpha, gamma) => {
                let below = |x: T| t(alpha) * (x.exp() - T::ONE);
                x.iter_mut().for_each(|x| *x = t(gamma) * if *x > T::ZERO { *x } else { below(*x) });
            }
        }
    }
}

/// A product with what ends it: another tensor of its shape added, then a function.
///
/// # Errors
/// Another tensor of another shape or type; more memory than allowed.
pub(super) fn finished<T: Computed>(
    run: &mut Run<'_>,
    product: Tensor,
    added: Option<&Tensor>,
    activation: Option<Activation>,
) -> Result<Tensor, Fault> {
    let kind = product.kind();
    let added = added.map(|added| real::widened::<T>(run, added)).transpose()?;
    let finish = |values: &mut Vec<T>| {
        if let Some(added) = &added {
            values.iter_mut().zip(&**added).for_each(|(value, &added)| *value += added);
        }
        if let Some(activation) = activation {
            activation.each(values);
        }
    };
    if kind == Kind::F16 || kind == Kind::BF16 {
        let mut values = real::widened::<T>(run, &product)?.into_owned();
        finish(&mut values);
        return real::tensor(run, kind, product.shape(), values);
    }
    let (shape, mut data) = product.into_parts();
    if let Some(values) = T::of_mut(&mut data) {
        finish(Arc::make_mut(values));
    }
    Tensor::new(shape, data)
}
