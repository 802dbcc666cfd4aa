//! What is added to the scores of attention: masks, the causal frontier, windows, padding.

use crate::{
    native::{
        exec::{Args, Run},
        fault::{Fault, fault},
        kernels::real::{self, Computed},
        value::Data,
    },
    with_kinds,
};

/// A mask as numbers to add, with its strides for (batch, head, query).
struct Mask<T> {
    numbers: Vec<T>,
    strides: [usize; 3],
    /// How many keys it covers; those after them are hidden.
    keys: usize,
}

/// All that hides keys from queries.
pub(super) struct Bias<T> {
    mask: Option<Mask<T>>,
    pub(super) causal: bool,
    /// Most keys to the left and right of a query's own place.
    pub(super) window: [Option<usize>; 2],
    /// For each sequence: how many keys come before the first query.
    offsets: Vec<i64>,
    /// For each sequence: how many keys are none of its padding.
    lengths: Option<Vec<i64>>,
}

impl<T: Computed> Bias<T> {
    /// `shape` is that of the scores: batch, heads, queries, keys.
    pub(super) fn read(
        run: &mut Run<'_>,
        args: &Args,
        shape: [usize; 4],
        past: Option<usize>,
        causal: bool,
        window: [Option<usize>; 2],
    ) -> Result<Self, Fault> {
        let [batch, _, queries, _] = shape;
        let lengths = args.opt_ints(6)?;
        if let Some(lengths) = lengths.as_ref().filter(|lengths| lengths.len() != batch) {
            return Err(fault!("input 6: has {} lengths for {batch} sequences", lengths.len()));
        }
        let offsets = match (past, &lengths) {
            (Some(_), Some(_)) => {
                return Err(fault!("input 6: lengths without padding can't be given together with a past"));
            }
            (Some(past), None) => vec![past as i64; batch],
            (None, Some(lengths)) => {
                lengths.iter().map(|length| length.saturating_sub(queries as i64)).collect()
            }
            (None, None) => vec![0; batch],
        };
        Ok(Bias { mask: Self::mask(run, args, shape)?, causal, window, offsets, lengths })
    }

    fn mask(run: &mut Run<'_>, args: &Args, shape: [usize; 4]) -> Result<Option<Mask<T>>, Fault> {
        let Some(mask) = args.opt(3)? else { return Ok(None) };
        let own = mask.shape();
        let wrong = || fault!("input 3: the mask {mask} does not fit scores of shape {shape:?}");
        let (&keys, ahead) = own.split_last().ok_or_else(wrong)?;
        if ahead.len() > 3 || keys > shape[3] {
            return Err(wrong());
        }
        let mut strides = [0; 3];
        let mut stride = keys;
        for (axis, &size) in ahead.iter().enumerate().rev() {
            let at = axis + 3 - ahead.len();
            if size != 1 {
                if size != shape[at] {
                    return Err(wrong());
                }
                strides[at] = stride;
            }
            stride *= size;
        }
        let mut numbers = run.buffer(mask.len())?;
        match mask.data() {
            Data::Bool(v) => numbers.extend(v.iter().map(|&seen| if seen { T::ZERO } else { -T::INFINITY })),
            data => with_kinds!(
                [I8, I16, I32, I64, U8, U16, U32, U64] data,
                v => numbers.extend(v.iter().map(|&v| T::from_f64(v as f64))),
                numbers.extend_from_slice(&real::input::<T>(run, args, 3)?)
            ),
        }
        Ok(Some(Mask { numbers, strides, keys }))
    }

    /// Writes what is added to the scores of one query; tells whether it hides all keys.
    pub(super) fn row(&self, batch: usize, head: usize, query: usize, row: &mut [T]) -> bool {
        row.fill(T::ZERO);
        if let Some(Mask { numbers, strides, keys }) = &self.mask {
            let start = batch * strides[0] + head * strides[1] + query * strides[2];
            row[..*keys].copy_from_slice(&numbers[start..start + keys]);
            row[*keys..].fill(-T::INFINITY);
        }
        let place = self.offsets[batch].saturating_add(query as i64);
        let [left, right] = self.window.map(|bound| bound.map(|bound| bound as i64));
        let first = left.map_or(i64::MIN, |left| place.saturating_sub(left));
        let last = right.map_or(i64::MAX, |right| place.saturating_add(right));
        let last = if self.causal { last.min(place) } else { last };
        let end = self.lengths.as_ref().map_or(i64::MAX, |lengths| lengths[batch]);
        for (key, bias) in row.iter_mut().enumerate() {
            let key = key as i64;
            if key < first || key > last || key >= end {
                *bias += -T::INFINITY;
            }
        }
        row.iter().all(|&bias| bias == -T::INFINITY)
    }
}
