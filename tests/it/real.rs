//! Models out of packages of PyPI, as they come: edgeward's answers against ONNX Runtime's.
//!
//! The ten smallest; `tests/suites/real/run.py` has them all.

use std::process::Command;

use crate::support::{edgeward, root};

#[test]
fn real_models_answer_as_with_onnx_runtime() {
    let python = root().join(".venv/bin/python");
    assert!(python.exists(), "no Python environment: run tests/setup first");
    let output = Command::new(python)
        .arg(root().join("tests/suites/real/run.py"))
        .arg("--edgeward")
        .arg(edgeward().get_program())
        .arg("--folder")
        .arg(root().join("target/real-models"))
        .arg("--small")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    println!("{told}");
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("10 models, 0 failed"), "{told}");
}
