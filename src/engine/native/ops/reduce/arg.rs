//! Places: of the greatest, the least, of what isn't zero.

use crate::{
    native::{
        attributes::Node,
        exec::{Op, Run, one, op},
        fault::{Fault, fault},
        kernels::{number::Number, order::Order, shape},
        value::{Data, Tensor},
    },
    with_kinds,
};

fn places(node: &Node<'_>, greatest: bool) -> Result<Op, Fault> {
    let axis = node.int("axis", 0)?;
    let keep = node.flag("keepdims", true)?;
    let last = node.flag("select_last_index", false)?;
    op(move |run, args| {
        let x = args.tensor(0)?;
        // A scalar is a vector of one.
        let dims = if x.rank() == 0 { &[1][..] } else { x.shape() };
        let axis = shape::axis(axis, dims.len())?;
        let (outer, len, inner) = shape::around(dims, axis);
        if len == 0 {
            return Err(fault!("input 0: axis {axis} of {x} is empty: nothing is the greatest there"));
        }
        fn search<T: Number>(
            run: &mut Run<'_>,
            x: &[T],
            (len, inner): (usize, usize),
            results: usize,
            better: impl Fn(T, T) -> bool,
        ) -> Result<Vec<i64>, Fault> {
            let mut out: Vec<i64> = run.buffer(results)?;
            let mut best: Vec<T> = run.buffer(inner)?;
            for rows in x.chunks_exact((len * inner).max(1)) {
                let from = out.len();
                best.clear();
                best.extend_from_slice(&rows[..inner]);
                out.extend(std::iter::repeat_n(0, inner));
                for (at, row) in (1..).zip(rows.chunks_exact(inner).skip(1)) {
                    for ((best, place), &x) in best.iter_mut().zip(&mut out[from..]).zip(row) {
                        if better(x, *best) {
                            (*best, *place) = (x, at);
                        }
                    }
                }
            }
            Ok(out)
        }
        let (sizes, results) = ((len, inner), outer * inner);
        let out = with_kinds!([F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] x.data(), v => {
            match (greatest, last) {
                (true, false) => search(run, v, sizes, results, |x, best| x > best)?,
                (true, true) => search(run, v, sizes, results, |x, best| x >= best)?,
                (false, false) => search(run, v, sizes, results, |x, best| x < best)?,
                (false, true) => search(run, v, sizes, results, |x, best| x <= best)?,
            }
        }, return Err(fault!("input 0: is {}, must be numbers", x.kind())));
        let mut shape = x.shape().to_vec();
        if keep {
            shape.iter_mut().skip(axis).take(1).for_each(|dim| *dim = 1);
        } else if axis < shape.len() {
            shape.remove(axis);
        }
        one(Tensor::of(&*shape, out)?)
    })
}

/// `ArgMax`, ai.onnx 1, 11, 12, 13: the first place of the greatest; since 12 the last one on demand.
pub(super) fn arg_max(node: &Node<'_>) -> Result<Op, Fault> {
    places(node, true)
}

/// `ArgMin`, ai.onnx 1, 11, 12, 13: as [`arg_max`], of the least.
pub(super) fn arg_min(node: &Node<'_>) -> Result<Op, Fault> {
    places(node, false)
}

/// `NonZero`, ai.onnx 9, 13: the indexes of what isn't zero, one column an element. Of a scalar as of a
/// vector of one (ONNX Runtime).
pub(super) fn non_zero(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| {
        let x = args.tensor(0)?;
        let dims = if x.rank() == 0 { &[1][..] } else { x.shape() };
        let mut found: Vec<usize> = vec![];
        let count = match x.data() {
            Data::Small(..) => {
                return Err(fault!("input 0: is {}, which this operator doesn't take", x.kind()));
            }
            data => with_kinds!(
                [F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64, Bool, String, C64, C128] data,
                v => {
                    run.check_len::<usize>(v.len())?;
                    found.extend(v.iter().enumerate().filter(|(_, x)| !x.is_zero()).map(|(at, _)| at));
                    found.len()
                },
                0
            ),
        };
        let mut out = run.buffer(count.saturating_mul(dims.len()))?;
        for (&stride, &dim) in shape::strides(dims).iter().zip(dims) {
            out.extend(found.iter().map(|&at| (at / stride % dim.max(1)) as i64));
        }
        one(Tensor::of(&[dims.len(), count][..], out)?)
    })
}
