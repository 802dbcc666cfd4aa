//! What is wrong is rejected with its reason, told, counted, and harms nothing that comes after.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};
use rumqttc::mqttbytes::QoS;
use serde_json::Value;

use crate::support::{
    daemon::{Daemon, pipeline},
    line::Line,
    model,
};

const GOOD: &str = r#"{"left":[1,2,3],"right":{"x":1,"y":0.5,"z":2}}"#;

#[test]
fn each_wrong_message_is_rejected_with_its_reason_and_the_next_is_scored() {
    let line = Line::start(&model("two_inputs"), "max_payload_bytes = 4000\n");
    // Payload, reason, and what the detail must name.
    let deep = format!("{{\"left\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
    let large = format!("{{\"left\":[{}]}}", "1,".repeat(3000));
    let wrong: &[(&str, &str, &str)] = &[
        ("", "malformed_payload", "JSON"),
        ("{", "malformed_payload", "column"),
        ("hello", "malformed_payload", "line 1"),
        (r#"{"left":[1,2,3]} {"left":1}"#, "malformed_payload", "trailing"),
        (r#"{"left":[1,2,3],"right":{"x":NaN,"y":0.5}}"#, "malformed_payload", "JSON"),
        (r#"{"left":[1,2,3],"right":{"x":Infinity,"y":0.5}}"#, "malformed_payload", "JSON"),
        (r#"{"left":[1,2,3],"right":{"x":1e400,"y":0.5}}"#, "malformed_payload", "out of range"),
        (r#"{"left":[1,2,1e400],"right":{"x":1,"y":0.5}}"#, "malformed_payload", "out of range"),
        (r#"{"left":[1,2,3],"right":{"x":1e39,"y":0.5}}"#, "not_finite", "`right.x`"),
        (r#"{"left":[1,2,-1e300],"right":{"x":1,"y":0.5}}"#, "not_finite", "element 2"),
        (r#"{"left":[1,2,3],"right":{"x":1,"y":3e38}}"#, "not_finite", "`right.y`"),
        ("\"\\ud800\"", "malformed_payload", "JSON"),
        (&deep, "malformed_payload", "recursion"),
        (&large, "too_large", "`max_payload_bytes` is 4000"),
        ("null", "missing_field", "`a`"),
        ("7", "missing_field", "`a`"),
        ("{}", "missing_field", "`a`"),
        (r#"{"left":[1,2,3]}"#, "missing_field", "`right.x`"),
        (r#"{"left":null,"right":{"x":1,"y":0.5}}"#, "missing_field", "null"),
        (r#"{"left":[1,2,3],"right":{"x":null,"y":0.5}}"#, "missing_field", "`right.x` is null"),
        (r#"{"left":[1,2,3],"right":[1,2]}"#, "missing_field", "`right.x`"),
        (r#"{"left":[1,2,3],"right":{"x":"1","y":0.5}}"#, "wrong_type", "`right.x` is text"),
        (r#"{"left":[1,2,3],"right":{"x":true,"y":0.5}}"#, "wrong_type", "`right.x` is a boolean"),
        (r#"{"left":[1,2,3],"right":{"x":[1],"y":0.5}}"#, "wrong_type", "`right.x` is an array"),
        (r#"{"left":[1,2,3],"right":{"x":{},"y":0.5}}"#, "wrong_type", "`right.x` is an object"),
        (r#"{"left":"123","right":{"x":1,"y":0.5}}"#, "wrong_type", "`a`"),
        (r#"{"left":[1,"2",3],"right":{"x":1,"y":0.5}}"#, "wrong_type", "element 1"),
        (r#"{"left":[1,null,3],"right":{"x":1,"y":0.5}}"#, "wrong_type", "null"),
        (r#"{"left":{"0":1},"right":{"x":1,"y":0.5}}"#, "wrong_type", "an object"),
        (r#"{"left":[1,2],"right":{"x":1,"y":0.5}}"#, "wrong_length", "takes 3 numbers, the payload has 2"),
        (r#"{"left":[1,2,3,4],"right":{"x":1,"y":0.5}}"#, "wrong_length", "the payload has 4"),
        (r#"{"left":[],"right":{"x":1,"y":0.5}}"#, "wrong_length", "the payload has 0"),
    ];
    for (payload, reason, part) in wrong {
        let shown: String = payload.chars().take(80).collect();
        let (found, detail) = line.rejected(*payload);
        assert_eq!(found, *reason, "{shown}: {detail}");
        assert!(detail.contains(part), "{shown}: {detail}");
        assert_eq!(line.outputs(GOOD)["y"], 11.5, "after {shown}");
    }
    let not_utf8 = b"{\"left\":[1,2,3],\"right\":{\"x\":\"\xff\",\"y\":1}}";
    assert_eq!(line.rejected(*not_utf8).0, "malformed_payload");
    // Counted by reason, and every message is in the books.
    let status = line.daemon.status();
    let pipeline = &status["pipelines"]["p"];
    for reason in
        ["malformed_payload", "missing_field", "wrong_type", "wrong_length", "not_finite", "too_large"]
    {
        let expected = wrong.iter().filter(|(_, r, _)| *r == reason).count();
        let expected = expected + usize::from(reason == "malformed_payload");
        assert_eq!(pipeline["rejected_by_reason"][reason], expected, "{reason}: {pipeline:#}");
    }
    let ended = line.stop();
    assert_eq!(ended.books("p", "rejected"), wrong.len() as u64 + 1);
    assert_eq!(ended.books("p", "scored"), wrong.len() as u64);
}

#[test]
fn a_wrong_message_in_a_burst_rejects_only_itself() {
    let line = Line::start(&model("mlp"), "");
    let burst = (0..600).map(|i| {
        let payload = match i % 10 {
            3 => "[1,2".to_owned(),
            7 => "[1,2,3,\"4\"]".to_owned(),
            _ => format!("[{i},1,1,1]"),
        };
        (format!("in/s{i}"), payload)
    });
    line.client.send(burst, QoS::AtLeastOnce).unwrap();
    for i in 0..600 {
        let message = line.client.next();
        let answer = message.json();
        match i % 10 {
            3 => assert_eq!(answer["reason"], "malformed_payload"),
            7 => assert_eq!(answer["reason"], "wrong_type"),
            _ => assert_eq!(message.topic, format!("out/s{i}"), "in the order of arrival"),
        }
    }
    line.stop();
}

#[test]
fn a_packet_over_the_transports_limit_is_skipped_and_acknowledged() {
    let pipeline = pipeline(&model("mlp"), "max_payload_bytes = 1000\n");
    let line = Line::with("broker.max_packet_bytes = 10000\n", &pipeline);
    let huge = vec![b'1'; 3 << 20];
    line.client.publish("in/a", huge.clone());
    line.client.send([("in/a", huge.clone()), ("in/b", huge)], QoS::AtMostOnce).unwrap();
    // Between the two limits: rejected by the pipeline, with an answer.
    assert_eq!(line.rejected([b' '; 9000]).0, "too_large");
    assert!(line.say("[1,2,3,4]")["outputs"].is_object());
    let status = line.daemon.status();
    assert_eq!(status["broker"]["reconnects"], 0, "the connection survives");
    assert_eq!(status["pipelines"]["p"]["rejected_by_reason"]["too_large"], 4);
    assert_eq!(line.daemon.log.count("over `broker.max_packet_bytes`"), 3);
    // Acknowledged: the next one does not get it again.
    let Line { daemon, client, broker } = line;
    daemon.stop().assert_books();
    let daemon = Daemon::start(&broker, &format!("broker.max_packet_bytes = 10000\n{pipeline}"));
    client.publish("in/a", "[1,2,3,4]");
    assert_eq!(client.next().topic, "out/a");
    assert_eq!(daemon.stop().books("p", "received"), 1);
}

#[test]
fn images_that_are_none_or_too_much_are_refused() {
    let line = Line::start(&model("image"), "");
    let good = png(8, 8);
    let jpeg = {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(64, 64).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    };
    let bomb = png_header(60_000, 60_000);
    let wide = png_header(16_385, 1);
    let large = png_header(16_000, 16_000);
    let wrong: [(&str, &[u8]); 10] = [
        ("empty", &[]),
        ("text", b"not an image"),
        ("a truncated PNG", &good[..good.len() - 20]),
        ("a PNG of its signature", &good[..8]),
        ("a truncated JPEG header", &jpeg[..30]),
        ("a GIF", b"GIF89a\x08\x00\x08\x00\x00\x00\x00;"),
        ("a bomb", &bomb),
        ("too wide", &wide),
        ("too much memory", &large),
        ("a PNG with a wrong checksum", &flipped(&good)),
    ];
    for (what, payload) in wrong {
        let (reason, detail) = line.rejected(payload);
        assert_eq!(reason, "bad_image", "{what}: {detail}");
        assert!(line.say(good.clone())["outputs"].is_object(), "after {what}");
    }
    let resident = line.daemon.status()["resident_memory_bytes"].as_u64().unwrap();
    assert!(resident < 300 << 20, "{resident} bytes resident after the bomb");
    line.stop();
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(width, height).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A small PNG whose header claims this size: what a decompression bomb looks like from outside.
/// Its data goes on with zeros that deflate packs a thousandfold.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(2000, 2000);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

fn flipped(png: &[u8]) -> Vec<u8> {
    let mut bytes = png.to_vec();
    bytes[20] ^= 1;
    bytes
}

/// The checksum of PNG chunks.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(crc & 1)))
    })
}

#[test]
fn a_flood_of_new_sources_is_refused_and_the_known_ones_go_on() {
    let line = Line::start(&model("window"), "max_sources = 50\nqueue_messages = 20000\n");
    let reading = |value: i32| format!(r#"{{"a":{value},"b":{value}}}"#);
    for i in 0..9 {
        line.client.publish("in/known", reading(i));
    }
    let flood = (0..10_000).map(|i| (format!("in/new{i}"), reading(1)));
    line.client.send(flood, QoS::AtLeastOnce).unwrap();
    // 49 of them find a place and merge; all others are refused, each with its reason.
    let mut refused = 0;
    while refused < 10_000 - 49 {
        let rejection = line.next();
        assert_eq!(rejection["reason"], "too_many_sources", "{rejection}");
        refused += 1;
    }
    let detail = line.say_on("in/one-more", reading(1)).json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("all 50 places") && detail.contains("`max_sources`"), "{detail}");
    // The window of the source that lives was not thrown out.
    let verdict = line.say_on("in/known", reading(9)).json();
    assert_eq!(verdict["outputs"]["mean_a"], 4.5);
    let status = line.daemon.status();
    assert_eq!(status["pipelines"]["p"]["sources"]["held"], 50);
    assert_eq!(status["pipelines"]["p"]["rejected_by_reason"]["too_many_sources"], 10_000 - 49 + 1);
    line.stop();
}

#[test]
fn a_source_that_can_not_be_part_of_a_topic_is_refused() {
    let text = format!(
        "[pipelines.p]\ntopics = [\"in/#\"]\nmodel = \"{}\"\nsource_field = \"machine.id\"\n\
         output_topic = \"out/{{source}}\"\nerror_topic = \"errors\"\n\
         [pipelines.p.inputs.input]\narray = \"x\"\n",
        model("bare.onnx").display()
    );
    let line = Line::with("", &text);
    let long = format!("\"{}\"", "n".repeat(600));
    let wrong = [
        "\"a/b\"",
        "\"+\"",
        "\"#\"",
        "\"x#\"",
        "\"\"",
        "\"a\\u0000b\"",
        "\"a\\nb\"",
        "null",
        "[1]",
        "1.5",
        "true",
        &long,
    ];
    for id in wrong {
        let rejection = line.say(format!("{{\"machine\":{{\"id\":{id}}},\"x\":[1,2,3,4]}}"));
        assert_eq!(rejection["reason"], "bad_source", "{id}: {rejection}");
    }
    let absent: Value = line.say(r#"{"x":[1,2,3,4]}"#);
    assert_eq!(absent["reason"], "bad_source");
    for (id, topic) in [("\"Presse ß 4\"", "out/Presse ß 4"), ("17", "out/17"), ("\"$SYS\"", "out/$SYS")] {
        let payload = format!("{{\"machine\":{{\"id\":{id}}},\"x\":[1,2,3,4]}}");
        assert_eq!(line.say_on("in/a", payload).topic, topic);
    }
    line.stop();
}

#[test]
fn a_topic_without_the_sources_level_is_refused() {
    let pipeline = pipeline(&model("mlp"), "").replace("in/+", "in/#").replace("level = 2", "level = 3");
    let line = Line::with("", &pipeline);
    let (reason, detail) = line.rejected("[1,2,3,4]");
    assert_eq!(reason, "bad_source");
    assert!(detail.contains("`in/a` has no level 3"), "{detail}");
    assert_eq!(line.say_on("in/hall/m", "[1,2,3,4]").topic, "out/m");
    assert_eq!(line.say_on("in//", "[1,2,3,4]").json()["reason"], "bad_source");
    line.stop();
}

#[test]
fn a_model_that_fails_on_an_input_rejects_that_input() {
    let line = Line::start(&model("divide"), "");
    assert_eq!(line.outputs("[7.9]")["y"], 14.0);
    let rejection = line.say("[0.5]");
    let reason = rejection["reason"].as_str().unwrap();
    assert!(["model_panicked", "model_failed"].contains(&reason), "{rejection}");
    // Alone or among others that are fine.
    let burst = (0..300).map(|i| (format!("in/s{i}"), if i % 50 == 20 { "[0]" } else { "[2]" }));
    line.client.send(burst, QoS::AtLeastOnce).unwrap();
    for i in 0..300 {
        let message = line.client.next();
        if i % 50 == 20 {
            assert_eq!(message.topic, "errors");
        } else {
            assert_eq!(message.json()["outputs"]["y"], 50.0, "{i}");
        }
    }
    let status = line.daemon.status();
    let panics = status["pipelines"]["p"]["model_panics"].as_u64().unwrap();
    assert_eq!(panics, if reason == "model_panicked" { 7 } else { 0 }, "{status:#}");
    line.stop();
}

#[test]
fn at_quality_of_service_0_a_full_queue_sheds_and_says_so() {
    let line = Line::start(&model("autoencoder"), "qos = 0\nqueue_messages = 1\nmax_batch = 1\n");
    let input = format!("[{}]", ["0.5"; 640].join(","));
    let burst = || (0..3000).map(|_| ("in/a", input.clone()));
    line.client.send(burst(), QoS::AtMostOnce).unwrap();
    let status = line.daemon.wait_status("all received", |status| {
        status["books"]["received"] == 3000 && status["books"]["pending"] == 0
    });
    let shed = status["pipelines"]["p"]["shed_by_policy"]["queue_full"].as_u64().unwrap();
    assert!(shed > 0, "nothing was shed: {status:#}");
    let text = line.daemon.log.wait_for("shedding");
    assert!(text.contains("pipeline p"), "{text}");
    // Over when no more is shed; ready all the while.
    line.daemon.log.wait_for("over: ");
    assert_eq!(line.daemon.get("/readyz").0, 200);
    let ended = line.stop();
    assert_eq!(ended.books("p", "shed"), shed);
    assert_eq!(ended.books("p", "scored"), 3000 - shed);
}

#[test]
fn wrong_messages_do_not_fill_the_log() {
    let line = Line::start(&model("mlp"), "");
    let before = line.daemon.log.text().lines().count();
    let burst = (0..5000).map(|_| ("in/a", "{"));
    line.client.send(burst, QoS::AtLeastOnce).unwrap();
    (0..5000).for_each(|_| assert_eq!(line.next()["reason"], "malformed_payload"));
    assert!(line.daemon.log.text().lines().count() <= before + 2, "{}", line.daemon.log.text());
    line.stop();
}
