//! `edgeward model recipe`: every script is run as printed, and its model scored, where its packages are
//! installed.

use std::{fs, path::Path, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{edgeward, root};

/// Of a value around one; frameworks compute with 32 bits, scikit-learn and LightGBM with 64.
const TOLERANCE: f64 = 2e-5;

fn printed(arguments: &[&str]) -> String {
    let output = edgeward().args(["model", "recipe"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The Python of the environment that has `module`, of those that `tests/setup` makes.
fn python_with(module: &str) -> Option<std::path::PathBuf> {
    [".venv", ".venv-frameworks", ".venv-pytorch"].iter().find_map(|environment| {
        let python = root().join(environment).join("bin/python");
        let found = Command::new(&python)
            .arg("-c")
            .arg(format!(
                "import importlib.util, sys; sys.exit(importlib.util.find_spec('{module}') is None)"
            ))
            .status();
        found.is_ok_and(|status| status.success()).then_some(python)
    })
}

fn succeeded(what: &str, command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{out}\n{said}", output.status);
    out.into_owned()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// Numbers within the tolerance, everything else equal.
fn agree(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            (one - other).abs() <= TOLERANCE * one.abs().max(1.0)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| agree(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, one)| other.get(key).is_some_and(|other| agree(one, other)))
        }
        // A tensor of one number may be told as the number.
        (Value::Array(one), other) if one.len() == 1 => agree(&one[0], other),
        (one, other) => one == other,
    }
}

/// Runs a recipe and holds `edgeward score` against the framework's own answers.
fn holds(name: &str, module: &str, needed: bool) {
    let Some(python) = python_with(module) else {
        assert!(!needed, "{module} is not installed; run tests/setup first");
        eprintln!("skipped: no environment of tests/setup has {module}; see tests/setup --pytorch");
        return;
    };
    let folder = TempDir::new().unwrap();
    let path: &Path = folder.path();
    fs::write(path.join("export.py"), printed(&[name])).unwrap();
    let mut script = Command::new(python);
    // One thread and no search for GPUs: quick, and the same everywhere.
    script.arg("export.py").current_dir(path).env("OMP_NUM_THREADS", "1").env("CUDA_VISIBLE_DEVICES", "-1");
    let told = succeeded(name, &mut script);
    assert!(told.contains("edgeward bundle init model.onnx"), "{told}");
    let inspect =
        succeeded(name, edgeward().args(["model", "inspect", "--json", "model.onnx"]).current_dir(path));
    let inspect: Value = serde_json::from_str(&inspect).unwrap();
    assert_eq!(inspect["runs_here"], true, "{inspect}");
    let mut score = edgeward();
    score.args(["score", "--quiet", "--strict", "model.onnx", "rows.jsonl"]).current_dir(path);
    let scored = lines(&succeeded(name, &mut score));
    let expected = lines(&fs::read_to_string(path.join("expected.jsonl")).unwrap());
    assert_eq!(scored.len(), expected.len());
    assert!(expected.len() >= 100, "only {} rows", expected.len());
    for (row, (one, other)) in expected.iter().zip(&scored).enumerate() {
        assert!(agree(one, &other["outputs"]), "{name}, row {row}: {one} is expected, not {other}");
    }
}

#[test]
fn scikit_learn() {
    holds("sklearn", "skl2onnx", true);
}

#[test]
fn lightgbm() {
    holds("lightgbm", "lightgbm", true);
}

#[test]
fn xgboost() {
    holds("xgboost", "xgboost", true);
}

#[test]
fn keras() {
    holds("keras", "keras", cfg!(target_arch = "x86_64"));
}

#[test]
fn tensorflow() {
    holds("tensorflow", "tensorflow", cfg!(target_arch = "x86_64"));
}

#[test]
fn pytorch() {
    holds("pytorch", "torch", false);
}

#[test]
fn the_list_names_every_recipe() {
    let list: Value = serde_json::from_str(&printed(&["--json"])).unwrap();
    let names: Vec<&str> = list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["sklearn", "lightgbm", "xgboost", "pytorch", "keras", "tensorflow"]);
    let text = printed(&[]);
    for one in list.as_array().unwrap() {
        let line = text.lines().find(|line| line.trim_start().starts_with(one["name"].as_str().unwrap()));
        assert!(line.is_some_and(|line| line.contains(one["framework"].as_str().unwrap())), "{text}");
    }
    let one: Value = serde_json::from_str(&printed(&["sklearn", "--json"])).unwrap();
    assert_eq!(one["script"].as_str().unwrap(), printed(&["sklearn"]));
}

#[test]
fn an_unknown_framework_is_told_with_those_there_are() {
    let output = edgeward().args(["model", "recipe", "skleran"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("sklearn") && said.contains("tensorflow"), "{said}");
}
