//! Writing to places.

use std::sync::Arc;

use half::{bf16, f16};

use super::places::{element_wise, tuples};
use crate::{
    native::{
        attributes::Node,
        exec::{Args, Op, Outputs, one, op},
        fault::{Fault, fault},
        kernels::{places::put, shape::axis as checked_axis},
        ops::alike,
        value::Tensor,
    },
    with_data, with_kinds,
};

/// What becomes of an element that is written to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reduction {
    None,
    Add,
    Mul,
    Max,
    Min,
}

impl Reduction {
    fn of(node: &Node<'_>) -> Result<Self, Fault> {
        Ok(match node.string("reduction", "none")? {
            "none" => Reduction::None,
            "add" => Reduction::Add,
            "mul" => Reduction::Mul,
            "max" => Reduction::Max,
            "min" => Reduction::Min,
            other => {
                return Err(fault!("attribute `reduction` is `{other}`: must be none, add, mul, max or min"));
            }
        })
    }
}

/// What the reductions mean for a type. Integers wrap around; a NaN stays, as in NumPy.
trait Combine: Sized {
    fn combine(reduction: Reduction, old: &Self, new: &Self) -> Self;
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Combine for $t {
            fn combine(reduction: Reduction, &old: &Self, &new: &Self) -> Self {
                match reduction {
                    Reduction::None => new,
                    Reduction::Add => old.wrapping_add(new),
                    Reduction::Mul => old.wrapping_mul(new),
                    Reduction::Max => old.max(new),
                    Reduction::Min => old.min(new),
                }
            }
        }
    )*};
}

macro_rules! floats {
    ($($t:ty),*) => {$(
        impl Combine for $t {
            fn combine(reduction: Reduction, &old: &Self, &new: &Self) -> Self {
                match reduction {
                    Reduction::None => new,
                    Reduction::Add => old + new,
                    Reduction::Mul => old * new,
                    Reduction::Max if new > old || new.is_nan() => new,
                    Reduction::Min if new < old || new.is_nan() => new,
                    Reduction::Max | Reduction::Min => old,
                }
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);
floats!(f32, f64, f16, bf16);

impl Combine for bool {
    fn combine(reduction: Reduction, &old: &Self, &new: &Self) -> Self {
        match reduction {
            Reduction::None => new,
            Reduction::Add | Reduction::Max => old || new,
            Reduction::Mul | Reduction::Min => old && new,
        }
    }
}

/// `ScatterElements`, ai.onnx 11 to 18, and `Scatter`, its name before 11: element by element along an
/// axis. Since 16 `add` and `mul`, since 18 `max` and `min`.
pub fn scatter_elements(node: &Node<'_>) -> Result<Op, Fault> {
    let (axis, reduction) = (node.int("axis", 0)?, Reduction::of(node)?);
    op(move |run, mut args| {
        let (data, indices) = (args.tensor(0)?, args.ints(1)?);
        let (shape, updates) = (args.tensor(1)?.shape(), args.tensor(2)?);
        if shape != updates.shape() {
            return Err(fault!("has updates {updates} for indices of shape {shape:?}: must be the same"));
        }
        let places = element_wise(run, data, &indices, shape, checked_axis(axis, data.rank())?)?;
        write(&mut args, &places, 1, reduction)
    })
}

/// `ScatterND`, ai.onnx 11 to 18: slices named by tuples. Since 16 `add` and `mul`, since 18 `max` and `min`.
pub fn scatter_nd(node: &Node<'_>) -> Result<Op, Fault> {
    let reduction = Reduction::of(node)?;
    op(move |run, mut args| {
        let places = tuples(run, args.tensor(0)?, args.tensor(1)?, 0)?;
        let updates = args.tensor(2)?;
        if updates.shape() != &*places.shape {
            return Err(fault!("has updates {updates}, must have the shape {:?}", &*places.shape));
        }
        let len = if updates.len() == 0 { 0 } else { places.len };
        write(&mut args, &places.starts, len, reduction)
    })
}

/// Input 0 with input 2 written to it.
fn write(args: &mut Args, places: &[usize], len: usize, reduction: Reduction) -> Result<Outputs, Fault> {
    let (data, updates) = (args.take(0)?, args.take(2)?);
    let kind = alike::kind([&data, &updates])?;
    let (shape, mut data) = data.into_parts();
    if reduction == Reduction::None {
        with_data!(&mut data, v => {
            let new = alike::elements(updates.data())?;
            put(&mut Arc::make_mut(v)[..], places, len, new, |_, new| new.clone());
        });
    } else {
        with_kinds!([F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64, Bool] &mut data, v => {
            let new = alike::elements(updates.data())?;
            put(&mut Arc::make_mut(v)[..], places, len, new, |old, new| Combine::combine(reduction, old, new));
        }, return Err(Fault::unsupported(format!("can't reduce {kind}"))));
    }
    one(Tensor::new(shape, data)?)
}
