//! Which engine runs a model goes by what it answers: what tract made of it is held against our own executor once,
//! when it is loaded.
//!
//! Where both answer alike, tract's kernels are used. A panic, an error or another answer of tract where our own
//! gives one lets our own run the model. Where our own doesn't answer, or would take long, nothing is known, and tract
//! keeps it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    Engine, Sizes, Tensor, TensorData,
    contain::contained,
    native,
    onnx::{file::ModelFile, proto::ModelProto},
    sample::sized_inputs,
    trial,
};

/// Where lengths are free, so many of them are tried.
const LENGTHS: usize = 2;
/// A trial with more multiplications than this is left out: our own executor would take a second for it.
const MOST_MULTIPLY_ADDS: u64 = 300_000_000;
/// Half of the numbers' usual bits in f32, relative to the largest of an output: what is more than the order of a
/// sum.
const TOLERANCE: f64 = 1e-3;

/// Why what tract made of a model is not to be used, if so. `cost` are its multiplications for a row of some lengths.
pub(super) fn against(
    tract: &dyn Engine,
    cost: &dyn Fn(&Sizes) -> u64,
    proto: &ModelProto,
    file: &ModelFile<'_>,
) -> Option<String> {
    let signature = tract.signature();
    let mut tried = 0;
    for sizes in trial::sizes(signature).filter(|sizes| cost(sizes) <= MOST_MULTIPLY_ADDS) {
        let inputs = sized_inputs(signature, 1, &sizes, 0);
        let Ok(own) = contained(file, || native::answer(proto.clone(), &inputs, file)) else { continue };
        let mut session = tract.session();
        let theirs = catch_unwind(AssertUnwindSafe(|| session.run(&inputs).map(<[Tensor]>::to_vec)));
        let differs = match theirs {
            Ok(Ok(theirs)) => {
                let pairs = theirs.iter().zip(&own).zip(&signature.outputs);
                let apart = pairs.into_iter().find(|((a, b), _)| !alike(a, b));
                apart.map(|(_, port)| {
                    format!("its answer for `{}` is another than our own executor's", port.name)
                })
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("it panics in a trial run".to_owned()),
        };
        if differs.is_some() {
            return differs;
        }
        tried += 1;
        if tried == LENGTHS {
            break;
        }
    }
    None
}

/// Whether two answers are the same but for the order of sums.
fn alike(a: &Tensor, b: &Tensor) -> bool {
    a.shape == b.shape
        && match (&a.data, &b.data) {
            (TensorData::F32(a), TensorData::F32(b)) => {
                near(a.iter().map(|x| f64::from(*x)), b.iter().map(|x| f64::from(*x)))
            }
            (TensorData::F64(a), TensorData::F64(b)) => near(a.iter().copied(), b.iter().copied()),
            (a, b) => a == b,
        }
}

fn near(a: impl Iterator<Item = f64> + Clone, b: impl Iterator<Item = f64> + Clone) -> bool {
    let largest = b.clone().filter(|x| x.is_finite()).fold(1.0, |most: f64, x| most.max(x.abs()));
    a.zip(b).all(|(a, b)| a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= TOLERANCE * largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_alike_but_for_rounding() {
        let tensor = |values: &[f32]| Tensor::f32(&[values.len()], values.to_vec());
        assert!(alike(&tensor(&[1.0, f32::NAN]), &tensor(&[1.0005, f32::NAN])));
        assert!(alike(&tensor(&[1e6, 3.0]), &tensor(&[1e6 + 100.0, 100.0])), "relative to the largest");
        assert!(!alike(&tensor(&[1.0]), &tensor(&[1.1])));
        assert!(!alike(&tensor(&[f32::INFINITY]), &tensor(&[1.0])));
        assert!(!alike(&tensor(&[1.0]), &tensor(&[1.0, 2.0])));
    }
}
