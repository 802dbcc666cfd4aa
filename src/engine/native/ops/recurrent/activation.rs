//! The activation functions of a recurrent layer, by their names.

use crate::native::{
    attributes::Node,
    fault::{Fault, fault},
    kernels::recurrent::{Activation, Cell},
};

/// For each direction its functions. Parameters are taken from `activation_alpha` and `activation_beta` by
/// those functions that have them, in order; what is missing is as in ONNX Runtime.
pub(super) fn read(node: &Node<'_>, cell: Cell, directions: usize) -> Result<Vec<Activation<f64>>, Fault> {
    let default: &[&str] = match cell {
        Cell::Rnn => &["Tanh"],
        Cell::Gru { .. } => &["Sigmoid", "Tanh"],
        Cell::Lstm { .. } => &["Sigmoid", "Tanh", "Tanh"],
    };
    let count = cell.activations() * directions;
    let names = node.attributes.strings("activations")?.unwrap_or_else(|| default.repeat(directions));
    if names.len() != count {
        return Err(fault!("attribute `activations` names {} functions, must name {count}", names.len()));
    }
    let mut alphas = node.attributes.floats("activation_alpha")?.unwrap_or_default().iter();
    let mut betas = node.attributes.floats("activation_beta")?.unwrap_or_default().iter();
    let mut alpha = |default: f64| alphas.next().map_or(default, |&value| f64::from(value));
    let mut beta = |default: f64| betas.next().map_or(default, |&value| f64::from(value));
    names
        .into_iter()
        .map(|name| {
            named(name, &mut alpha, &mut beta)
                .ok_or_else(|| fault!("attribute `activations` names `{name}`, which ONNX does not define"))
        })
        .collect()
}

/// A function by its name, in any case. `alpha` and `beta` are asked for the parameters it has, and told
/// what each is by default.
pub(in crate::native::ops) fn named(
    name: &str,
    alpha: &mut dyn FnMut(f64) -> f64,
    beta: &mut dyn FnMut(f64) -> f64,
) -> Option<Activation<f64>> {
    Some(match name.to_ascii_lowercase().as_str() {
        "relu" => Activation::Relu,
        "tanh" => Activation::Tanh,
        "sigmoid" => Activation::Sigmoid,
        "affine" => Activation::Affine(alpha(1.0), beta(0.0)),
        "leakyrelu" => Activation::LeakyRelu(alpha(0.01)),
        "thresholdedrelu" => Activation::ThresholdedRelu(alpha(1.0)),
        "scaledtanh" => Activation::ScaledTanh(alpha(1.0), beta(1.0)),
        "hardsigmoid" => Activation::HardSigmoid(alpha(0.2), beta(0.5)),
        "elu" => Activation::Elu(alpha(1.0)),
        "softsign" => Activation::Softsign,
        "softplus" => Activation::Softplus,
        _ => return None,
    })
}
