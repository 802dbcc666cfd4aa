//! A declaration held against a model's signature: everything a scorer looks up, settled once.

mod inputs;
mod states;

use super::{
    declared::{
        BatchAxis, ConditionSpec, Extent, FieldPath, InputSource, OutputKind, OutputSpec, Scope, Spec,
        StateSpec,
    },
    objects::ObjectsPlan,
    prepare::Prepared,
    sizes::{Axis, Size},
    suits::suits,
};
use crate::domain::ElementType;
use edgeward_engine::{Dim, Limits, Port, Signature};

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
    /// Lengths that each unit brings; units of a run have the same.
    pub(super) sizes: Vec<Size>,
    pub(super) states: Vec<StatePlan>,
    pub(super) max_tensor_bytes: u64,
}

#[derive(Debug, Clone)]
pub(super) struct InputPlan {
    pub element: ElementType,
    /// The dimensions of a unit: those after the batch, or all of them when the model takes none.
    pub axes: Vec<Axis>,
    /// Elements a reading brings; none where each brings as many as its sizes say.
    pub step_len: Option<usize>,
    pub prepared: Option<Prepared>,
    pub source: InputSource,
    /// What fills it, where no message does.
    pub given: Option<Given>,
    pub name: String,
}

impl InputPlan {
    /// Whether each unit brings its lengths.
    pub fn is_free(&self) -> bool {
        self.axes.iter().any(|axis| matches!(axis, Axis::Free(_)))
    }

    /// Elements a reading brings, of an input whose readings are counted.
    pub fn step(&self) -> usize {
        self.step_len.unwrap_or_default()
    }

    /// Elements of a unit in the model, with these lengths of the plan's sizes: without a preparation those of a
    /// reading, times the window's length where there is one.
    pub fn unit_len(&self, lengths: &[usize]) -> usize {
        self.axes.iter().map(|axis| axis.len(lengths)).product()
    }
}

/// What an input is filled with that no message carries.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Given {
    /// A number everywhere, or one for each element.
    Constant(Vec<f64>),
    /// How long an axis of an input is.
    Length(Axis),
    /// What the source's unit before left as the state of this place; at first, these numbers.
    State { place: usize, initial: Vec<f64> },
}

impl Given {
    /// Appends the `len` elements of a unit; of a state, those of the first.
    pub fn fill(&self, lengths: &[usize], len: usize, numbers: &mut Vec<f64>) {
        match self {
            Given::Constant(values) | Given::State { initial: values, .. } => {
                numbers.extend(values.iter().cycle().take(len));
            }
            Given::Length(axis) => numbers.extend(std::iter::repeat_n(axis.len(lengths) as f64, len)),
        }
    }
}

/// An output of one unit that is an input of the source's next one.
#[derive(Debug, Clone)]
pub(super) struct StatePlan {
    pub spec: StateSpec,
    /// Indices of the model's input and output.
    pub input: usize,
    pub output: usize,
}

#[derive(Debug, Clone)]
pub(super) struct OutputPlan {
    pub spec: OutputSpec,
    /// Index of the model's output.
    pub tensor: usize,
    /// For a reconstruction error: index of the model's input it is held against.
    pub against: Option<usize>,
    /// It may have another number of elements in each unit.
    pub varies: bool,
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
    /// Holds `spec` (completed by [`infer`](super::declared::infer)) against `signature`. The limits bound
    /// lengths that messages bring.
    ///
    /// # Errors
    /// Every fault there is.
    pub fn new(spec: Spec, signature: &Signature, limits: &Limits) -> Result<Plan, Vec<PlanFault>> {
        let mut faults = Vec::new();
        let max_tensor_bytes = limits.max_tensor_bytes;
        let signature = &match spec.batch_axis {
            BatchAxis::Auto => signature.clone(),
            BatchAxis::None => signature.without_batch("N"),
        };
        let mut check = Check { spec: &spec, signature, faults: &mut faults };
        let (inputs, sizes) = check.inputs(max_tensor_bytes);
        let states = check.states();
        let outputs = check.outputs();
        let conditions = check.conditions();
        check.paths();
        if faults.is_empty() {
            let free_batch = signature.free_batch;
            Ok(Plan { inputs, outputs, conditions, free_batch, sizes, states, max_tensor_bytes, spec })
        } else {
            Err(faults)
        }
    }

    /// The declaration as completed.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// True when a unit's lengths are told by its message.
    pub(super) fn has_told_sizes(&self) -> bool {
        !self.sizes.is_empty() && self.spec.window.is_none()
    }

    /// True when a run may have no two units of one source: what one leaves is for the next.
    pub(super) fn carries(&self) -> bool {
        !self.states.is_empty()
    }

    /// True when a window has as many points in time as there were readings: then each is a run of its own.
    pub(super) fn has_varying_windows(&self) -> bool {
        !self.sizes.is_empty() && self.spec.window.is_some()
    }

    /// Of each output: whether units may have different numbers of elements.
    pub fn varying_outputs(&self) -> Vec<bool> {
        self.outputs.iter().map(|output| output.varies).collect()
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
    /// hysteresis or that must last, steadied outputs, steps that run on, state that is carried.
    pub fn keeps_memory(&self) -> bool {
        let runs_on =
            |input: &InputPlan| input.prepared.as_ref().is_some_and(|prepared| !prepared.running.is_empty());
        self.inputs.iter().any(runs_on)
            || !self.states.is_empty()
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

    /// True when a condition lasts, or a state ends, by the events' own time.
    pub(super) fn units_need_time(&self) -> bool {
        self.conditions.iter().any(|condition| condition.spec.hold.secs > 0.0)
            || self.states.iter().any(|state| state.spec.reset_after_ns.is_some())
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
            let varies = matches!(output.kind, OutputKind::Vector | OutputKind::Tensor) && len.is_none();
            plans.push(OutputPlan { spec: output.clone(), tensor, against, varies, objects });
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
