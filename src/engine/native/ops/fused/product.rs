//! Products with what follows them.

use super::activation::{Activation, finished};
use crate::{
    native::{
        attributes::Node,
        exec::{Op, Outputs, one, op},
        fault::{Fault, fault},
        kernels::real::{self, reals},
        ops::{
            conv, matrix,
            matrix::{Product, wide_product},
            movement::reordered,
        },
        value::{Tensor, Value},
    },
    real::Real,
};

/// The one tensor a step made.
fn only(outputs: Outputs) -> Result<Tensor, Fault> {
    match outputs.into_iter().next() {
        Some(Value::Tensor(tensor)) => Ok(tensor),
        _ => Err(fault!("makes nothing")),
    }
}

/// `FusedConv`, com.microsoft 1: a `Conv`, a fourth input added that has the result's shape, and a function.
pub(super) fn fused_conv(node: &Node<'_>) -> Result<Op, Fault> {
    let parameters = node.attributes.floats("activation_params")?.unwrap_or_default();
    let parameter = |at: usize| parameters.get(at).copied();
    let activation =
        Activation::read(node.string("activation", "")?, [parameter(0), parameter(1), parameter(2)])?;
    let conv = conv::conv(node)?;
    op(move |run, args| {
        let added = args.opt(3)?.cloned();
        let product = only(conv(run, args)?)?;
        if let Some(added) = added.as_ref().filter(|added| added.shape() != product.shape()) {
            return Err(fault!("input 3: {added} can't be added to {product}"));
        }
        one(reals!(product.kind(), T => finished::<T>(run, product, added.as_ref(), activation))?)
    })
}

/// `FusedGemm`, com.microsoft 1: a `Gemm` and a function.
pub(super) fn fused_gemm(node: &Node<'_>) -> Result<Op, Fault> {
    let parameter = |name: &str| node.attributes.float(name);
    let parameters =
        [parameter("activation_alpha")?, parameter("activation_beta")?, parameter("activation_gamma")?];
    let activation = Activation::read(node.string("activation", "")?, parameters)?;
    let gemm = matrix::gemm(node)?;
    op(move |run, args| {
        let product = only(gemm(run, args)?)?;
        one(reals!(product.kind(), T => finished::<T>(run, product, None, activation))?)
    })
}

/// `FusedMatMul` and its older name `TransposeMatMul`, com.microsoft 1: a `MatMul` of operands of which the last two
/// axes change places (`transA`), and before that the first one goes behind those of the batch (`transBatchA`).
pub(super) fn fused_matmul(node: &Node<'_>) -> Result<Op, Fault> {
    let alpha = node.float("alpha", 1.0)?;
    let turned = [node.flag("transA", false)?, node.flag("transB", false)?];
    let batches = [node.flag("transBatchA", false)?, node.flag("transBatchB", false)?];
    op(move |run, mut args| {
        let mut operands = [args.take(0)?, args.take(1)?];
        for (operand, _) in
            operands.iter_mut().zip(batches).filter(|(operand, turn)| *turn && operand.rank() > 2)
        {
            let last = operand.rank() - 1;
            let order: Vec<usize> = (1..last).chain([0, last]).collect();
            *operand = reordered(run, operand.clone(), &order)?;
        }
        let [a, b] = &operands;
        let product = Product::transposed(a.shape(), b.shape(), turned)?;
        reals!(a.kind(), T => {
            let (x, y) = (real::widened::<T>(run, a)?, real::widened::<T>(run, b)?);
            let mut c = wide_product(run, &product, &x, &y)?;
            if alpha != 1.0 {
                let alpha = <T as Real>::from_f32(alpha);
                c.iter_mut().for_each(|c| *c *= alpha);
            }
            one(real::tensor(run, a.kind(), &product.shape, c)?)
        })
    })
}
