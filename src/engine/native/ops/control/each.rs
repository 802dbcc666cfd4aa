//! A graph for every item of a sequence.

use std::sync::Arc;

use super::body::Body;
use crate::native::{
    attributes::Node,
    exec::{Op, op},
    fault::{Fault, fault},
    ops::sequence::{check_room, items},
    value::Value,
};

/// `SequenceMap`, ai.onnx 17: other sequences go along item by item, tensors are given to every turn.
pub fn each(node: &Node<'_>) -> Result<Op, Fault> {
    let body = Body::of(node, "body")?;
    op(move |run, args| {
        let count = items(&args, 0)?.len();
        for index in 0..args.len() {
            match args.value(index)? {
                Value::Sequence(items) if items.len() != count => {
                    return Err(fault!("input {index}: has {} items, input 0 has {count}", items.len()));
                }
                _ => {}
            }
        }
        let mut results: Vec<Vec<Value>> = vec![vec![]; body.graph.outputs.len()];
        for turn in 0..count {
            run.turn()?;
            let inputs = (0..args.len()).map(|index| match args.opt_value(index) {
                Some(Value::Sequence(items)) => items.get(turn).cloned(),
                other => other.cloned(),
            });
            for (result, value) in results.iter_mut().zip(body.run(run, inputs, &args)?) {
                value.tensor()?;
                check_room(run, result, &value)?;
                result.push(value);
            }
        }
        Ok(results.into_iter().map(|items| Value::Sequence(Arc::new(items))).collect())
    })
}
