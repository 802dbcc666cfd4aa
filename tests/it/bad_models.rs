//! Models that can't be used: a clear error that names the file, no panic, no runaway memory.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use wait4::Wait4;

use crate::support::{daemon::config, edgeward, model};

/// More than the program needs, less than any of the huge tensors.
const ADDRESS_SPACE_BYTES: u64 = 3 << 30;
/// Resident memory while a bad model is looked at.
const MAX_RESIDENT_BYTES: u64 = 400 << 20;

/// What a run of the program gave.
struct Ran {
    code: Option<i32>,
    said: String,
    resident_bytes: u64,
}

/// Runs `edgeward` with bounded memory.
fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let out = folder.join("said.txt");
    let file = || fs::File::options().create(true).append(true).open(&out).unwrap();
    let program = edgeward().get_program().to_owned();
    let mut child = Command::new("prlimit")
        .arg(format!("--as={ADDRESS_SPACE_BYTES}"))
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(file())
        .stderr(file())
        .spawn()
        .unwrap();
    let ended = child.wait4().unwrap();
    let said = String::from_utf8_lossy(&fs::read(&out).unwrap()).into_owned();
    fs::remove_file(out).unwrap();
    Ran { code: ended.status.code(), said, resident_bytes: ended.rusage.maxrss }
}

fn pipeline(model: &Path) -> String {
    // Nobody listens on port 1: a model must be refused before the network is touched.
    config(1, &format!("[pipelines.p]\ntopics = [\"a\"]\nmodel = \"{}\"\n", model.display()))
}

/// Checks and runs a configuration with `model`; both must refuse it in the same clean way.
fn assert_refused(model: &Path, parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("edgeward.toml"), pipeline(model)).unwrap();
    let name = model.file_name().unwrap().to_str().unwrap();
    for command in ["check", "run"] {
        let ran = run(folder.path(), &[command]);
        let said = &ran.said;
        assert_eq!(ran.code, Some(78), "{command} with {name}: {said}");
        assert!(said.contains(name), "{command} does not name {name}: {said}");
        assert!(said.contains("pipelines.p.model"), "{command} with {name} names no key: {said}");
        for part in parts {
            assert!(said.contains(part), "{command} with {name} does not say {part:?}: {said}");
        }
        for ugly in ["panicked", "RUST_BACKTRACE", "memory allocation", "core dumped", "unwrap"] {
            assert!(!said.contains(ugly), "{command} with {name}: {said}");
        }
        assert!(said.len() < 4000, "{command} with {name} says {} bytes: {said}", said.len());
        let resident = ran.resident_bytes;
        assert!(resident < MAX_RESIDENT_BYTES, "{command} with {name} took {resident} bytes: {said}");
    }
}

/// Every bad model, and what its refusal must say.
const REFUSALS: &[(&str, &[&str])] = &[
    ("truncated", &["not an ONNX model, or is cut short"]),
    ("truncated_weights", &["cut short"]),
    ("empty", &["empty"]),
    ("text", &["not an ONNX model"]),
    ("other_protobuf", &["not an ONNX model"]),
    ("unsupported_operator", &["can't run here", "com.microsoft.nchwc.Conv", "up to the level `extended`"]),
    ("made_up_operator", &["Wobble"]),
    ("future_opset", &["9999"]),
    ("dangling_input", &["nobody"]),
    ("external_outside", &["../outside.bin"]),
    ("external_absolute", &["outside.bin"]),
    ("external_symlink", &["link.bin"]),
    ("external_missing", &["missing.bin"]),
    ("external_short", &["short.bin"]),
    ("huge_initializer", &["4398046511104 bytes for a tensor `w`", "limits.max_tensor_bytes"]),
    ("huge_initializer_overflow", &["than can be counted for a tensor `w`"]),
    ("huge_constant", &["limits.max_tensor_bytes"]),
    ("huge_input", &["for an input `x`", "limits.max_tensor_bytes"]),
    ("huge_expand", &["limits.max_tensor_bytes"]),
    ("negative_dimension", &["`w`", "has a negative dimension"]),
    ("matrices_apart", &["MatMul `project`", "can't be multiplied"]),
    ("shape_apart", &["Reshape `reshape`", "12 elements, not 10"]),
    ("parts_apart", &["Concat `the_Concat`", "can't join"]),
];

#[test]
fn every_bad_model_is_refused_at_check_and_at_run() {
    let bad = model("bad");
    let mut files: Vec<PathBuf> = fs::read_dir(&bad).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    assert_eq!(files.len(), REFUSALS.len(), "each bad model has its refusal: {files:?}");
    for (name, parts) in REFUSALS {
        assert_refused(&bad.join(format!("{name}.onnx")), parts);
    }
}

#[test]
fn a_model_that_is_not_there_or_not_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_refused(&folder.path().join("absent.onnx"), &["No such file"]);
    fs::create_dir(folder.path().join("hollow")).unwrap();
    assert_refused(&folder.path().join("hollow"), &["bundle.toml"]);
}

#[test]
fn a_model_over_the_operators_own_limit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = model("autoencoder/model.onnx");
    let text = pipeline(&path) + "[limits]\nmax_model_bytes = 1000\n";
    fs::write(folder.path().join("edgeward.toml"), text).unwrap();
    let ran = run(folder.path(), &["check"]);
    assert_eq!(ran.code, Some(78), "{}", ran.said);
    assert!(ran.said.contains("`limits.max_model_bytes`"), "{}", ran.said);
    let text = pipeline(&path) + "[limits]\nmax_tensor_bytes = 1000\n";
    fs::write(folder.path().join("edgeward.toml"), text).unwrap();
    let ran = run(folder.path(), &["check"]);
    assert_eq!(ran.code, Some(78), "{}", ran.said);
    assert!(ran.said.contains("`limits.max_tensor_bytes`"), "{}", ran.said);
}

/// A copy of the perceptron's bundle.
fn copy_of_mlp(folder: &Path) -> PathBuf {
    let copy = folder.join("mlp");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(model("mlp")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
    }
    copy
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(file, text.replace(from, to)).unwrap();
}

#[test]
fn a_bundle_that_was_damaged_or_does_not_answer_as_it_should_is_refused() {
    type Harm = fn(&Path);
    let harms: [(Harm, &[&str]); 9] = [
        (
            |bundle| {
                let file = bundle.join("model.onnx");
                let mut bytes = fs::read(&file).unwrap();
                *bytes.last_mut().unwrap() ^= 1;
                fs::write(file, bytes).unwrap();
            },
            &["model.onnx", "SHA-256", "copy the bundle again"],
        ),
        (|bundle| fs::remove_file(bundle.join("model.onnx")).unwrap(), &["can't read", "model.onnx"]),
        (
            |bundle| edit(&bundle.join("bundle.toml"), "format = 1", "format = 2"),
            &["newer", "update edgeward"],
        ),
        (
            |bundle| edit(&bundle.join("bundle.toml"), "[model]", "colour = 1\nversoin = 2\n[model]"),
            &["colour", "versoin", "version"],
        ),
        (
            |bundle| edit(&bundle.join("bundle.toml"), "\"model.onnx\"", "\"../model.onnx\""),
            &["within the bundle's folder"],
        ),
        (
            |bundle| edit(&bundle.join("bundle.toml"), "tensor = \"score\"", "tensor = \"skore\""),
            &["skore", "score"],
        ),
        (|bundle| edit(&bundle.join("bundle.toml"), "[inputs.input]", "[inputs.input"), &["line"]),
        (
            |bundle| edit(&bundle.join("samples.jsonl"), "\"score\": 0.", "\"score\": 3."),
            &["sample 1", "`score`"],
        ),
        (
            |bundle| std::os::unix::fs::symlink("/dev/null", bundle.join("extra")).unwrap(),
            &["links", "`extra`"],
        ),
    ];
    for (harm, parts) in harms {
        let folder = tempfile::tempdir().unwrap();
        let bundle = copy_of_mlp(folder.path());
        harm(&bundle);
        assert_refused(&bundle, parts);
    }
    // Unharmed, it is fine.
    let folder = tempfile::tempdir().unwrap();
    let bundle = copy_of_mlp(folder.path());
    fs::write(folder.path().join("edgeward.toml"), pipeline(&bundle)).unwrap();
    let ran = run(folder.path(), &["check"]);
    assert_eq!(ran.code, Some(0), "{}", ran.said);
}

#[test]
fn score_and_inspect_refuse_a_bad_model_too() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), "[1,2,3,4]\n").unwrap();
    for name in ["truncated", "huge_initializer", "made_up_operator", "external_outside"] {
        let path = model("bad").join(format!("{name}.onnx"));
        let path = path.to_str().unwrap();
        for arguments in [&["score", path, "in.jsonl"][..], &["model", "inspect", path]] {
            let ran = run(folder.path(), arguments);
            assert_eq!(ran.code, Some(78), "{arguments:?}: {}", ran.said);
            assert!(ran.said.contains(name) && !ran.said.contains("panicked"), "{}", ran.said);
        }
    }
}
