//! What one unit of a source leaves for the next: taken from the model's answer, put into its next input.

use super::{
    batch::copy_range,
    declared::FieldPath,
    judge::Answer,
    payload::{Layout, Row, Scalar},
    plan::{Plan, StatePlan},
    source::{LastUnit, SourceState, SourceTable},
    unit::{Unit, UnitState},
    verdict::scalar_json,
};
use crate::domain::{Reason, Rejection, TensorData};

/// Where a reading has what ends a state.
#[derive(Debug)]
pub(super) struct StateSlots {
    /// The field whose change does.
    on: Option<usize>,
    /// The field that commands it.
    when: Option<usize>,
}

impl StateSlots {
    /// For each of the plan's states.
    pub fn new(plan: &Plan, layout: &mut Layout) -> Vec<Self> {
        let mut slot = |path: &Option<FieldPath>| path.as_ref().map(|path| layout.scalar(path));
        let specs = plan.states.iter().map(|state| &state.spec);
        specs.map(|spec| StateSlots { on: slot(&spec.reset_on), when: slot(&spec.reset_when) }).collect()
    }
}

/// Begins states anew that a gap, another value of a field, or a command ends.
pub(super) fn begin_unit(
    plan: &Plan,
    state: &mut SourceState,
    time_ns: Option<i64>,
    slots: &[StateSlots],
    row: &Row,
) {
    let text = |slot: &StateSlots| slot.on.and_then(|slot| scalar_json(&row.scalars[slot]));
    let fields: Vec<Option<String>> = slots.iter().map(text).collect();
    let before = std::mem::replace(&mut state.last_unit, LastUnit { time_ns, fields });
    for (at, StatePlan { spec, .. }) in plan.states.iter().enumerate() {
        let gap = before.time_ns.zip(time_ns).map(|(before, now)| now.saturating_sub(before));
        let silent = spec.reset_after_ns.zip(gap).is_some_and(|(after, gap)| gap > after);
        let other = spec.reset_on.is_some()
            && before.fields.get(at).is_some_and(|known| *known != state.last_unit.fields[at]);
        let commanded = slots[at].when.is_some_and(|slot| is_true(&row.scalars[slot]));
        if (silent || other || commanded)
            && let Some(left) = state.carried.get_mut(at)
        {
            left.clear();
        }
    }
}

/// `true`, and numbers but zero.
fn is_true(scalar: &Scalar) -> bool {
    match scalar {
        Scalar::Bool(yes) => *yes,
        Scalar::Integer(n) => *n != 0,
        Scalar::Unsigned(n) => *n != 0,
        Scalar::Float(x) => *x != 0.0,
        Scalar::Text(text) => text == "true",
        Scalar::Missing | Scalar::Null | Scalar::Composite(_) => false,
    }
}

/// Takes what a unit in the batch leaves for the next one of its source.
///
/// # Errors
/// [`Reason::StateNotFinite`], and [`Reason::ModelFailed`] where it has another length than the input that takes it;
/// the source then begins anew.
pub(super) fn take_left(
    plan: &Plan,
    sources: &mut SourceTable,
    unit: &Unit,
    answer: &Answer<'_>,
    row: usize,
) -> Result<(), Rejection> {
    // What is replayed was part of it before.
    if !plan.carries() || unit.replayed || !matches!(unit.state, UnitState::InBatch) {
        return Ok(());
    }
    let state = sources.get(unit.source.as_deref().unwrap_or(""), unit.now)?;
    let left: Result<Vec<TensorData>, Rejection> =
        plan.states.iter().map(|of| left_of(of, answer, row)).collect();
    match left {
        Ok(left) => {
            state.carried = left;
            Ok(())
        }
        Err(rejection) => {
            state.carried.clear();
            Err(rejection)
        }
    }
}

fn left_of(of: &StatePlan, answer: &Answer<'_>, row: usize) -> Result<TensorData, Rejection> {
    let name = &of.spec.name;
    let (from, to) = (&answer.tensors[of.output], &answer.inputs[of.input]);
    let len = to.data.len() / answer.rows.max(1);
    if from.data.len() != to.data.len() || from.element() != to.element() {
        let detail = format!(
            "state `{name}` came out as {}{:?} and goes in as {}{:?}",
            from.element(),
            from.shape,
            to.element(),
            to.shape
        );
        return Err(Rejection::new(Reason::ModelFailed, detail));
    }
    let mut left = TensorData::empty(from.element());
    copy_range(&from.data, row * len..(row + 1) * len, &mut left);
    let finite = match &left {
        TensorData::F32(values) => values.iter().all(|x| x.is_finite()),
        TensorData::F64(values) => values.iter().all(|x| x.is_finite()),
        _ => true,
    };
    if finite {
        return Ok(left);
    }
    let detail = format!("state `{name}` became NaN or infinite: the source begins anew");
    Err(Rejection::new(Reason::StateNotFinite, detail))
}
