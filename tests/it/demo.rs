//! The first minute: `edgeward demo` to its end, piped, on a terminal, over a broker of one's own.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::support::{broker::Broker, client::Client, edgeward, signal};

/// The program with a folder for temporary files of its own, to see what it leaves there.
fn demo(arguments: &[&str]) -> (Command, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = edgeward();
    command.arg("demo").args(arguments).env("TMPDIR", folder.path());
    (command, folder)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn assert_good_end(output: &Output, folder: &TempDir) {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("the books\n  machines sent"), "{out}");
    assert!(out.trim_end().ends_with("every message is accounted for"), "{out}");
    assert_eq!(err, "", "nothing to complain about");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn piped_it_tells_a_line_a_second_and_balances() {
    let (mut command, folder) = demo(&["--for", "3500ms", "--machines", "3", "--rate", "500"]);
    let output = command.output().unwrap();
    assert_good_end(&output, &folder);
    let out = text(&output.stdout);
    let seconds: Vec<_> = out.lines().filter(|line| line.contains("s  sent ")).collect();
    // A machine that is far too busy may skip one.
    assert!((1..=3).contains(&seconds.len()), "{out}");
    assert!(seconds.iter().all(|line| line.contains("verdicts ") && line.contains("p99 ")), "{out}");
    assert!(!out.contains('\u{1b}'), "no escape sequences in a pipe: {out:?}");
}

#[test]
fn an_interrupt_ends_it_with_the_books() {
    let (mut command, folder) = demo(&[]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    // The heading, then a second.
    lines.read_line(&mut first).unwrap();
    lines.read_line(&mut first).unwrap();
    signal(child.id(), "INT");
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    let output = finish(child, first + &rest);
    assert_good_end(&output, &folder);
}

fn finish(child: Child, stdout: String) -> Output {
    let output = child.wait_with_output().unwrap();
    Output { stdout: stdout.into_bytes(), ..output }
}

#[test]
fn on_a_terminal_it_redraws_and_gives_the_cursor_back() {
    let (demo, _folder) = demo(&["--for", "2500ms"]);
    let line = format!("'{}' demo --for 2500ms", demo.get_program().to_string_lossy());
    // script(1), of every Debian, gives a program a terminal.
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let out = text(&output.stdout);
    assert!(output.status.success(), "{out}");
    let (hidden, shown) = (out.find("\u{1b}[?25l"), out.rfind("\u{1b}[?25h"));
    assert!(hidden.is_some() && hidden < shown, "{out:?}");
    for part in ["from publish to verdict", "received = ", "anomalies", "every message is accounted for"] {
        assert!(out.contains(part), "{part} is not in {out:?}");
    }
    assert!(out.matches("edgeward demo").count() > 2, "drawn again and again: {out:?}");
}

#[test]
fn over_a_broker_of_ones_own_it_leaves_nothing_there() {
    let broker = Broker::start();
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let (mut command, folder) = demo(&["--for", "2s", "--broker", &url]);
    assert_good_end(&command.output().unwrap(), &folder);
    let client = Client::new(broker.port);
    client.subscribe("edgeward-demo/#");
    client.publish("edgeward-demo/after", "here");
    assert_eq!(client.next().topic, "edgeward-demo/after", "nothing retained comes before");
}

#[test]
fn what_can_not_be_is_told_at_once() {
    for (arguments, code, told) in [
        (&["--broker", "localhost"][..], 78, "must be a URL such as mqtt://localhost:1883"),
        (&["--rate", "0"][..], 1, "`--rate 0` is no rate"),
        (&["--machines", "0"][..], 2, "--machines"),
    ] {
        let (mut command, folder) = demo(arguments);
        let output = command.output().unwrap();
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{err}");
        assert!(err.contains(told), "{err}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
