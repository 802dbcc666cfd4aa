//! Inputs as rows of features.

use crate::{
    native::{
        fault::{Fault, fault},
        value::Tensor,
    },
    with_kinds,
};

/// Rows and features of a tensor; a vector is one row.
///
/// # Errors
/// A scalar, or more than two dimensions.
pub(super) fn rows_of(tensor: &Tensor) -> Result<(usize, usize), Fault> {
    match *tensor.shape() {
        [features] => Ok((1, features)),
        [rows, features] => Ok((rows, features)),
        _ => Err(fault!("input 0: is {tensor}, must be rows of features")),
    }
}

/// The elements as f32, copied to `buffer` where they are of another type.
///
/// # Errors
/// Any type but f32, f64, i32 and i64.
pub(super) fn as_f32<'a>(tensor: &'a Tensor, buffer: &'a mut Vec<f32>) -> Result<&'a [f32], Fault> {
    if let Ok(values) = tensor.slice::<f32>() {
        return Ok(values);
    }
    buffer.clear();
    with_kinds!(
        [F64, I32, I64] tensor.data(),
        v => buffer.extend(v.iter().map(|&v| v as f32)),
        return Err(fault!("input 0: is {tensor}, must be float32, float64, int32 or int64"))
    );
    Ok(buffer)
}

/// Checks that rows are as wide as a model needs.
pub(super) fn check_width(width: usize, features: usize) -> Result<(), Fault> {
    if width == features {
        return Ok(());
    }
    Err(fault!("input 0: has {width} features a row, the model has {features}"))
}
