//! The core of ONNX Runtime's attentions: queries, keys and values cut into heads, and what comes of them.

use super::mask::Mask;
use crate::native::{
    exec::{Args, Run},
    fault::{Fault, fault},
    kernels::{
        attention::{self, Head},
        real,
    },
    value::{Tensor, elements},
};

/// Numbers of shape (sequences, heads, steps, width).
pub(super) struct Heads {
    pub shape: [usize; 4],
    pub values: Vec<f32>,
}

impl Heads {
    /// Of rows (sequences, steps) of `stride` numbers, those from `start` on, as many as all heads need, with a bias.
    pub fn cut(
        run: &mut Run<'_>,
        rows: &[f32],
        (stride, start): (usize, usize),
        shape @ [sequences, heads, steps, width]: [usize; 4],
        bias: Option<&[f32]>,
    ) -> Result<Self, Fault> {
        let mut values = run.buffer(elements(&shape)?)?;
        for sequence in 0..sequences {
            for head in 0..heads {
                let bias = bias.map(|bias| &bias[head * width..][..width]);
                for step in 0..steps {
                    let row = &rows[(sequence * steps + step) * stride + start + head * width..][..width];
                    match bias {
                        None => values.extend_from_slice(row),
                        Some(bias) => values.extend(row.iter().zip(bias).map(|(x, bias)| x + bias)),
                    }
                }
            }
        }
        Ok(Heads { shape, values })
    }

    /// An input that is cut into heads already.
    ///
    /// # Errors
    /// Not four axes.
    pub fn of(run: &mut Run<'_>, args: &Args, index: usize) -> Result<Self, Fault> {
        let tensor = args.tensor(index)?;
        let &[sequences, heads, steps, width] = tensor.shape() else {
            return Err(fault!("input {index}: {tensor} must have four axes"));
        };
        let values = real::input::<f32>(run, args, index)?.into_owned();
        Ok(Heads { shape: [sequences, heads, steps, width], values })
    }

    /// What was there before, then this.
    ///
    /// # Errors
    /// Other heads.
    pub fn after(self, run: &mut Run<'_>, past: &[f32], past_shape: [usize; 4]) -> Result<Self, Fault> {
        let [sequences, heads, steps, width] = self.shape;
        let [past_sequences, past_heads, before, past_width] = past_shape;
        if [past_sequences, past_heads, past_width] != [sequences, heads, width] {
            return Err(fault!("a past of shape {past_shape:?} does not go before {:?}", self.shape));
        }
        let shape = [sequences, heads, before + steps, width];
        let mut values = run.buffer(elements(&shape)?)?;
        for head in 0..sequences * heads {
            values.extend_from_slice(&past[head * before * width..][..before * width]);
            values.extend_from_slice(&self.values[head * steps * width..][..steps * width]);
        }
        Ok(Heads { shape, values })
    }
}

/// What is added to the scores of queries besides the mask: (sequences or 1, heads or 1, queries, keys).
struct Added<'t> {
    numbers: std::borrow::Cow<'t, [f32]>,
    strides: [usize; 2],
}

/// The attention of queries over keys and values.
pub(super) struct Attention<'t> {
    pub mask: Mask,
    /// By default one by the root of a head's width.
    pub scale: Option<f32>,
    added: Option<Added<'t>>,
}

impl<'t> Attention<'t> {
    /// With the input that holds what is added to scores (sequences, heads, queries, keys).
    ///
    /// # Errors
    /// One of another shape.
    pub fn new(
        run: &mut Run<'_>,
        args: &'t Args,
        added: usize,
        [sequences, heads, queries, keys]: [usize; 4],
        mask: Mask,
        scale: Option<f32>,
    ) -> Result<Self, Fault> {
        let Some(tensor) = args.opt(added)? else { return Ok(Attention { mask, scale, added: None }) };
        let one = queries * keys;
        let strides = match *tensor.shape() {
            [a, b, q, k]
                if q == queries && k == keys && [1, sequences].contains(&a) && [1, heads].contains(&b) =>
            {
                [if a == 1 { 0 } else { b * one }, if b == 1 { 0 } else { one }]
            }
            _ => {
                return Err(fault!(
                    "input {added}: {tensor} can't be added to scores of {queries} by {keys}"
                ));
            }
        };
        let numbers = real::input::<f32>(run, args, added)?;
        Ok(Attention { mask, scale, added: Some(Added { numbers, strides }) })
    }

    /// (sequences, queries, heads and their widths).
    ///
    /// # Errors
    /// Heads that don't go together.
    pub fn run(&self, run: &mut Run<'_>, q: &Heads, k: &Heads, v: &Heads) -> Result<Tensor, Fault> {
        let [sequences, heads, queries, width] = q.shape;
        let [_, _, keys, value_width] = v.shape;
        if k.shape != [sequences, heads, keys, width] || v.shape[..2] != q.shape[..2] {
            return Err(fault!(
                "queries {:?}, keys {:?} and values {:?} don't go together",
                q.shape,
                k.shape,
                v.shape
            ));
        }
        let scale = self.scale.unwrap_or(1.0 / (width as f32).sqrt());
        let head = Head { queries, keys, width, value_width };
        let row = heads * value_width;
        let mut y = run.filled(elements(&[sequences, queries, row])?, 0f32)?;
        let mut scores = run.filled(elements(&[queries, keys])?, 0f32)?;
        let mut seen = run.filled(elements(&[queries, value_width])?, 0f32)?;
        for at in 0..sequences * heads {
            let (sequence, place) = (at / heads, at % heads);
            let of = |len: usize| at * len..(at + 1) * len;
            attention::scores(head, &q.values[of(queries * width)], &k.values[of(keys * width)], &mut scores);
            for (query, scores) in scores.chunks_exact_mut(keys.max(1)).enumerate() {
                scores.iter_mut().for_each(|score| *score *= scale);
                self.mask.add(sequence, query, scores);
                if let Some(Added { numbers, strides: [a, b] }) = &self.added {
                    let numbers = &numbers[sequence * a + place * b + query * keys..][..keys];
                    scores.iter_mut().zip(numbers).for_each(|(score, added)| *score += added);
                }
                attention::softmax(scores, 0.0);
            }
            seen.fill(0.0);
            attention::values(head, &scores, &v.values[of(keys * value_width)], &mut seen);
            for (query, seen) in seen.chunks_exact(value_width.max(1)).enumerate() {
                y[(sequence * queries + query) * row + place * value_width..][..value_width]
                    .copy_from_slice(seen);
            }
        }
        Tensor::of(&[sequences, queries, row][..], y)
    }
}
