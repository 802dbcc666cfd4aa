//! Numbers in a row, and what is done along a row: `Range`, `EyeLike`, `Trilu`, `CumSum`, `CumProd`.

use super::cast;
use crate::{
    map_data, map_kinds,
    native::{
        attributes::{Node, kind},
        exec::{Op, Run, one, op},
        facts::kinds::ANY,
        fault::{Fault, fault},
        infer::rules::make,
        kernels::{number::Number, shape},
        table::{
            Entry,
            Infer::{Rule, Same},
            onnx,
        },
        value::{Data, Kind, Tensor},
    },
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("CumProd", &[26], cum_prod).infers(Rule(make::cumulated)),
    onnx("CumSum", &[11, 14], cum_sum).infers(Rule(make::cumulated)),
    onnx("EyeLike", &[9, 22], eye_like).infers(Rule(make::eye_like)),
    onnx("Range", &[11, 27], range).infers(Rule(make::range)),
    onnx("Trilu", &[14], trilu).infers(Same(ANY)),
];

/// `Range`, ai.onnx 11, 27: since 27 half floats, which are computed in f32 (or, with another
/// `stash_type`, in f32 all the same).
fn range(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| {
        fn one_of<T: Number>(tensor: &Tensor, name: &str) -> Result<T, Fault> {
            match tensor.slice::<T>().map_err(|fault| fault.about(name))? {
                [value] => Ok(*value),
                values => Err(fault!("{name} has {} elements, must have one", values.len())),
            }
        }
        fn numbers<T: Number>(run: &mut Run<'_>, parts: [&Tensor; 3], single: bool) -> Result<Vec<T>, Fault> {
            let start: T = one_of(parts[0], "start")?;
            let limit: T = one_of(parts[1], "limit")?;
            let delta: T = one_of(parts[2], "delta")?;
            if delta == T::ZERO {
                return Err(fault!("delta is zero: the range would never end"));
            }
            let (from, to, step) = (start.to_f64(), limit.to_f64(), delta.to_f64());
            // Counted in the precision of the numbers, as ONNX's formula says.
            let count =
                if single { f64::from((to as f32 - from as f32) / step as f32) } else { (to - from) / step };
            let count = count.ceil().max(0.0);
            if !count.is_finite() {
                return Err(fault!("from {from} to {to} by {step} has no end"));
            }
            let count = count as usize;
            let mut out = run.buffer(count)?;
            if T::KIND.is_integer() {
                let mut next = start;
                for _ in 0..count {
                    out.push(next);
                    next = next.plus(delta);
                }
            } else if single {
                out.extend((0..count).map(|i| T::from_f64(f64::from(from as f32 + i as f32 * step as f32))));
            } else {
                out.extend((0..count).map(|i| T::from_f64(from + i as f64 * step)));
            }
            Ok(out)
        }
        let parts = [args.tensor(0)?, args.tensor(1)?, args.tensor(2)?];
        let single = matches!(parts[0].kind(), Kind::F32 | Kind::F16 | Kind::BF16);
        fn typed<T: Number>(
            run: &mut Run<'_>,
            _: &[T],
            parts: [&Tensor; 3],
            single: bool,
        ) -> Result<Vec<T>, Fault> {
            numbers(run, parts, single)
        }
        let data: Data = map_kinds!(
            [F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] parts[0].data(),
            v => typed(run, v, parts, single)?,
            return Err(fault!("start is {}, must be a number", parts[0].kind()))
        );
        let len = data.len();
        one(Tensor::new(&[len][..], data)?)
    })
}

/// `EyeLike`, ai.onnx 9, 22: ones on a diagonal; later versions add types.
fn eye_like(node: &Node<'_>) -> Result<Op, Fault> {
    let kind = kind::of(node, "dtype")?;
    let k = node.int("k", 0)?;
    op(move |run, args| {
        let x = args.tensor(0)?;
        let &[rows, columns] = x.shape() else {
            return Err(fault!("input 0: is {x}, must have two dimensions"));
        };
        let mut ones = run.filled(x.len(), 0i8)?;
        for row in 0..rows {
            let column =
                usize::try_from((row as i64).saturating_add(k)).ok().filter(|&column| column < columns);
            if let Some(column) = column {
                ones[row * columns + column] = 1;
            }
        }
        let ones = Tensor::of(x.shape(), ones)?;
        let data =
            cast::convert(run, ones.data(), kind.unwrap_or(x.kind()), cast::Rounding::saturating(true))?;
        one(Tensor::new(x.shape(), data)?)
    })
}

/// `Trilu`, ai.onnx 14: what is on one side of a diagonal of the last two axes; zero elsewhere.
fn trilu(node: &Node<'_>) -> Result<Op, Fault> {
    let upper = node.flag("upper", true)?;
    op(move |run, args| {
        let x = args.tensor(0)?;
        let k = args.opt_ints(1)?.and_then(|k| k.first().copied()).unwrap_or(0);
        let [.., rows, columns] = x.shape() else {
            return Err(fault!("input 0: is {x}, must have at least two dimensions"));
        };
        let (rows, columns) = (*rows, *columns);
        let data = map_data!(x.data(), v => {
            let mut out = run.buffer(v.len())?;
            out.extend_from_slice(v);
            for (index, line) in out.chunks_exact_mut(columns.max(1)).enumerate() {
                // The first column on or above the diagonal, and the first above it.
                let row = (index % rows) as i64;
                let edge = row.saturating_add(k).saturating_add(if upper { 0 } else { 1 });
                let edge = edge.clamp(0, columns as i64) as usize;
                let gone = if upper { &mut line[..edge] } else { &mut line[edge..] };
                gone.fill(Default::default());
            }
            out
        });
        one(Tensor::new(x.shape(), data)?)
    })
}

fn cumulated(node: &Node<'_>, product: bool) -> Result<Op, Fault> {
    let exclusive = node.flag("exclusive", false)?;
    let reverse = node.flag("reverse", false)?;
    op(move |run, args| {
        let x = args.tensor(0)?;
        let axis = shape::axis(args.int(1)?, x.rank())?;
        let (outer, len, inner) = shape::around(x.shape(), axis);
        fn along<T: Number>(
            run: &mut Run<'_>,
            x: &[T],
            (outer, len, inner): (usize, usize, usize),
            modes: (bool, bool, bool),
        ) -> Result<Vec<T>, Fault> {
            let (product, exclusive, reverse) = modes;
            let start = if product { T::ONE } else { T::ZERO };
            let mut out = run.filled(x.len(), start)?;
            for block in 0..outer {
                for column in 0..inner {
                    let mut all = start;
                    for step in 0..len {
                        let row = if reverse { len - 1 - step } else { step };
                        let at = (block * len + row) * inner + column;
                        let next = if product { all.times(x[at]) } else { all.plus(x[at]) };
                        out[at] = if exclusive { all } else { next };
                        all = next;
                    }
                }
            }
            Ok(out)
        }
        let modes = (product, exclusive, reverse);
        let data = map_kinds!(
            [F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] x.data(),
            v => along(run, v, (outer, len, inner), modes)?,
            return Err(fault!("input 0: is {}, must be numbers", x.kind()))
        );
        one(Tensor::new(x.shape(), data)?)
    })
}

/// `CumSum`, ai.onnx 11, 14: later versions add types.
fn cum_sum(node: &Node<'_>) -> Result<Op, Fault> {
    cumulated(node, false)
}

/// `CumProd`, ai.onnx 26.
fn cum_prod(node: &Node<'_>) -> Result<Op, Fault> {
    cumulated(node, true)
}
