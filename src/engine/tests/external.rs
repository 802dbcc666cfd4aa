//! Weights outside the model file stay inside its folder.

use std::{fs, os::unix::fs::symlink};

use super::{
    build::{D, DataType, Model, outside},
    error, run_f32, write,
};
use crate::{Choice, Limits, LoadError, Tensor, load};

/// `y = x * w`, with `w` (three floats) outside.
fn model(entries: &[(&str, &str)]) -> Model {
    Model::new()
        .input("x", DataType::Float, &[D::Named("N"), D::Is(3)])
        .output("y", DataType::Float, &[D::Named("N"), D::Is(3)])
        .tensor(outside("w", &[3], entries))
        .node("Mul", &["x", "w"], &["y"])
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn data_beside_the_model_is_read_at_its_offset() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("weights.bin"), floats(&[9.0, 9.0, 1.0, 2.0, 3.0, 9.0])).unwrap();
    let entries = [("location", "weights.bin"), ("offset", "8"), ("length", "12")];
    for entries in [&entries[..], &entries[..2]] {
        let path = write(&folder, &model(entries).bytes());
        let engine = load(&path, &Limits::default(), Choice::Auto).unwrap();
        assert_eq!(run_f32(&*engine, Tensor::f32(&[1, 3], vec![1.0, 10.0, 100.0])), [1.0, 20.0, 300.0]);
    }
}

#[test]
fn data_must_be_there_and_long_enough() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("weights.bin"), floats(&[1.0, 2.0])).unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    let cases: [(&[(&str, &str)], &str); 8] = [
        (&[("location", "nowhere.bin")], "can't be read"),
        (&[("location", "weights.bin")], "has 8 bytes, not the 12 from byte 0"),
        (&[("location", "weights.bin"), ("offset", "18446744073709551615")], "has 8 bytes"),
        (&[("location", "weights.bin"), ("length", "8")], "need 12"),
        (&[("location", "weights.bin"), ("offset", "-4")], "no number"),
        (&[("location", "sub")], "not a regular file"),
        (&[("location", "")], "without saying where"),
        (&[], "without saying where"),
    ];
    for (entries, expected) in cases {
        let text = error(load(&write(&folder, &model(entries).bytes()), &Limits::default(), Choice::Auto));
        assert!(text.contains(expected) && text.contains("tensor `w`"), "{entries:?}: {text}");
    }
}

#[test]
fn data_outside_the_folder_is_never_read() {
    let top = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir_in(top.path()).unwrap();
    let secret = top.path().join("secret.bin");
    fs::write(&secret, floats(&[1.0, 2.0, 3.0])).unwrap();
    symlink("../secret.bin", folder.path().join("link.bin")).unwrap();
    symlink("..", folder.path().join("up")).unwrap();
    let absolute = secret.to_str().unwrap();
    for location in ["../secret.bin", absolute, "link.bin", "up/secret.bin", "./../secret.bin"] {
        let path = write(&folder, &model(&[("location", location)]).bytes());
        let refused = load(&path, &Limits::default(), Choice::Auto);
        assert!(matches!(refused, Err(LoadError::ExternalData { .. })), "{location}: {}", error(refused));
    }
}

#[test]
fn external_data_counts_as_part_of_the_model() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("weights.bin"), floats(&[1.0, 2.0, 3.0])).unwrap();
    let bytes = model(&[("location", "weights.bin")]).bytes();
    let limits = Limits { max_model_bytes: bytes.len() as u64 + 11, ..Limits::default() };
    let text = error(load(&write(&folder, &bytes), &limits, Choice::Auto));
    assert!(text.contains("with its external data") && text.contains("max_model_bytes"), "{text}");
}
