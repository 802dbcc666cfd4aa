//! `edgeward score`: files in, results out, in order, with constant memory.

use std::{
    fs::{self, File},
    io::{BufWriter, Read, Write},
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{edgeward, model, shipped, until};

struct Desk {
    folder: TempDir,
}

/// How a run of `edgeward score` ended.
struct Scored {
    code: Option<i32>,
    out: String,
    said: String,
}

impl Desk {
    fn new() -> Desk {
        Desk { folder: TempDir::new().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    fn command(&self, model: &Path, arguments: &[&str]) -> Command {
        let mut command = edgeward();
        command.arg("score").arg(model).args(arguments).current_dir(self.path()).stdin(Stdio::null());
        command
    }

    fn score(&self, model: &Path, arguments: &[&str]) -> Scored {
        scored(self.command(model, arguments).output().unwrap())
    }

    fn pipe(&self, model: &Path, arguments: &[&str], input: &str) -> Scored {
        let mut command = self.command(model, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        scored(child.wait_with_output().unwrap())
    }
}

fn scored(output: Output) -> Scored {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Scored { code: output.status.code(), out: text(output.stdout), said: text(output.stderr) }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[test]
fn json_lines_are_scored_in_order_and_bad_ones_are_told() {
    let desk = Desk::new();
    desk.write("a.jsonl", "[1]\n\n[0]\n{\n[4]\n");
    desk.write("b.ndjson", "[2.718281828459045]\r\n[\"x\"]");
    let run = desk.score(&model("log"), &["a.jsonl", "b.ndjson", "--rejects", "bad.jsonl"]);
    assert_eq!(run.code, Some(0), "{}", run.said);
    let found = lines(&run.out);
    let expected = [("a.jsonl", 1, 0.0), ("a.jsonl", 5, 1.386_294_4), ("b.ndjson", 1, 1.0)];
    assert_eq!(found.len(), expected.len(), "{}", run.out);
    for (line, (file, number, y)) in found.iter().zip(expected) {
        assert_eq!((&line["file"], &line["line"]), (&json!(file), &json!(number)));
        assert!((line["outputs"]["y"].as_f64().unwrap() - y).abs() < 1e-6, "{line}");
    }
    let rejects = lines(&desk.read("bad.jsonl"));
    let told: Vec<String> = rejects
        .iter()
        .map(|r| format!("{}:{} {}", r["file"], r["line"], r["reason"]).replace('"', ""))
        .collect();
    assert_eq!(told, ["a.jsonl:3 output_not_finite", "a.jsonl:4 malformed_payload", "b.ndjson:2 wrong_type"]);
    assert!(rejects.iter().all(|reject| reject["detail"].as_str().unwrap().len() > 5));
    assert!(run.said.contains("a.jsonl:4: "), "{}", run.said);
    assert!(run.said.contains("3 of 6 rows were rejected"), "{}", run.said);
}

#[test]
fn strict_stops_at_the_first_bad_row() {
    let desk = Desk::new();
    desk.write("in.jsonl", "[1]\n[2]\nx\n[3]\n");
    let run = desk.score(&model("log"), &["in.jsonl", "--strict", "-o", "out.jsonl"]);
    assert_eq!(run.code, Some(3), "{}", run.said);
    assert!(run.said.contains("in.jsonl:3: "), "{}", run.said);
    let run = desk.score(&model("log"), &["in.jsonl"]);
    assert_eq!((run.code, run.out.lines().count()), (Some(0), 3));
}

#[test]
fn rows_keep_their_order_on_any_number_of_threads() {
    let desk = Desk::new();
    // Several chunks of 256 KiB, with a bad row now and then.
    let rows: Vec<String> = (0..40_000)
        .map(|i| if i % 1000 == 777 { "{".into() } else { format!("[{i}, 0.25, -0.125, {}]", i % 7) })
        .collect();
    desk.write("in.jsonl", rows.join("\n"));
    let mut outs = Vec::new();
    for threads in ["1", "2", "5"] {
        let out = format!("out{threads}.jsonl");
        let rejects = format!("bad{threads}.jsonl");
        let run =
            desk.score(&model("mlp"), &["in.jsonl", "-o", &out, "--rejects", &rejects, "--threads", threads]);
        assert_eq!(run.code, Some(0), "{}", run.said);
        assert!(run.said.contains("39960 of 40000 rows scored"), "{}", run.said);
        outs.push((desk.read(&out), desk.read(&rejects)));
    }
    let numbers: Vec<u64> = lines(&outs[0].0).iter().map(|line| line["line"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted() && numbers.len() == 39_960);
    assert!(outs.iter().all(|out| *out == outs[0]));
}

const MACHINES: &str = "machine_temperature,machine_pressure,ambient_temperature,ambient_humidity";

#[test]
fn csv_columns_fill_nested_fields() {
    let desk = Desk::new();
    desk.write(
        "in.csv",
        format!("id,{MACHINES},timeCreated\n7,60.5,5.5,21,25,2026-01-01\n8,115,4,20.9,25,2026-01-02\n"),
    );
    let run = desk.score(&shipped(), &["in.csv"]);
    assert_eq!(run.code, Some(0), "{}", run.said);
    let found = lines(&run.out);
    assert_eq!(found[0]["outputs"]["label"], "normal");
    assert_eq!(found[1]["outputs"]["label"], "anomaly");
    assert_eq!(found[1]["conditions"]["anomaly"], true);
    assert_eq!((&found[1]["line"], &found[1]["time"]), (&json!(3), &json!("2026-01-02")));
    // The same as a JSON object.
    desk.write(
        "in.jsonl",
        r#"{"machine":{"temperature":115,"pressure":4},"ambient":{"temperature":20.9,"humidity":25}}"#,
    );
    let json = lines(&desk.score(&shipped(), &["in.jsonl"]).out);
    assert_eq!(json[0]["outputs"], found[1]["outputs"]);
}

#[test]
fn csv_as_spreadsheets_write_it() {
    let desk = Desk::new();
    // A byte order mark, semicolons, CRLF, a quoted line break and quote, an empty last line.
    let text = "\u{feff}note;speed;current\r\n\"first\r\nsecond \"\"x\"\"\";0.9;0.9\r\nplain;0.05;0.9\r\n\"a;b\";oops;0.9\r\n\r\n";
    desk.write("in.csv", text);
    let run = desk.score(&model("string_label"), &["in.csv"]);
    assert_eq!(run.code, Some(0), "{}", run.said);
    let found = lines(&run.out);
    let states: Vec<(&Value, &Value)> = found.iter().map(|l| (&l["line"], &l["outputs"]["state"])).collect();
    assert_eq!(states, [(&json!(2), &json!("run")), (&json!(4), &json!("stall"))]);
    assert!(run.said.contains("in.csv:5: ") && run.said.contains("`speed`"), "{}", run.said);
    // Tabs, and the columns in any order.
    desk.write("in.tsv", "current\tspeed\n0.9\t0.05\n");
    assert_eq!(lines(&desk.score(&model("string_label"), &["in.tsv"]).out)[0]["outputs"]["state"], "stall");
}

#[test]
fn columns_that_are_missing_are_named_with_their_nearest() {
    let desk = Desk::new();
    desk.write("in.csv", "curent,speed\n1,2\n");
    let run = desk.score(&model("string_label"), &["in.csv"]);
    assert_eq!(run.code, Some(1), "{}", run.said);
    assert!(run.said.contains("in.csv") && run.said.contains("no column `current`"), "{}", run.said);
    assert!(run.said.contains("did you mean `curent`?"), "{}", run.said);
    desk.write("twice.csv", "speed,current,speed\n1,2,3\n");
    let run = desk.score(&model("string_label"), &["twice.csv"]);
    assert!(run.code == Some(1) && run.said.contains("`speed` stands twice"), "{}", run.said);
    desk.write("short.csv", "speed,current\n0.9\n0.9,0.9\n1,2,3\n");
    let run = desk.score(&model("string_label"), &["short.csv"]);
    assert_eq!((run.code, run.out.lines().count()), (Some(0), 1), "{}", run.said);
    assert!(run.said.contains("short.csv:2: ") && run.said.contains("short.csv:4: "), "{}", run.said);
}

#[test]
fn results_as_csv() {
    let desk = Desk::new();
    desk.write("in, quoted.csv", "speed,current\n0.9,0.9\n0.05,0.9\n");
    let run = desk.score(&model("logistic"), &["in, quoted.csv", "-o", "out.csv"]);
    assert_eq!(run.code, Some(0), "{}", run.said);
    let out = desk.read("out.csv");
    let mut reader = csv::Reader::from_reader(out.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let columns = ["file", "line", "probabilities.idle", "probabilities.run", "probabilities.stall", "state"];
    assert_eq!(header, columns);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!((&rows[0][0], &rows[0][1], &rows[0][5]), ("in, quoted.csv", "2", "run"));
    assert_eq!(&rows[1][5], "stall");
    // The same digits as in JSON.
    let json = lines(&desk.score(&model("logistic"), &["in, quoted.csv"]).out);
    assert_eq!(rows[1][4].to_string(), json[1]["outputs"]["probabilities"]["stall"].to_string());
}

#[test]
fn standard_input_and_output() {
    let desk = Desk::new();
    let run = desk.pipe(&model("log"), &["-"], "[1]\n[1]");
    assert_eq!((run.code, run.out.lines().count()), (Some(0), 2), "{}", run.said);
    assert_eq!(lines(&run.out)[1]["file"], "-");
    let csv = "current,speed\n0.9,0.9\n";
    let run = desk.pipe(&model("logistic"), &["-", "--input-format", "csv", "--output-format", "csv"], csv);
    assert!(run.out.lines().nth(1).unwrap().ends_with(",run"), "{}{}", run.out, run.said);
    // A reader that has seen enough is no failure.
    desk.write("in.jsonl", "[1]\n".repeat(200_000));
    let mut command = desk.command(&model("log"), &["in.jsonl"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut some = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let done = child.wait_with_output().unwrap();
    assert_eq!((done.status.code(), String::from_utf8(done.stderr).unwrap().as_str()), (Some(0), ""));
}

#[test]
fn folders_of_images() {
    let desk = Desk::new();
    let folder = desk.path().join("pictures");
    fs::create_dir(&folder).unwrap();
    for (name, red) in [("b.png", 51), ("a.PNG", 255), ("c.jpeg", 0)] {
        let image = image::RgbImage::from_pixel(9, 9, image::Rgb([red, 0, 0]));
        let format = if name == "c.jpeg" { image::ImageFormat::Jpeg } else { image::ImageFormat::Png };
        image.save_with_format(folder.join(name), format).unwrap();
    }
    fs::write(folder.join("broken.jpg"), b"\xff\xd8\xff\xe0no").unwrap();
    fs::write(folder.join("notes.txt"), "not looked at").unwrap();
    fs::create_dir(folder.join("deeper.png")).unwrap();
    let run = desk.score(&model("image"), &["pictures"]);
    assert_eq!(run.code, Some(0), "{}", run.said);
    let found = lines(&run.out);
    let means: Vec<(&str, f64)> = found
        .iter()
        .map(|line| (line["file"].as_str().unwrap(), line["outputs"]["mean"][0].as_f64().unwrap()))
        .collect();
    assert_eq!(means.len(), 3, "{}", run.out);
    assert_eq!(means[0].0, "pictures/a.PNG");
    assert!((means[0].1 - 1.0).abs() < 1e-6 && (means[1].1 - 0.2).abs() < 1e-6, "{means:?}");
    assert_eq!((means[1].0, means[2].0), ("pictures/b.png", "pictures/c.jpeg"));
    assert!(found[0].get("line").is_none());
    assert!(run.said.contains("pictures/broken.jpg: "), "{}", run.said);
    // One image alone, and a folder without any.
    assert_eq!(desk.score(&model("image"), &["pictures/b.png"]).out.lines().count(), 1);
    fs::create_dir(desk.path().join("hollow")).unwrap();
    let run = desk.score(&model("image"), &["hollow"]);
    assert!(run.code == Some(1) && run.said.contains("holds no JPEG or PNG files"), "{}", run.said);
}

#[test]
fn windows_are_kept_by_source() {
    let desk = Desk::new();
    let rows = (0..24).map(|i| format!("{{\"a\":{},\"b\":0,\"who\":\"{}\"}}\n", i / 2, ["x", "y"][i % 2]));
    desk.write("in.jsonl", rows.collect::<String>());
    let run =
        desk.score(&model("window"), &["in.jsonl", "--source-field", "who", "--threads", "2", "-o", "out"]);
    assert_eq!(run.code, Some(0), "{}", run.said);
    assert!(run.said.contains("6 of 24 rows scored, 18 went into windows"), "{}", run.said);
    let found = lines(&desk.read("out"));
    assert_eq!((&found[0]["source"], &found[0]["line"]), (&json!("x"), &json!(19)));
    assert_eq!(found[0]["outputs"]["mean_a"], 4.5);
    assert_eq!(found[5]["outputs"]["mean_a"], 6.5);
}

#[test]
fn inputs_that_can_not_be_used_are_told() {
    let desk = Desk::new();
    desk.write("in.dat", "[1]\n");
    desk.write("in.csv", "x\n1\n");
    desk.write("empty.csv", "");
    let cases: &[(&[&str], i32, &str)] = &[
        (&["absent.jsonl"], 1, "can't read absent.jsonl"),
        (&["in.dat"], 1, "name it with --input-format"),
        (&["."], 1, "takes json payloads"),
        (&["in.dat", "--input-format", "images"], 1, "takes json payloads"),
        (&["in.csv", "-o", "no/such/folder.jsonl"], 1, "can't write no/such/folder.jsonl"),
        (&["in.csv", "--threads", "0"], 2, "--threads"),
        (&[], 2, "<INPUTS>"),
    ];
    for (arguments, code, part) in cases {
        let run = desk.score(&model("log"), arguments);
        assert_eq!(run.code, Some(*code), "{arguments:?}: {}", run.said);
        assert!(run.said.contains(part), "{arguments:?}: {}", run.said);
    }
    let run = desk.score(&model("log"), &["in.dat", "--input-format", "jsonl"]);
    assert_eq!((run.code, run.out.lines().count()), (Some(0), 1));
    let run = desk.score(&model("log"), &["empty.csv"]);
    assert_eq!((run.code, run.out.lines().count()), (Some(0), 0), "{}", run.said);
    // What stood there before is still there after a run that failed.
    desk.write("out.jsonl", "before");
    desk.write("header.csv", "x,x\n1,1\n");
    assert_eq!(desk.score(&model("log"), &["header.csv", "-o", "out.jsonl"]).code, Some(1));
    assert_eq!(desk.read("out.jsonl"), "before");
}

/// Peak resident memory in bytes of scoring `rows` rows of CSV.
fn peak_bytes(desk: &Desk, rows: usize) -> u64 {
    let name = format!("{rows}.csv");
    let mut file = BufWriter::new(File::create(desk.path().join(&name)).unwrap());
    writeln!(file, "a,b,c,d").unwrap();
    for i in 0..rows {
        writeln!(file, "{i},0.5,-1.25,{}", i % 100).unwrap();
    }
    file.into_inner().unwrap();
    let arguments = [&name, "-o", "out.csv", "--threads", "2", "--rejects", "bad"];
    let mut child = desk.command(&model("mlp"), &arguments).stderr(Stdio::null()).spawn().unwrap();
    // Not what wait4(2) tells: that begins with the memory of the process that forked. The high
    // water mark only rises, and is gone when the process is.
    let mut peak = 0;
    let status = until("the end of scoring", || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kib) = mark {
            peak = kib.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10;
        }
        child.try_wait().unwrap()
    });
    assert!(status.success());
    let out = fs::metadata(desk.path().join("out.csv")).unwrap();
    assert!(out.len() as usize > rows * 10);
    peak
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let desk = Desk::new();
    let (small, large) = (peak_bytes(&desk, 50_000), peak_bytes(&desk, 1_000_000));
    assert!(large < small + (6 << 20), "{small} bytes for 50,000 rows, {large} for 1,000,000");
}
