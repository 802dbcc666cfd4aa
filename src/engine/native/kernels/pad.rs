//! A tensor with elements around it.

/// How many elements a dimension gets before and after; negative: loses.
#[derive(Debug, Clone, Copy, Default)]
pub struct Side {
    pub before: i64,
    pub after: i64,
}

impl Side {
    /// The new length; `None` when more is taken away than is there, or it can't be counted.
    pub fn padded(self, dim: usize) -> Option<usize> {
        let padded = i64::try_from(dim).ok()?.checked_add(self.before)?.checked_add(self.after)?;
        self.kept(dim)?;
        usize::try_from(padded).ok()
    }

    /// How many elements are left once those to go are gone.
    fn kept(self, dim: usize) -> Option<i64> {
        let kept =
            i64::try_from(dim).ok()?.checked_add(self.before.min(0))?.checked_add(self.after.min(0))?;
        (kept >= 0).then_some(kept)
    }

    /// For each element of the padded dimension the one of `dim` it comes from. `source(at, kept)` says
    /// which of the kept ones.
    pub fn sources(
        self,
        dim: usize,
        source: impl Fn(i64, i64) -> Option<Option<usize>>,
    ) -> Option<Vec<Option<usize>>> {
        let (kept, padded) = (self.kept(dim)?, self.padded(dim)?);
        let dropped = self.before.min(0).unsigned_abs() as usize;
        (0..padded as i64)
            .map(|at| Some(source(at - self.before.max(0), kept)?.map(|at| at + dropped)))
            .collect()
    }
}

/// Appends the padded tensor, `len` elements. `sources`: for each dimension the index in `from` that
/// each index of the result comes from, or none for `filler`.
pub fn fill<T: Clone>(
    from: &[T],
    shape: &[usize],
    sources: &[Vec<Option<usize>>],
    filler: &T,
    len: usize,
    out: &mut Vec<T>,
) {
    if len == 0 {
        return;
    }
    let Some((inner, outer)) = sources.split_last() else { return out.extend(from.first().cloned()) };
    let width = shape[outer.len()];
    // The longest run that is copied as it stands.
    let begin = inner.iter().position(Option::is_some).unwrap_or(inner.len());
    let mut pieces = vec![];
    let mut at = begin;
    while at < inner.len() {
        let Some(first) = inner[at] else { break };
        let run =
            inner[at..].iter().zip(first..).take_while(|(source, want)| **source == Some(*want)).count();
        pieces.push((first, run));
        at += run;
    }
    let behind = inner.len() - at;
    let mut index = vec![0; outer.len()];
    loop {
        let row = index
            .iter()
            .zip(outer)
            .enumerate()
            .try_fold(0, |row, (axis, (&i, sources))| Some(row * shape[axis] + sources[i]?));
        match row {
            None => out.extend(std::iter::repeat_n(filler, inner.len()).cloned()),
            Some(row) => {
                let row = &from[row * width..(row + 1) * width];
                out.extend(std::iter::repeat_n(filler, begin).cloned());
                pieces.iter().for_each(|&(first, run)| out.extend_from_slice(&row[first..first + run]));
                out.extend(std::iter::repeat_n(filler, behind).cloned());
            }
        }
        let mut axis = outer.len();
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            index[axis] += 1;
            if index[axis] < outer[axis].len() {
                break;
            }
            index[axis] = 0;
        }
    }
}
