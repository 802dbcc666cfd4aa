//! The lengths that a message brings: those of its nested arrays, or what a flat one divides into.

use super::{Axis, Size};
use crate::{
    domain::{Reason, Rejection},
    scoring::{
        payload::Array,
        plan::{InputPlan, Plan},
    },
};

impl Plan {
    /// Settles every free size by a row's arrays; `array` is that of an input by its index, where it is filled with
    /// one. `lengths` gets one for each of the plan's sizes.
    ///
    /// # Errors
    /// [`Reason::WrongLength`]: ragged or empty arrays, lengths that contradict each other or the model, or are
    /// beyond their bound.
    pub(in crate::scoring) fn settle_sizes<'r>(
        &self,
        array: impl Fn(usize) -> Result<Option<&'r Array>, Rejection>,
        lengths: &mut Vec<usize>,
    ) -> Result<(), Rejection> {
        let mut told = Told { sizes: &self.sizes, lengths, by: vec![None; self.sizes.len()] };
        told.lengths.clear();
        told.lengths.resize(self.sizes.len(), UNTOLD);
        let mut open: Vec<(usize, &Array)> = Vec::new();
        for (at, input) in self.inputs.iter().enumerate().filter(|(_, input)| input.is_free()) {
            let Some(array) = array(at)? else { continue };
            if array.is_ragged {
                let detail =
                    format!("the array for input `{}` is ragged: its rows differ in length", input.name);
                return Err(Rejection::new(Reason::WrongLength, detail));
            }
            if !told.nested(input, array, self.free_batch)? {
                open.push((at, array));
            }
        }
        // Flat ones come after those that tell each axis, and one may settle what another waits for.
        while !open.is_empty() {
            let before = open.len();
            let mut left = Vec::new();
            for (at, array) in open {
                if !told.flat(&self.inputs[at], array)? {
                    left.push((at, array));
                }
            }
            if left.len() == before {
                let input = &self.inputs[left[0].0];
                let names: Vec<_> = told.untold(input).collect();
                let detail = format!(
                    "a flat array for input `{}` does not tell {}: nest it, one level an axis",
                    input.name,
                    names.join(" and ")
                );
                return Err(Rejection::new(Reason::WrongLength, detail));
            }
            open = left;
        }
        told.finish(&self.inputs, self.max_tensor_bytes)
    }
}

impl Plan {
    /// Settles the free axis of an input's window by what came of its readings: `made` numbers. Nothing where none is
    /// free.
    ///
    /// # Errors
    /// [`Reason::WrongLength`], when that is beyond its bound, or not what another input's window told.
    pub(in crate::scoring) fn settle_time(
        &self,
        input: &InputPlan,
        made: usize,
        lengths: &mut Vec<usize>,
    ) -> Result<(), Rejection> {
        let fixed = |axis: &Axis| if let Axis::Fixed(n) = axis { *n } else { 1 };
        let others: usize = input.axes.iter().map(fixed).product();
        let free = input.axes.iter().find(|axis| matches!(axis, Axis::Free(_)));
        let Some(axis) = free else { return Ok(()) };
        let mut told = Told { sizes: &self.sizes, lengths, by: vec![None; self.sizes.len()] };
        told.tell(input, *axis, made / others.max(1))
    }
}

/// No length: an empty axis is refused.
const UNTOLD: usize = 0;

struct Told<'p, 'l, 'i> {
    sizes: &'p [Size],
    lengths: &'l mut Vec<usize>,
    /// The input that told a length.
    by: Vec<Option<&'i str>>,
}

impl<'p, 'i> Told<'p, '_, 'i> {
    /// Takes on the lengths of an array that has a level for each axis. False when it has not.
    fn nested(&mut self, input: &'i InputPlan, array: &Array, free_batch: bool) -> Result<bool, Rejection> {
        let shape = &array.shape[..];
        if shape.len() < 2 && input.axes.len() != shape.len() {
            return Ok(false);
        }
        let whole: Vec<Axis> = input.axes.clone();
        // Axes of one may be left out, and so may the first, where that is one row.
        let is_one = |axis: &Axis| match axis {
            Axis::Fixed(n) => *n == 1,
            Axis::Free(size) => self.sizes[*size].is_first,
        };
        let plain: Vec<Axis> = whole.iter().copied().filter(|axis| !is_one(axis)).collect();
        let without_row = shape.split_first().filter(|(first, _)| **first == 1).map(|(_, rest)| rest);
        let (axes, shape) = if shape.len() == whole.len() {
            (whole, shape)
        } else if let Some(rest) = without_row.filter(|rest| free_batch && rest.len() == whole.len()) {
            (whole, rest)
        } else if shape.len() == plain.len() {
            (plain, shape)
        } else if let Some(rest) = without_row.filter(|rest| rest.len() == plain.len()) {
            (plain, rest)
        } else if shape.len() < 2 {
            return Ok(false);
        } else {
            let detail = format!(
                "the array for input `{}` has {} axes, the model takes {}",
                input.name,
                shape.len(),
                whole.len()
            );
            return Err(Rejection::new(Reason::WrongLength, detail));
        };
        for (axis, length) in axes.into_iter().zip(shape) {
            self.tell(input, axis, *length)?;
        }
        Ok(true)
    }

    /// Settles the one size that a flat array leaves open. False when there are several.
    fn flat(&mut self, input: &'i InputPlan, array: &Array) -> Result<bool, Rejection> {
        let mut open = None;
        let mut others = 1_usize;
        for axis in &input.axes {
            match axis {
                Axis::Fixed(n) => others = others.saturating_mul(*n),
                Axis::Free(size) if self.lengths[*size] != UNTOLD => {
                    others = others.saturating_mul(self.lengths[*size]);
                }
                Axis::Free(size) if self.sizes[*size].is_first => {}
                Axis::Free(_) if open.is_some() => return Ok(false),
                Axis::Free(_) => open = Some(*axis),
            }
        }
        let count = array.values.len();
        let fits = if open.is_some() { count.is_multiple_of(others.max(1)) } else { count == others };
        if !fits {
            let times = if open.is_some() { "a multiple of " } else { "" };
            let detail =
                format!("input `{}` takes {times}{others} numbers, the payload has {count}", input.name);
            return Err(Rejection::new(Reason::WrongLength, detail));
        }
        if let Some(axis) = open {
            self.tell(input, axis, count / others.max(1))?;
        }
        Ok(true)
    }

    fn tell(&mut self, input: &'i InputPlan, axis: Axis, length: usize) -> Result<(), Rejection> {
        let wrong = |detail| Err(Rejection::new(Reason::WrongLength, detail));
        let size = match axis {
            Axis::Fixed(n) if n == length => return Ok(()),
            Axis::Fixed(n) => {
                return wrong(format!(
                    "an axis of input `{}` has {n} elements, the payload's has {length}",
                    input.name
                ));
            }
            Axis::Free(size) => size,
        };
        let sizes = self.sizes;
        let Size { name, max, .. } = &sizes[size];
        if length == 0 {
            return wrong(format!("`{name}` of input `{}` is 0: there is nothing to score", input.name));
        }
        if length > *max {
            return wrong(format!("`{name}` of input `{}` is {length}, and at most {max}", input.name));
        }
        match self.lengths[size] {
            UNTOLD => (self.lengths[size], self.by[size]) = (length, Some(input.name.as_str())),
            known if known == length => {}
            known => {
                let by = self.by[size].unwrap_or_default();
                return wrong(format!(
                    "`{name}` is {known} by input `{by}`, and {length} by input `{}`",
                    input.name
                ));
            }
        }
        Ok(())
    }

    fn untold<'s>(&'s self, input: &'s InputPlan) -> impl Iterator<Item = String> + 's {
        input.axes.iter().filter_map(|axis| match axis {
            Axis::Free(size) if self.lengths[*size] == UNTOLD => {
                Some(format!("`{}`", self.sizes[*size].name))
            }
            _ => None,
        })
    }

    /// What nothing told is one row; then each tensor has to be within its bound.
    fn finish(self, inputs: &[InputPlan], max_tensor_bytes: u64) -> Result<(), Rejection> {
        self.lengths.iter_mut().filter(|length| **length == UNTOLD).for_each(|length| *length = 1);
        for input in inputs.iter().filter(|input| input.is_free()) {
            let width = input.element.width_bytes().unwrap_or(1) as u64;
            let of = input.axes.iter().map(|axis| axis.len(self.lengths) as u64);
            let bytes = of.fold(width, u64::saturating_mul);
            if bytes > max_tensor_bytes {
                let detail = format!(
                    "input `{}` would take {bytes} bytes, more than `limits.max_tensor_bytes` = {max_tensor_bytes}",
                    input.name
                );
                return Err(Rejection::new(Reason::WrongLength, detail));
            }
        }
        Ok(())
    }
}
