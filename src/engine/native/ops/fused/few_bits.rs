//! Products with weights of a few bits, a scale for each block of neighbours.

use super::blocks::{count, packed, width, zeros};
use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    kernels::{matmul::gemm, real},
    ops::quantised::floats,
    value::{Shape, elements},
};

/// Outputs whose weights are unpacked together.
const STRIP: usize = 64;

/// Lengths of a product with weights (outputs, inputs).
#[derive(Clone, Copy)]
struct Sizes {
    inputs: usize,
    outputs: usize,
}

/// `a` (rows, inputs) times the weights that `unpack` writes for an output, and a bias.
fn product(
    run: &mut Run<'_>,
    args: &Args,
    Sizes { inputs, outputs }: Sizes,
    bias: Option<&[f32]>,
    unpack: impl Fn(usize, &mut [f32]),
) -> Result<Outputs, Fault> {
    let a = args.tensor(0)?;
    let Some((&width, outer)) = a.shape().split_last().filter(|(width, _)| **width == inputs) else {
        return Err(fault!("input 0: {a} must have {inputs} as its last axis"));
    };
    let rows = elements(outer)?;
    let mut shape = Shape::from_slice(outer);
    shape.push(outputs);
    let x = real::widened::<f32>(run, a)?;
    let mut y = run.filled(elements(&shape)?, 0f32)?;
    let mut weights = run.filled(STRIP.min(outputs).saturating_mul(width), 0f32)?;
    let mut strip = run.filled(STRIP.min(outputs).saturating_mul(rows), 0f32)?;
    for from in (0..outputs).step_by(STRIP) {
        let count = STRIP.min(outputs - from);
        for (at, weights) in weights.chunks_exact_mut(width.max(1)).take(count).enumerate() {
            unpack(from + at, weights);
        }
        let strip = &mut strip[..rows * count];
        strip.fill(0.0);
        gemm(rows, width, count, &x, (width, 1), &weights, (1, width), strip);
        for (y, strip) in y.chunks_exact_mut(outputs).zip(strip.chunks_exact(count)) {
            y[from..from + count].copy_from_slice(strip);
        }
    }
    if let Some(bias) = bias {
        y.chunks_exact_mut(outputs).for_each(|y| y.iter_mut().zip(bias).for_each(|(y, bias)| *y += bias));
    }
    one(real::tensor(run, a.kind(), &shape, y)?)
}

/// `MatMulNBits`, com.microsoft 1: weights of 2, 4 or 8 bits. Inputs: A, the packed weights (outputs, blocks, bytes),
/// scales (outputs, blocks), zero points, and as the sixth a bias. What `accuracy_level` allows to be computed in 8
/// bits is computed in f32.
pub(super) fn matmul_n_bits(node: &Node<'_>) -> Result<Op, Fault> {
    let (bits, block) = (width(node)?, count(node, "block_size", None)?);
    let sizes = Sizes { inputs: count(node, "K", None)?, outputs: count(node, "N", None)? };
    if node.int("weight_prepacked", 0)? != 0 {
        return Err(Fault::unsupported("its weights are packed for one kind of processor"));
    }
    if node.has_input(4) {
        return Err(Fault::unsupported("its input 4, `g_idx`, which is deprecated, is not done"));
    }
    if !block.is_power_of_two() || block < 16 {
        return Err(fault!("attribute `block_size` is {block}, must be a power of two from 16 on"));
    }
    op(move |run, args| {
        let Sizes { inputs, outputs } = sizes;
        let blocks = inputs.div_ceil(block);
        let bytes = block * bits / 8;
        let weights = args.slice::<u8>(1)?;
        let scales = floats(run, args.tensor(2)?)?;
        if Some(weights.len()) != outputs.checked_mul(blocks * bytes) || scales.len() != outputs * blocks {
            return Err(fault!(
                "weights {} and scales {} are not those of {outputs} times {blocks} blocks of {block}",
                args.tensor(1)?,
                args.tensor(2)?
            ));
        }
        let zeros = zeros(run, args.opt(3)?, [outputs, blocks], bits)?;
        let bias = real::opt_vector::<f32>(run, &args, 5, outputs)?;
        product(run, &args, sizes, bias.as_deref(), |output, row| {
            let packed_row = &weights[output * blocks * bytes..][..blocks * bytes];
            for (at, row) in row.chunks_mut(block).enumerate() {
                let (scale, zero) = (scales[output * blocks + at], zeros[output * blocks + at]);
                let packed_block = &packed_row[at * bytes..][..bytes];
                for (i, weight) in row.iter_mut().enumerate() {
                    *weight = (f32::from(packed(packed_block, i, bits)) - zero) * scale;
                }
            }
        })
    })
}

/// What the 16 codes of bitsandbytes' FP4 stand for.
const FP4: [f32; 16] = {
    let half = [0.0, 0.005_208_333_4, 0.666_666_7, 1.0, 0.333_333_34, 0.5, 0.166_666_67, 0.25];
    let mut all = [0.0; 16];
    let mut at = 0;
    while at < 8 {
        all[at] = half[at];
        all[at + 8] = -half[at];
        at += 1;
    }
    all
};

/// What the 16 codes of NF4 stand for: quantiles of the normal distribution (Dettmers and others, "QLoRA", appendix
/// E).
const NF4: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// `MatMulBnb4`, com.microsoft 1: weights of 4 bits as bitsandbytes keeps them, two in a byte, the first in the upper
/// half, with the largest magnitude of each block.
pub(super) fn matmul_bnb4(node: &Node<'_>) -> Result<Op, Fault> {
    let block = count(node, "block_size", None)?;
    let sizes = Sizes { inputs: count(node, "K", None)?, outputs: count(node, "N", None)? };
    let codes = match node.required_int("quant_type")? {
        0 => &FP4,
        1 => &NF4,
        other => return Err(fault!("attribute `quant_type` is {other}, must be 0 or 1")),
    };
    if !node.flag("transB", true)? {
        return Err(Fault::unsupported("attribute `transB` is 0, which is for training"));
    }
    op(move |run, args| {
        let Sizes { inputs, outputs } = sizes;
        let weights = args.slice::<u8>(1)?;
        let largest = floats(run, args.tensor(2)?)?;
        let count = inputs.saturating_mul(outputs);
        if weights.len() != count.div_ceil(2) || largest.len() != count.div_ceil(block) {
            return Err(fault!(
                "weights {} and magnitudes {} are not those of {count} numbers in blocks of {block}",
                args.tensor(1)?,
                args.tensor(2)?
            ));
        }
        product(run, &args, sizes, None, |output, row| {
            for (i, weight) in row.iter_mut().enumerate() {
                let at = output * inputs + i;
                let code = packed(weights, at ^ 1, 4);
                *weight = codes[usize::from(code)] * largest[at / block];
            }
        })
    })
}
