//! What one message of a source leaves for the next, against an engine that adds it up.

use super::{series::declared, *};

/// Answers `sum = x + before` and `after = sum`; 99 makes `after` infinite. Counts its runs and rows.
struct Sums(Signature);

struct SumsSession {
    outputs: Vec<Tensor>,
}

impl Engine for Sums {
    fn name(&self) -> &'static str {
        "sums"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(SumsSession { outputs: Vec::new() })
    }
}

impl Session for SumsSession {
    fn run(&mut self, inputs: &[Tensor]) -> Result<&[Tensor], RunError> {
        let (TensorData::F32(x), TensorData::F32(before)) = (&inputs[0].data, &inputs[1].data) else {
            panic!("an f32 model")
        };
        if x.contains(&7.0) {
            return Err(RunError::Failed("seven".into()));
        }
        let sums: Vec<f32> = x.iter().zip(before).map(|(x, before)| x + before).collect();
        let after =
            sums.iter().zip(x).map(|(sum, x)| if *x == 99.0 { f32::INFINITY } else { *sum }).collect();
        let shape = [sums.len(), 1];
        self.outputs = vec![Tensor::f32(&shape, sums), Tensor::f32(&shape, after)];
        Ok(&self.outputs)
    }
}

fn sums(width: usize) -> Arc<Sums> {
    let port = |name: &str, width| Port {
        name: name.into(),
        element: ElementType::F32,
        dims: vec![Dim::Batch, Dim::Fixed(width)],
        labels: vec![],
    };
    let inputs = vec![port("x", 1), port("before", 1)];
    let outputs = vec![port("sum", 1), port("after", width)];
    Arc::new(Sums(Signature { inputs, outputs, free_batch: true }))
}

const STATE: &str = "[inputs.x]\nfields = [\"x\"]\n[state.h]\ninput = \"before\"\noutput = \"after\"\n";

fn scorer(declaration: &str) -> Scorer {
    let engine = sums(1);
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
        max_payload_bytes: 1000,
        max_batch: 8,
    };
    Scorer::new(Arc::new(plan), engine, options)
}

fn outcomes(scorer: &mut Scorer, payloads: &[String]) -> Vec<String> {
    let payloads: Vec<&str> = payloads.iter().map(String::as_str).collect();
    let short = |line: &String| {
        let line = line.split_once(": ").unwrap().1.replace("\"outputs\":{\"sum\":", "");
        line.replace("},\"conditions\":{}", "")
    };
    score(scorer, &payloads).iter().map(short).collect()
}

fn messages(of: &[(&str, f32)]) -> Vec<String> {
    of.iter().map(|(m, x)| format!(r#"{{"m":"{m}","x":{x}}}"#)).collect()
}

#[test]
fn each_source_goes_on_from_where_its_last_message_ended() {
    let all =
        messages(&[("a", 1.0), ("b", 10.0), ("a", 2.0), ("a", 3.0), ("b", 20.0), ("c", 5.0), ("a", 4.0)]);
    let seen = outcomes(&mut scorer(STATE), &all);
    assert_eq!(seen, ["a 1.0", "b 10.0", "a 3.0", "a 6.0", "b 30.0", "c 5.0", "a 10.0"]);
    let begun = format!("{STATE}initial = 100\n");
    assert_eq!(outcomes(&mut scorer(&begun), &all)[..3], ["a 101.0", "b 110.0", "a 103.0"]);
}

#[test]
fn any_interleaving_gives_what_a_loop_over_each_source_gives() {
    let mut state = 11_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let stream: Vec<(&str, f32)> =
        (0..2000).map(|_| (names[random(7) as usize], random(50) as f32 / 4.0)).collect();
    let mut sums = std::collections::HashMap::new();
    let expected: Vec<String> = stream
        .iter()
        .map(|(name, x)| {
            let sum: &mut f32 = sums.entry(*name).or_default();
            // The engine refuses seven: what waited stays as it was.
            if *x == 7.0 {
                return "model_failed: the engine failed: seven".into();
            }
            *sum += x;
            format!("{name} {sum:?}")
        })
        .collect();
    assert_eq!(outcomes(&mut scorer(STATE), &messages(&stream)), expected);
}

#[test]
fn a_gap_or_another_value_of_a_field_begins_it_anew() {
    let message = |t: u64, ride: &str| format!(r#"{{"m":"a","x":1,"t":{t},"ride":"{ride}"}}"#);
    let timed =
        format!("{STATE}reset_after_secs = 10\n[payload]\ntime = \"t\"\ntime_format = \"epoch_secs\"\n");
    let all: Vec<String> = [100, 105, 115, 126, 127].into_iter().map(|t| message(t, "")).collect();
    assert_eq!(outcomes(&mut scorer(&timed), &all), ["a 1.0", "a 2.0", "a 3.0", "a 1.0", "a 2.0"]);
    let ridden = format!("{STATE}reset_on = \"ride\"\n");
    let all: Vec<String> = ["x", "x", "y", "y", "x"].into_iter().map(|ride| message(0, ride)).collect();
    assert_eq!(outcomes(&mut scorer(&ridden), &all), ["a 1.0", "a 2.0", "a 1.0", "a 2.0", "a 1.0"]);
}

#[test]
fn a_command_in_the_stream_begins_it_anew() {
    let message = |begin: &str| format!(r#"{{"m":"a","x":1{begin}}}"#);
    let commanded = format!("{STATE}reset_when = \"begin\"\n");
    let all: Vec<String> =
        ["", r#","begin":true"#, r#","begin":false"#, r#","begin":null"#, r#","begin":1"#, r#","begin":0"#]
            .into_iter()
            .map(message)
            .collect();
    assert_eq!(
        outcomes(&mut scorer(&commanded), &all),
        ["a 1.0", "a 1.0", "a 2.0", "a 3.0", "a 1.0", "a 2.0"]
    );
}

#[test]
fn what_is_not_finite_is_never_carried() {
    let all = messages(&[("a", 1.0), ("b", 1.0), ("a", 99.0), ("a", 3.0), ("b", 1.0)]);
    let seen = outcomes(&mut scorer(STATE), &all);
    let told = "state_not_finite: state `h` became NaN or infinite: the source begins anew";
    assert_eq!(seen, ["a 1.0", "b 1.0", told, "a 3.0", "b 2.0"]);
}

#[test]
fn another_scorer_goes_on_where_the_first_one_ended() {
    let declaration = format!(
        "{STATE}reset_after_secs = 10\nreset_on = \"ride\"\n[payload]\ntime = \"t\"\ntime_format = \"epoch_secs\"\n"
    );
    let message = |(at, ride): (usize, &str)| format!(r#"{{"m":"a","x":1,"t":{},"ride":"{ride}"}}"#, at * at);
    let all: Vec<String> = ["x", "x", "x", "y", "y", "y", "y"].into_iter().enumerate().map(message).collect();
    let whole = outcomes(&mut scorer(&declaration), &all);
    assert_eq!(whole, ["a 1.0", "a 2.0", "a 3.0", "a 1.0", "a 2.0", "a 3.0", "a 1.0"]);
    for cut in 1..all.len() {
        let mut first = scorer(&declaration);
        let mut seen = outcomes(&mut first, &all[..cut]);
        let memories = first.take_memories();
        let mut second = scorer(&declaration);
        for (source, memory) in memories {
            let memory = memory.unwrap();
            for len in 0..memory.len() {
                assert!(!second.restore(&source, &memory[..len], Duration::ZERO), "cut at {len}");
            }
            assert!(second.restore(&source, &memory, Duration::ZERO));
        }
        seen.extend(outcomes(&mut second, &all[cut..]));
        assert_eq!(seen, whole, "cut at {cut}");
    }
}

#[test]
fn what_does_not_fit_is_told_by_its_key() {
    let told = |width, declaration: &str| {
        let engine = sums(width);
        let mut spec = declared(declaration);
        infer(&mut spec, engine.signature()).unwrap();
        let faults = Plan::new(spec, engine.signature(), &Limits::default()).unwrap_err();
        faults.iter().map(|fault| format!("{}: {}", fault.key, fault.reason)).collect::<Vec<_>>().join("\n")
    };
    for (width, declaration, expected) in [
        (1, STATE.replace("after", "later"), "state.h.output: the model has no such output; it has sum"),
        (1, STATE.replace("before", "then"), "inputs.then: the model has no such input"),
        (2, STATE.to_owned(), "state.h.output: is after f32[N, 2], of another shape than before f32[N, 1]"),
        (1, format!("{STATE}reset_after_secs = 1\n"), "state.h.reset_after_secs: needs the events' own time"),
        (1, format!("{STATE}initial = [1, 2]\n"), "state.h.initial: has 2 numbers"),
        (1, format!("{STATE}[inputs.before]\nconstant = 1\n"), "inputs.before: is filled twice"),
    ] {
        let found = told(width, &declaration);
        assert!(found.contains(expected), "{declaration}\ngives {found},\nnot {expected}");
    }
}
