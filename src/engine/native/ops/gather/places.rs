//! From indices to places in a flat tensor.

use crate::map_data;
use crate::native::{
    exec::Run,
    fault::{Fault, fault},
    kernels::{
        places::pick,
        shape::{Walk, strides},
    },
    value::{Shape, Tensor, elements},
};

/// An index into `dim` elements; negative ones count from the end.
///
/// # Errors
/// Outside `-dim..dim`.
pub fn index(index: i64, dim: usize) -> Result<usize, Fault> {
    let from_front = if index < 0 { index.saturating_add(dim as i64) } else { index };
    usize::try_from(from_front)
        .ok()
        .filter(|&at| at < dim)
        .ok_or_else(|| fault!("index {index} is outside the {dim} elements"))
}

/// Where slices begin that are taken along an axis: for each of `outer` blocks of `dim` slices of `inner`
/// elements, those in `rows`, which are below `dim`.
pub fn along(
    run: &mut Run<'_>,
    (outer, dim, inner): (usize, usize, usize),
    rows: &[usize],
) -> Result<Vec<usize>, Fault> {
    if inner == 0 {
        return Ok(vec![]);
    }
    let len = outer.saturating_mul(rows.len());
    run.check_len::<usize>(len)?;
    let mut starts = Vec::with_capacity(len);
    for at in 0..outer {
        starts.extend(rows.iter().map(|row| (at * dim + row) * inner));
    }
    Ok(starts)
}

/// A tensor of slices of `len` elements of another.
pub fn taken(
    run: &mut Run<'_>,
    from: &Tensor,
    starts: &[usize],
    len: usize,
    shape: Shape,
) -> Result<Tensor, Fault> {
    let total = elements(&shape)?;
    let data = map_data!(from.data(), v => {
        let mut out = run.buffer(total)?;
        if total > 0 {
            pick(v, starts, len, &mut out);
        }
        out
    });
    Tensor::new(shape, data)
}

/// For each element of `indices`, the place in `data` that it names along `axis`, the other
/// coordinates being its own.
pub fn element_wise(
    run: &mut Run<'_>,
    data: &Tensor,
    indices: &[i64],
    shape: &[usize],
    axis: usize,
) -> Result<Vec<usize>, Fault> {
    let fits =
        shape.len() == data.rank() && (0..shape.len()).all(|at| at == axis || shape[at] <= data.shape()[at]);
    if !fits {
        return Err(fault!("has indices of shape {shape:?} for {data}: of the same rank, and no larger"));
    }
    run.check_len::<usize>(indices.len())?;
    let mut own = strides(data.shape());
    let step = own[axis];
    own[axis] = 0;
    let dim = data.shape()[axis];
    let starts = Walk::new(shape, [own]);
    indices.iter().zip(starts).map(|(&at, [start])| Ok(start + index(at, dim)? * step)).collect()
}

/// Places named by tuples of indices.
pub struct Tuples {
    /// Where each slice begins.
    pub starts: Vec<usize>,
    /// Elements of a slice.
    pub len: usize,
    /// The shape of all slices together.
    pub shape: Shape,
}

/// For each tuple in the last dimension of `indices`, the slice of `data` that it names; the first
/// `batch` dimensions are common to both.
pub fn tuples(run: &mut Run<'_>, data: &Tensor, indices: &Tensor, batch: usize) -> Result<Tuples, Fault> {
    let wrong = || fault!("has indices {indices} for {data} with {batch} batch dimensions");
    let (&width, outer) = indices.shape().split_last().ok_or_else(wrong)?;
    let reach = batch.checked_add(width).filter(|&reach| reach <= data.rank()).ok_or_else(wrong)?;
    if batch > outer.len() || outer[..batch] != data.shape()[..batch] {
        return Err(wrong());
    }
    let mut shape = Shape::from_slice(outer);
    shape.extend_from_slice(&data.shape()[reach..]);
    elements(&shape)?;
    let len = elements(&data.shape()[reach..])?;
    let count = elements(outer)?;
    run.check_len::<usize>(count)?;
    let dims = &data.shape()[batch..reach];
    let own = strides(data.shape());
    let own = &own[batch..reach];
    let per_batch = count / elements(&outer[..batch])?.max(1);
    let batch_step = if data.len() == 0 { 0 } else { elements(&data.shape()[batch..])? };
    let values = if let Ok(values) = indices.slice::<i32>() {
        values.iter().map(|&at| i64::from(at)).collect::<Vec<_>>().into()
    } else {
        std::borrow::Cow::from(indices.slice::<i64>().map_err(|fault| fault.about("indices"))?)
    };
    let mut starts = Vec::with_capacity(count);
    for i in 0..count {
        let mut start = (i / per_batch.max(1)).saturating_mul(batch_step);
        let tuple = &values[i * width..(i + 1) * width];
        for ((&at, &dim), &step) in tuple.iter().zip(dims).zip(own) {
            start = start.saturating_add(index(at, dim)?.saturating_mul(step));
        }
        starts.push(start);
    }
    Ok(Tuples { starts, len, shape })
}
