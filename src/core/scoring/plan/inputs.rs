//! How each input of the model is filled, and how long its axes are.

use super::{Check, Given, InputPlan, names};
use crate::{
    domain::ElementType,
    scoring::{
        declared::{BatchAxis, CountSpec, Extent, FieldKind, FieldSpec, Format, InputSource, WindowLayout},
        prepare::{Prepared, is_prepared, prepare},
        sizes::{Axis, Size, Sizing},
    },
    vision::{ImageAxis, ImageOptions},
};
use edgeward_engine::Port;

/// Its faults are told.
struct Faulty;

impl Check<'_> {
    /// The inputs in the model's order, and the lengths that units bring.
    pub(super) fn inputs(&mut self, max_tensor_bytes: u64) -> (Vec<InputPlan>, Vec<Size>) {
        self.named_inputs();
        let (spec, signature) = (self.spec, self.signature);
        let mut sizing = Sizing::new(signature, max_tensor_bytes);
        if !signature.free_batch && spec.batch_axis == BatchAxis::Auto {
            sizing.first_axes_are_rows();
        }
        let declared = sizing.declare(&spec.sizes);
        self.faults.extend(declared);
        let mut filled: Vec<(usize, &Port, &InputSource)> = Vec::new();
        for (at, port) in signature.inputs.iter().enumerate() {
            match spec.inputs.iter().find(|input| input.tensor == port.name) {
                Some(input) => filled.push((at, port, &input.source)),
                None => self.fault(
                    format!("inputs.{}", port.name),
                    format!("is missing: the model's input {port} has to be filled"),
                ),
            }
        }
        // Twice, since one input may settle what another waits for.
        for last in [false, true] {
            for (at, port, source) in &filled {
                let settled = self.settle(&mut sizing, *at, &port.name, source);
                if let (true, Err(reason)) = (last, settled) {
                    self.fault(format!("inputs.{}", port.name), format!("doesn't fit {port}: {reason}"));
                }
            }
        }
        let prepared: Vec<Result<Option<Prepared>, Faulty>> =
            filled.iter().map(|(at, port, source)| self.prepared(&mut sizing, *at, port, source)).collect();
        for ((at, port, source), prepared) in filled.iter().zip(&prepared) {
            if let Ok(prepared) = prepared {
                self.unknown(&sizing, *at, port, source, prepared.as_ref());
            }
        }
        let told = |at: usize| filled.iter().any(|(of, _, source)| *of == at && source.is_of_messages());
        sizing.settle_untold(told);
        let (sizes, axes) = sizing.finish();
        let mut plans = Vec::new();
        for ((at, port, source), prepared) in filled.into_iter().zip(prepared) {
            if let Ok(prepared) = prepared {
                plans.extend(self.input(port, source, prepared, axes[at].clone()));
            }
        }
        self.given(&mut plans);
        (plans, sizes)
    }

    /// Names in the declaration that the model hasn't.
    fn named_inputs(&mut self) {
        let (spec, signature) = (self.spec, self.signature);
        for input in &spec.inputs {
            if !signature.inputs.iter().any(|port| port.name == input.tensor) {
                let names = names(&signature.inputs);
                self.fault(
                    format!("inputs.{}", input.tensor),
                    format!("the model has no such input; it has {names}"),
                );
            }
        }
        for step in spec.prepare.iter().flat_map(|prepare| &prepare.steps) {
            let known = |name: &String| signature.inputs.iter().any(|port| port.name == *name);
            let reason = match &step.input {
                Some(name) if !known(name) => "names an input that the model doesn't have",
                None if signature.inputs.len() != 1 => "is missing: the model has several inputs",
                _ => continue,
            };
            self.fault(
                format!("{}.input", step.key),
                format!("{reason}; it has {}", names(&signature.inputs)),
            );
        }
    }

    fn by_count(&self) -> Option<CountSpec> {
        match self.spec.window?.extent {
            Extent::Count(count) => Some(count),
            Extent::Time(_) => None,
        }
    }

    /// Settles what the source alone tells of an input's lengths.
    fn settle(&self, sizing: &mut Sizing, at: usize, name: &str, source: &InputSource) -> Result<(), String> {
        let series = source.is_of_messages() && is_prepared(self.spec, name, self.signature.inputs.len());
        let by_count = self.by_count();
        match source {
            // One number is as long as other inputs say, such as a mask of ones.
            InputSource::SizeOf { .. } => Ok(()),
            InputSource::State => match self.spec.states.iter().find(|state| state.input == *name) {
                Some(state) if state.shape.len() == sizing.dims(at).len() => sizing.settle(at, &state.shape),
                _ => Ok(()),
            },
            InputSource::Constant { values, .. } if values.len() == 1 => Ok(()),
            InputSource::Constant { shape, .. } if sizing.dims(at).len() == shape.len() => {
                sizing.settle(at, shape)
            }
            InputSource::Constant { values, .. } => sizing.settle_by_count(at, values.len()),
            InputSource::Image(image) => settle_image(sizing, at, image),
            _ if series => Ok(()),
            InputSource::Fields(fields) => match by_count {
                None => sizing.settle_by_count(at, fields.len()),
                Some(count) => self.settle_window(sizing, at, count, Some(fields.len())),
            },
            InputSource::Array { .. } | InputSource::Raw { .. } => match by_count {
                None => Ok(()),
                Some(count) => self.settle_window(sizing, at, count, None),
            },
        }
    }

    /// A window by count tells how long the axis of time is, and fields how long that of the features.
    fn settle_window(
        &self,
        sizing: &mut Sizing,
        at: usize,
        count: CountSpec,
        features: Option<usize>,
    ) -> Result<(), String> {
        let mut dims = sizing.dims(at);
        let layout = self.spec.window.map(|window| window.layout).unwrap_or_default();
        let long = |dim: &Option<usize>| *dim != Some(1);
        let time = match layout {
            WindowLayout::TimeFeature => dims.iter().position(long),
            WindowLayout::FeatureTime => dims.iter().rposition(long),
        };
        if let Some(time) = time.filter(|_| dims.len() > 1)
            && dims[time].is_none()
        {
            sizing.settle_axis(at, time, count.length)?;
            dims = sizing.dims(at);
        }
        let Some(features) = features else { return Ok(()) };
        let known: usize = dims.iter().flatten().product();
        let all = count.length.saturating_mul(features);
        match dims.iter().filter(|dim| dim.is_none()).count() {
            1 if known > 0 && all.is_multiple_of(known) => {
                let dims: Vec<usize> = dims.iter().map(|dim| dim.unwrap_or(all / known)).collect();
                sizing.settle(at, &dims)
            }
            _ => Ok(()),
        }
    }

    /// The preparation of an input, which tells how long what it gives is.
    fn prepared(
        &mut self,
        sizing: &mut Sizing,
        at: usize,
        port: &Port,
        source: &InputSource,
    ) -> Result<Option<Prepared>, Faulty> {
        if !source.is_of_messages() {
            return Ok(None);
        }
        let inputs = self.signature.inputs.len();
        match prepare(self.spec, &port.name, source, &sizing.dims(at), inputs) {
            Ok(prepared) => {
                let dims = prepared.as_ref().and_then(|prepared| prepared.dims.as_ref());
                if let Some(Err(reason)) = dims.map(|dims| sizing.settle(at, dims)) {
                    self.fault(format!("inputs.{}", port.name), format!("doesn't fit {port}: {reason}"));
                }
                Ok(prepared)
            }
            Err(faults) => {
                self.faults.extend(faults);
                Err(Faulty)
            }
        }
    }

    /// Lengths that are not known, and that no message will tell.
    fn unknown(
        &mut self,
        sizing: &Sizing,
        at: usize,
        port: &Port,
        source: &InputSource,
        prepared: Option<&Prepared>,
    ) {
        let Some(name) = sizing.first_unknown(at) else { return };
        let why = match source {
            _ if prepared.is_some_and(|prepared| prepared.dims.is_none()) => return,
            _ if self.spec.window.is_some() => "the window doesn't tell it",
            InputSource::Fields(_) => "its fields don't tell it",
            InputSource::Array { .. } | InputSource::Raw { .. } if sizing.unknown(at) == 1 => return,
            InputSource::Array { .. } if self.spec.payload.format == Format::Json => return,
            InputSource::Array { .. } | InputSource::Raw { .. } => "such a payload tells one length only",
            // As long as others say, else one.
            InputSource::Image(_)
            | InputSource::Constant { .. }
            | InputSource::SizeOf { .. }
            | InputSource::State => return,
        };
        let reason = format!("is free in the model's input {port}, and {why}: declare it");
        self.fault(format!("sizes.{name}"), reason);
    }

    fn input(
        &mut self,
        port: &Port,
        source: &InputSource,
        prepared: Option<Prepared>,
        axes: Vec<Axis>,
    ) -> Option<InputPlan> {
        let key = format!("inputs.{}", port.name);
        let fixed: Option<Vec<usize>> = axes
            .iter()
            .map(|axis| match axis {
                Axis::Fixed(n) => Some(*n),
                Axis::Free(_) => None,
            })
            .collect();
        let unit_len = fixed.as_ref().map(|dims| dims.iter().product::<usize>());
        let step_len = match (self.by_count(), unit_len) {
            _ if !source.is_of_messages() => Some(0),
            _ if prepared.is_some() => prepared.as_ref().map(|prepared| prepared.step_len),
            (Some(CountSpec { length, .. }), Some(unit_len)) if !unit_len.is_multiple_of(length) => {
                self.fault(
                    "window.length",
                    format!(
                        "{length} readings don't divide the {unit_len} elements of the model's input {port}"
                    ),
                );
                return None;
            }
            (Some(CountSpec { length, .. }), Some(unit_len)) => Some(unit_len / length),
            (_, unit_len) => unit_len,
        };
        if let (Some(dims), Some(step_len)) = (&fixed, step_len)
            && let Err(reason) = fits(source, port, step_len, dims)
        {
            self.fault(key, reason);
            return None;
        }
        if port.element == ElementType::String && self.spec.window.is_some() {
            self.fault("window", format!("can't hold text, which the model's input {port} takes"));
        }
        if port.element == ElementType::String && prepared.is_some() {
            self.fault("prepare", format!("works on numbers, the model's input {port} takes text"));
        }
        let (element, name, source) = (port.element, port.name.clone(), source.clone());
        Some(InputPlan { element, axes, step_len, prepared, source, given: None, name })
    }

    /// What fills inputs that no message does: lengths are of inputs that are planned by now.
    fn given(&mut self, plans: &mut [InputPlan]) {
        for at in 0..plans.len() {
            let key = format!("inputs.{}", plans[at].name);
            if plans[at].element == ElementType::String && !plans[at].source.is_of_messages() {
                self.fault(key, "takes text: fill it with `fields`".to_owned());
                continue;
            }
            let given = match &plans[at].source {
                InputSource::Constant { values, .. } => {
                    if values.len() != 1 && (plans[at].is_free() || values.len() != plans[at].unit_len(&[])) {
                        let reason = format!("has {} numbers, the model takes others", values.len());
                        self.fault(format!("{key}.constant"), reason);
                    }
                    Given::Constant(values.clone())
                }
                InputSource::SizeOf { input, axis } => match self.measured(plans, input, *axis) {
                    Ok(axis) => Given::Length(axis),
                    Err(reason) => {
                        self.fault(format!("{key}.size_of"), reason);
                        continue;
                    }
                },
                InputSource::State => {
                    let found = self.spec.states.iter().position(|state| state.input == plans[at].name);
                    let Some(place) = found else { continue };
                    let initial = self.spec.states[place].initial.clone();
                    if initial.len() != 1 && (plans[at].is_free() || initial.len() != plans[at].unit_len(&[]))
                    {
                        let key = format!("state.{}.initial", self.spec.states[place].name);
                        self.fault(key, format!("has {} numbers, the model takes others", initial.len()));
                    }
                    Given::State { place, initial }
                }
                _ => continue,
            };
            plans[at].given = Some(given);
        }
    }

    /// The axis whose length is wanted; axes are counted as the model does, with that of the units.
    fn measured(&self, plans: &[InputPlan], input: &str, axis: Option<usize>) -> Result<Axis, String> {
        let Some(plan) = plans.iter().find(|plan| plan.name == *input) else {
            return Err(format!("names no input of the model: it has {}", names(&self.signature.inputs)));
        };
        let skipped = usize::from(self.signature.free_batch);
        if let Some(axis) = axis {
            let found = axis.checked_sub(skipped).and_then(|axis| plan.axes.get(axis));
            return found
                .copied()
                .ok_or_else(|| format!("`{input}` has no axis {axis} besides that of the units"));
        }
        let free: Vec<Axis> =
            plan.axes.iter().copied().filter(|axis| matches!(axis, Axis::Free(_))).collect();
        match (&free[..], &plan.axes[..]) {
            ([one], _) | ([], [one]) => Ok(*one),
            // The first of two is the row of a model without a batch.
            ([_, one], [_, ..]) if !self.signature.free_batch && plan.axes.first() == free.first() => {
                Ok(*one)
            }
            _ => Err(format!("`{input}` has several axes: name one, as in \"{input}.1\"")),
        }
    }
}

/// The axes of an image, last of an input's; those of which every picture brings its own length are none.
fn image_dims(image: &ImageOptions) -> [Option<usize>; 3] {
    let order = image.axes();
    order.map(|axis| match axis {
        ImageAxis::Channels => Some(image.channels.count()),
        ImageAxis::Height => image.sides.height,
        ImageAxis::Width => image.sides.width,
    })
}

/// What stands before the axes of an image is one, as far as it is free.
fn settle_image(sizing: &mut Sizing, at: usize, image: &ImageOptions) -> Result<(), String> {
    let (dims, of_image) = (sizing.dims(at), image_dims(image));
    let Some(before) = dims.len().checked_sub(of_image.len()) else { return Ok(()) };
    let wanted = (0..before).map(|_| Some(1)).chain(of_image);
    for (axis, wanted) in wanted.enumerate() {
        match (dims[axis], wanted) {
            (None, Some(length)) => sizing.settle_axis(at, axis, length)?,
            // Where all is known, the lengths are compared as a whole.
            (Some(known), Some(wanted)) if axis >= before && known != wanted && of_image.contains(&None) => {
                return Err(format!("the image gives {wanted} where the model takes {known}"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a source can fill an input of `step_len` elements a reading.
fn fits(source: &InputSource, port: &Port, step_len: usize, dims: &[usize]) -> Result<(), String> {
    let text = port.element == ElementType::String;
    match source {
        InputSource::Fields(fields) if fields.len() != step_len => {
            Err(format!("has {} fields, the model's input {port} takes {step_len} a reading", fields.len()))
        }
        InputSource::Fields(fields) => {
            let odd = |field: &&FieldSpec| (field.kind == FieldKind::Text) != text;
            match fields.iter().find(odd) {
                Some(field) if text => {
                    Err(format!("field `{}` must be declared type = \"text\" for {port}", field.path))
                }
                Some(field) => Err(format!("field `{}` is text, {port} takes numbers", field.path)),
                None => Ok(()),
            }
        }
        InputSource::Array { .. } | InputSource::Raw { .. } | InputSource::Image(_) if text => {
            Err(format!("{port} takes text: fill it with `fields`"))
        }
        InputSource::Image(image) => {
            // Fixed shapes keep their first dimension of one.
            let inner = dims.strip_prefix(&[1]).unwrap_or(dims);
            match image_dims(image).into_iter().collect::<Option<Vec<usize>>>() {
                Some(wanted) if inner == wanted || dims == wanted => Ok(()),
                Some(wanted) => {
                    Err(format!("the image gives {wanted:?}, the model's input {port} takes {dims:?}"))
                }
                None => Err(format!("the model's input {port} takes {dims:?}: declare `width` and `height`")),
            }
        }
        InputSource::Array { .. }
        | InputSource::Raw { .. }
        | InputSource::Constant { .. }
        | InputSource::SizeOf { .. }
        | InputSource::State => Ok(()),
    }
}
