//! Running a model so that its failures, panics too, stop here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::domain::{Reason, Rejection, Tensor};
use edgeward_engine::Session;

/// A run of the model that gave no answer.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub rejection: Rejection,
    pub panicked: bool,
}

/// Runs the model; a panic stops here.
pub(super) fn run<'s>(session: &'s mut dyn Session, inputs: &[Tensor]) -> Result<&'s [Tensor], Failure> {
    let run = once(move || session.run(inputs));
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(tensors)) => Ok(tensors),
        Ok(Err(error)) => Err(Failure {
            rejection: Rejection::new(Reason::ModelFailed, error.to_string()),
            panicked: false,
        }),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            let detail = format!("the engine panicked: {text}");
            Err(Failure { rejection: Rejection::new(Reason::ModelPanicked, detail), panicked: true })
        }
    }
}

/// Settles that a closure runs once, so that it may give away what was moved into it.
fn once<R, F: FnOnce() -> R>(run: F) -> F {
    run
}
