//! ONNX Runtime's attentions.

use super::{
    blocks::count,
    heads::{Attention, Heads},
    mask::Mask,
};
use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    kernels::{broadcast, matmul::gemm, real},
    ops::quantised::{centred, floats, single},
    value::{Kind, Tensor, elements},
};

/// The attributes that all of them have.
struct Config {
    heads: usize,
    scale: Option<f32>,
    hidden: f32,
    causal: bool,
    /// Widths of all heads of queries, keys and values together.
    widths: Option<[usize; 3]>,
}

impl Config {
    fn read(node: &Node<'_>) -> Result<Self, Fault> {
        for name in ["do_rotary", "past_present_share_buffer"] {
            if node.flag(name, false)? {
                return Err(Fault::unsupported(format!(
                    "attribute `{name}` is for other processors; it is not done"
                )));
            }
        }
        let widths = match node.ints("qkv_hidden_sizes")?.as_deref() {
            None => None,
            Some(&[q, k, v]) if q == k && q > 0 && v > 0 => Some([q as usize, k as usize, v as usize]),
            Some(other) => return Err(fault!("attribute `qkv_hidden_sizes` is {other:?}")),
        };
        Ok(Config {
            heads: count(node, "num_heads", None)?,
            // Zero stands for none.
            scale: node.attributes.float("scale")?.filter(|&scale| scale != 0.0),
            hidden: node.float("mask_filter_value", -10_000.0)?,
            causal: node.flag("unidirectional", false)?,
            widths,
        })
    }

    fn width(&self, all: usize) -> Result<usize, Fault> {
        match all % self.heads {
            0 => Ok(all / self.heads),
            _ => Err(fault!("{all} numbers can't be cut into {} heads", self.heads)),
        }
    }
}

/// Rows with the queries, keys and values beside each other, before the bias.
struct Projected {
    rows: Vec<f32>,
    sequences: usize,
    steps: usize,
    width: usize,
    kind: Kind,
}

/// Which inputs are what, after the projection.
struct Places {
    mask: usize,
    past: usize,
    added: usize,
}

/// `Attention`, com.microsoft 1: inputs x, the weights of queries, keys and values beside each other, their bias, a mask,
/// the past keys and values, and what is added to scores. The second output is the past with what is new.
pub(super) fn attention(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config::read(node)?;
    if node.has_input(6) {
        return Err(Fault::unsupported("its input 6 is for a buffer that is shared; it is not done"));
    }
    op(move |run, args| {
        let (x, w) = (args.tensor(0)?, args.tensor(1)?);
        let [sequences, steps, inputs, width] = product(x, w)?;
        let (a, b) = (real::input::<f32>(run, &args, 0)?, real::input::<f32>(run, &args, 1)?);
        let mut rows = run.filled(elements(&[sequences, steps, width])?, 0f32)?;
        gemm(sequences * steps, inputs, width, &a, (inputs, 1), &b, (width, 1), &mut rows);
        let projected = Projected { rows, sequences, steps, width, kind: x.kind() };
        itself(run, &args, &config, &projected, &Places { mask: 3, past: 4, added: 5 })
    })
}

/// `QAttention`, com.microsoft 1: the same with x and weights of 8 bits. Inputs x, weights, bias, their scales, a mask,
/// their zero points, the past.
pub(super) fn quantised_attention(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config::read(node)?;
    op(move |run, args| {
        let [sequences, steps, inputs, width] = product(args.tensor(0)?, args.tensor(1)?)?;
        let (a, b) = (centred(run, &args, 0, 6, false)?, centred(run, &args, 1, 7, false)?);
        let mut sums = run.filled(elements(&[sequences, steps, width])?, 0i32)?;
        gemm(sequences * steps, inputs, width, &a, (inputs, 1), &b, (width, 1), &mut sums);
        let (scale, scales) = (single(run, &args, 3)?, args.tensor(4)?);
        let scales_of = floats(run, scales)?;
        if scales_of.len() != 1 && scales_of.len() != width {
            return Err(fault!("input 4: {scales} must have one element or {width}"));
        }
        let mut rows = run.buffer(sums.len())?;
        let shape = [sequences * steps, width];
        broadcast::zip((&sums, &shape), (&scales_of, &[scales_of.len()]), &shape, &mut rows, |&sum, &own| {
            sum as f32 * (scale * own)
        });
        let projected = Projected { rows, sequences, steps, width, kind: Kind::F32 };
        itself(run, &args, &config, &projected, &Places { mask: 5, past: 8, added: usize::MAX })
    })
}

/// Sequences, steps, inputs and outputs of x times weights.
fn product(x: &Tensor, w: &Tensor) -> Result<[usize; 4], Fault> {
    match (x.shape(), w.shape()) {
        (&[sequences, steps, inputs], &[rows, width]) if rows == inputs => {
            Ok([sequences, steps, inputs, width])
        }
        _ => Err(fault!("weights {w} don't fit an input {x}")),
    }
}

/// Of a sequence over itself.
fn itself(
    run: &mut Run<'_>,
    args: &Args,
    config: &Config,
    projected: &Projected,
    places: &Places,
) -> Result<Outputs, Fault> {
    let &Projected { ref rows, sequences, steps, width, kind } = projected;
    let widths @ [q_all, k_all, v_all] = config.widths.unwrap_or([width / 3; 3]);
    if widths.iter().sum::<usize>() != width {
        return Err(fault!("{width} outputs are not queries, keys and values of {widths:?}"));
    }
    let bias = real::opt_vector::<f32>(run, args, 2, width)?;
    let cut = |run: &mut Run<'_>, start: usize, all: usize| {
        let shape = [sequences, config.heads, steps, config.width(all)?];
        let bias = bias.as_ref().map(|bias| &bias[start..start + all]);
        Heads::cut(run, rows, (width, start), shape, bias)
    };
    let (q, mut k, mut v) = (cut(run, 0, q_all)?, cut(run, q_all, k_all)?, cut(run, q_all + k_all, v_all)?);
    let mut past = 0;
    if let Some(tensor) = args.opt(places.past)? {
        let &[2, a, b, before, d] = tensor.shape() else {
            return Err(fault!(
                "input {}: the past {tensor} must have five axes, the first of two",
                places.past
            ));
        };
        let values = real::input::<f32>(run, args, places.past)?;
        let (keys, of_values) = values.split_at(values.len() / 2);
        k = k.after(run, keys, [a, b, before, d])?;
        v = v.after(run, of_values, [a, b, before, d])?;
        past = before;
    }
    let keys = k.shape[2];
    let mask = Mask::read(args, places.mask, [sequences, steps, keys], past, config.hidden, config.causal)?;
    let scores = [sequences, config.heads, steps, keys];
    let core = Attention::new(run, args, places.added, scores, mask, config.scale)?;
    let y = core.run(run, &q, &k, &v)?;
    let mut outputs = one(narrowed(run, y, kind)?)?;
    let shape: Vec<usize> = [2].into_iter().chain(k.shape).collect();
    // Of other lengths they are not kept together, and nobody asks for them.
    if k.shape == v.shape {
        let mut both = run.buffer(elements(&shape)?)?;
        both.extend_from_slice(&k.values);
        both.extend_from_slice(&v.values);
        outputs.push(real::tensor(run, kind, &shape, both)?.into());
    }
    Ok(outputs)
}

fn narrowed(run: &mut Run<'_>, y: Tensor, kind: Kind) -> Result<Tensor, Fault> {
    if kind == Kind::F32 {
        return Ok(y);
    }
    let values = real::widened::<f32>(run, &y)?.into_owned();
    real::tensor(run, kind, y.shape(), values)
}

/// `MultiHeadAttention`, com.microsoft 1: inputs queries, keys, values, the bias of all three, a mask, what is added to
/// scores, past keys, past values. Keys and values may come cut into heads. Packed forms, which only other processors
/// have, are refused.
pub(super) fn multi_head_attention(node: &Node<'_>) -> Result<Op, Fault> {
    let config = Config::read(node)?;
    if !node.has_input(1)
        || !node.has_input(2)
        || node.has_input(8)
        || node.has_input(9)
        || node.has_output(3)
    {
        return Err(Fault::unsupported(
            "packed queries, keys and values, shared buffers and the scores as an output are not done",
        ));
    }
    op(move |run, args| {
        let kind = args.tensor(0)?.kind();
        let bias = args.opt(3)?.map(|_| real::input::<f32>(run, &args, 3)).transpose()?;
        let mut start = 0;
        let mut cut = |run: &mut Run<'_>, index: usize| -> Result<Heads, Fault> {
            let tensor = args.tensor(index)?;
            let [sequences, steps, all] = match *tensor.shape() {
                [sequences, steps, all] => [sequences, steps, all],
                [_, heads, _, width] => {
                    start += heads * width;
                    return Heads::of(run, &args, index);
                }
                _ => return Err(fault!("input {index}: {tensor} must have three axes")),
            };
            let own = match &bias {
                None => None,
                Some(bias) => Some(bias.get(start..start + all).ok_or_else(|| {
                    fault!("input 3: {} numbers are too few for queries, keys and values", bias.len())
                })?),
            };
            start += all;
            let rows = real::input::<f32>(run, &args, index)?;
            Heads::cut(run, &rows, (all, 0), [sequences, config.heads, steps, config.width(all)?], own)
        };
        let (q, mut k, mut v) = (cut(run, 0)?, cut(run, 1)?, cut(run, 2)?);
        let mut past = 0;
        if args.opt(6)?.is_some() {
            let (past_k, past_v) = (Heads::of(run, &args, 6)?, Heads::of(run, &args, 7)?);
            past = past_k.shape[2];
            k = k.after(run, &past_k.values, past_k.shape)?;
            v = v.after(run, &past_v.values, past_v.shape)?;
        }
        let lengths @ [sequences, heads, steps, _] = q.shape;
        let keys = k.shape[2];
        let mask = Mask::read(&args, 4, [sequences, steps, keys], past, config.hidden, config.causal)?;
        let core = Attention::new(run, &args, 5, [lengths[0], heads, steps, keys], mask, config.scale)?;
        let y = core.run(run, &q, &k, &v)?;
        let mut outputs = one(narrowed(run, y, kind)?)?;
        outputs.push(real::tensor(run, kind, &k.shape, k.values)?.into());
        outputs.push(real::tensor(run, kind, &v.shape, v.values)?.into());
        Ok(outputs)
    })
}
