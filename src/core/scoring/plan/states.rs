//! What one unit of a source leaves for the next.

use super::{Check, StatePlan, names};
use crate::domain::ElementType;
use edgeward_engine::{Dim, Port};

impl Check<'_> {
    pub(super) fn states(&mut self) -> Vec<StatePlan> {
        let (spec, signature) = (self.spec, self.signature);
        let mut plans: Vec<StatePlan> = Vec::new();
        for state in &spec.states {
            let key = format!("state.{}", state.name);
            // That there is such an input was asked with the others.
            let input = signature.inputs.iter().position(|port| port.name == state.input);
            let Some(output) = signature.outputs.iter().position(|port| port.name == state.output) else {
                let has = names(&signature.outputs);
                self.fault(format!("{key}.output"), format!("the model has no such output; it has {has}"));
                continue;
            };
            let filled = spec.inputs.iter().filter(|other| other.tensor == state.input).count();
            if filled > 1 {
                let reason = "is filled twice: by a state, and by something else";
                self.fault(format!("inputs.{}", state.input), reason);
            }
            if state.reset_after_ns.is_some() && spec.payload.time.is_none() {
                let reason = "needs the events' own time: declare `payload.time`";
                self.fault(format!("{key}.reset_after_secs"), reason);
            }
            let Some(input) = input else { continue };
            if let Err(reason) = alike(&signature.inputs[input], &signature.outputs[output]) {
                self.fault(format!("{key}.output"), reason);
            }
            plans.push(StatePlan { spec: state.clone(), input, output });
        }
        plans
    }
}

/// Whether what comes out can go in.
fn alike(input: &Port, output: &Port) -> Result<(), String> {
    if input.element == ElementType::String {
        return Err(format!("can't be carried: {input} takes text"));
    }
    if input.element != output.element {
        return Err(format!("is {output}, of another type than {input}"));
    }
    let differ = |(a, b): (&Dim, &Dim)| match (a, b) {
        (Dim::Fixed(a), Dim::Fixed(b)) => a != b,
        _ => false,
    };
    if input.dims.len() != output.dims.len() || input.dims.iter().zip(&output.dims).any(differ) {
        return Err(format!("is {output}, of another shape than {input}"));
    }
    Ok(())
}
