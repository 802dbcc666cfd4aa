//! Every way a payload becomes a tensor, by what the model answers. The models give back what they
//! were given, or a sum or mean of it, so the expected answers stand beside the payloads.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};

use crate::support::{line::Line, model};

/// Four numbers in, the same out when they are not negative.
fn relu(mapping: &str) -> Line {
    Line::start(&model("bare_odd_names.onnx"), mapping)
}

const RELU_IN: &str = "[pipelines.p.inputs.\"serving_default/x:0\"]\n";

fn echoed(line: &Line, payload: impl Into<Vec<u8>>) -> Value {
    line.outputs(payload)["StatefulPartitionedCall:0"].clone()
}

#[test]
fn a_bare_model_takes_the_array_of_its_length() {
    let line = relu("");
    assert_eq!(echoed(&line, "[1, 2.5, -3, 4e1]"), json!([1.0, 2.5, 0.0, 40.0]));
    // Nested is flattened in row-major order.
    assert_eq!(echoed(&line, " [[1, 2], [3, 4]]\n"), json!([1.0, 2.0, 3.0, 4.0]));
    // The shortest decimal that reads back as the same f32.
    assert_eq!(
        line.say("[0.1, 16777217, 1e-7, 3.3]")["outputs"].to_string(),
        r#"{"StatefulPartitionedCall:0":[0.1,16777216.0,1e-7,3.3]}"#
    );
    line.stop();
}

#[test]
fn dotted_paths_walk_into_objects_and_arrays() {
    let fields = r#"fields = ["machine.temperature", 'a\.b.c', "samples.1.x", { path = "n", scale = 2.0, offset = 1.0 }]"#;
    let line = relu(&format!("{RELU_IN}{fields}\n"));
    let payload = r#"{"other":[{"machine":9}],"machine":{"pressure":3,"temperature":21.5},
        "a.b":{"c":7,"b":1},"a":{"b":{"c":8}},"samples":[{"x":1},{"y":0,"x":2},{"x":3}],"n":4}"#;
    assert_eq!(echoed(&line, payload), json!([21.5, 7.0, 2.0, 9.0]));
    // The last of two equal keys counts, as everywhere in serde_json.
    assert_eq!(
        echoed(
            &line,
            r#"{"machine":{"temperature":1,"temperature":2},"a.b":{"c":0},"samples":[0,{"x":5}],"n":0}"#
        ),
        json!([2.0, 0.0, 5.0, 1.0])
    );
    line.stop();
}

#[test]
fn two_inputs_are_filled_each_in_its_own_way() {
    let line = Line::start(&model("two_inputs"), "");
    let y = |payload: &str| line.outputs(payload)["y"].as_f64().unwrap();
    assert_eq!(y(r#"{"left":[1,2,3],"right":{"x":1,"y":0.5,"z":2}}"#), 11.5);
    assert_eq!(y(r#"{"left":[1,2,3],"right":{"x":1,"y":0.5}}"#), 5.5);
    line.stop();
}

#[test]
fn a_bare_model_of_two_inputs_takes_an_object_by_their_names() {
    let line = Line::start(&model("two_inputs/model.onnx"), "");
    assert_eq!(line.outputs(r#"{"b":[1,1,1],"a":[1,2,3]}"#), json!({"y": 6.5}));
    line.stop();
}

#[test]
fn an_array_of_readings_is_a_unit_each() {
    let mapping = "[pipelines.p.payload]\nreadings = \"data.rows\"\nmessage_id = \"$.id\"\ntime = \"at\"\n";
    let fields = r#"fields = ["t", "p", "$.base", "q.0"]"#;
    let line = relu(&format!("copy_fields = [\"$.id\", \"t\"]\n{mapping}{RELU_IN}{fields}\n"));
    let first = line.say(
        r#"{"data":{"rows":[{"t":1,"p":2,"q":[3],"at":100},{"t":4,"q":[6]},{"t":7,"p":8,"q":[9],"at":102}]},"id":"m-1","base":50}"#,
    );
    let (second, third) = (line.next(), line.next());
    let echo = |verdict: &Value| verdict["outputs"]["StatefulPartitionedCall:0"].clone();
    assert_eq!(echo(&first), json!([1.0, 2.0, 50.0, 3.0]));
    assert_eq!(echo(&third), json!([7.0, 8.0, 50.0, 9.0]));
    assert_eq!((&first["time"], &third["time"]), (&json!(100), &json!(102)));
    assert_eq!(first["input"], json!({"$.id": "m-1", "t": 1}));
    assert_eq!(second["reason"], "missing_field");
    assert!(second["detail"].as_str().unwrap().contains("`p`"), "{second}");
    assert_eq!((&first["input_id"], &third["input_id"]), (&json!("m-1"), &json!("m-1")));
    assert_ne!(first["id"], third["id"], "each reading is a result of its own");
    assert_eq!(line.rejected(r#"{"data":{"rows":[]},"base":1}"#).0, "missing_field");
    let books = line.daemon.status()["pipelines"]["p"].clone();
    assert_eq!(books["messages"], 2);
    let ended = line.stop();
    let counted = ["received", "scored", "rejected"].map(|bucket| ended.books("p", bucket));
    assert_eq!(counted, [4, 2, 2], "units are counted, not messages");
}

#[test]
fn csv_lines_are_readings() {
    let format = "[pipelines.p.payload]\nformat = \"csv\"\n";
    let line = relu(&format!(
        "copy_fields = [\"name\"]\n{format}columns = [\"a\", \"b\", \"name\", \"c.x\", \"d\"]\ndelimiter = \";\"\n{RELU_IN}fields = [\"d\", \"b\", 'c\\.x', {{ path = \"a\", missing = 5 }}]\n"
    ));
    assert_eq!(echoed(&line, "1;2;n;3;4"), json!([4.0, 2.0, 3.0, 1.0]));
    let quoted = line.say("  1;+2.5;\"x;\"\"y\";3e0;4\r\n;2;n;3;4\r\n\r\n");
    assert_eq!(quoted["outputs"]["StatefulPartitionedCall:0"], json!([4.0, 2.5, 3.0, 1.0]));
    assert_eq!(quoted["input"], json!({"name": "x;\"y"}));
    assert_eq!(line.next()["outputs"]["StatefulPartitionedCall:0"], json!([4.0, 2.0, 3.0, 5.0]));
    assert_eq!(line.rejected("1;2;3").0, "wrong_length");
    assert_eq!(line.rejected("1;2;n;x;4").0, "wrong_type");
    assert_eq!(line.rejected("1;;n;3;4").0, "missing_field");
    assert_eq!(line.rejected("1;nan;n;3;4").0, "not_finite");
    assert_eq!(line.stop().books("p", "scored"), 3);
    // Without names the cells have numbers, and without fields the line is the array.
    let line = relu(&format!("{format}{RELU_IN}fields = [\"3\", \"2\", \"1\", \"0\"]\n"));
    assert_eq!(echoed(&line, "1,2,3,4"), json!([4.0, 3.0, 2.0, 1.0]));
    line.stop();
    let line = relu(format);
    assert_eq!(echoed(&line, "1,2,3,4\n"), json!([1.0, 2.0, 3.0, 4.0]));
    assert_eq!(line.rejected("1,2,3").0, "wrong_length");
    line.stop();
}

#[test]
fn raw_little_endian_elements_are_read_and_scaled() {
    let raw = |element: &str| relu(&format!("[pipelines.p.payload]\nformat = \"raw\"\n{RELU_IN}{element}\n"));
    let line = raw("element = \"f32\"");
    let bytes = |values: [f32; 4]| values.map(f32::to_le_bytes).concat();
    assert_eq!(echoed(&line, bytes([0.5, 2.0, 1e-3, 9.0])), json!([0.5, 2.0, 0.001, 9.0]));
    assert_eq!(line.rejected(bytes([0.5, 2.0, 1e-3, 9.0])[..15].to_vec()).0, "wrong_length");
    assert_eq!(line.rejected([0; 12]).0, "wrong_length");
    assert_eq!(line.rejected([]).0, "wrong_length");
    assert_eq!(line.rejected(bytes([f32::NAN, 2.0, 3.0, 4.0])).0, "not_finite");
    assert_eq!(line.rejected(bytes([1.0, f32::INFINITY, 3.0, 4.0])).0, "not_finite");
    line.stop();
    let line = raw("element = \"i16\"\nscale = 0.5\noffset = 10");
    let payload = [-2i16, 0, 1000, 32767].map(i16::to_le_bytes).concat();
    assert_eq!(echoed(&line, payload), json!([9.0, 10.0, 510.0, 16393.5]));
    line.stop();
    let line = raw("element = \"u8\"");
    assert_eq!(echoed(&line, [0, 1, 127, 255]), json!([0.0, 1.0, 127.0, 255.0]));
    line.stop();
}

#[test]
fn whole_numbers_stay_whole() {
    let line = Line::start(&model("int_input"), "");
    assert_eq!(line.outputs("[3, -4.0]"), json!({"y": [6, -8]}));
    assert_eq!(line.rejected("[0.5, 1]").0, "out_of_range");
    assert_eq!(line.rejected("[2147483648, 1]").0, "out_of_range");
    line.stop();
}

#[test]
fn models_without_a_free_batch_work_too() {
    let line = Line::start(&model("fixed_batch"), "");
    assert_eq!(line.outputs("[1,2,3.5,4]"), json!({"sum": 10.5}));
    line.stop();
    let line = Line::start(&model("scalar_output"), "");
    assert_eq!(line.outputs("[1,9,3.5,4]"), json!({"max": 9.0}));
    line.stop();
}

fn encoded(image: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(image.clone()).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Three upright stripes of full red, green and blue.
fn stripes() -> RgbImage {
    RgbImage::from_fn(24, 8, |x, _| {
        let mut colour = [0; 3];
        colour[(x / 8) as usize] = 255;
        Rgb(colour)
    })
}

fn means(outputs: &Value) -> Vec<f64> {
    outputs["mean"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance);
    assert!(found.len() == expected.len() && near, "{found:?}, not {expected:?}");
}

#[test]
fn images_are_decoded_resized_and_normalised() {
    let line = Line::start(&model("image"), "");
    let flat = RgbImage::from_pixel(8, 8, Rgb([255, 51, 0]));
    let expected = [1.0, 0.2, 0.0];
    assert_near(&means(&line.outputs(encoded(&flat, ImageFormat::Png))), &expected, 1e-6);
    // JPEG is lossy; a flat colour loses a step or two of 255.
    assert_near(&means(&line.outputs(encoded(&flat, ImageFormat::Jpeg))), &expected, 0.02);
    // Stretched: each stripe is a third of the picture.
    let third = 1.0 / 3.0;
    assert_near(&means(&line.outputs(encoded(&stripes(), ImageFormat::Png))), &[third; 3], 0.01);
    let gray = DynamicImage::ImageLuma8(image::GrayImage::from_pixel(5, 5, image::Luma([102])));
    let mut bytes = Cursor::new(Vec::new());
    gray.write_to(&mut bytes, ImageFormat::Png).unwrap();
    assert_near(&means(&line.outputs(bytes.into_inner())), &[0.4; 3], 1e-6);
    line.stop();
}

#[test]
fn images_are_cropped_reordered_and_held_to_their_size_as_declared() {
    let prepared = |image: &str| {
        let text = format!(
            "[pipelines.p.payload]\nformat = \"image\"\n[pipelines.p.inputs.pixels.image]\nwidth = 8\nheight = 8\n{image}\n"
        );
        Line::start(&model("image/model.onnx"), &text)
    };
    let line = prepared("resize = \"crop\"");
    // The middle stripe alone, and without mean and std the values of the file.
    assert_near(&means(&line.outputs(encoded(&stripes(), ImageFormat::Png))), &[0.0, 255.0, 0.0], 1e-6);
    line.stop();
    let line =
        prepared("channels = \"bgr\"\nmean = [0.5, 0.5, 0.5]\nstd = [0.5, 0.25, 0.5]\nresize = \"exact\"");
    let flat = RgbImage::from_pixel(8, 8, Rgb([255, 0, 0]));
    assert_near(&means(&line.outputs(encoded(&flat, ImageFormat::Png))), &[-1.0, -2.0, 1.0], 1e-6);
    let (reason, detail) = line.rejected(encoded(&stripes(), ImageFormat::Png));
    assert_eq!(reason, "bad_image");
    assert!(detail.contains("24x8") && detail.contains("8x8"), "{detail}");
    line.stop();
}

#[test]
fn sliding_windows_are_kept_by_source() {
    let line = Line::start(&model("window"), "");
    let client = &line.client;
    // Two sources, interleaved: each verdict sees its own ten readings only.
    for i in 0..12 {
        client.publish("in/a", format!(r#"{{"a":{i},"b":{}}}"#, -i));
        client.publish("in/b", format!(r#"{{"a":{},"b":{}}}"#, 100 + i, i));
    }
    for last in 9..12 {
        let (a, b) = (client.next_on("out/a").json(), client.next_on("out/b").json());
        let mean = f64::from(last) - 4.5;
        assert_eq!(a["outputs"], json!({"mean_a": mean, "max_b": f64::from(9 - last)}));
        assert_eq!(b["outputs"], json!({"mean_a": mean + 100.0, "max_b": f64::from(last)}));
    }
    // A reading that can't be used leaves the window as it was.
    assert_eq!(line.rejected(r#"{"a":null,"b":1}"#).0, "missing_field");
    assert_eq!(line.rejected(r#"{"a":1,"b":1e39}"#).0, "not_finite");
    assert_eq!(line.outputs(r#"{"a":12,"b":0}"#), json!({"mean_a": 7.5, "max_b": 0.0}));
    let ended = line.stop();
    let counted = ["received", "scored", "merged", "rejected"].map(|bucket| ended.books("p", bucket));
    assert_eq!(counted, [27, 7, 18, 2]);
}

#[test]
fn tumbling_windows_begin_anew() {
    let text = "[pipelines.p.inputs.series]\nfields = [\"a\", \"b\"]\n[pipelines.p.window]\nlength = 10\nstep = 10\n";
    let line = Line::start(&model("window/model.onnx"), text);
    for i in 0..25 {
        line.client.publish("in/a", format!(r#"{{"a":{i},"b":{}}}"#, 50 - i));
    }
    assert_eq!(line.next()["outputs"], json!({"out": [4.5, 50.0]}));
    assert_eq!(line.next()["outputs"], json!({"out": [14.5, 40.0]}));
    let status = line.daemon.wait_status("all 25", |status| status["books"]["pending"] == 0);
    assert_eq!((&status["books"]["scored"], &status["books"]["merged"]), (&json!(2), &json!(23)));
    line.stop();
}

#[test]
fn missing_values_are_rejected_replaced_or_remembered() {
    let fields = r#"fields = ["a", { path = "b", missing = -0.5, scale = -2.0 }, { path = "c", missing = "last" }, { path = "d", type = "boolean", missing = 0 }]"#;
    let line = relu(&format!("{RELU_IN}{fields}\n"));
    let (reason, detail) = line.rejected(r#"{"b":1,"c":1,"d":true}"#);
    assert_eq!(reason, "missing_field");
    assert!(detail.contains("`a`"), "{detail}");
    let (reason, detail) = line.rejected(r#"{"a":1,"d":true}"#);
    assert_eq!(reason, "missing_field");
    assert!(detail.contains("`c`") && detail.contains("never sent"), "{detail}");
    assert_eq!(echoed(&line, r#"{"a":1,"b":-3,"c":7.5,"d":true}"#), json!([1.0, 6.0, 7.5, 1.0]));
    assert_eq!(echoed(&line, r#"{"a":2,"b":null,"c":null,"d":null}"#), json!([2.0, 1.0, 7.5, 0.0]));
    assert_eq!(echoed(&line, r#"{"a":3,"c":8}"#), json!([3.0, 1.0, 8.0, 0.0]));
    assert_eq!(echoed(&line, r#"{"a":4}"#), json!([4.0, 1.0, 8.0, 0.0]));
    // Another source has not sent one.
    let other = line.say_on("in/b", r#"{"a":4}"#).json();
    assert_eq!(other["reason"], "missing_field");
    // A text is not a number, and does not become the last value.
    assert_eq!(line.rejected(r#"{"a":4,"c":"8"}"#).0, "wrong_type");
    assert_eq!(line.rejected(r#"{"a":4,"d":"yes"}"#).0, "wrong_type");
    assert_eq!(line.rejected(r#"{"a":4,"d":2}"#).0, "wrong_type");
    assert_eq!(echoed(&line, r#"{"a":5,"d":1}"#), json!([5.0, 1.0, 8.0, 1.0]));
    line.stop();
}

#[test]
fn labels_probabilities_and_top_classes() {
    let line = Line::start(&model("logistic"), "");
    // What ONNX Runtime answers.
    let known = [
        ("0.9,\"speed\":0.9", "run", 0.9991952),
        ("0.9,\"speed\":0.05", "stall", 0.8025782),
        ("0,\"speed\":0.5", "idle", 0.6650337),
    ];
    for (values, label, probability) in known {
        let outputs = line.outputs(format!("{{\"current\":{values}}}"));
        assert_eq!(outputs["state"], label);
        assert_near(&[outputs["probabilities"][label].as_f64().unwrap()], &[probability], 1e-5);
    }
    let outputs = line.outputs(r#"{"current":0.9,"speed":0.9}"#);
    let classes = outputs["probabilities"].as_object().unwrap();
    let names: Vec<&str> = classes.keys().map(String::as_str).collect();
    assert_eq!(names, ["idle", "run", "stall"]);
    let sum: f64 = classes.values().map(|p| p.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{outputs}");
    line.stop();
    let text = "[pipelines.p.inputs.x]\nfields = [\"current\", \"speed\"]\n[pipelines.p.outputs.best]\n\
        tensor = \"probabilities\"\nkind = \"probabilities\"\nlabels = [\"idle\", \"run\", \"stall\"]\ntop_k = 2\n";
    let line = Line::start(&model("logistic/model.onnx"), text);
    let outputs = line.outputs(r#"{"current":0.9,"speed":0.9}"#);
    let best = outputs["best"].as_object().unwrap();
    assert_eq!(best.len(), 2, "{outputs}");
    assert_eq!(
        line.say(r#"{"current":0.9,"speed":0.9}"#).to_string().matches("\"best\":{\"run\":").count(),
        1
    );
    line.stop();
    // Text labels from trees of scikit-learn.
    let line = Line::start(&model("string_label"), "");
    assert_eq!(line.outputs(r#"{"current":0.02,"speed":0.9}"#)["state"], "idle");
    assert_eq!(line.outputs(r#"{"current":0.9,"speed":0.9}"#)["state"], "run");
    assert_eq!(line.outputs(r#"{"current":0.9,"speed":0.05}"#)["state"], "stall");
    line.stop();
}

#[test]
fn an_answer_that_is_not_finite_is_a_rejection() {
    let line = Line::start(&model("log"), "");
    assert_eq!(line.outputs("[1]"), json!({"y": 0.0}));
    for payload in ["[-1]", "[0]"] {
        assert_eq!(line.rejected(payload).0, "output_not_finite");
    }
    assert_eq!(line.outputs("[1]"), json!({"y": 0.0}));
    line.stop();
}
