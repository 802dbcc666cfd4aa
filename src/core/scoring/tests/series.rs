//! Prepared series against an engine that answers with its own input.

use std::sync::Arc;

use super::*;
use crate::scoring::fuzz::Echo;

/// An engine that takes and gives f64 of these dimensions.
pub(super) fn echo(dims: &[usize]) -> Arc<Echo> {
    let dims: Vec<Dim> = std::iter::once(Dim::Batch).chain(dims.iter().map(|n| Dim::Fixed(*n))).collect();
    let port = |name: &str| Port {
        name: name.into(),
        element: ElementType::F64,
        dims: dims.clone(),
        labels: vec![],
    };
    Arc::new(Echo(Signature { inputs: vec![port("x")], outputs: vec![port("y")], free_batch: true }))
}

pub(super) fn declared(declaration: &str) -> Spec {
    let tree = Node::from_toml(declaration, "test").unwrap();
    let faults = Faults::new();
    let root = Section::root(&tree, &faults);
    let spec = read_spec(&root);
    root.finish();
    assert!(faults.is_empty(), "{:?}", faults.into_vec());
    spec
}

/// A scorer of that declaration; sources are told by `m`.
pub(super) fn echoing(dims: &[usize], declaration: &str) -> Scorer {
    let engine = echo(dims);
    let mut spec = declared(declaration);
    infer(&mut spec, engine.signature()).unwrap();
    let plan = Plan::new(spec, engine.signature(), &Limits::default()).unwrap();
    let options = ScorerOptions {
        pipeline: "p".into(),
        device: "d".into(),
        epoch: Epoch([0; 8]),
        sequence_field: None,
        source: SourceRule::Field(FieldPath::parse("m")),
        max_sources: 10,
        copy_fields: Vec::new(),
        max_payload_bytes: 1 << 20,
        max_batch: 3,
    };
    Scorer::new(Arc::new(plan), engine, options)
}

/// What comes of each message: the numbers that reached the model, or words.
pub(super) fn seen(scorer: &mut Scorer, payloads: &[String]) -> Vec<Result<Vec<f64>, String>> {
    let mut seen = Vec::new();
    let mut settle = |settled: crate::scoring::Settled<'_>| {
        seen.push(match settled.outcome {
            Outcome::Verdict(verdict) => {
                let mut json = b"{".to_vec();
                verdict.write_results(&mut json);
                json.push(b'}');
                let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
                // One number is a value, more are a vector.
                let y = &json["outputs"]["y"];
                let numbers = y.as_array().map_or(std::slice::from_ref(y), Vec::as_slice);
                Ok(numbers.iter().map(|x| x.as_f64().unwrap()).collect())
            }
            Outcome::Merged => Err("merged".into()),
            Outcome::Rejected(rejection) => Err(rejection.to_string()),
        });
    };
    for (index, payload) in payloads.iter().enumerate() {
        let message = Message { payload: payload.as_bytes(), token: index as u64, ..Message::default() };
        scorer.push(index, &message, &mut settle);
    }
    scorer.flush(&mut settle);
    seen
}

/// Messages of one source with the values of `v` and `w`.
fn readings(values: &[(f64, Option<f64>)]) -> Vec<String> {
    let json = |(v, w): &(f64, Option<f64>)| serde_json::json!({"m": "a", "v": v, "w": w}).to_string();
    values.iter().map(json).collect()
}

const TWO: &str = r#"
    [inputs.x]
    fields = ["v", { path = "w", missing = "nan" }]
    [window]
    length = 4
    step = 4
    [prepare]
    version = 1
"#;

/// The window `v` = 1, 2, 4, 8 and `w` = 10, ?, 30, 40 through these steps.
fn prepared(dims: &[usize], steps: &str) -> Result<Vec<f64>, String> {
    let mut scorer = echoing(dims, &format!("{TWO}{steps}"));
    let window = [(1.0, Some(10.0)), (2.0, None), (4.0, Some(30.0)), (8.0, Some(40.0))];
    seen(&mut scorer, &readings(&window)).pop().unwrap()
}

#[test]
fn steps_follow_one_another_and_features_go_by_name() {
    let filled = "[[prepare.steps]]\nstep = \"fill\"\nmethod = \"linear\"\nfields = [\"w\"]\n";
    let cases = [
        (vec![4, 2], String::new(), vec![1.0, 10.0, 2.0, 20.0, 4.0, 30.0, 8.0, 40.0]),
        (
            vec![3, 2],
            "[[prepare.steps]]\nstep = \"difference\"\nfields = [\"v\"]".into(),
            vec![1.0, 20.0, 2.0, 30.0, 4.0, 40.0],
        ),
        (
            vec![2, 4],
            "[[prepare.steps]]\nstep = \"lag\"\nlags = [1, 2]\nfields = [0]".into(),
            vec![4.0, 2.0, 1.0, 30.0, 8.0, 4.0, 2.0, 40.0],
        ),
        (
            vec![3],
            "[[prepare.steps]]\nstep = \"statistics\"\nstatistics = [\"mean\", \"max\", \"q0.5\"]\nfields = [\"w\"]".into(),
            vec![25.0, 40.0, 25.0],
        ),
        (
            vec![3, 3],
            "[[prepare.steps]]\nstep = \"rolling\"\nwindow = 2\nstatistics = [\"mean\"]\nkeep = true\nfields = [\"v\"]\n\
             [[prepare.steps]]\nstep = \"z_score\"\nfields = [\"v.rolling_mean\"]\nmean = 1.0\nstd = 0.5".into(),
            vec![2.0, 1.0, 20.0, 4.0, 4.0, 30.0, 8.0, 10.0, 40.0],
        ),
        (
            vec![4, 2],
            "[[prepare.steps]]\nstep = \"z_score\"\nmean = [1, 10]\nstd = [1, 0]".into(),
            vec![0.0, 0.0, 1.0, 10.0, 3.0, 20.0, 7.0, 30.0],
        ),
        (
            vec![4, 2],
            "[[prepare.steps]]\nstep = \"ewm\"\nalpha = 0.5\nadjust = false\nfields = [0]".into(),
            vec![1.0, 10.0, 1.5, 20.0, 2.75, 30.0, 5.375, 40.0],
        ),
        (vec![2], "[[prepare.steps]]\nstep = \"bands\"\nrate_hz = 4.0\nedges_hz = [0, 9]".into(), vec![7.1875, 125.0]),
    ];
    for (dims, steps, expected) in cases {
        let found = prepared(&dims, &format!("{filled}{steps}")).unwrap();
        assert_eq!(found.len(), expected.len(), "{steps}: {found:?}");
        let close = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close, "{steps}: {found:?}, not {expected:?}");
    }
}

#[test]
fn a_layout_turns_time_and_features() {
    let by_feature =
        "layout = \"feature_time\"\n[[prepare.steps]]\nstep = \"fill\"\nmethod = \"constant\"\nvalue = 0";
    assert_eq!(prepared(&[2, 4], by_feature).unwrap(), [1.0, 2.0, 4.0, 8.0, 10.0, 0.0, 30.0, 40.0]);
}

#[test]
fn what_is_missing_is_filled_left_out_or_refused() {
    let fill = |rest: &str| format!("[[prepare.steps]]\nstep = \"fill\"\n{rest}\n");
    let mean = "[[prepare.steps]]\nstep = \"statistics\"\nstatistics = [\"count\", \"sum\"]";
    let dropped = prepared(&[4], &format!("{}{mean}", fill("method = \"drop\""))).unwrap();
    assert_eq!(dropped, [3.0, 13.0, 3.0, 80.0]);
    let refused = prepared(&[4], &format!("{}{mean}", fill("method = \"reject\""))).unwrap_err();
    assert_eq!(
        refused,
        "missing_field: input `x`: `prepare.steps[0]`: feature 1 is missing at place 1 of the window"
    );
    // Filled elsewhere: here it is still missing when the model would get it.
    let left = prepared(&[4, 2], &fill("method = \"constant\"\nvalue = 1\nfields = [0]")).unwrap_err();
    assert_eq!(left, "not_finite: input `x`: feature `w` is NaN at place 1 of the prepared series");
}

#[test]
fn running_steps_learn_from_each_reading_of_their_source_and_only_from_good_ones() {
    let declaration = r#"
        [inputs.x]
        fields = ["v"]
        [prepare]
        version = 1
        [[prepare.steps]]
        step = "z_score"
        over = "source"
        ddof = 1
    "#;
    let mut scorer = echoing(&[1], declaration);
    let reading = |source: &str, v: &str| format!("{{\"m\":\"{source}\",\"v\":{v}}}");
    let payloads: Vec<String> =
        [("a", "1"), ("b", "100"), ("a", "3"), ("a", "\"x\""), ("a", "8"), ("b", "100")]
            .map(|(source, v)| reading(source, v))
            .into();
    let found = seen(&mut scorer, &payloads);
    // By what came so far, itself included: of 1 and 3 the mean is 2; of 1, 3, 8 it is 4, the variance 13.
    let half = 1.0 / 2f64.sqrt();
    for (at, expected) in [(0, 0.0), (1, 0.0), (2, half), (4, 4.0 / 13f64.sqrt()), (5, 0.0)] {
        let found = found[at].as_ref().unwrap()[0];
        assert!((found - expected).abs() < 1e-12, "{at}: {found}, not {expected}");
    }
    assert!(found[3].as_ref().unwrap_err().starts_with("wrong_type"));
}

#[test]
fn one_message_may_bring_a_whole_series() {
    let declaration = r#"
        [inputs.x]
        array = "v"
        points = 4
        channels = 2
        [prepare]
        version = 1
        [[prepare.steps]]
        step = "statistics"
        statistics = ["rms", "peak"]
    "#;
    let mut scorer = echoing(&[4], declaration);
    let found = seen(
        &mut scorer,
        &[r#"{"m":"a","v":[[1,-7],[1,7],[-1,7],[1,-7]]}"#.into(), r#"{"m":"a","v":[1,2,3]}"#.into()],
    );
    assert_eq!(found[0], Ok(vec![1.0, 1.0, 7.0, 7.0]));
    let wrong = "wrong_length: input `x` takes 8 numbers, the payload has 3";
    assert_eq!(found[1], Err(wrong.to_owned()));
}

#[test]
fn a_spectrum_of_two_messages_in_a_window() {
    let declaration = r#"
        [inputs.x]
        array = "v"
        points = 4
        [window]
        length = 2
        step = 2
        [prepare]
        version = 1
        [[prepare.steps]]
        step = "fft"
        window = "rectangular"
        detrend = "none"
    "#;
    let mut scorer = echoing(&[5], declaration);
    // Amplitude 3 at a quarter of the rate, 2 all the time.
    let half = r#"{"m":"a","v":[5,2,-1,2]}"#.to_owned();
    let found = seen(&mut scorer, &[half.clone(), half]);
    let found = found[1].as_ref().unwrap();
    for (found, expected) in found.iter().zip([2.0, 0.0, 3.0, 0.0, 0.0]) {
        assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
    }
}
