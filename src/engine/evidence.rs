//! Which engine runs a model goes by what it answers: what tract made of it is held against our own executor once,
//! when it is loaded.
//!
//! Our own says first whether the model's first axis is that of rows, which tract must not find out: its kernels read
//! beyond their memory at a length that is too short. Where both then answer alike, tract's kernels are used. A
//! panic, an error or another answer of tract where our own gives one lets our own run the model. Where our own
//! doesn't answer, or would take long, nothing is known, and tract keeps it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    Choice, Engine, Session, Tensor, TensorData,
    choice::FREE_SIZES,
    contain::contained,
    native,
    onnx::{file::ModelFile, proto::ModelProto},
    sample::random_inputs,
};

/// A model with more multiplications a row than this isn't tried: our own executor would take a second for it.
const MOST_MULTIPLY_ADDS: u64 = 300_000_000;
/// Half of the numbers' usual bits in f32, relative to the largest of an output: what is more than the order of a
/// sum.
const TOLERANCE: f64 = 1e-3;

/// What is known of a model besides what tract makes of it.
pub(super) struct Evidence<'m> {
    /// Who asks for tract by name gets it, unless it is unsafe; else it must answer as our own does.
    pub choice: Choice,
    pub proto: &'m ModelProto,
}

impl Evidence<'_> {
    /// Why what tract made of a model is not to be used, if so; `multiply_adds` are its of a row.
    pub fn against(&self, tract: &dyn Engine, multiply_adds: u64, file: &ModelFile<'_>) -> Option<String> {
        if multiply_adds > MOST_MULTIPLY_ADDS {
            return None;
        }
        let own = contained(file, || native::load(self.proto.clone(), file)).ok()?;
        if own.signature().has_free_sizes() {
            return Some(FREE_SIZES.to_owned());
        }
        if self.choice == Choice::Tract {
            return None;
        }
        another_answer(&mut *tract.session(), &mut *own.session(), tract)
    }
}

/// How the first answers otherwise than the second, whose answer is the one to trust.
fn another_answer(theirs: &mut dyn Session, own: &mut dyn Session, tract: &dyn Engine) -> Option<String> {
    let signature = tract.signature();
    let inputs = random_inputs(signature, 1);
    let own = tried(own, &inputs).ok()?;
    match tried(theirs, &inputs) {
        Ok(theirs) => {
            let pairs = theirs.iter().zip(&own).zip(&signature.outputs);
            let apart = pairs.into_iter().find(|((a, b), _)| !alike(a, b));
            apart
                .map(|(_, port)| format!("its answer for `{}` is another than our own executor's", port.name))
        }
        Err(why) => Some(why),
    }
}

/// What a session answers, or how it fails.
fn tried(session: &mut dyn Session, inputs: &[Tensor]) -> Result<Vec<Tensor>, String> {
    let run = AssertUnwindSafe(|| session.run(inputs).map(<[Tensor]>::to_vec));
    match catch_unwind(run) {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err("it panics in a trial run".to_owned()),
    }
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
    use std::sync::Arc;

    use super::*;
    use crate::{Dim, ElementType, Port, RunError, Signature};

    #[test]
    fn answers_are_alike_but_for_rounding() {
        let tensor = |values: &[f32]| Tensor::f32(&[values.len()], values.to_vec());
        assert!(alike(&tensor(&[1.0, f32::NAN]), &tensor(&[1.0005, f32::NAN])));
        assert!(alike(&tensor(&[1e6, 3.0]), &tensor(&[1e6 + 100.0, 100.0])), "relative to the largest");
        assert!(!alike(&tensor(&[1.0]), &tensor(&[1.1])));
        assert!(!alike(&tensor(&[f32::INFINITY]), &tensor(&[1.0])));
        assert!(!alike(&tensor(&[1.0]), &tensor(&[1.0, 2.0])));
    }

    /// An engine that does one thing.
    #[derive(Clone)]
    struct Does(Arc<Signature>, fn(&[Tensor]) -> Result<Vec<Tensor>, RunError>, Vec<Tensor>);

    fn does(run: fn(&[Tensor]) -> Result<Vec<Tensor>, RunError>) -> Does {
        let port = |name: &str| Port {
            name: name.into(),
            element: ElementType::F32,
            dims: vec![Dim::Batch, Dim::Fixed(2)],
            labels: vec![],
        };
        let signature = Signature { inputs: vec![port("x")], outputs: vec![port("y")], free_batch: true };
        Does(Arc::new(signature), run, vec![])
    }

    impl Engine for Does {
        fn name(&self) -> &'static str {
            "tract"
        }

        fn signature(&self) -> &Signature {
            &self.0
        }

        fn session(&self) -> Box<dyn Session> {
            Box::new(self.clone())
        }
    }

    impl Session for Does {
        fn run(&mut self, inputs: &[Tensor]) -> Result<&[Tensor], RunError> {
            self.2 = (self.1)(inputs)?;
            Ok(&self.2)
        }
    }

    fn apart(theirs: Does, own: Does) -> Option<String> {
        another_answer(&mut *theirs.session(), &mut *own.session(), &theirs)
    }

    #[test]
    fn an_engine_that_fails_or_answers_otherwise_is_told_by_what_it_did() {
        let same = || does(|inputs| Ok(inputs.to_vec()));
        let failing = || does(|_| Err(RunError::Failed("no such kernel".into())));
        let panicking = || does(|_| panic!("attempt to add with overflow"));
        let twice = does(|inputs| Ok(vec![inputs[0].clone(), inputs[0].clone()]));
        let zeros = does(|inputs| Ok(vec![Tensor::f32(&inputs[0].shape, vec![0.0; 2])]));
        assert_eq!(apart(same(), same()), None);
        assert_eq!(apart(twice, same()), None, "only what the model declares is compared");
        assert_eq!(
            apart(zeros, same()).as_deref(),
            Some("its answer for `y` is another than our own executor's")
        );
        assert_eq!(apart(panicking(), same()).as_deref(), Some("it panics in a trial run"));
        assert!(apart(failing(), same()).unwrap().contains("no such kernel"));
        assert_eq!(apart(panicking(), failing()), None, "nothing is known where our own doesn't answer");
        assert_eq!(apart(failing(), panicking()), None);
    }
}
