//! `Attention`.

use std::borrow::Cow;

use super::bias::Bias;
use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, op},
    fault::{Fault, fault},
    kernels::{
        attention::{self, Head},
        real::{self, Computed, reals},
    },
    value::{Kind, Tensor, elements},
};

pub(super) struct Config {
    scale: Option<f32>,
    causal: bool,
    window: [Option<usize>; 2],
    heads: [Option<usize>; 2],
    softcap: f32,
    precision: Option<Kind>,
    /// Which stage of the scores the fourth output shows, where it is wanted.
    shown: Option<i64>,
    /// The present keys and values are wanted.
    present: bool,
}

/// `Attention`, ai.onnx 23 to 25. 24 adds `nonpad_kv_seqlen`, 25 windows. Half floats are rounded after each
/// step that makes a tensor in the operator's definition; queries and keys share the scale.
pub(super) fn attention(node: &Node<'_>) -> Result<Op, Fault> {
    let window = |name: &str| match node.int(name, -1)? {
        -1 => Ok(None),
        bound => usize::try_from(bound)
            .map(Some)
            .map_err(|_| fault!("attribute `{name}` is {bound}, must be -1 or more")),
    };
    let heads = |name: &str| match node.attributes.int(name)? {
        None => Ok(None),
        Some(heads) => usize::try_from(heads)
            .ok()
            .filter(|&heads| heads > 0)
            .map(Some)
            .ok_or_else(|| fault!("attribute `{name}` is {heads}, must be 1 or more")),
    };
    let shown = node.int("qk_matmul_output_mode", 0)?;
    let config = Config {
        scale: node.attributes.float("scale")?,
        causal: node.flag("is_causal", false)?,
        window: [window("left_window_size")?, window("right_window_size")?],
        heads: [heads("q_num_heads")?, heads("kv_num_heads")?],
        softcap: node.float("softcap", 0.0)?,
        precision: precision(node)?,
        shown: node.has_output(3).then_some(shown),
        present: node.has_output(1) || node.has_output(2),
    };
    if !(0..4).contains(&shown) {
        return Err(fault!("attribute `qk_matmul_output_mode` is {shown}, must be 0 to 3"));
    }
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, &config)))
}

/// `softmax_precision`.
pub(super) fn precision(node: &Node<'_>) -> Result<Option<Kind>, Fault> {
    let Some(code) = node.attributes.int("softmax_precision")? else { return Ok(None) };
    let kind = Kind::from_code(code);
    let kind = kind.filter(|kind| matches!(kind, Kind::F32 | Kind::F64 | Kind::F16 | Kind::BF16));
    kind.map(Some).ok_or_else(|| fault!("attribute `softmax_precision` is {code}, which is no float"))
}

/// An input as (batch, heads, length, width), whatever its form.
struct Heads<'t, T: Computed> {
    shape: [usize; 4],
    values: Cow<'t, [T]>,
}

fn split<'t, T: Computed>(
    run: &mut Run<'_>,
    args: &'t Args,
    index: usize,
    heads: Option<usize>,
) -> Result<Heads<'t, T>, Fault> {
    let tensor = args.tensor(index)?;
    let values = real::input::<T>(run, args, index)?;
    match *tensor.shape() {
        [batch, heads, length, width] => Ok(Heads { shape: [batch, heads, length, width], values }),
        [batch, length, hidden] => {
            let heads = heads
                .filter(|heads| hidden % heads == 0)
                .ok_or_else(|| fault!("input {index}: {tensor} can't be cut into {heads:?} heads"))?;
            let width = hidden / heads;
            let mut turned = run.filled(values.len(), T::ZERO)?;
            exchange(&values, [batch, length, heads, width], &mut turned);
            Ok(Heads { shape: [batch, heads, length, width], values: Cow::Owned(turned) })
        }
        _ => Err(fault!("input {index}: {tensor} must have three or four axes")),
    }
}

/// Exchanges the two axes in the middle.
fn exchange<T: Copy>(from: &[T], [batch, first, second, width]: [usize; 4], to: &mut [T]) {
    for outer in 0..batch {
        for i in 0..first {
            for j in 0..second {
                let from = &from[((outer * first + i) * second + j) * width..][..width];
                to[((outer * second + j) * first + i) * width..][..width].copy_from_slice(from);
            }
        }
    }
}

/// The past, then what is new.
fn joined<'t, T: Computed>(
    run: &mut Run<'_>,
    args: &Args,
    index: usize,
    new: Heads<'t, T>,
) -> Result<(Heads<'t, T>, Option<usize>), Fault> {
    let Some(past) = args.opt(index)? else { return Ok((new, None)) };
    let [batch, heads, length, width] = new.shape;
    let &[past_batch, past_heads, past_length, past_width] = past.shape() else {
        return Err(fault!("input {index}: {past} must have four axes"));
    };
    if [past_batch, past_heads, past_width] != [batch, heads, width] {
        return Err(fault!("input {index}: the past {past} does not go with {:?}", new.shape));
    }
    let shape = [batch, heads, past_length + length, width];
    let mut values = run.buffer(elements(&shape)?)?;
    let old = real::input::<T>(run, args, index)?;
    for at in 0..batch * heads {
        values.extend_from_slice(&old[at * past_length * width..][..past_length * width]);
        values.extend_from_slice(&new.values[at * length * width..][..length * width]);
    }
    Ok((Heads { shape, values: Cow::Owned(values) }, Some(past_length)))
}

fn body<T: Computed>(run: &mut Run<'_>, args: &Args, config: &Config) -> Result<Outputs, Fault> {
    let kind = args.tensor(0)?.kind();
    let flat = args.tensor(0)?.rank() == 3;
    let q = split::<T>(run, args, 0, config.heads[0])?;
    let (k, v) = (split::<T>(run, args, 1, config.heads[1])?, split::<T>(run, args, 2, config.heads[1])?);
    let (k, past) = joined(run, args, 4, k)?;
    let (v, value_past) = joined(run, args, 5, v)?;
    let [batch, heads, queries, width] = q.shape;
    let [_, shared, keys, _] = k.shape;
    let value_width = v.shape[3];
    if k.shape != [batch, shared, keys, width]
        || v.shape != [batch, shared, keys, value_width]
        || shared == 0
        || heads % shared != 0
        || past != value_past
    {
        return Err(fault!(
            "queries {:?}, keys {:?} and values {:?} don't go together",
            q.shape,
            k.shape,
            v.shape
        ));
    }
    let shape = [batch, heads, queries, keys];
    let bias = Bias::<T>::read(run, args, shape, past, config.causal, config.window)?;
    let rounded = real::rounding::<T>(kind);
    let scale = config.scale.map_or(1.0 / (width as f64).sqrt(), f64::from);
    let factor = rounded(T::from_f64(scale.sqrt()));
    let scaled = |run: &mut Run<'_>, values: &[T]| -> Result<Vec<T>, Fault> {
        let mut out = run.buffer(values.len())?;
        out.extend(values.iter().map(|&value| rounded(value * factor)));
        Ok(out)
    };
    let (q, scaled_k) = (scaled(run, &q.values)?, scaled(run, &k.values)?);
    let head = Head { queries, keys, width, value_width };
    let mut y = run.filled(elements(&[batch, heads, queries, value_width])?, T::ZERO)?;
    let mut shown = match config.shown {
        Some(_) => run.filled(elements(&shape)?, T::ZERO)?,
        None => vec![],
    };
    let (mut scores, mut row) = (run.filled(elements(&shape[2..])?, T::ZERO)?, run.filled(keys, T::ZERO)?);
    for at in 0..batch * heads {
        let (image, place) = (at / heads, at % heads);
        let from = image * shared + place / (heads / shared);
        let q = &q[at * queries * width..][..queries * width];
        attention::scores(head, q, &scaled_k[from * keys * width..][..keys * width], &mut scores);
        for (query, scores) in scores.chunks_exact_mut(keys.max(1)).enumerate() {
            let hidden = bias.row(image, place, query, &mut row);
            let mut show = |stage: i64, scores: &[T]| {
                if config.shown == Some(stage) {
                    shown[(at * queries + query) * keys..][..keys].copy_from_slice(scores);
                }
            };
            scores.iter_mut().for_each(|score| *score = rounded(*score));
            show(0, scores);
            if config.softcap > 0.0 {
                let cap = T::from_f64(f64::from(config.softcap));
                scores.iter_mut().for_each(|score| *score = rounded(rounded((*score / cap).tanh()) * cap));
            }
            show(1, scores);
            scores.iter_mut().zip(&row).for_each(|(score, &bias)| *score = rounded(*score + bias));
            show(2, scores);
            softmax(scores, config.precision.unwrap_or(kind));
            if hidden {
                scores.fill(T::ZERO);
            }
            scores.iter_mut().for_each(|score| *score = rounded(*score));
            show(3, scores);
        }
        let v = &v.values[from * keys * value_width..][..keys * value_width];
        attention::values(head, &scores, v, &mut y[at * queries * value_width..][..queries * value_width]);
    }
    let mut outputs = Outputs::new();
    outputs.push(merged(run, y, [batch, heads, queries, value_width], kind, flat)?.into());
    if config.present || config.shown.is_some() {
        outputs.push(real::tensor(run, kind, &k.shape, k.values.into_owned())?.into());
        let value_kind = args.tensor(2)?.kind();
        outputs.push(real::tensor(run, value_kind, &v.shape, v.values.into_owned())?.into());
    }
    if config.shown.is_some() {
        outputs.push(real::tensor(run, kind, &shape, shown)?.into());
    }
    Ok(outputs)
}

/// A softmax in the precision of `kind`.
pub(super) fn softmax<T: Computed>(row: &mut [T], kind: Kind) {
    if kind == Kind::F64 && T::KIND != Kind::F64 {
        let mut wide: Vec<f64> = row.iter().map(|x| x.to_f64()).collect();
        attention::softmax(&mut wide, 0.0);
        return row.iter_mut().zip(wide).for_each(|(x, wide)| *x = T::from_f64(wide));
    }
    let rounded = real::rounding::<T>(kind);
    row.iter_mut().for_each(|x| *x = rounded(*x));
    attention::softmax(row, T::ZERO);
    row.iter_mut().for_each(|x| *x = rounded(*x));
}

/// Heads as they came: beside each other in the last axis when the input was flat.
fn merged<T: Computed>(
    run: &mut Run<'_>,
    y: Vec<T>,
    [batch, heads, length, width]: [usize; 4],
    kind: Kind,
    flat: bool,
) -> Result<Tensor, Fault> {
    if !flat {
        return real::tensor(run, kind, &[batch, heads, length, width], y);
    }
    let mut turned = run.filled(y.len(), T::ZERO)?;
    exchange(&y, [batch, heads, length, width], &mut turned);
    real::tensor(run, kind, &[batch, length, heads * width], turned)
}
