//! A model at which tract fails once is run by our own executor from then on, the row at which it failed included.
//!
//! Models at which tract fails are mended there sooner or later, so the failure is made here: of rows that begin with a
//! number of their own.

use std::{cell::Cell, fs};

use super::{
    build::{D, autoencoder},
    f32s, noise, write,
};
use crate::{Choice, Engine, Limits, RunError, Tensor, TensorData, load};

const PANICS: f32 = 13.0;
const FAILS: f32 = 7.0;

thread_local! {
    /// In this thread tract fails at such rows.
    static TOLD: Cell<bool> = const { Cell::new(false) };
}

/// What tract runs asks here first.
pub(crate) fn fail_where_told(inputs: &[Tensor]) -> Result<(), RunError> {
    let first = |tensor: &Tensor| match &tensor.data {
        TensorData::F32(values) => values.first().copied(),
        _ => None,
    };
    match inputs.first().and_then(first).filter(|_| TOLD.get()) {
        Some(PANICS) => panic!("attempt to add with overflow"),
        Some(FAILS) => Err(RunError::Failed("no such kernel".into())),
        _ => Ok(()),
    }
}

fn row(first: f32) -> Tensor {
    let mut values = noise(640, 5);
    values[0] = first;
    Tensor::f32(&[1, 640], values)
}

fn answer(engine: &dyn Engine, first: f32) -> Result<Vec<f32>, RunError> {
    engine.session().run(&[row(first)]).map(|outputs| f32s(&outputs[0]).to_vec())
}

#[test]
fn the_row_at_which_tract_fails_and_all_after_it_are_run_by_our_own() {
    TOLD.set(true);
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, &autoencoder(D::Named("N")).bytes());
    let own = load(&path, &Limits::default(), Choice::Native).unwrap();
    for failing in [PANICS, FAILS] {
        let engine = load(&path, &Limits::default(), Choice::Auto).unwrap();
        let mut before = engine.session();
        before.run(&[row(1.0)]).unwrap();
        assert_eq!(engine.name(), "tract");
        assert_eq!(answer(&*engine, failing).unwrap(), answer(&*own, failing).unwrap());
        assert_eq!(engine.name(), "native", "and that is told");
        // In a session that was open before, too.
        let next = f32s(&before.run(&[row(2.0)]).unwrap()[0]).to_vec();
        assert_eq!(next, answer(&*own, 2.0).unwrap(), "to the bit: it is our own executor");
    }
}

#[test]
fn who_asked_for_tract_gets_its_failure() {
    TOLD.set(true);
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, &autoencoder(D::Named("N")).bytes());
    let engine = load(&path, &Limits::default(), Choice::Tract).unwrap();
    assert!(answer(&*engine, FAILS).unwrap_err().to_string().contains("no such kernel"));
    assert_eq!(engine.name(), "tract");
    assert!(answer(&*engine, 1.0).is_ok(), "the next row is its own again");
}

#[test]
fn a_file_that_was_exchanged_meanwhile_is_another_model() {
    TOLD.set(true);
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, &autoencoder(D::Named("N")).bytes());
    let engine = load(&path, &Limits::default(), Choice::Auto).unwrap();
    fs::write(&path, b"another").unwrap();
    assert!(answer(&*engine, FAILS).unwrap_err().to_string().contains("no such kernel"));
    assert_eq!(engine.name(), "tract");
    assert!(answer(&*engine, 1.0).is_ok());
}
