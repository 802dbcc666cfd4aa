//! Objects in pictures through `edgeward score`: a detector made by hand, and beside it what the usual
//! script with OpenCV and ONNX Runtime finds (`tests/models/detector.py`).

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use crate::support::{edgeward, model};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

#[test]
fn the_same_objects_as_by_the_usual_script_in_pixels_of_the_picture() {
    let run =
        edgeward().arg("score").arg(model("detector")).arg(model("detector_pictures")).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let verdicts = lines(&String::from_utf8(run.stdout).unwrap());
    let expected = lines(&fs::read_to_string(model("detector_expected.jsonl")).unwrap());
    assert_eq!(verdicts.len(), expected.len());
    let found: BTreeMap<String, &Value> = verdicts
        .iter()
        .map(|verdict| (verdict["file"].as_str().unwrap().rsplit('/').next().unwrap().to_owned(), verdict))
        .collect();
    let (mut all, mut last) = (0, 0);
    for case in &expected {
        let verdict = found[case["picture"].as_str().unwrap()];
        let (objects, wanted) = (&verdict["outputs"]["objects"], &case["objects"]);
        let (objects, wanted) = (objects.as_array().unwrap(), wanted.as_array().unwrap());
        assert_eq!(objects.len(), wanted.len(), "{verdict}\n{case}");
        for (object, wanted) in objects.iter().zip(wanted) {
            assert_eq!(object["label"], wanted["label"], "{verdict}\n{case}");
            let (score, told) = (object["score"].as_f64().unwrap(), wanted["score"].as_f64().unwrap());
            assert!((score - told).abs() < 1e-5, "{verdict}\n{case}");
            for (a, b) in numbers(&object["box"]).into_iter().zip(numbers(&wanted["box"])) {
                assert!((a - b).abs() < 1e-3, "{verdict}\n{case}");
            }
        }
        all += objects.len();
        // The condition: a red object surer than one half, in two pictures running.
        let red = wanted.iter().any(|o| o["label"] == "red" && o["score"].as_f64().unwrap() > 0.5);
        last = if red { last + 1 } else { 0 };
        assert_eq!(verdict["conditions"]["red"], last >= 2, "{verdict}");
    }
    assert!(all > 10, "only {all} objects");
}

#[test]
fn objects_stand_in_one_cell_of_a_csv_line() {
    let picture = model("detector_pictures").join("a_wide.png");
    let run =
        edgeward().arg("score").arg(model("detector")).arg(picture).args(["--output-format", "csv"]).output();
    let run = run.unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8(run.stdout).unwrap();
    let mut rows = text.lines();
    assert_eq!(rows.next(), Some("file,line,objects,red"));
    let row = rows.next().unwrap();
    let cell = row.split_once(",0,\"").or(row.split_once(",,\"")).unwrap().1.rsplit_once("\",").unwrap().0;
    let objects: Value = serde_json::from_str(&cell.replace("\"\"", "\"")).unwrap();
    assert!(objects.as_array().unwrap().len() > 1, "{row}");
}
