//! `DynamicQuantizeLSTM`.

use smallvec::SmallVec;

use super::layer::{body, read};
use crate::native::{
    attributes::Node,
    exec::{Args, Op, Run, op},
    fault::{Fault, fault},
    kernels::recurrent::Cell,
    ops::quantised::{floats, levels},
    value::{Shape, Tensor, Value, elements},
};

/// `DynamicQuantizeLSTM`, com.microsoft 1: the inputs of an LSTM, but W (directions, input, gates and hidden) and R
/// (directions, hidden, gates and hidden) turned and in 8 bits, then their scales and zero points, one a direction or
/// one a column. Inputs and states are quantised to 8 bits by their own range, before each product.
pub(super) fn lstm(node: &Node<'_>) -> Result<Op, Fault> {
    let mut layer = read(node, Cell::Lstm { input_forget: node.flag("input_forget", false)? })?;
    layer.quantised = true;
    op(move |run, mut args| {
        let (w, r) = (turned(run, &args, 1, 8)?, turned(run, &args, 2, 10)?);
        let mut values: SmallVec<[Option<Value>; 4]> = SmallVec::new();
        for index in 0..8.min(args.len()) {
            values.push(args.opt_value(index).is_some().then(|| args.take_value(index)).transpose()?);
        }
        (values[1], values[2]) = (Some(w.into()), Some(r.into()));
        body::<f32>(run, &Args::new(values, SmallVec::new()), &layer)
    })
}

/// Weights as an LSTM has them: floats, a row for each column.
fn turned(run: &mut Run<'_>, args: &Args, index: usize, scale: usize) -> Result<Tensor, Fault> {
    let weights = args.tensor(index)?;
    let &[directions, rows, columns] = weights.shape() else {
        return Err(fault!("input {index}: weights {weights} must have three axes"));
    };
    let scales = floats(run, args.tensor(scale)?)?;
    let zeros = match args.opt(scale + 1)? {
        Some(zeros) => levels(run, zeros)?,
        None => vec![0],
    };
    let place = |of: usize, direction: usize, column: usize| match of {
        1 => Some(0),
        _ if of == directions => Some(direction),
        _ if of == directions.saturating_mul(columns) => Some(direction * columns + column),
        _ => None,
    };
    let of = levels(run, weights).map_err(|fault| fault.about(format!("input {index}")))?;
    let mut out = run.buffer(elements(&[directions, columns, rows])?)?;
    for direction in 0..directions {
        for column in 0..columns {
            let at = place(scales.len(), direction, column).zip(place(zeros.len(), direction, column));
            let Some((at_scale, at_zero)) = at else {
                return Err(fault!("input {scale}: {} scales don't go with weights {weights}", scales.len()));
            };
            let (scale, zero) = (scales[at_scale], zeros[at_zero]);
            out.extend((0..rows).map(|row| {
                let level = of[(direction * rows + row) * columns + column];
                level.wrapping_sub(zero) as f32 * scale
            }));
        }
    }
    Tensor::of(Shape::from_slice(&[directions, columns, rows]), out)
}
