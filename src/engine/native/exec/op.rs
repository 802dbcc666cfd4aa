//! What an operator is once it is prepared.

use super::{Args, Outputs, Run};
use crate::native::fault::Fault;

/// A prepared operator: takes the state of the run and the inputs, gives the outputs.
pub type Op = Box<dyn Fn(&mut Run<'_>, Args) -> Result<Outputs, Fault> + Send + Sync>;

/// A closure as an operator.
pub fn op(
    run: impl Fn(&mut Run<'_>, Args) -> Result<Outputs, Fault> + Send + Sync + 'static,
) -> Result<Op, Fault> {
    Ok(Box::new(run))
}
