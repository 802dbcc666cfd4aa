//! Along some axes of a tensor: the rest is walked in order, what belongs to one result together.

use super::shape::{Walk, strides};
use crate::native::value::Shape;

/// A shape divided into the axes that stay and those that go.
pub struct Plan {
    kept: Shape,
    kept_strides: Shape,
    gone: Shape,
    gone_strides: Shape,
    /// The axes that go are the last ones: what belongs to a result is contiguous.
    contiguous: bool,
    /// The last axis stays: results are neighbours as their elements are.
    inner: usize,
}

impl Plan {
    /// `gone`: for every axis, whether it is reduced.
    pub fn new(shape: &[usize], gone: &[bool]) -> Self {
        let all = strides(shape);
        let pick = |of: &[usize], which: bool| -> Shape {
            of.iter().zip(gone).filter(|(_, gone)| **gone == which).map(|(&value, _)| value).collect()
        };
        let first_gone = gone.iter().position(|&gone| gone).unwrap_or(gone.len());
        let last_gone = gone.iter().rposition(|&gone| gone);
        Plan {
            kept: pick(shape, false),
            kept_strides: pick(&all, false),
            gone: pick(shape, true),
            gone_strides: pick(&all, true),
            contiguous: gone[first_gone..].iter().all(|&gone| gone),
            inner: last_gone.map_or(1, |last| shape[last + 1..].iter().product()),
        }
    }

    /// Elements that belong to one result.
    pub fn count(&self) -> usize {
        self.gone.iter().product()
    }

    /// Results.
    pub fn results(&self) -> usize {
        self.kept.iter().product()
    }

    /// Appends `done(fold of f over the elements)` for every result. Every result is folded in the order
    /// of its elements, whatever the shape around it.
    pub fn fold<T: Copy, A: Copy, R>(
        &self,
        x: &[T],
        out: &mut Vec<R>,
        start: impl Fn() -> A,
        f: impl Fn(A, T) -> A,
        done: impl Fn(A) -> R,
    ) {
        let count = self.count();
        if count == 0 {
            return out.extend((0..self.results()).map(|_| done(start())));
        }
        if self.contiguous {
            return out
                .extend(x.chunks_exact(count).map(|x| done(x.iter().fold(start(), |all, &x| f(all, x)))));
        }
        if self.inner > 1 {
            // Rows of results side by side, so that the inner loop runs over neighbours.
            let outer = self.kept.len() - self.trailing();
            let mut sums: Vec<A> = Vec::with_capacity(self.inner);
            for [from] in Walk::new(&self.kept[..outer], [self.kept_strides[..outer].into()]) {
                sums.clear();
                sums.resize(self.inner, start());
                for [at] in Walk::new(&self.gone, [self.gone_strides.clone()]) {
                    for (sum, &x) in sums.iter_mut().zip(&x[from + at..][..self.inner]) {
                        *sum = f(*sum, x);
                    }
                }
                out.extend(sums.iter().map(|&sum| done(sum)));
            }
            return;
        }
        for [from] in Walk::new(&self.kept, [self.kept_strides.clone()]) {
            let elements = Walk::new(&self.gone, [self.gone_strides.clone()]);
            out.push(done(elements.fold(start(), |all, [at]| f(all, x[from + at]))));
        }
    }

    /// How many kept axes lie behind the last one that goes.
    fn trailing(&self) -> usize {
        let innermost = self.gone_strides.last().copied().unwrap_or(1);
        self.kept_strides.iter().rev().take_while(|&&stride| stride < innermost).count()
    }

    /// For every element of the whole, in order, calls `f` with the number of its result.
    pub fn results_of(&self, shape: &[usize], gone: &[bool]) -> impl Iterator<Item = usize> {
        let kept_own = strides(&self.kept);
        let mut own = kept_own.iter();
        let along: Shape =
            gone.iter().map(|&gone| if gone { 0 } else { own.next().copied().unwrap_or(0) }).collect();
        Walk::new(shape, [along]).map(|[at]| at)
    }
}
