//! What is known of free dimensions before a message comes.

use super::{Axis, Size};
use crate::{
    scoring::{
        declared::{Length, SizeSpec},
        plan::PlanFault,
    },
    settings::nearest,
};
use edgeward_engine::{Dim, Port, Signature};

/// The free dimensions of a model while a declaration is held against it.
#[derive(Debug)]
pub(in crate::scoring) struct Sizing {
    sizes: Vec<Known>,
    /// The axes of a unit by input: an index into `sizes` where they are free.
    inputs: Vec<Vec<Axis>>,
    max_tensor_bytes: u64,
}

#[derive(Debug)]
struct Known {
    /// As the model names it, then as `input.axis` for each of its places.
    names: Vec<String>,
    length: Option<usize>,
    max: Option<usize>,
    is_first: bool,
}

impl Sizing {
    /// The axes of a unit: without the first, where that is the units'.
    pub fn new(signature: &Signature, max_tensor_bytes: u64) -> Self {
        let mut sizing = Sizing { sizes: Vec::new(), inputs: Vec::new(), max_tensor_bytes };
        let skip = usize::from(signature.free_batch);
        for port in &signature.inputs {
            let axes = port.dims.iter().enumerate().skip(skip);
            let axes = axes.map(|(at, dim)| sizing.axis(port, at, dim)).collect();
            sizing.inputs.push(axes);
        }
        sizing
    }

    fn axis(&mut self, port: &Port, at: usize, dim: &Dim) -> Axis {
        let name = match dim {
            Dim::Fixed(n) => return Axis::Fixed(*n),
            Dim::Batch => "N",
            Dim::Free(name) => name,
        };
        let size = self.sizes.iter().position(|known| known.names[0] == name).unwrap_or_else(|| {
            let known = Known { names: vec![name.to_owned()], length: None, max: None, is_first: false };
            self.sizes.push(known);
            self.sizes.len() - 1
        });
        self.sizes[size].names.push(format!("{}.{at}", port.name));
        Axis::Free(size)
    }

    /// Free first axes stand for one unit's only row, unless something says otherwise.
    pub fn first_axes_are_rows(&mut self) {
        for axes in &self.inputs {
            if let Some(Axis::Free(size)) = axes.first()
                && axes.len() > 1
            {
                self.sizes[*size].is_first = true;
            }
        }
    }

    /// Takes on what is declared.
    pub fn declare(&mut self, specs: &[SizeSpec]) -> Vec<PlanFault> {
        let mut faults = Vec::new();
        for spec in specs {
            let found = self.sizes.iter_mut().find(|known| known.names.contains(&spec.name));
            let Some(known) = found else {
                let names = || self.sizes.iter().flat_map(|known| &known.names).map(String::as_str);
                let near = nearest(&spec.name, names()).map(|near| format!("; did you mean `{near}`?"));
                let all: Vec<&str> = self.sizes.iter().map(|known| known.names[0].as_str()).collect();
                let has = if all.is_empty() {
                    "none is free".into()
                } else {
                    format!("free are {}", all.join(", "))
                };
                let reason = format!("the model has no such size; {has}{}", near.unwrap_or_default());
                faults.push(PlanFault { key: format!("sizes.{}", spec.name), reason });
                continue;
            };
            known.is_first = false;
            match spec.length {
                Length::Is(length) => known.length = Some(length),
                Length::AtMost(max) => known.max = Some(max),
            }
        }
        faults
    }

    /// The axes of an input's unit as far as they are known; the first axis of a model without a batch is one row.
    pub fn dims(&self, input: usize) -> Vec<Option<usize>> {
        self.inputs[input].iter().map(|axis| self.length(*axis)).collect()
    }

    fn length(&self, axis: Axis) -> Option<usize> {
        match axis {
            Axis::Fixed(n) => Some(n),
            Axis::Free(size) => {
                let known = &self.sizes[size];
                known.length.or(known.is_first.then_some(1))
            }
        }
    }

    /// Settles axes of an input: as many as it has.
    ///
    /// # Errors
    /// Two lengths for one size, in words.
    pub fn settle(&mut self, input: usize, dims: &[usize]) -> Result<(), String> {
        dims.iter().enumerate().try_for_each(|(at, length)| self.settle_axis(input, at, *length))
    }

    /// Settles one axis of an input, if it is free.
    ///
    /// # Errors
    /// As [`Sizing::settle`].
    pub fn settle_axis(&mut self, input: usize, axis: usize, length: usize) -> Result<(), String> {
        let Some(Axis::Free(size)) = self.inputs[input].get(axis) else { return Ok(()) };
        let known = &mut self.sizes[*size];
        match known.length {
            Some(other) if other != length => {
                return Err(format!("`{}` is {other} elsewhere, and {length} here", known.names[0]));
            }
            _ => known.length = Some(length),
        }
        match known.max.filter(|max| length > *max) {
            Some(max) => Err(format!("`{}` is {length} here, and at most {max}", known.names[0])),
            None => Ok(()),
        }
    }

    /// Settles the one unknown axis of an input of so many elements.
    ///
    /// # Errors
    /// In words, where they don't divide.
    pub fn settle_by_count(&mut self, input: usize, elements: usize) -> Result<(), String> {
        let dims = self.dims(input);
        let known: usize = dims.iter().flatten().product();
        if dims.iter().filter(|dim| dim.is_none()).count() != 1 {
            return Ok(());
        }
        if known == 0 || !elements.is_multiple_of(known) {
            return Err(format!("{elements} numbers don't divide by the {known} of its other axes"));
        }
        let dims: Vec<usize> = dims.into_iter().map(|dim| dim.unwrap_or(elements / known.max(1))).collect();
        self.settle(input, &dims)
    }

    /// How many axes of an input are not known.
    pub fn unknown(&self, input: usize) -> usize {
        self.dims(input).iter().filter(|dim| dim.is_none()).count()
    }

    /// The name of the first size that is not known of an input.
    pub fn first_unknown(&self, input: usize) -> Option<&str> {
        let axes = self.inputs[input].iter();
        axes.filter(|axis| self.length(**axis).is_none()).find_map(|axis| match axis {
            Axis::Free(size) => Some(self.sizes[*size].names[0].as_str()),
            Axis::Fixed(_) => None,
        })
    }

    /// Sizes that no message tells are one: of what is carried or counted for inputs that have them alone.
    pub fn settle_untold(&mut self, told: impl Fn(usize) -> bool) {
        let mut is_told = vec![false; self.sizes.len()];
        let by_messages = self.inputs.iter().enumerate().filter(|(input, _)| told(*input));
        for axis in by_messages.flat_map(|(_, axes)| axes) {
            if let Axis::Free(size) = axis {
                is_told[*size] = true;
            }
        }
        for (known, is_told) in self.sizes.iter_mut().zip(is_told) {
            if !is_told {
                known.length.get_or_insert(1);
            }
        }
    }

    /// The sizes that units bring, and the axes of each input in their terms. Elements of the widest type bound
    /// what nobody bounded.
    pub fn finish(self) -> (Vec<Size>, Vec<Vec<Axis>>) {
        let mut sizes = Vec::new();
        let mut places = Vec::new();
        for (at, known) in self.sizes.iter().enumerate() {
            places.push(match known.length {
                Some(length) => Axis::Fixed(length),
                None => {
                    let max = known.max.unwrap_or_else(|| self.default_max(at));
                    sizes.push(Size { name: known.names[0].clone(), max, is_first: known.is_first });
                    Axis::Free(sizes.len() - 1)
                }
            });
        }
        let axis = |axis: &Axis| match axis {
            Axis::Fixed(n) => Axis::Fixed(*n),
            Axis::Free(size) => places[*size],
        };
        let inputs = self.inputs.iter().map(|axes| axes.iter().map(axis).collect()).collect();
        (sizes, inputs)
    }

    /// What leaves the tensor within its bound with all other free axes at one.
    fn default_max(&self, size: usize) -> usize {
        const WIDEST_BYTES: u64 = 8;
        let of_input = self.inputs.iter().filter(|axes| axes.contains(&Axis::Free(size))).map(|axes| {
            let known = axes.iter().filter_map(|axis| self.length(*axis)).map(|n| n as u64);
            let row = known.fold(WIDEST_BYTES, u64::saturating_mul);
            self.max_tensor_bytes / row.max(1)
        });
        usize::try_from(of_input.min().unwrap_or(u64::MAX)).unwrap_or(usize::MAX)
    }
}
