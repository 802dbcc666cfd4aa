//! Dimensions that a model leaves free: told by the declaration, the window, or each message.

use super::{
    super::fuzz::{Echo, sizes as fuzzed, try_out},
    *,
};

fn free(name: &str) -> Dim {
    Dim::Free(name.into())
}

fn port(name: &str, dims: &[Dim]) -> Port {
    Port { name: name.into(), element: ElementType::F64, dims: dims.to_vec(), labels: vec![] }
}

/// An engine that answers with its inputs, each `x` as `x_out`.
fn model(inputs: &[(&str, &[Dim])]) -> Arc<Echo> {
    let free_batch = inputs.iter().all(|(_, dims)| dims.first() == Some(&Dim::Batch));
    let outputs = inputs.iter().map(|(name, dims)| port(&format!("{name}_out"), dims)).collect();
    let inputs = inputs.iter().map(|(name, dims)| port(name, dims)).collect();
    Arc::new(Echo(Signature { inputs, outputs, free_batch }))
}

fn planned(engine: &Echo, declaration: &str) -> Result<Plan, Vec<String>> {
    let tree = Node::from_toml(declaration, "test").unwrap();
    let faults = Faults::new();
    let root = Section::root(&tree, &faults);
    let (sizes, batch_axis) = crate::scoring::declared::read_sizes(&root);
    let mut spec = Spec { sizes, batch_axis, ..read_spec(&root) };
    root.finish();
    let read = faults.into_vec();
    if !read.is_empty() {
        return Err(read.iter().map(|fault| format!("{}: {}", fault.path, fault.reason)).collect());
    }
    infer(&mut spec, engine.signature()).map_err(|reason| vec![reason])?;
    let limits = Limits { max_tensor_bytes: 8 * 100, ..Limits::default() };
    Plan::new(spec, engine.signature(), &limits)
        .map_err(|faults| faults.iter().map(|fault| format!("{}: {}", fault.key, fault.reason)).collect())
}

fn scorer(inputs: &[(&str, &[Dim])], declaration: &str) -> Scorer {
    let engine = model(inputs);
    let plan = planned(&engine, declaration).unwrap();
    let options = ScorerOptions {
        pipeline: "p".into(),
        device: "d".into(),
        epoch: Epoch([0; 8]),
        sequence_field: None,
        source: SourceRule::None,
        max_sources: 10,
        copy_fields: Vec::new(),
        max_payload_bytes: 1 << 20,
        max_batch: 8,
    };
    Scorer::new(Arc::new(plan), engine, options)
}

/// Each outcome: the outputs' JSON, or words.
fn told(scorer: &mut Scorer, payloads: &[&str]) -> Vec<String> {
    let seen = score(scorer, payloads);
    let short = |what: &String| what.replace(",\"conditions\":{}", "").replace("\"outputs\":", "");
    seen.iter().map(short).collect()
}

fn faults(inputs: &[(&str, &[Dim])], declaration: &str) -> String {
    planned(&model(inputs), declaration).map(|_| ()).unwrap_err().join("\n")
}

#[test]
fn nested_arrays_tell_each_axis_and_units_of_one_run_are_of_equal_sizes() {
    let mut scorer = scorer(&[("x", &[Dim::Batch, free("n"), Dim::Fixed(2)])], "");
    let seen = told(&mut scorer, &["[[1,2]]", "[[3,4]]", "[[1,2],[3,4],[5,6]]", "[[[7,8]]]", "[9,10,11,12]"]);
    assert_eq!(
        seen,
        [
            r#"0: {"x_out":{"shape":[1,2],"data":[1.0,2.0]}}"#,
            r#"1: {"x_out":{"shape":[1,2],"data":[3.0,4.0]}}"#,
            r#"2: {"x_out":{"shape":[3,2],"data":[1.0,2.0,3.0,4.0,5.0,6.0]}}"#,
            r#"3: {"x_out":{"shape":[1,2],"data":[7.0,8.0]}}"#,
            r#"4: {"x_out":{"shape":[2,2],"data":[9.0,10.0,11.0,12.0]}}"#,
        ]
    );
}

#[test]
fn one_free_axis_is_what_a_flat_array_divides_into() {
    let mut audio = scorer(&[("samples", &[Dim::Batch, free("t")])], "");
    let seen = told(&mut audio, &["[1,2,3]", "[4]", "5", "[]"]);
    assert_eq!(
        seen,
        [
            r#"0: {"samples_out":[1.0,2.0,3.0]}"#,
            r#"1: {"samples_out":[4.0]}"#,
            r#"2: {"samples_out":[5.0]}"#,
            "3: wrong_length: `t` of input `samples` is 0: there is nothing to score",
        ]
    );
    let mut csv = scorer(&[("x", &[Dim::Batch, free("t"), Dim::Fixed(2)])], "[payload]\nformat = \"csv\"");
    let seen = told(&mut csv, &["1,2,3,4\n5,6\n7,8,9"]);
    assert!(seen[0].contains("[2,2]") && seen[1].contains("[1,2]"), "{seen:?}");
    assert_eq!(seen[2], "0: wrong_length: input `x` takes a multiple of 2 numbers, the payload has 3");
}

#[test]
fn what_contradicts_is_told_and_disturbs_nothing() {
    let inputs: [(&str, &[Dim]); 2] =
        [("a", &[Dim::Batch, free("n")]), ("b", &[Dim::Batch, free("n"), free("m")])];
    let mut scorer = scorer(&inputs, "sizes = { m = { max = 3 } }");
    let seen = told(
        &mut scorer,
        &[
            r#"{"a": [1,2], "b": [[1],[2]]}"#,
            r#"{"a": [1,2,3], "b": [[1],[2]]}"#,
            r#"{"a": [1,2], "b": [[1],[2,3]]}"#,
            r#"{"a": [1,2], "b": [[1,2,3,4],[1,2,3,4]]}"#,
            r#"{"a": [1,2], "b": [1,2,3,4]}"#,
            r#"{"a": [1,2], "b": [[[[1]]]]}"#,
            r#"{"a": [1,2], "b": [[[1]],[2]]}"#,
            r#"{"b": [[1]]}"#,
            r#"{"a": [1], "b": [[5]]}"#,
        ],
    );
    let expected = [
        r#"0: {"a_out":[1.0,2.0],"b_out":{"shape":[2,1],"data":[1.0,2.0]}}"#,
        "1: wrong_length: `n` is 3 by input `a`, and 2 by input `b`",
        "2: wrong_length: the array for input `b` is ragged: its rows differ in length",
        "3: wrong_length: `m` of input `b` is 4, and at most 3",
        r#"4: {"a_out":[1.0,2.0],"b_out":{"shape":[2,2],"data":[1.0,2.0,3.0,4.0]}}"#,
        "5: wrong_length: the array for input `b` has 4 axes, the model takes 2",
        "6: wrong_length: the array for input `b` is ragged: its rows differ in length",
        "7: missing_field: the array for input `a` is missing",
        r#"8: {"a_out":[1.0],"b_out":{"shape":[1,1],"data":[5.0]}}"#,
    ];
    assert_eq!(seen, expected);
}

#[test]
fn two_free_axes_need_nesting_and_a_tensor_has_its_bound() {
    let mut scorer = scorer(&[("x", &[Dim::Batch, free("h"), free("w")])], "");
    let long = format!("[[{}]]", vec!["1"; 101].join(","));
    let wide = format!("[{}]", ["[1,1,1,1,1,1,1,1,1,1,1]"; 11].join(","));
    let seen = told(&mut scorer, &["[1,2,3,4]", &long, &wide, "[[1,2]]"]);
    assert_eq!(
        seen[..3],
        [
            "0: wrong_length: a flat array for input `x` does not tell `h` and `w`: nest it, one level an axis",
            "1: wrong_length: `w` of input `x` is 101, and at most 100",
            "2: wrong_length: input `x` would take 968 bytes, more than `limits.max_tensor_bytes` = 800",
        ]
    );
    assert!(seen[3].contains(r#""shape":[1,2]"#), "{}", seen[3]);
    let csv = faults(&[("x", &[Dim::Batch, free("h"), free("w")])], "[payload]\nformat = \"csv\"");
    assert!(csv.contains("sizes.h: is free in the model's input x f64[N, h, w]"), "{csv}");
}

#[test]
fn lengths_are_declared_by_their_name_or_their_place() {
    let inputs: [(&str, &[Dim]); 1] = [("x", &[Dim::Batch, free("h"), free("w")])];
    for declaration in ["sizes = { h = 2, w = 3 }", "sizes = { \"x.1\" = 2, w = 3 }"] {
        let mut scorer = scorer(&inputs, declaration);
        let seen = told(&mut scorer, &["[1,2,3,4,5,6]", "[1,2]"]);
        assert!(seen[0].contains("1.0,2.0,3.0,4.0,5.0,6.0"), "{seen:?}");
        assert_eq!(seen[1], "1: wrong_length: input `x` takes 6 numbers, the payload has 2");
    }
    let wrong = faults(&inputs, "sizes = { hh = 2 }");
    assert!(
        wrong.contains("sizes.hh: the model has no such size; free are h, w; did you mean `h`?"),
        "{wrong}"
    );
    assert!(faults(&inputs, "sizes = { h = 0 }").contains("sizes.h: must be a whole number"));
    assert!(faults(&inputs, "sizes = { h = { most = 4 } }").contains("sizes.h.max: is missing"));
    let fields = faults(&inputs, "[inputs.x]\nfields = [\"a\", \"b\"]");
    assert!(fields.contains("sizes.h: is free") && fields.contains("its fields don't tell it"), "{fields}");
}

#[test]
fn fields_and_windows_tell_lengths_before_any_message() {
    let two = "[inputs.x]\nfields = [\"a\", \"b\"]\n";
    let mut fields = scorer(&[("x", &[Dim::Batch, free("n")])], two);
    assert_eq!(told(&mut fields, &[r#"{"a":1,"b":2}"#]), [r#"0: {"x_out":[1.0,2.0]}"#]);
    let window = format!("{two}[window]\nlength = 3\n");
    let mut window = scorer(&[("x", &[Dim::Batch, free("t"), free("f")])], &window);
    let readings = [r#"{"a":1,"b":2}"#, r#"{"a":3,"b":4}"#, r#"{"a":5,"b":6}"#];
    let seen = told(&mut window, &readings);
    assert_eq!(seen[2], r#"2: {"x_out":{"shape":[3,2],"data":[1.0,2.0,3.0,4.0,5.0,6.0]}}"#);
    let array = faults(
        &[("x", &[Dim::Batch, free("t"), free("f")])],
        "[inputs.x]\narray = \"v\"\n[window]\nlength = 3\n",
    );
    assert!(array.contains("sizes.f: is free") && array.contains("the window doesn't tell it"), "{array}");
}

#[test]
fn a_window_by_time_is_as_long_as_it_has_readings() {
    let declaration = "[payload]\ntime = \"t\"\ntime_format = \"epoch_secs\"\n[inputs.x]\nfields = [\"a\", \"b\"]\n\
                       [inputs.n]\nsize_of = \"x\"\n[window]\nduration_secs = 10\n";
    let mut scorer =
        scorer(&[("x", &[Dim::Batch, free("t"), Dim::Fixed(2)]), ("n", &[Dim::Batch])], declaration);
    let reading = |t: u64| format!(r#"{{"t":{t},"a":{t},"b":0}}"#);
    let readings: Vec<String> = [1, 2, 3, 11, 25, 26].into_iter().map(reading).collect();
    let seen = told(&mut scorer, &readings.iter().map(String::as_str).collect::<Vec<_>>());
    let verdicts: Vec<&String> = seen.iter().filter(|what| what.contains("x_out")).collect();
    assert!(
        verdicts[0].contains(r#"{"shape":[3,2],"data":[1.0,0.0,2.0,0.0,3.0,0.0]},"n_out":3.0"#),
        "{seen:?}"
    );
    assert!(verdicts[1].contains(r#"{"shape":[1,2],"data":[11.0,0.0]},"n_out":1.0"#), "{seen:?}");
}

#[test]
fn constants_and_sizes_fill_what_no_message_carries() {
    let declaration = "[inputs.rate]\nconstant = 16000\n[inputs.mask]\nconstant = 1\n[inputs.lens]\nsize_of = \"x\"\n\
                       [inputs.table]\nconstant = [[1, 2], [3, 4]]\n";
    let inputs: [(&str, &[Dim]); 5] = [
        ("x", &[free("batch"), free("t")]),
        ("rate", &[]),
        ("mask", &[free("batch"), free("t")]),
        ("lens", &[free("batch")]),
        ("table", &[Dim::Fixed(2), free("k")]),
    ];
    let mut scorer = scorer(&inputs, declaration);
    let seen = told(&mut scorer, &["[5,6,7]", "[[8]]"]);
    let first = r#"{"x_out":[5.0,6.0,7.0],"rate_out":16000.0,"mask_out":[1.0,1.0,1.0],"lens_out":3.0"#;
    // What of these is one number of a row or a tensor depends on the model's ports; the values are what counts.
    let plain = |what: &str| what.replace(r#"{"shape":[1,3],"data":"#, "").replace("]}", "]");
    assert!(
        seen[0].contains("16000.0") && seen[0].contains("[1.0,1.0,1.0]"),
        "{} is not {first}",
        plain(&seen[0])
    );
    assert!(seen[0].contains("1.0,2.0,3.0,4.0"), "{}", seen[0]);
    assert!(seen[1].contains("\"lens_out\":1.0") || seen[1].contains("\"lens_out\":[1.0]"), "{}", seen[1]);
    for (declaration, expected) in [
        ("[inputs.rate]\nconstant = [1, 2, 3]", "inputs.rate.constant: has 3 numbers"),
        (
            "[inputs.rate]\nconstant = [[1], [2, 3]]",
            "inputs.rate.constant: must be a finite number, or numbers",
        ),
        ("[inputs.rate]\nconstant = 1\nsize_of = \"x\"", "inputs.rate.size_of: and `constant` are both set"),
        ("[inputs.rate]\nsize_of = \"y\"", "inputs.rate.size_of: names no input of the model"),
        ("[inputs.rate]\nsize_of = \"x.7\"", "inputs.rate.size_of: `x` has no axis 7"),
        ("[inputs.rate]\nconstant = 1\narray = \"a\"", "is filled twice"),
    ] {
        let found = faults(&[("x", &[Dim::Batch, free("t")]), ("rate", &[])], declaration);
        assert!(found.contains(expected), "{declaration}\ngives {found},\nnot {expected}");
    }
}

#[test]
fn without_a_batch_the_first_axis_is_one_row_unless_it_is_declared_to_be_none() {
    let inputs: [(&str, &[Dim]); 1] = [("x", &[free("n"), Dim::Fixed(2)])];
    let mut rows = scorer(&inputs, "");
    let seen = told(&mut rows, &["[1,2]", "[1,2,3,4]"]);
    assert!(seen[0].contains("1.0,2.0"), "{seen:?}");
    assert_eq!(seen[1], "1: wrong_length: input `x` takes 2 numbers, the payload has 4");
    // Time first: the model says its rows are a batch, its maker knows better.
    let inputs: [(&str, &[Dim]); 1] = [("x", &[Dim::Batch, Dim::Fixed(2)])];
    let mut steps =
        scorer(&inputs, "batch_axis = \"none\"\n[outputs.y]\ntensor = \"x_out\"\nkind = \"tensor\"\n");
    let seen = told(&mut steps, &["[1,2,3,4]", "[[5,6]]"]);
    assert_eq!(seen[0], r#"0: {"y":{"shape":[2,2],"data":[1.0,2.0,3.0,4.0]}}"#);
    assert_eq!(seen[1], r#"1: {"y":{"shape":[1,2],"data":[5.0,6.0]}}"#);
}

#[test]
fn any_stream_of_lengths_gives_each_message_what_it_gives_alone() {
    let inputs: [(&str, &[Dim]); 1] = [("x", &[Dim::Batch, free("n")])];
    let mut state = 3_u64;
    let payloads: Vec<String> = (0..500)
        .map(|at| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let length = 1 + (state >> 33) % 40;
            format!("[{}]", (0..length).map(|i| (i * at).to_string()).collect::<Vec<_>>().join(","))
        })
        .collect();
    let all: Vec<&str> = payloads.iter().map(String::as_str).collect();
    let together = told(&mut scorer(&inputs, ""), &all);
    for (at, (payload, seen)) in all.iter().zip(together).enumerate() {
        let alone = told(&mut scorer(&inputs, ""), &[payload]);
        assert_eq!(seen.strip_prefix(&format!("{at}")), alone[0].strip_prefix('0'), "message {at}");
    }
}

/// A gray PNG in which each pixel is its place.
fn png(width: u32, height: u32) -> Vec<u8> {
    let image = image::GrayImage::from_fn(width, height, |x, y| image::Luma([(y * width + x) as u8]));
    let mut file = std::io::Cursor::new(Vec::new());
    image.write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}

fn pictures(declared: &str, dims: &[Dim], sizes: &[(u32, u32)]) -> Vec<String> {
    let declaration =
        format!("[payload]\nformat = \"image\"\n[inputs.x.image]\nchannels = \"gray\"\n{declared}");
    let mut scorer = scorer(&[("x", dims)], &declaration);
    let files: Vec<Vec<u8>> = sizes.iter().map(|(width, height)| png(*width, *height)).collect();
    let seen = score_bytes(&mut scorer, files.iter().map(Vec::as_slice));
    seen.iter()
        .map(|what| what.split(r#","data""#).next().unwrap().replace(r#""outputs":{"x_out":"#, ""))
        .collect()
}

#[test]
fn a_picture_tells_the_sides_that_are_left_out() {
    let dims = [Dim::Batch, Dim::Fixed(1), free("h"), free("w")];
    let sizes = [(6, 4), (3, 2), (6, 4)];
    let shapes = |of: [&str; 3]| {
        let told = of.iter().enumerate();
        told.map(|(at, shape)| format!(r#"{at}: {{"shape":[1,{shape}]"#)).collect::<Vec<_>>()
    };
    assert_eq!(pictures("", &dims, &sizes), shapes(["4,6", "2,3", "4,6"]), "as they are sent");
    assert_eq!(pictures("height = 2", &dims, &sizes), shapes(["2,3", "2,3", "2,3"]), "one height, any width");
    assert_eq!(pictures("width = 12", &dims, &sizes), shapes(["8,12", "8,12", "8,12"]));
    assert_eq!(pictures("multiple_of = 4", &dims, &sizes), shapes(["4,8", "4,4", "4,8"]), "3 is nearer to 4");
    // What a model has fixed has to be declared.
    let fixed = [Dim::Batch, Dim::Fixed(1), Dim::Fixed(2), free("w")];
    assert_eq!(pictures("height = 2", &fixed, &sizes), shapes(["2,3", "2,3", "2,3"]));
    let image =
        |rest: &str| format!("[payload]\nformat = \"image\"\n[inputs.x.image]\nchannels = \"gray\"\n{rest}");
    for (dims, declared, expected) in [
        (
            &fixed[..],
            "height = 3",
            "inputs.x: doesn't fit x f64[N, 1, 2, w]: the image gives 3 where the model takes 2",
        ),
        (
            &dims[..],
            "resize = \"letterbox\"\nheight = 2",
            "inputs.x.image.resize: is for a fixed `width` and `height`",
        ),
        (
            &dims[..],
            "width = 2\nheight = 2\nmultiple_of = 2",
            "inputs.x.image.multiple_of: is for a side that is left out",
        ),
    ] {
        let told = faults(&[("x", dims)], &image(declared));
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn a_picture_beyond_its_bound_is_rejected_and_nothing_else() {
    let declared = "height = 2\n[sizes]\nw = { max = 4 }\n";
    let dims = [Dim::Batch, Dim::Fixed(1), free("h"), free("w")];
    let seen = pictures(declared, &dims, &[(4, 2), (5, 2), (3, 2)]);
    assert!(seen[0].contains("[1,2,4]") && seen[2].contains("[1,2,3]"), "{seen:?}");
    assert_eq!(seen[1], "1: wrong_length: `w` of input `x` is 5, and at most 4");
}

/// Signatures, declarations and messages put together at random: none panics, each reading ends once, and what reaches
/// the model fits it and its bound (`fuzz`).
#[test]
fn any_signature_declaration_and_messages_end_well() {
    const DECLARED: [&str; 18] = [
        "[inputs.x]\narray = \"a\"\n",
        "[inputs.x]\nfields = [\"b\", \"c\"]\n",
        "[inputs.x]\nconstant = [1, 2]\n",
        "[inputs.h]\narray = \"h\"\n",
        "[inputs.h]\nconstant = 0.5\n",
        "[inputs.h]\nsize_of = \"x\"\n",
        "[state.s]\ninput = \"h\"\noutput = \"h_out\"\n",
        "[state.s]\ninput = \"h\"\noutput = \"x_out\"\nreset_when = \"b\"\n",
        "[inputs.len]\nsize_of = \"x\"\n",
        "[inputs.len]\nsize_of = \"x.1\"\n",
        "[inputs.len]\nconstant = 3\n",
        "[sizes]\nn = 3\n",
        "[sizes]\nn = { max = 2 }\nm = 2\n",
        "[sizes]\n\"x.1\" = 2\n",
        "[sizes]\nsamples = { max = 100000 }\n",
        "[window]\nlength = 2\nstep = 1\n",
        "[payload]\nformat = \"csv\"\n",
        "",
    ];
    let mut state = 77_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut scored = 0;
    for round in 0..30_000 {
        let free_batch = random(2) == 0;
        let mut dims = || {
            let inner: Vec<Dim> = (0..random(4))
                .map(|_| match random(7) {
                    n @ 0..4 => Dim::Fixed(n + 1),
                    letter => free(["n", "m", "samples"][letter - 4]),
                })
                .collect();
            if free_batch { [Dim::Batch].into_iter().chain(inner).collect() } else { inner }
        };
        let mut inputs = vec![("x", dims())];
        for name in ["h", "len"] {
            if round % 3 != 0 {
                inputs.push((name, dims()));
            }
        }
        let batch_axis = if random(5) == 0 { "batch_axis = \"none\"\n" } else { "" };
        let mut declaration = String::from(batch_axis);
        for _ in 0..random(5) {
            declaration += DECLARED[random(DECLARED.len())];
        }
        let messages: Vec<String> = (0..random(8))
            .map(|_| {
                let mut array = || {
                    let mut text = random(9).to_string();
                    for _ in 0..random(5) {
                        text = format!("[{}]", vec![text; random(5)].join(","));
                    }
                    text
                };
                match array() {
                    whole if round % 2 == 0 => whole,
                    a => format!(r#"{{"a":{a},"h":{},"x":{},"b":{},"c":1}}"#, array(), array(), array()),
                }
            })
            .collect();
        let payloads: Vec<&[u8]> = messages.iter().map(String::as_bytes).collect();
        scored += usize::from(try_out(&inputs, free_batch, &declaration, &payloads));
        // The same as the fuzzer has it, out of bytes that mean nothing.
        let noise: Vec<u8> = (0..random(200)).map(|_| random(256) as u8).collect();
        fuzzed(&noise);
    }
    assert!(scored > 1000, "{scored} of them were scored: the others say nothing");
}
