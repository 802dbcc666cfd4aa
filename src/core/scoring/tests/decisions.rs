//! What comes after the model: scores, labels over time, objects, text, distances, and conditions that
//! must last; and what is wrong with their declarations.

use super::{declared::has, series::echoing, *};

/// The last part of each outcome: outputs and conditions, or words.
fn outcomes(dims: &[usize], declaration: &str, payloads: &[&str]) -> Vec<String> {
    let seen = score(&mut echoing(dims, declaration), payloads);
    let strip = |line: &String| line.split_once(": ").map(|(_, what)| what.to_owned()).unwrap();
    seen.iter().map(strip).collect()
}

const X: &str = "[inputs.x]\narray = \"v\"\n";

#[test]
fn scores_become_probabilities_ranks_and_labels() {
    let declaration = format!(
        "{X}
        [outputs.soft]
        tensor = \"y\"
        kind = \"vector\"
        activation = \"softmax\"
        [outputs.first]
        tensor = \"y\"
        kind = \"value\"
        index = 1
        activation = \"sigmoid\"
        [outputs.best]
        tensor = \"y\"
        kind = \"top_k\"
        k = 2
        labels = [\"a\", \"b\", \"c\"]
        activation = \"softmax\"
        calibration = {{ method = \"temperature\", temperature = 0.5 }}
        [outputs.label]
        tensor = \"y\"
        kind = \"label\"
        argmax = true
        labels = [\"a\", \"b\", \"c\"]
        [conditions.is_b]
        output = \"best\"
        operator = \"==\"
        value = \"b\"
        [conditions.sure]
        output = \"best\"
        operator = \">\"
        value = 0.9"
    );
    // exp(ln 2) = 2: shares of 1, 2 and 1; with half the temperature of 1, 4 and 1.
    let seen = outcomes(&[3], &declaration, &[r#"{"m":"a","v":[0,0.6931471805599453,0]}"#]);
    let (outputs, conditions) = seen[0].split_once(",\"conditions\":").unwrap();
    let json: serde_json::Value =
        serde_json::from_str(outputs.split_once("\"outputs\":").unwrap().1).unwrap();
    let near = |value: &serde_json::Value, expected: f64| {
        assert!((value.as_f64().unwrap() - expected).abs() < 1e-12, "{value}, not {expected}");
    };
    for (i, expected) in [0.25, 0.5, 0.25].into_iter().enumerate() {
        near(&json["soft"][i], expected);
    }
    near(&json["first"], 2.0 / 3.0);
    near(&json["best"][0]["score"], 4.0 / 6.0);
    near(&json["best"][1]["score"], 1.0 / 6.0);
    assert_eq!(json["best"][0]["label"], "b");
    assert_eq!(json["best"][1]["label"], "a", "of equal ones the first");
    assert_eq!(json["label"], "b");
    assert_eq!(conditions, r#"{"is_b":true,"sure":false}"#);
}

#[test]
fn scores_are_calibrated() {
    let declaration = format!(
        "{X}
        [outputs.p]
        tensor = \"y\"
        kind = \"probabilities\"
        calibration = {{ method = \"platt\", a = -1, b = 0 }}
        [outputs.q]
        tensor = \"y\"
        kind = \"vector\"
        calibration = {{ method = \"isotonic\", classes = [{{ x = [0, 1], y = [0, 0.5] }}, {{ x = [0, 1], y = [0, 1] }}] }}"
    );
    let seen = outcomes(&[2], &declaration, &[r#"{"m":"a","v":[9,0]}"#, r#"{"m":"a","v":[0.5,9]}"#]);
    assert_eq!(seen[0], r#"a "outputs":{"p":{"0":0.5,"1":0.5},"q":[1.0,0.0]},"conditions":{}"#);
    assert!(seen[1].ends_with(r#""q":[0.2,0.8]},"conditions":{}"#), "{}", seen[1]);
}

#[test]
fn outputs_are_steadied_source_by_source() {
    let declaration = format!(
        "{X}
        [outputs.mean]
        tensor = \"y\"
        kind = \"vector\"
        smooth = {{ mean = 0.5 }}
        [outputs.label]
        tensor = \"y\"
        kind = \"label\"
        argmax = true
        smooth = {{ majority = 3 }}
        [outputs.slow]
        tensor = \"y\"
        kind = \"label\"
        argmax = true
        smooth = {{ mean = 0.25 }}"
    );
    let seen = outcomes(
        &[2],
        &declaration,
        &[
            r#"{"m":"a","v":[8,0]}"#,
            r#"{"m":"b","v":[0,1]}"#,
            r#"{"m":"a","v":[0,4]}"#,
            r#"{"m":"a","v":[0,4]}"#,
        ],
    );
    let expected = [
        r#"a "outputs":{"label":"0","mean":[8.0,0.0],"slow":"0"},"conditions":{}"#,
        r#"b "outputs":{"label":"1","mean":[0.0,1.0],"slow":"1"},"conditions":{}"#,
        // One against one: the last. The slow one is at 6 against 1, then at 4.5 against 1.75.
        r#"a "outputs":{"label":"1","mean":[4.0,2.0],"slow":"0"},"conditions":{}"#,
        r#"a "outputs":{"label":"1","mean":[2.0,3.0],"slow":"0"},"conditions":{}"#,
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_condition_can_have_to_last_by_time_or_by_readings() {
    let declaration = "
        [payload]
        time = \"t\"
        [inputs.x]
        fields = [\"v\"]
        [conditions.lasting]
        output = \"y\"
        operator = \">\"
        value = 10
        hysteresis = 2
        for_secs = 5
        [conditions.counted]
        output = \"y\"
        operator = \">\"
        value = 10
        for_count = 2";
    let readings = [(0, 11), (3, 9), (5, 9), (6, 7), (7, 11), (20, 12)];
    let mut payloads: Vec<String> =
        readings.iter().map(|(t, v)| format!(r#"{{"m":"a","t":{t},"v":{v}}}"#)).collect();
    payloads.push(r#"{"m":"b","t":20,"v":11}"#.into());
    payloads.push(r#"{"m":"b","v":11}"#.into());
    let seen = outcomes(&[1], declaration, &payloads.iter().map(String::as_str).collect::<Vec<_>>());
    let held = |line: &String| (line.contains("\"lasting\":true"), line.contains("\"counted\":true"));
    let found: Vec<_> = seen.iter().map(held).collect();
    // 9 is above 10 - 2: hysteresis keeps the stretch going.
    let expected = [
        (false, false),
        (false, false),
        (true, false),
        (false, false),
        (false, false),
        (true, true),
        (false, false),
        (false, false),
    ];
    assert_eq!(found, expected, "{seen:#?}");
    assert!(seen[7].starts_with("bad_time: "), "{}", seen[7]);
}

#[test]
fn objects_are_listed_and_counted() {
    let declaration = format!(
        "{X}
        [outputs.objects]
        tensor = \"y\"
        kind = \"detections\"
        format = \"yolov10\"
        labels = [\"cat\", \"dog\"]
        score_threshold = 0.2
        [conditions.dogs]
        output = \"objects\"
        label = \"dog\"
        confidence = 0.5
        operator = \">=\"
        value = 1
        [conditions.any]
        output = \"objects\"
        operator = \">=\"
        value = 2"
    );
    let boxes = r#"{"m":"a","v":[[1,2,3,4,0.3,1],[5,6,7,8,0.9,0],[0,0,1,1,0.1,1]]}"#;
    let seen = outcomes(&[3, 6], &declaration, &[boxes]);
    let expected = concat!(
        r#"a "outputs":{"objects":[{"label":"cat","score":0.9,"box":[5.0,6.0,7.0,8.0]},"#,
        r#"{"label":"dog","score":0.3,"box":[1.0,2.0,3.0,4.0]}]},"conditions":{"any":true,"dogs":false}"#
    );
    assert_eq!(seen, [expected]);
}

#[test]
fn text_is_read_and_compared() {
    let declaration = |layout: &str, labels: &str| {
        format!(
            "{X}
            [outputs.plate]
            tensor = \"y\"
            kind = \"text\"
            {labels}
            {layout}
            [conditions.ok]
            output = \"plate\"
            operator = \"==\"
            value = \"AAB\""
        )
    };
    let expected = r#"a "outputs":{"plate":{"text":"AAB","score":0.75}},"conditions":{"ok":true}"#;
    let rows = r#"{"m":"a","v":[[0,1,0],[0.5,0.4,0],[0,0.5,0],[0,0.3,0],[0,0,0.75]]}"#;
    assert_eq!(outcomes(&[5, 3], &declaration("", "characters = \"AB\""), &[rows]), [expected]);
    let columns = r#"{"m":"a","v":[[0,0.5,0,0,0],[1,0.4,0.5,0.3,0],[0,0,0,0,0.75]]}"#;
    let across = declaration("layout = \"class_time\"", "labels = [\"-\", \"A\", \"B\"]");
    assert_eq!(outcomes(&[3, 5], &across, &[columns]), [expected]);
}

#[test]
fn distance_from_a_reference_is_a_number() {
    let declaration = format!(
        "{X}
        [outputs.z]
        tensor = \"y\"
        kind = \"anomaly\"
        mean = [1, 2]
        std = [2, 1]
        [outputs.d]
        tensor = \"y\"
        kind = \"anomaly\"
        mean = [1, 2]
        inverse_covariance = [[0.25, 0], [0, 1]]
        [conditions.odd]
        output = \"z\"
        operator = \">\"
        value = 3"
    );
    let seen = outcomes(&[2], &declaration, &[r#"{"m":"a","v":[7,-2]}"#]);
    assert_eq!(seen, [r#"a "outputs":{"d":5.0,"z":4.0},"conditions":{"odd":true}"#]);
}

#[test]
fn wrong_declarations_are_told_by_their_keys() {
    let output = |rest: &str| format!("{X}[outputs.o]\ntensor = \"y\"\n{rest}");
    for (rest, expected) in [
        ("kind = \"top_k\"", "outputs.o.k: is missing"),
        ("kind = \"label\"\nactivation = \"softmax\"", "outputs.o.argmax: must be true"),
        ("kind = \"label\"", "outputs.o.kind: label needs whole numbers"),
        ("kind = \"label\"\nargmax = true\nlabels = [\"a\"]", "outputs.o.labels: has 1 labels"),
        ("kind = \"vector\"\nactivation = \"softmaxx\"", "outputs.o.activation: must be one of"),
        ("kind = \"vector\"\nsmooth = { majority = 3 }", "outputs.o.smooth: must be { mean"),
        ("kind = \"vector\"\nsmooth = { mean = 2 }", "outputs.o.smooth.mean: must be above 0"),
        ("kind = \"vector\"\nsmooth = {}", "outputs.o.smooth: needs either"),
        (
            "kind = \"vector\"\ncalibration = { method = \"platt\", a = 1 }",
            "outputs.o.calibration.a: and `b`",
        ),
        (
            "kind = \"vector\"\ncalibration = { method = \"platt\", a = 1, b = 2 }",
            "outputs.o.calibration: must have a calibrator for each of the 12",
        ),
        (
            "kind = \"vector\"\ncalibration = { method = \"isotonic\", x = [1, 1], y = [0, 1] }",
            "outputs.o.calibration.x: `x` must rise",
        ),
        (
            "kind = \"vector\"\ncalibration = { method = \"temperature\", temperature = 0 }",
            "outputs.o.calibration.temperature: must be a number above 0",
        ),
        ("kind = \"anomaly\"\nmean = [1, 2]\nstd = [1, 0]", "outputs.o.std: must be 2 numbers above 0"),
        ("kind = \"anomaly\"\nmean = [1, 2]\nstd = [1, 1]", "outputs.o.mean: has 2 elements"),
        (
            "kind = \"anomaly\"\nmean = [1]\ninverse_covariance = [[1, 2]]",
            "inverse_covariance: has 2 numbers",
        ),
        ("kind = \"detections\"", "outputs.o.format: is missing"),
        ("kind = \"detections\"\nformat = \"ssd\"", "outputs.o.priors: is missing"),
        ("kind = \"detections\"\nformat = \"boxes\"", "outputs.o.scores: is missing"),
        ("kind = \"detections\"\nformat = \"yolov8\"\nclasses = \"c\"", "outputs.o.classes: is not for"),
        ("kind = \"detections\"\nformat = \"yolov8\"\niou_threshold = 2", "outputs.o.iou_threshold: must be"),
        ("kind = \"detections\"\nformat = \"yolov8\"\norder = \"xyxy\"", "outputs.o.order: is settled"),
        ("kind = \"detections\"\nformat = \"yolox\"", "outputs.o.format: needs the size of an image"),
        (
            "kind = \"detections\"\nformat = \"yolov8\"\nlabels = [\"a\"]",
            "outputs.o.labels: has 1 labels: a box",
        ),
        (
            "kind = \"detections\"\nformat = \"boxes\"\nscores = \"s\"",
            "outputs.o.scores: the model has no output `s`",
        ),
        (
            "kind = \"detections\"\nformat = \"yolov8\"\nsmooth = { mean = 0.5 }",
            "outputs.o.smooth: is not for",
        ),
        ("kind = \"text\"", "outputs.o.characters: or `labels` is needed"),
        ("kind = \"text\"\ncharacters = \"abc\"", "outputs.o.labels: has 3 for 6 classes"),
        ("kind = \"text\"\ncharacters = \"abcde\"\nblank = 6", "outputs.o.blank: is past the 6"),
    ] {
        has(&[2, 6], &output(rest), expected);
    }
    let condition = |rest: &str| {
        format!(
            "{X}[outputs.o]\ntensor = \"y\"\nkind = \"detections\"\nformat = \"yolov10\"\nlabels = [\"a\"]\n[conditions.c]\noutput = \"o\"\noperator = \">\"\n{rest}"
        )
    };
    for (rest, expected) in [
        ("value = \"a\"", "conditions.c.operator: must be == or !="),
        ("value = 1\nlabel = \"b\"", "conditions.c.label: `b` is not a label"),
        ("value = 1\nconfidence = 2", "conditions.c.confidence: must be from 0 to 1"),
        ("value = 1\nfor_secs = 2", "conditions.c.for_secs: needs the events' own time"),
        ("value = 1\nfor_secs = -2", "conditions.c.for_secs: must not be negative"),
        ("value = 1\nfor_count = 0", "conditions.c.for_count: must be a whole number"),
    ] {
        has(&[2, 6], &condition(rest), expected);
    }
}

#[test]
fn wrong_images_are_told_by_their_keys() {
    let image = |rest: &str| {
        format!(
            "[payload]\nformat = \"image\"\n[inputs.x.image]\nwidth = 4\nheight = 2\nlayout = \"nhwc\"\n{rest}"
        )
    };
    for (rest, expected) in [
        ("filter = \"area\"", "inputs.x.image.filter: must be one of nearest, box"),
        (
            "like = \"opencv\"\nfilter = \"hamming\"",
            "inputs.x.image.filter: must be one of nearest, nearest_exact",
        ),
        ("fill = 3", "inputs.x.image.fill: is for resize ="),
        ("resize = \"letterbox\"\nfill = 256", "inputs.x.image.fill: must be a whole number from 0 to 255"),
        ("resize = \"shorter_side\"", "inputs.x.image.shorter_side: is missing"),
        ("region = [1, 2, 0, 4]", "inputs.x.image.region: must be [left, top, width, height]"),
        ("range = [1, 0]", "inputs.x.image.range: must be two numbers"),
        ("mean = [0, 0, 0]", "inputs.x.image.mean: and `std` go together"),
        ("orientation = \"up\"", "inputs.x.image.orientation: must be one of ignore, exif"),
        ("channels = \"gray\"", "inputs.x: the image gives [2, 4, 1]"),
    ] {
        has(&[2, 4, 3], &image(rest), expected);
    }
}
