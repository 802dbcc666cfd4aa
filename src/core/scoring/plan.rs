//! A declaration held against a model's signature: everything a scorer looks up, settled once.

use super::{
    declared::{
        ConditionSpec, CountSpec, Extent, FieldPath, FieldSpec, InputSource, OutputKind, OutputSpec, Scaling,
        Scope, Spec, WindowSpec,
    },
    objects::ObjectsPlan,
    prepare::{Prepared, prepare},
    suits::suits,
};
use crate::{
    domain::ElementType,
    vision::{ImageOptions, Layout},
};
use edgeward_engine::{Dim, Port, Signature};

/// A declaration that fits its model.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) spec: Spec,
    /// In the model's order.
    pub(super) inputs: Vec<InputPlan>,
    pub(super) outputs: Vec<OutputPlan>,
    pub(super) conditions: Vec<ConditionPlan>,
    /// Rows can share a run of the model.
    pub(super) free_batch: bool,
}

#[derive(Debug, Clone)]
pub(super) struct InputPlan {
    pub element: ElementType,
    /// The dimensions after the free first one, or all of them when the model has fixed shapes.
    pub dims: Vec<usize>,
    /// Elements a reading brings.
    pub step_len: usize,
    /// Elements of a unit in the model: without a preparation `step_len`, times the window's length
    /// where there is one.
    pub unit_len: usize,
    pub prepared: Option<Prepared>,
    pub source: InputSource,
    pub name: String,
}

#[derive(Debug, Clone)]
pub(super) struct OutputPlan {
    pub spec: OutputSpec,
    /// Index of the model's output.
    pub tensor: usize,
    /// For a reconstruction error: index of the model's input it is held against.
    pub against: Option<usize>,
    /// For detections: where the parts of the answer are.
    pub objects: Option<ObjectsPlan>,
}

#[derive(Debug, Clone)]
pub(super) struct ConditionPlan {
    pub spec: ConditionSpec,
    /// Index of the verdict's output.
    pub output: usize,
}

/// One way a declaration and a model don't fit: the key below the declaration, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFault {
    pub key: String,
    pub reason: String,
}

impl Plan {
    /// Holds `spec` (completed by [`infer`](super::declared::infer)) against `signature`.
    ///
    /// # Errors
    /// Every fault there is.
    pub fn new(spec: Spec, signature: &Signature) -> Result<Plan, Vec<PlanFault>> {
        let mut faults = Vec::new();
        let mut check = Check { spec: &spec, signature, faults: &mut faults };
        let inputs = check.inputs();
        let outputs = check.outputs();
        let conditions = check.conditions();
        check.paths();
        if faults.is_empty() {
            Ok(Plan { inputs, outputs, conditions, free_batch: signature.free_batch, spec })
        } else {
            Err(faults)
        }
    }

    /// The declaration as completed.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// True when windows are of the events' own time.
    pub(super) fn is_by_time(&self) -> bool {
        self.spec.window.is_some_and(|window| matches!(window.extent, Extent::Time(_)))
    }

    /// True when the outcome of a reading may depend on earlier ones of its source.
    pub fn is_stateful(&self) -> bool {
        self.remembers_readings() || self.keeps_memory()
    }

    /// True when something is remembered that no number of last readings gives back: conditions with
    /// hysteresis or that must last, steadied outputs, steps that run on.
    pub fn keeps_memory(&self) -> bool {
        let runs_on =
            |input: &InputPlan| input.prepared.as_ref().is_some_and(|prepared| !prepared.running.is_empty());
        self.inputs.iter().any(runs_on)
            || self.smooths()
            || self
                .conditions
                .iter()
                .any(|condition| condition.spec.hysteresis > 0.0 || !condition.spec.hold.is_none())
    }

    /// True when an output is steadied over time.
    pub(super) fn smooths(&self) -> bool {
        self.outputs.iter().any(|output| output.spec.smooth.is_some())
    }

    /// True when a condition lasts by the events' own time.
    pub(super) fn conditions_need_time(&self) -> bool {
        self.conditions.iter().any(|condition| condition.spec.hold.secs > 0.0)
    }

    /// True when earlier readings themselves are part of later ones: windows, last known values.
    pub fn remembers_readings(&self) -> bool {
        let last_known = |input: &InputPlan| match &input.source {
            InputSource::Fields(fields) => {
                fields.iter().any(|f| f.missing == super::declared::Missing::LastKnown)
            }
            _ => false,
        };
        self.spec.window.is_some() || self.inputs.iter().any(last_known)
    }
}

struct Check<'a> {
    spec: &'a Spec,
    signature: &'a Signature,
    faults: &'a mut Vec<PlanFault>,
}

impl Check<'_> {
    fn fault(&mut self, key: impl Into<String>, reason: impl Into<String>) {
        self.faults.push(PlanFault { key: key.into(), reason: reason.into() });
    }

    fn inputs(&mut self) -> Vec<InputPlan> {
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
        let mut plans = Vec::new();
        for port in &signature.inputs {
            match spec.inputs.iter().find(|input| input.tensor == port.name) {
                Some(input) => plans.extend(self.input(port, &input.source)),
                None => self.fault(
                    format!("inputs.{}", port.name),
                    format!("is missing: the model's input {port} has to be filled"),
                ),
            }
        }
        plans
    }

    fn input(&mut self, port: &Port, source: &InputSource) -> Option<InputPlan> {
        let key = format!("inputs.{}", port.name);
        let skip = usize::from(self.signature.free_batch);
        let fixed = port.dims.iter().enumerate().skip(skip).map(|(axis, dim)| match dim {
            Dim::Fixed(n) => Some(*n),
            // Free, but its rows depend on one another: then a unit is a batch of one.
            Dim::Batch | Dim::Free(_) if axis == 0 => Some(1),
            Dim::Batch | Dim::Free(_) => None,
        });
        let Some(dims) = fixed.collect::<Option<Vec<usize>>>() else {
            self.fault(key, format!("the model's input {port} has a free dimension besides the first; export the model with a fixed size"));
            return None;
        };
        let unit_len: usize = dims.iter().product();
        let inputs = self.signature.inputs.len();
        let prepared = match prepare(self.spec, &port.name, source, &dims, inputs) {
            Ok(prepared) => prepared,
            Err(faults) => {
                self.faults.extend(faults);
                return None;
            }
        };
        let by_count = self.spec.window.and_then(|window: WindowSpec| match window.extent {
            Extent::Count(count) => Some(count),
            Extent::Time(_) => None,
        });
        let step_len = match by_count {
            _ if prepared.is_some() => prepared.as_ref().map_or(0, |prepared| prepared.step_len),
            Some(CountSpec { length, .. }) if !unit_len.is_multiple_of(length) => {
                self.fault(
                    "window.length",
                    format!(
                        "{length} readings don't divide the {unit_len} elements of the model's input {port}"
                    ),
                );
                return None;
            }
            Some(CountSpec { length, .. }) => unit_len / length,
            None => unit_len,
        };
        if let Err(reason) = fits(source, port, step_len, &dims) {
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
        Some(InputPlan { element, dims, step_len, unit_len, prepared, source, name })
    }

    fn outputs(&mut self) -> Vec<OutputPlan> {
        let (spec, signature) = (self.spec, self.signature);
        let mut plans = Vec::new();
        for output in &spec.outputs {
            let key = format!("outputs.{}", output.name);
            let Some(tensor) = signature.outputs.iter().position(|port| port.name == output.tensor) else {
                let reason = format!(
                    "the model has no output `{}`; it has {}",
                    output.tensor,
                    names(&signature.outputs)
                );
                self.fault(format!("{key}.tensor"), reason);
                continue;
            };
            let port = &signature.outputs[tensor];
            let len = if signature.free_batch { port.row_len() } else { fixed_len(port) };
            if let Err((part, reason)) = suits(output, port, len) {
                self.fault(format!("{key}{part}"), reason);
            }
            let mut against = None;
            if let OutputKind::ReconstructionError { input, .. } = &output.kind {
                against = self.against(&key, input.as_deref(), len);
            }
            let mut objects = None;
            if let OutputKind::Detections(detections) = &output.kind {
                match ObjectsPlan::new(detections, port, spec, signature) {
                    Ok(plan) => objects = Some(plan),
                    Err(faults) => {
                        faults.into_iter().for_each(|(part, why)| self.fault(format!("{key}{part}"), why));
                    }
                }
            }
            plans.push(OutputPlan { spec: output.clone(), tensor, against, objects });
        }
        plans
    }

    /// The input a reconstruction is held against: the named one, or the only one.
    fn against(&mut self, key: &str, name: Option<&str>, len: Option<usize>) -> Option<usize> {
        let inputs = &self.signature.inputs;
        let found = match name {
            Some(name) => inputs.iter().position(|port| port.name == name),
            None => (inputs.len() == 1).then_some(0),
        };
        let Some(at) = found else {
            self.fault(
                format!("{key}.input"),
                format!("must name one of the model's inputs: {}", names(inputs)),
            );
            return None;
        };
        let port = &inputs[at];
        let input_len = if self.signature.free_batch { port.row_len() } else { fixed_len(port) };
        if !matches!(port.element, ElementType::F32 | ElementType::F64) {
            self.fault(format!("{key}.input"), format!("{port} is not of floating-point numbers"));
        }
        if len.is_some() && input_len.is_some() && input_len != len {
            self.fault(
                format!("{key}.input"),
                format!("{port} has another number of elements than the output"),
            );
        }
        Some(at)
    }

    fn conditions(&mut self) -> Vec<ConditionPlan> {
        let spec = self.spec;
        let mut plans = Vec::new();
        for condition in &spec.conditions {
            let key = format!("conditions.{}", condition.name);
            let Some(output) = spec.outputs.iter().position(|output| output.name == condition.output) else {
                let names: Vec<_> = spec.outputs.iter().map(|output| output.name.as_str()).collect();
                let reason =
                    format!("there is no output `{}`; there are {}", condition.output, names.join(", "));
                self.fault(format!("{key}.output"), reason);
                continue;
            };
            if let Err((part, reason)) = super::condition::suits(condition, &spec.outputs[output].kind) {
                self.fault(format!("{key}.{part}"), reason);
            }
            if condition.hold.secs > 0.0 && spec.payload.time.is_none() {
                let reason = "needs the events' own time: declare `payload.time`";
                self.fault(format!("{key}.for_secs"), reason);
            }
            plans.push(ConditionPlan { spec: condition.clone(), output });
        }
        plans
    }

    /// Arrays can't be shared between readings; a path from the message's root would have to be.
    fn paths(&mut self) {
        if self.spec.payload.readings.is_none() {
            return;
        }
        for input in &self.spec.inputs {
            if let InputSource::Array { path: FieldPath { scope: Scope::Message, .. }, .. } = &input.source {
                self.fault(
                    format!("inputs.{}.array", input.tensor),
                    "must be a path within a reading when `payload.readings` is set",
                );
            }
        }
    }
}

fn names(ports: &[Port]) -> String {
    ports.iter().map(Port::to_string).collect::<Vec<_>>().join(", ")
}

fn fixed_len(port: &Port) -> Option<usize> {
    port.dims.iter().try_fold(1usize, |product, dim| match dim {
        Dim::Fixed(n) => product.checked_mul(*n),
        Dim::Batch | Dim::Free(_) => None,
    })
}

/// Whether a source can fill an input of `step_len` elements a reading.
fn fits(source: &InputSource, port: &Port, step_len: usize, dims: &[usize]) -> Result<(), String> {
    use super::declared::FieldKind;
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
        InputSource::Image(ImageOptions { width, height, channels, layout, .. }) => {
            let wanted = match layout {
                Layout::Nchw => [channels.count(), *height, *width],
                Layout::Nhwc => [*height, *width, channels.count()],
            };
            // Fixed shapes keep their first dimension of one.
            if dims.strip_prefix(&[1]).unwrap_or(dims) == wanted || dims == wanted {
                Ok(())
            } else {
                Err(format!("the image gives {wanted:?}, the model's input {port} takes {dims:?}"))
            }
        }
        InputSource::Array { .. } | InputSource::Raw { scaling: Scaling { .. }, .. } => Ok(()),
    }
}
