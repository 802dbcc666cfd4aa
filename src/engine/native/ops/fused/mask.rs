//! Which keys a query of ONNX Runtime's attention doesn't see: those get a number added to their scores, which is
//! large and not infinite, so that a query that sees none looks at all.

use crate::native::{
    exec::Args,
    fault::{Fault, fault},
    value::Tensor,
};

/// What is added to scores.
pub(super) struct Mask {
    form: Form,
    hidden: f32,
    /// Keys that are there before the first query.
    past: usize,
    causal: bool,
    lengths: [usize; 3],
}

enum Form {
    None,
    /// For each sequence, which keys are seen: from the first number to before the second.
    Ranges(Vec<(i64, i64)>),
    /// For each sequence and key, whether it is seen.
    Keys(Vec<bool>),
    /// For each sequence, query and key.
    Pairs(Vec<bool>),
}

impl Mask {
    /// A mask of sequences, queries and keys out of an input in one of the forms that ONNX Runtime has for its CPU:
    /// the ends of what is seen (sequences), ends and then beginnings (twice as many), a number above zero for
    /// what is seen (sequences, keys) or (sequences, queries, keys).
    ///
    /// # Errors
    /// Another form.
    pub fn read(
        args: &Args,
        index: usize,
        lengths @ [sequences, queries, keys]: [usize; 3],
        past: usize,
        hidden: f32,
        causal: bool,
    ) -> Result<Self, Fault> {
        let seen = |given: Vec<i64>| given.into_iter().map(|seen| seen > 0).collect();
        let form = match args.opt(index)?.map(Tensor::shape) {
            None => Form::None,
            Some([count]) if *count == sequences => {
                Form::Ranges(args.ints(index)?.into_iter().map(|end| (0, end)).collect())
            }
            Some([count]) if *count == 2 * sequences => {
                let given = args.ints(index)?;
                let (ends, starts) = given.split_at(sequences);
                Form::Ranges(starts.iter().copied().zip(ends.iter().copied()).collect())
            }
            Some(shape) if *shape == [sequences, keys] => Form::Keys(seen(args.ints(index)?)),
            Some(shape) if *shape == lengths => Form::Pairs(seen(args.ints(index)?)),
            Some(shape) => {
                return Err(fault!(
                    "input {index}: a mask of shape {shape:?} is none for {sequences} sequences of {queries} queries \
                     and {keys} keys"
                ));
            }
        };
        Ok(Mask { form, hidden, past, causal, lengths })
    }

    /// Adds to the scores of a query what its sequence's mask says.
    pub fn add(&self, sequence: usize, query: usize, scores: &mut [f32]) {
        let [_, queries, keys] = self.lengths;
        let hide = |scores: &mut [f32], seen: &[bool]| {
            let hidden = scores.iter_mut().zip(seen).filter(|(_, seen)| !**seen);
            hidden.for_each(|(score, _)| *score += self.hidden);
        };
        match &self.form {
            Form::None => {}
            Form::Ranges(ranges) => {
                let (start, end) = ranges[sequence];
                for (key, score) in scores.iter_mut().enumerate() {
                    if !(start..end).contains(&(key as i64)) {
                        *score += self.hidden;
                    }
                }
            }
            Form::Keys(seen) => hide(scores, &seen[sequence * keys..][..keys]),
            Form::Pairs(seen) => hide(scores, &seen[(sequence * queries + query) * keys..][..keys]),
        }
        if self.causal {
            scores.iter_mut().skip(self.past + query + 1).for_each(|score| *score = f32::NEG_INFINITY);
        }
    }
}
