//! The core against an engine made for the purpose: it adds up each row, fails on 7, panics on 13
//! and answers NaN for 99.

mod decisions;
mod declared;
mod memory;
mod series;
mod sizes;
mod spectra;
mod state;
mod windows;

use std::{sync::Arc, time::Duration};

use super::{
    Message, Outcome, Plan, Scorer, ScorerOptions, SourceRule,
    declared::{FieldPath, Spec, infer, read_spec},
};
use crate::{
    domain::{ElementType, Epoch, Tensor, TensorData},
    settings::{Faults, Node, Section},
};
use edgeward_engine::{Dim, Engine, Limits, Port, RunError, Session, Signature};

struct Adder(Signature);

struct AdderSession(Vec<Tensor>);

impl Engine for Adder {
    fn name(&self) -> &'static str {
        "adder"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(AdderSession(Vec::new()))
    }
}

impl Session for AdderSession {
    fn run(&mut self, inputs: &[Tensor]) -> Result<&[Tensor], RunError> {
        let TensorData::F32(values) = &inputs[0].data else { panic!("an f32 model") };
        if values.contains(&7.0) {
            return Err(RunError::Failed("seven".into()));
        }
        assert!(!values.contains(&13.0), "thirteen");
        let sum = |row: &[f32]| if row.contains(&99.0) { f32::NAN } else { row.iter().sum() };
        let sums: Vec<f32> = values.chunks(inputs[0].row_len()).map(sum).collect();
        self.0 = vec![Tensor::f32(&[sums.len(), 1], sums)];
        Ok(&self.0)
    }
}

fn adder(dims: &[usize]) -> Arc<Adder> {
    let dims = std::iter::once(Dim::Batch).chain(dims.iter().map(|n| Dim::Fixed(*n))).collect();
    let port = |name: &str, dims| Port { name: name.into(), element: ElementType::F32, dims, labels: vec![] };
    Arc::new(Adder(Signature {
        inputs: vec![port("x", dims)],
        outputs: vec![port("sum", vec![Dim::Batch, Dim::Fixed(1)])],
        free_batch: true,
    }))
}

pub(crate) fn scorer(dims: &[usize], declaration: &str, change: impl FnOnce(&mut ScorerOptions)) -> Scorer {
    let engine = adder(dims);
    let tree = Node::from_toml(declaration, "test").unwrap();
    let faults = Faults::new();
    let mut spec: Spec = read_spec(&Section::root(&tree, &faults));
    assert!(faults.is_empty(), "{:?}", faults.into_vec());
    infer(&mut spec, engine.signature()).unwrap();
    let plan = Plan::new(spec, engine.signature(), &Limits::default()).unwrap();
    let mut options = ScorerOptions {
        pipeline: "p".into(),
        device: "d".into(),
        epoch: Epoch([0; 8]),
        sequence_field: None,
        source: SourceRule::None,
        max_sources: 10,
        copy_fields: Vec::new(),
        max_payload_bytes: 1000,
        max_batch: 8,
    };
    change(&mut options);
    Scorer::new(Arc::new(plan), engine, options)
}

/// Scores the payloads as one backlog; an outcome is `message: what`.
fn score(scorer: &mut Scorer, payloads: &[&str]) -> Vec<String> {
    score_bytes(scorer, payloads.iter().map(|payload| payload.as_bytes()))
}

fn score_bytes<'p>(scorer: &mut Scorer, payloads: impl Iterator<Item = &'p [u8]>) -> Vec<String> {
    let mut seen = Vec::new();
    let mut settle = |settled: super::Settled<'_>| {
        let what = match settled.outcome {
            Outcome::Verdict(verdict) => {
                let mut json = Vec::new();
                verdict.write_results(&mut json);
                let source = verdict.source.as_deref().map(|s| format!("{s} ")).unwrap_or_default();
                let copied = verdict.copied.as_deref().map(|c| format!(" {c}")).unwrap_or_default();
                format!("{source}{}{copied}", String::from_utf8(json).unwrap())
            }
            Outcome::Merged => "merged".into(),
            Outcome::Rejected(rejection) => rejection.to_string(),
        };
        seen.push(format!("{}: {what}", settled.message));
    };
    for (index, payload) in payloads.enumerate() {
        let now = Duration::from_secs(index as u64);
        let message = Message { topic: "a/b", payload, sequence: index as u64, now, ..Message::default() };
        scorer.push(index, &message, &mut settle);
    }
    scorer.flush(&mut settle);
    seen
}

fn sum(sum: f32) -> String {
    format!("\"outputs\":{{\"sum\":{sum:?}}},\"conditions\":{{}}")
}

#[test]
fn culprits_in_a_batch_are_rejected_alone_and_the_order_stays() {
    let mut scorer = scorer(&[2], "", |_| {});
    let seen = score(&mut scorer, &["[1,2]", "[13,0]", "[3,4]", "[7,0]", "x", "[99,0]", "[5,6]"]);
    assert_eq!(
        seen,
        [
            format!("0: {}", sum(3.0)),
            "1: model_panicked: the engine panicked: thirteen".into(),
            format!("2: {}", sum(7.0)),
            "3: model_failed: the engine failed: seven".into(),
            "4: malformed_payload: not JSON: expected value at line 1 column 1".into(),
            "5: output_not_finite: output `sum` of the model is NaN or infinite".into(),
            format!("6: {}", sum(11.0)),
        ]
    );
    assert!(scorer.panics() >= 1);
    assert_eq!(score(&mut scorer, &["[1,1]"]), [format!("0: {}", sum(2.0))]);
}

#[test]
fn what_is_wrong_with_a_payload_is_told_with_its_place() {
    let fields = r#"
        [inputs.x]
        fields = ["a.b", { path = "c", type = "boolean" }, { path = "d", missing = 4.0, scale = 10.0 }]
    "#;
    let mut scorer = scorer(&[3], fields, |options| options.max_payload_bytes = 60);
    let long = format!(r#"{{"a":{{"b":1}},"c":true,"e":"{}"}}"#, "x".repeat(60));
    let cases = [
        (r#"{"a":{"b":1},"c":true}"#, sum(42.0)),
        (r#"{"a":{"b":1,"x":[{}]},"c":false,"d":0.5}"#, sum(6.0)),
        (r#"{"c":true}"#, "missing_field: field `a.b` is missing".into()),
        (r#"{"a":{"b":null},"c":true}"#, "missing_field: field `a.b` is null".into()),
        (r#"{"a":{"b":"1"},"c":true}"#, "wrong_type: field `a.b` is text, must be a number".into()),
        (r#"{"a":{"b":[1]},"c":true}"#, "wrong_type: field `a.b` is an array, must be a number".into()),
        (r#"{"a":{"b":1},"c":"yes"}"#, "wrong_type: field `c` is text, must be a boolean".into()),
        (
            r#"{"a":{"b":1e39},"c":true}"#,
            "not_finite: field `a.b` is 1000000000000000000000000000000000000000, beyond what f32 holds"
                .into(),
        ),
        (long.as_str(), "too_large: the payload has 89 bytes, `max_payload_bytes` is 60".into()),
        ("[1]", "missing_field: field `a.b` is missing".into()),
    ];
    for (payload, expected) in cases {
        assert_eq!(score(&mut scorer, &[payload]), [format!("0: {expected}")], "{payload}");
    }
}

#[test]
fn arrays_are_flattened_and_their_lengths_and_types_checked() {
    let mut scorer = scorer(&[2, 2], "[inputs.x]\narray = \"s.v\"\noffset = 1.0", |_| {});
    let seen = score(
        &mut scorer,
        &[
            r#"{"s":{"v":[[1,2],[3,4]]}}"#,
            r#"{"s":{"v":[1,2,3]}}"#,
            r#"{"s":{"v":[1,"2",3,4]}}"#,
            r#"{"s":{"v":null}}"#,
            r#"{"s":{}}"#,
            r#"{"s":{"v":{"w":1}}}"#,
        ],
    );
    assert_eq!(
        seen,
        [
            format!("0: {}", sum(14.0)),
            "1: wrong_length: input `x` takes 4 numbers, the payload has 3".into(),
            "2: wrong_type: element 1 of the array for input `x` is text, not a number".into(),
            "3: missing_field: the array for input `x` is null, must be numbers".into(),
            "4: missing_field: the array for input `x` is missing".into(),
            "5: wrong_type: the array for input `x` is an object, must be numbers".into(),
        ]
    );
}

#[test]
fn readings_of_one_message_are_units_that_share_the_messages_fields() {
    let declaration = r#"
        [payload]
        readings = "r"
        [inputs.x]
        fields = ["t", "$.base"]
    "#;
    let mut scorer = scorer(&[2], declaration, |options| {
        options.source = SourceRule::Field(FieldPath::parse("m"));
        options.copy_fields = vec![FieldPath::parse("t"), FieldPath::parse("$.site")];
    });
    let seen = score(
        &mut scorer,
        &[
            r#"{"r":[{"m":"a","t":1},{"m":"b+","t":2},{"m":3,"t":"x"},{"m":3,"t":4}],"base":10,"site":"s"}"#,
            r#"{"r":[]}"#,
            "{}",
        ],
    );
    assert_eq!(
        seen,
        [
            format!("0: a {} {{\"$.site\":\"s\",\"t\":1}}", sum(11.0)),
            "0: bad_source: the source \"b+\" contains '+', which can't be part of a topic level".into(),
            "0: wrong_type: field `t` is text, must be a number".into(),
            format!("0: 3 {} {{\"$.site\":\"s\",\"t\":4}}", sum(14.0)),
            "1: missing_field: the array of readings is missing or empty".into(),
            "2: missing_field: the array of readings is missing or empty".into(),
        ]
    );
}

#[test]
fn windows_slide_and_tumble_by_source_and_survive_a_bad_reading() {
    let declaration = |step: usize| {
        format!(
            "[inputs.x]\nfields = [\"v\"]\n[window]\nlength = 3\nstep = {step}\n[payload]\nformat = \"csv\"\ncolumns = [\"m\", \"v\"]"
        )
    };
    let by_field = |options: &mut ScorerOptions| options.source = SourceRule::Field(FieldPath::parse("m"));
    let mut sliding = scorer(&[3, 1], &declaration(1), by_field);
    let seen = score(&mut sliding, &["a,1", "a,2", "b,10", "a,nan", "a,3", "a,4"]);
    let bad = "3: not_finite: field `v` is NaN".to_owned();
    let merged = |i: usize| format!("{i}: merged");
    assert_eq!(
        seen,
        [
            merged(0),
            merged(1),
            merged(2),
            bad.clone(),
            format!("4: a {}", sum(6.0)),
            format!("5: a {}", sum(9.0)),
        ]
    );
    let mut tumbling = scorer(&[3, 1], &declaration(3), by_field);
    let seen = score(&mut tumbling, &["a,1", "a,2", "b,10", "a,nan", "a,3", "a,4"]);
    assert_eq!(seen, [merged(0), merged(1), merged(2), bad, format!("4: a {}", sum(6.0)), merged(5)]);
}

#[test]
fn a_last_known_value_is_the_sources_own() {
    let declaration = "[inputs.x]\nfields = [\"v\", { path = \"w\", missing = \"last\" }]";
    let mut scorer = scorer(&[2], declaration, |options| {
        options.source = SourceRule::Field(FieldPath::parse("m"));
    });
    let seen = score(
        &mut scorer,
        &[
            r#"{"m":"a","v":1}"#,
            r#"{"m":"a","v":1,"w":5}"#,
            r#"{"m":"b","v":1,"w":50}"#,
            r#"{"m":"a","v":2,"w":null}"#,
        ],
    );
    assert_eq!(seen[0], "0: missing_field: field `w` is missing and this source never sent one");
    assert_eq!(seen[3], format!("3: a {}", sum(7.0)));
}

#[test]
fn one_result_id_an_input_and_pipeline_wherever_it_is_scored() {
    let mut ids = Vec::new();
    for max_batch in [1, 8] {
        let mut scorer =
            scorer(&[1], "[payload]\nmessage_id = \"id\"\n[inputs.x]\nfields = [\"v\"]", |options| {
                options.max_batch = max_batch;
                options.epoch = Epoch([u8::try_from(max_batch).unwrap(); 8]);
            });
        let message = |payload| Message { topic: "", payload, sequence: 1, ..Message::default() };
        let mut settle = |settled: super::Settled<'_>| {
            if let Outcome::Verdict(verdict) = settled.outcome {
                ids.push(verdict.id);
            }
        };
        scorer.push(0, &message(br#"{"id":"m-1","v":1}"#), &mut settle);
        scorer.push(1, &message(br#"{"id":"m-2","v":1}"#), &mut settle);
        scorer.flush(&mut settle);
    }
    assert_eq!(ids.len(), 4);
    assert_eq!(ids[0], ids[2]);
    assert_ne!(ids[0], ids[1]);
}
