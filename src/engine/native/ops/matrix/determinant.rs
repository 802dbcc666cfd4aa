//! Determinants.

use crate::{
    map_kinds,
    native::{
        attributes::Node,
        exec::{Op, Run, one, op},
        fault::{Fault, fault},
        kernels::number::Number,
        value::Tensor,
    },
};

/// Of one square matrix, which is overwritten: elimination with the largest element of each column.
fn determinant(matrix: &mut [f64], size: usize) -> f64 {
    let mut product = 1.0;
    for column in 0..size {
        let magnitude = |row: usize| matrix[row * size + column].abs();
        let pivot = (column..size).max_by(|&a, &b| magnitude(a).total_cmp(&magnitude(b))).unwrap_or(column);
        if pivot != column {
            for at in 0..size {
                matrix.swap(pivot * size + at, column * size + at);
            }
            product = -product;
        }
        let top = matrix[column * size + column];
        product *= top;
        if top == 0.0 {
            return 0.0;
        }
        for row in column + 1..size {
            let share = matrix[row * size + column] / top;
            for at in column..size {
                matrix[row * size + at] -= share * matrix[column * size + at];
            }
        }
    }
    product
}

/// `Det`, ai.onnx 11, 22: of the last two axes. Computed in f64.
pub(super) fn det(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| {
        let x = args.tensor(0)?;
        let [outer @ .., rows, columns] = x.shape() else {
            return Err(fault!("input 0: is {x}, must have at least two dimensions"));
        };
        if rows != columns {
            return Err(fault!("input 0: is {x}, whose last two dimensions are not a square"));
        }
        let size = *rows;
        let count = crate::native::value::elements(outer)?;
        fn all<T: Number>(run: &mut Run<'_>, x: &[T], size: usize, count: usize) -> Result<Vec<T>, Fault> {
            let mut matrix: Vec<f64> = run.buffer(size * size)?;
            let mut out = run.buffer(count)?;
            for index in 0..count {
                matrix.clear();
                matrix.extend(x[index * size * size..][..size * size].iter().map(|x| x.to_f64()));
                out.push(T::from_f64(determinant(&mut matrix, size)));
            }
            Ok(out)
        }
        let data = map_kinds!([F32, F64, F16, BF16] x.data(), v => all(run, v, size, count)?,
            return Err(fault!("input 0: is {}, must be floating-point numbers", x.kind())));
        one(Tensor::new(outer, data)?)
    })
}
