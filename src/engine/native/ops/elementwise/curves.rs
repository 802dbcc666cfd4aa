//! Functions of one real number: the elementary functions and the activations. Half floats are computed
//! in f32 and rounded once.

use std::sync::Arc;

use crate::native::{
    attributes::Node,
    exec::{Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    kernels::number::{Analytic, Float},
    value::{Data, Tensor},
};

/// A function of one real number, for every precision.
trait Curve: Send + Sync + 'static {
    fn at<R: Analytic>(&self, x: R) -> R;
}

/// The curve at every element; memory that nobody else reads is used again.
fn apply<T: Float>(run: &mut Run<'_>, curve: &impl Curve, x: Arc<Vec<T>>) -> Result<Data, Fault> {
    let at = |x: T| T::narrow(curve.at(x.widen()));
    match Arc::try_unwrap(x) {
        Ok(mut own) => {
            own.iter_mut().for_each(|x| *x = at(*x));
            Ok(T::wrap(own))
        }
        Err(shared) => {
            let mut out = run.buffer(shared.len())?;
            out.extend(shared.iter().map(|&x| at(x)));
            Ok(T::wrap(out))
        }
    }
}

fn run_curve(run: &mut Run<'_>, curve: &impl Curve, x: Tensor) -> Result<Outputs, Fault> {
    let (shape, data) = x.into_parts();
    let data = match data {
        Data::F32(x) => apply(run, curve, x)?,
        Data::F64(x) => apply(run, curve, x)?,
        Data::F16(x) => apply(run, curve, x)?,
        Data::BF16(x) => apply(run, curve, x)?,
        other => return Err(fault!("input 0: is {}, must be floating-point numbers", other.kind())),
    };
    one(Tensor::new(shape, data)?)
}

macro_rules! curves {
    ($($(#[$doc:meta])* $name:ident($($attribute:ident = $default:expr),*), |$x:ident| $body:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name(node: &Node<'_>) -> Result<Op, Fault> {
            struct This { $($attribute: f32),* }
            impl Curve for This {
                #[inline]
                fn at<R: Analytic>(&self, $x: R) -> R {
                    $(let $attribute = R::from_f64(f64::from(self.$attribute));)*
                    $body
                }
            }
            let curve = This { $($attribute: node.float(stringify!($attribute), $default)?),* };
            // Not every curve has attributes.
            let _ = node;
            op(move |run, mut args| {
                let x = args.take(0)?;
                run_curve(run, &curve, x)
            })
        }
    )*};
}

/// `max(low, min(high, x))`; NaN stays.
#[inline]
fn within<R: Analytic>(x: R, low: R, high: R) -> R {
    if x < low {
        low
    } else if x > high {
        high
    } else {
        x
    }
}

curves! {
    /// `Acos`, ai.onnx 7, 22.
    acos(), |x| x.acos();
    /// `Acosh`, ai.onnx 9, 22.
    acosh(), |x| x.acosh();
    /// `Asin`, ai.onnx 7, 22.
    asin(), |x| x.asin();
    /// `Asinh`, ai.onnx 9, 22.
    asinh(), |x| x.asinh();
    /// `Atan`, ai.onnx 7, 22.
    atan(), |x| x.atan();
    /// `Atanh`, ai.onnx 9, 22.
    atanh(), |x| x.atanh();
    /// `Ceil`, ai.onnx 1, 6, 13.
    ceil(), |x| x.ceil();
    /// `Cos`, ai.onnx 7, 22.
    cos(), |x| x.cos();
    /// `Cosh`, ai.onnx 9, 22.
    cosh(), |x| x.cosh();
    /// `Erf`, ai.onnx 9, 13.
    erf(), |x| x.erf();
    /// `Exp`, ai.onnx 1, 6, 13.
    exp(), |x| x.exp();
    /// `Floor`, ai.onnx 1, 6, 13.
    floor(), |x| x.floor();
    /// `Log`, ai.onnx 1, 6, 13.
    log(), |x| x.ln();
    /// `Reciprocal`, ai.onnx 1, 6, 13.
    reciprocal(), |x| R::ONE / x;
    /// `Round`, ai.onnx 11, 22: halves to the even neighbour.
    round(), |x| x.round_ties_even();
    /// `Sin`, ai.onnx 7, 22.
    sin(), |x| x.sin();
    /// `Sinh`, ai.onnx 9, 22.
    sinh(), |x| x.sinh();
    /// `Sqrt`, ai.onnx 1, 6, 13.
    sqrt(), |x| x.sqrt();
    /// `Tan`, ai.onnx 7, 22.
    tan(), |x| x.tan();
    /// `Tanh`, ai.onnx 1, 6, 13.
    tanh(), |x| x.tanh();

    /// `Celu`, ai.onnx 12, 28: since 28 other floats than float32.
    celu(alpha = 1.0), |x| if x < R::ZERO { alpha * (x / alpha).exp_m1() } else { x };
    /// `Elu`, ai.onnx 1, 6, 22.
    elu(alpha = 1.0), |x| if x < R::ZERO { alpha * x.exp_m1() } else { x };
    /// `HardSigmoid`, ai.onnx 1, 6, 22.
    hard_sigmoid(alpha = 0.2, beta = 0.5), |x| within(alpha * x + beta, R::ZERO, R::ONE);
    /// `HardSwish`, ai.onnx 14, 22.
    hard_swish(), |x| x * within(x / R::from_f64(6.0) + R::from_f64(0.5), R::ZERO, R::ONE);
    /// `LeakyRelu`, ai.onnx 1, 6, 16.
    leaky_relu(alpha = 0.01), |x| if x < R::ZERO { alpha * x } else { x };
    /// `Mish`, ai.onnx 18, 22.
    mish(), |x| x * x.softplus().tanh();
    /// `Selu`, ai.onnx 1, 6, 22.
    selu(alpha = 1.673_263_2, gamma = 1.050_701),
        |x| if x > R::ZERO { gamma * x } else { gamma * (alpha * x.exp_m1()) };
    /// `Sigmoid`, ai.onnx 1, 6, 13.
    sigmoid(), |x| x.sigmoid();
    /// `Softplus`, ai.onnx 1, 22.
    softplus(), |x| x.softplus();
    /// `Softsign`, ai.onnx 1, 22.
    softsign(), |x| x / (R::ONE + x.magnitude());
    /// `Swish`, ai.onnx 24.
    swish(alpha = 1.0), |x| x * (alpha * x).sigmoid();
    /// `QuickGelu`, com.microsoft 1.
    quick_gelu(alpha = 1.702), |x| x * (alpha * x).sigmoid();
    /// `ThresholdedRelu`, ai.onnx 10, 22. NaN becomes zero, as in ONNX Runtime.
    thresholded_relu(alpha = 1.0), |x| if x > alpha { x } else { R::ZERO };
    /// `Gelu` with the error function.
    exact_gelu(), |x| R::from_f64(0.5) * x * (R::ONE + (x * R::from_f64(std::f64::consts::FRAC_1_SQRT_2)).erf());
    /// `Gelu` with the hyperbolic tangent, the two constants as ONNX gives them.
    tanh_gelu(), |x| {
        let cubed = x * x * x;
        let inner = R::from_f64((2.0 / std::f64::consts::PI).sqrt()) * (x + R::from_f64(0.044715) * cubed);
        R::from_f64(0.5) * x * (R::ONE + inner.tanh())
    };
}

/// `Gelu`, ai.onnx 20 (and com.microsoft, which knows the exact one only).
pub(super) fn gelu(node: &Node<'_>) -> Result<Op, Fault> {
    match node.string("approximate", "none")? {
        "none" => exact_gelu(node),
        "tanh" => tanh_gelu(node),
        other => Err(fault!("attribute `approximate` is `{other}`, must be `none` or `tanh`")),
    }
}
