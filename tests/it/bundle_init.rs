//! A first bundle, and two engines held against each other, from the command line.

use std::{fs, path::Path, process::Output};

use serde_json::{Value as Json, json};

use crate::support::{edgeward, model};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    edgeward().args(arguments).current_dir(folder).output().unwrap()
}

fn json_of(output: &Output) -> Json {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_model_and_its_messages_become_a_bundle_that_scores_them() {
    let folder = tempfile::tempdir().unwrap();
    let message = |t: f64| json!({ "id": format!("m{t}"), "time": "2026-01-01T00:00:00Z", "s": { "a": t, "b": 1.5, "c": 0.25, "d": 2.0 } });
    let messages: String = (0..5).map(|t| format!("{}\n", message(f64::from(t)))).collect();
    fs::write(folder.path().join("messages.jsonl"), messages).unwrap();
    let onnx = text(&model("mlp/model.onnx"));
    let made = run(folder.path(), &["bundle", "init", &onnx, "messages.jsonl", "-o", "b", "--yes", "--json"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let made = json_of(&made);
    assert_eq!(made["samples"], 5);
    let manifest = fs::read_to_string(folder.path().join("b/bundle.toml")).unwrap();
    for part in ["\"s.a\"", "time = \"time\"", "message_id = \"id\"", "samples.jsonl"] {
        assert!(manifest.contains(part), "{part} is not in {manifest}");
    }
    let scored = run(folder.path(), &["score", "b", "messages.jsonl", "-q"]);
    let first: Json = serde_json::from_slice(scored.stdout.split(|b| *b == b'\n').next().unwrap()).unwrap();
    assert_eq!(first["outputs"], made["first_outputs"]);
    // Not over what is there.
    let again = run(folder.path(), &["bundle", "init", &onnx, "messages.jsonl", "-o", "b", "--yes"]);
    assert_eq!(again.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
}

#[test]
fn what_nobody_can_know_is_asked_for_with_the_flag_that_tells_it() {
    let folder = tempfile::tempdir().unwrap();
    let row = json!({ "a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0, "f": 6.0 });
    fs::write(folder.path().join("m.jsonl"), row.to_string()).unwrap();
    let onnx = text(&model("mlp/model.onnx"));
    let refused = run(folder.path(), &["bundle", "init", &onnx, "m.jsonl", "-o", "b", "--yes"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(78), "{said}");
    assert!(said.contains("--fields a,b,c,d"), "{said}");
    assert!(!folder.path().join("b").exists() && !folder.path().join("b.part").exists());
    let made =
        run(folder.path(), &["bundle", "init", &onnx, "m.jsonl", "-o", "b", "--yes", "--fields", "f,e,d,c"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let manifest = fs::read_to_string(folder.path().join("b/bundle.toml")).unwrap();
    let at = |name: &str| manifest.find(name).unwrap();
    assert!(at("\"f\"") < at("\"e\"") && at("\"e\"") < at("\"c\""), "{manifest}");
}

#[test]
fn a_state_and_free_sizes_are_found_and_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let step = |at: i32| format!("{}\n", json!({ "v": [f64::from(at) / 4.0, 0.5, -0.25, 1.0] }));
    fs::write(folder.path().join("steps.jsonl"), (0..4).map(step).collect::<String>()).unwrap();
    let onnx = text(&model("recurrent_step/model.onnx"));
    let made = run(folder.path(), &["bundle", "init", &onnx, "steps.jsonl", "-o", "step", "--yes", "--json"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(json_of(&made)["samples"], 4, "steps of one stream");
    let manifest = fs::read_to_string(folder.path().join("step/bundle.toml")).unwrap();
    assert!(manifest.contains("[state.h]\ninput = \"h\"\noutput = \"h_next\""), "{manifest}");
    assert!(!manifest.contains("[outputs.h_next]") && manifest.contains("array = \"v\""), "{manifest}");
    // What it scores is what the bundle that was written by hand scores.
    let score = |bundle: &str| run(folder.path(), &["score", bundle, "steps.jsonl", "-q"]).stdout;
    let outputs = |lines: Vec<u8>| -> Vec<Json> {
        let lines = String::from_utf8(lines).unwrap();
        lines
            .lines()
            .map(|line| serde_json::from_str::<Json>(line).unwrap()["outputs"]["y"].clone())
            .collect()
    };
    assert_eq!(outputs(score("step")), outputs(score(&text(&model("recurrent_step")))));

    let whole = |steps: usize| format!("{}\n", json!({ "v": vec![[0.5, 0.25, -1.0, 0.0]; steps] }));
    fs::write(folder.path().join("whole.jsonl"), [3, 7, 5].map(whole).concat()).unwrap();
    let onnx = text(&model("recurrent_whole/model.onnx"));
    let made =
        run(folder.path(), &["bundle", "init", &onnx, "whole.jsonl", "-o", "whole", "--yes", "--json"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let manifest = fs::read_to_string(folder.path().join("whole/bundle.toml")).unwrap();
    assert!(manifest.contains("[model.sizes]\nT = { max = 28 }    # 3 to 7 in the sample"), "{manifest}");
    assert_eq!(json_of(&made)["samples"], 3);
}

#[cfg(not(feature = "tract"))]
#[test]
fn one_engine_has_nothing_to_be_compared_with() {
    let folder = tempfile::tempdir().unwrap();
    let onnx = text(&model("autoencoder/model.onnx"));
    let refused = run(folder.path(), &["model", "verify", &onnx]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(78), "{said}");
    assert!(said.contains("--features tract"), "{said}");
}

#[cfg(feature = "tract")]
#[test]
fn two_engines_agree_and_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let onnx = text(&model("autoencoder/model.onnx"));
    let verified = run(folder.path(), &["model", "verify", &onnx, "--trace", "--json", "--random", "6"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let verified = json_of(&verified);
    assert_eq!((&verified["same"], &verified["runs"]), (&json!(true), &json!(6)));
    assert!(verified["outputs"][0]["elements"].as_u64() > Some(640));
    assert!(verified.get("parting").is_none());
    // A bound that nothing meets shows that differences are seen.
    let strict = run(folder.path(), &["model", "verify", &onnx, "--json", "--tolerance=-1"]);
    assert_eq!(strict.status.code(), Some(1));
    assert_eq!(json_of(&strict)["same"], false);
}

#[test]
fn an_engine_can_be_forced_and_inspect_says_who_runs_what() {
    let folder = tempfile::tempdir().unwrap();
    let onnx = text(&model("autoencoder/model.onnx"));
    let engines: &[&str] = if cfg!(feature = "tract") { &["tract", "native"] } else { &["native"] };
    for &engine in engines {
        let seen = json_of(&run(folder.path(), &["model", "inspect", &onnx, "--engine", engine, "--json"]));
        assert_eq!(seen["running"]["engine"], engine);
        let nodes = seen["nodes"].as_array().unwrap();
        assert!(!nodes.is_empty() && nodes.iter().all(|node| node["engine"] == engine), "{nodes:?}");
    }
}
