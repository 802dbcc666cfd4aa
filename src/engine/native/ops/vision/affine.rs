//! `AffineGrid`.

use crate::native::{
    attributes::Node,
    exec::{Args, Op, Outputs, Run, one, op},
    fault::{Fault, fault},
    kernels::real::{self, Computed, reals},
    value::{Shape, decode, elements},
};

/// `AffineGrid`, ai.onnx 20: the places of `GridSample` under an affine map, in two or three dimensions.
pub(super) fn affine_grid(node: &Node<'_>) -> Result<Op, Fault> {
    let align = node.flag("align_corners", false)?;
    op(move |run, args| reals!(args.tensor(0)?.kind(), T => body::<T>(run, &args, align)))
}

fn body<T: Computed>(run: &mut Run<'_>, args: &Args, align: bool) -> Result<Outputs, Fault> {
    let theta = args.tensor(0)?;
    let size = decode::shape(&args.ints(1)?).map_err(|fault| fault.about("input 1"))?;
    let &[images, _, ref spatial @ ..] = &size[..] else {
        return Err(fault!("input 1: has {} sizes, must have four or five", size.len()));
    };
    let rank = spatial.len();
    if !(2..=3).contains(&rank) || *theta.shape() != [images, rank, rank + 1] {
        return Err(fault!("input 0: its maps {theta} don't fit an image of {rank} spatial axes"));
    }
    let shape: Shape = [images].into_iter().chain(spatial.iter().copied()).chain([rank]).collect();
    let mut y = run.buffer(elements(&shape)?)?;
    let maps = real::widened::<T>(run, theta)?;
    let place = |at: usize, size: usize| {
        let (at, size) = (at as f64, size as f64);
        let place = match (align, size) {
            (true, 1.0) => 0.0,
            (true, _) => 2.0 * at / (size - 1.0) - 1.0,
            (false, _) => (2.0 * at + 1.0) / size - 1.0,
        };
        T::from_f64(place)
    };
    for map in maps.chunks_exact(rank * (rank + 1)) {
        let mut at = Shape::from_elem(0, rank);
        for _ in 0..elements(spatial)? {
            for row in map.chunks_exact(rank + 1) {
                // The first coordinate of a place belongs to the last axis.
                let mut sum = row[rank];
                for (column, &factor) in row[..rank].iter().enumerate() {
                    let axis = rank - 1 - column;
                    sum += factor * place(at[axis], spatial[axis]);
                }
                y.push(sum);
            }
            for axis in (0..rank).rev() {
                at[axis] += 1;
                if at[axis] < spatial[axis] {
                    break;
                }
                at[axis] = 0;
            }
        }
    }
    one(real::tensor(run, theta.kind(), &shape, y)?)
}
