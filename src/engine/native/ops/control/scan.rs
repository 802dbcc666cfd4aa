//! Turns over the slices of tensors.

use super::body::{Body, Gathered};
use crate::{
    map_data,
    native::{
        attributes::Node,
        exec::{Args, Op, Outputs, Run, op},
        fault::{Fault, fault},
        kernels::{
            shape::{around, axis as checked_axis},
            strided,
        },
        value::{Data, Shape, Tensor, Value, elements},
    },
};

/// One attribute's worth of numbers, one for each input or output; zeros where it is left out.
fn numbers(node: &Node<'_>, name: &str, count: usize) -> Result<Vec<i64>, Fault> {
    match node.ints(name)? {
        None => Ok(vec![0; count]),
        Some(given) if given.len() == count => Ok(given),
        Some(given) => Err(fault!("attribute `{name}` has {} numbers, must have {count}", given.len())),
    }
}

struct Scan {
    body: Body,
    states: usize,
    input_axes: Vec<i64>,
    input_backwards: Vec<i64>,
    output_axes: Vec<i64>,
    output_backwards: Vec<i64>,
}

/// `Scan`, ai.onnx 8 to 25: 8 has a batch axis before the scanned one and lengths as input 0; since 9 axes and
/// directions are free.
pub fn scan(node: &Node<'_>) -> Result<Op, Fault> {
    let body = Body::of(node, "body")?;
    let batched = node.opset < 9;
    let scanned = usize::try_from(node.required_int("num_scan_inputs")?).ok().filter(|&count| count > 0);
    let scanned = scanned.ok_or_else(|| fault!("attribute `num_scan_inputs` must be more than 0"))?;
    let given = node.inputs.len().saturating_sub(usize::from(batched));
    let (inputs, outputs) = (body.graph.inputs.len(), body.graph.outputs.len());
    let states = given.checked_sub(scanned).filter(|&states| inputs == given && outputs >= states);
    let states = states.ok_or_else(|| {
        fault!("has {given} inputs, {scanned} of them scanned; its body has {inputs} inputs and {outputs} outputs")
    })?;
    let gathered = outputs - states;
    let scan = Scan {
        states,
        input_axes: numbers(node, "scan_input_axes", scanned)?,
        input_backwards: numbers(
            node,
            if batched { "directions" } else { "scan_input_directions" },
            scanned,
        )?,
        output_axes: numbers(node, "scan_output_axes", gathered)?,
        output_backwards: numbers(node, "scan_output_directions", gathered)?,
        body,
    };
    if batched {
        return op(move |run, args| scan.batches(run, &args));
    }
    op(move |run, mut args| {
        let mut inputs = vec![];
        for index in 0..scanned {
            inputs.push(args.take(states + index)?);
        }
        let state = (0..states).map(|index| args.take_value(index)).collect::<Result<Vec<_>, _>>()?;
        let (state, gathered) = scan.turns(run, &args, state, &inputs, None)?;
        let mut results = Outputs::from_vec(state);
        for (index, gathered) in gathered.iter().enumerate() {
            let axis = scan.output_axes[index];
            results.push(gathered.stacked(run, &scan.body, states + index, axis)?.into());
        }
        Ok(results)
    })
}

impl Scan {
    /// All turns over `inputs`, or the first `turns`: the last states, and what is gathered.
    fn turns(
        &self,
        run: &mut Run<'_>,
        args: &Args,
        mut state: Vec<Value>,
        inputs: &[Tensor],
        turns: Option<usize>,
    ) -> Result<(Vec<Value>, Vec<Gathered>), Fault> {
        let mut axes = vec![];
        for (input, &axis) in inputs.iter().zip(&self.input_axes) {
            axes.push(checked_axis(axis, input.rank())?);
        }
        let lengths: Vec<_> = inputs.iter().zip(&axes).map(|(input, &axis)| input.shape()[axis]).collect();
        if lengths.iter().any(|&length| length != lengths[0]) {
            return Err(fault!("scans inputs of lengths {lengths:?}: must be the same"));
        }
        let turns = turns.unwrap_or(lengths[0]);
        let mut gathered: Vec<_> = self.output_axes.iter().map(|_| Gathered::default()).collect();
        for turn in 0..turns {
            run.turn()?;
            let mut slices = vec![];
            for ((input, &axis), &backwards) in inputs.iter().zip(&axes).zip(&self.input_backwards) {
                let at = if backwards == 0 { turn } else { turns - 1 - turn };
                slices.push(Some(Value::Tensor(slice(run, input, axis, at)?)));
            }
            let values = state.drain(..).map(Some).chain(slices);
            let mut results = self.body.run(run, values, args)?.into_iter();
            state.extend(results.by_ref().take(self.states));
            for (gathered, value) in gathered.iter_mut().zip(results) {
                gathered.push(run, value)?;
            }
        }
        for (gathered, &backwards) in gathered.iter_mut().zip(&self.output_backwards) {
            if backwards != 0 {
                gathered.parts.reverse();
            }
        }
        Ok((state, gathered))
    }

    /// As version 8 has it: every row of the batch by itself, as many turns as its length says.
    fn batches(&self, run: &mut Run<'_>, args: &Args) -> Result<Outputs, Fault> {
        let tensors = (1..args.len()).map(|index| args.tensor(index)).collect::<Result<Vec<_>, _>>()?;
        let [rows, most, ..] = *tensors[self.states].shape() else {
            return Err(fault!("scans {}: must have a batch axis and a sequence axis", tensors[self.states]));
        };
        if let Some(odd) = tensors.iter().find(|tensor| tensor.shape().first() != Some(&rows)) {
            return Err(fault!("has {odd} beside a batch of {rows}"));
        }
        let lengths = args.opt_ints(0)?.unwrap_or_else(|| vec![most as i64; rows]);
        if lengths.len() != rows {
            return Err(fault!("input 0: has {} lengths for a batch of {rows}", lengths.len()));
        }
        let mut columns: Vec<Gathered> =
            self.body.graph.outputs.iter().map(|_| Gathered::default()).collect();
        for (row, &length) in lengths.iter().enumerate() {
            run.turn()?;
            let turns = usize::try_from(length).ok().filter(|&turns| turns <= most);
            let turns = turns.ok_or_else(|| fault!("input 0: length {length} is not within 0 to {most}"))?;
            let mut parts = vec![];
            for tensor in &tensors {
                parts.push(slice(run, tensor, 0, row)?);
            }
            let inputs = parts.split_off(self.states);
            let state = parts.into_iter().map(Value::Tensor).collect();
            let (state, gathered) = self.turns(run, args, state, &inputs, Some(turns))?;
            for (column, value) in columns.iter_mut().zip(state) {
                column.push(run, value)?;
            }
            for (index, gathered) in gathered.iter().enumerate() {
                let output = self.states + index;
                let rows = gathered.stacked(run, &self.body, output, 0)?;
                let rows = lengthened(run, &rows, most)?;
                columns[output].push(run, rows.into())?;
            }
        }
        let mut results = Outputs::new();
        for (output, column) in columns.iter().enumerate() {
            results.push(column.stacked(run, &self.body, output, 0)?.into());
        }
        Ok(results)
    }
}

/// What is at one place of an axis.
fn slice(run: &mut Run<'_>, tensor: &Tensor, axis: usize, at: usize) -> Result<Tensor, Fault> {
    let (outer, dim, inner) = around(tensor.shape(), axis);
    let mut shape = Shape::from_slice(tensor.shape());
    shape.remove(axis);
    let len = elements(&shape)?;
    let data = map_data!(tensor.data(), v => {
        let mut out = run.buffer(len)?;
        if len > 0 {
            strided::copy(v, at * inner, &[(outer, (dim * inner) as isize), (inner, 1)], &mut out);
        }
        out
    });
    Tensor::new(shape, data)
}

/// With zeros up to `length` along the first axis.
fn lengthened(run: &mut Run<'_>, tensor: &Tensor, length: usize) -> Result<Tensor, Fault> {
    let mut shape = Shape::from_slice(tensor.shape());
    shape[0] = length;
    let len = elements(&shape)?;
    let data: Data = map_data!(tensor.data(), v => {
        let mut out = run.buffer(len)?;
        out.extend_from_slice(v);
        out.resize(len, Default::default());
        out
    });
    Tensor::new(shape, data)
}
