//! Turns, as many as a number or a condition says.

use super::body::{Body, Gathered};
use crate::native::{
    attributes::Node,
    exec::{Op, Outputs, op},
    fault::{Fault, fault},
    value::{Shape, Tensor, Value},
};

/// `Loop`, ai.onnx 1 to 25: the trip count and the condition may both be left out; without a condition what
/// the body says of it is ignored. Since 13 sequences, since 16 optionals go from turn to turn.
pub fn repeat(node: &Node<'_>) -> Result<Op, Fault> {
    let body = Body::of(node, "body")?;
    let carried = node.inputs.len().saturating_sub(2);
    let (inputs, outputs) = (body.graph.inputs.len(), body.graph.outputs.len());
    if inputs != carried + 2 || outputs < carried + 1 || outputs - 1 < node.outputs.len() {
        return Err(fault!(
            "carries {carried} values and has {} outputs; its body has {inputs} inputs and {outputs} outputs: \
             must have {} inputs and an output for the condition and for each of the node's",
            node.outputs.len(),
            carried + 2
        ));
    }
    op(move |run, mut args| {
        let trips = args.opt_value(0).map(|_| args.int(0)).transpose()?;
        let condition = args.opt(1)?.map(truth).transpose()?;
        let mut values: Vec<Option<Value>> = (0..carried)
            .map(|index| args.opt_value(index + 2).is_some().then(|| args.take_value(index + 2)).transpose())
            .collect::<Result<_, _>>()?;
        let mut gathered: Vec<Gathered> = (carried + 1..outputs).map(|_| Gathered::default()).collect();
        let mut goes_on = condition.unwrap_or(true);
        let mut turn = 0;
        while goes_on && trips.is_none_or(|trips| turn < trips) {
            run.turn()?;
            let number = single(turn, body.wants_vector(0))?;
            let flag = single(goes_on, body.wants_vector(1))?;
            let inputs = [Some(number.into()), Some(flag.into())].into_iter().chain(values.drain(..));
            let mut results = body.run(run, inputs, &args)?.into_iter();
            let said = results.next().ok_or_else(|| fault!("its body gives no condition"))?;
            let said = truth(said.tensor()?).map_err(|fault| fault.about("the condition its body gives"))?;
            goes_on = condition.is_none() || said;
            values.extend(results.by_ref().take(carried).map(Some));
            for (gathered, value) in gathered.iter_mut().zip(results) {
                gathered.push(run, value)?;
            }
            turn += 1;
        }
        let mut results = Outputs::new();
        for (index, value) in values.into_iter().enumerate() {
            results
                .push(value.ok_or_else(|| fault!("makes no turn, and its input {} is left out", index + 2))?);
        }
        for (index, gathered) in gathered.iter().enumerate() {
            results.push(gathered.stacked(run, &body, carried + 1 + index, 0)?.into());
        }
        Ok(results)
    })
}

fn truth(tensor: &Tensor) -> Result<bool, Fault> {
    match tensor.slice::<bool>()? {
        [truth] => Ok(*truth),
        many => Err(fault!("has {} elements, must have one", many.len())),
    }
}

fn single<T: crate::native::value::Element>(value: T, vector: bool) -> Result<Tensor, Fault> {
    let shape = if vector { Shape::from_slice(&[1]) } else { Shape::new() };
    Tensor::scalar(value).reshaped(shape)
}
