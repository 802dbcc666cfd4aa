//! Prepared inputs through `edgeward score`: what comes out is what NumPy, librosa, pandas and ONNX
//! Runtime made of the same rows when `tests/models/preparation.py` wrote them.

use std::{fs, process::Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{edgeward, model, root};

/// Results and rejected rows of a bundle's `rows.jsonl`, and what is expected of each row.
fn scored(bundle: &str, more: &[&str]) -> (Vec<Value>, Vec<Value>, Vec<Value>) {
    let (folder, bundle) = (TempDir::new().unwrap(), model(bundle));
    let mut command = edgeward();
    command.arg("score").arg(&bundle).arg(bundle.join("rows.jsonl")).args(more);
    command.args(["-o", "out.jsonl", "--rejects", "bad.jsonl"]).current_dir(folder.path());
    let run = command.stdin(Stdio::null()).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let lines = |name: &str| -> Vec<Value> {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let expected = fs::read(bundle.join("expected.json")).unwrap();
    (lines("out.jsonl"), lines("bad.jsonl"), serde_json::from_slice(&expected).unwrap())
}

fn line(value: &Value) -> usize {
    usize::try_from(value["line"].as_u64().unwrap()).unwrap()
}

/// f32 on both sides, of sums in another order.
fn assert_close(found: &Value, expected: &Value, what: &str) {
    let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
    assert!((found - expected).abs() < 1e-6 * expected.abs().max(1.0), "{what}: {found}, not {expected}");
}

#[test]
fn a_window_by_time_with_late_and_missing_readings_and_a_log_mel_front_end() {
    let (results, rejects, expected) = scored("listening", &[]);
    let late: Vec<usize> =
        (1..=expected.len()).filter(|row| expected[row - 1].as_str() == Some("late")).collect();
    assert!(rejects.iter().all(|reject| reject["reason"] == "late"), "{rejects:?}");
    assert_eq!(rejects.iter().map(line).collect::<Vec<_>>(), late);
    let windows = expected
        .iter()
        .enumerate()
        .flat_map(|(row, said)| said.as_array().into_iter().flatten().map(move |window| (row + 1, window)));
    let windows: Vec<(usize, &Value)> = windows.collect();
    assert_eq!(results.len(), windows.len());
    for (result, (row, window)) in results.iter().zip(&windows) {
        assert_eq!(line(result), *row, "{result}");
        for key in ["start", "readings", "gaps"] {
            assert_eq!(result["window"][key], window[key], "{result}");
        }
        assert_close(&result["outputs"]["score"], &window["score"], &result.to_string());
    }
    let gaps = windows.iter().filter(|(_, window)| window["gaps"] != 0).count();
    assert!(gaps > 1 && gaps < windows.len(), "{windows:?}");
}

#[test]
fn one_message_of_sound() {
    let (results, rejects, expected) = scored("burst", &[]);
    assert_eq!((rejects.len(), results.len()), (0, expected.len()));
    for (result, expected) in results.iter().zip(&expected) {
        assert_close(&result["outputs"]["score"], expected, "a burst");
    }
}

#[test]
fn steps_that_run_on_are_each_sources_own() {
    // Asked for several threads: a model with memory takes one.
    let (results, rejects, expected) = scored("drift", &["--source-field", "who", "--threads", "4"]);
    assert_eq!((rejects.len(), results.len()), (0, expected.len()));
    for (result, expected) in results.iter().zip(&expected) {
        for place in 0..2 {
            assert_close(&result["outputs"]["prepared"][place], &expected[place], "a reading");
        }
    }
}

#[test]
fn windows_stand_in_the_columns_of_csv_results() {
    let (folder, bundle) = (TempDir::new().unwrap(), model("listening"));
    let mut command = edgeward();
    command.arg("score").arg(&bundle).arg(bundle.join("rows.jsonl"));
    let run = command.args(["-o", "out.csv"]).current_dir(folder.path()).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let mut reader = csv::Reader::from_path(folder.path().join("out.csv")).unwrap();
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let columns = ["file", "line", "score", "window.start", "window.end", "window.readings", "window.gaps"];
    assert_eq!(header, columns);
    let first = reader.records().next().unwrap().unwrap();
    assert_eq!((&first[3], &first[4]), ("2025-12-31T23:59:59Z", "2026-01-01T00:00:01Z"));
}

#[test]
fn rows_without_a_column_for_the_time_are_refused_at_once() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("in.csv"), "v,ad\n1,2026-01-01\n").unwrap();
    let mut command = edgeward();
    let run = command.arg("score").arg(model("listening")).arg("in.csv").current_dir(folder.path()).output();
    let said = String::from_utf8(run.unwrap().stderr).unwrap();
    assert!(said.contains("no column `at`") && said.contains("did you mean `ad`?"), "{said}");
}

#[test]
fn every_step_is_described() {
    let page = fs::read_to_string(root().join("docs/preparation.md")).unwrap();
    for step in edgeward_core::scoring::declared::STEPS {
        assert!(page.contains(&format!("\n| `{step}` |")), "docs/preparation.md lacks `{step}`");
    }
    for (name, _) in edgeward_core::signal::series::Statistic::NAMES {
        assert!(page.contains(name), "docs/preparation.md lacks the statistic `{name}`");
    }
}
