//! Files: short, said what they are, finished, and of no machine.

use std::{fs, process::Command};

use super::{code, none, root, sources};

const MAX_LINES: usize = 500;

#[test]
fn files_are_short_and_say_nothing_unfinished() {
    let mut wrong = Vec::new();
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        let lines = text.lines().count();
        if lines > MAX_LINES {
            wrong.push(format!("{}: {lines} lines, at most {MAX_LINES}", path.display()));
        }
        if path.starts_with("src") {
            if !text.starts_with("//!") {
                wrong.push(format!("{}: says not in its first line what it is", path.display()));
            }
            for (number, line) in code(&text) {
                for marker in ["todo!(", "unimplemented!(", "dbg!(", "unbounded_channel", "process::exit"] {
                    if line.contains(marker) {
                        wrong.push(format!("{}:{number}: {marker}", path.display()));
                    }
                }
            }
        }
    }
    none(wrong);
}

#[test]
fn nothing_names_a_machine() {
    let listed = Command::new("git").arg("ls-files").current_dir(root()).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.lines().count() > 100, "the list was not read right");
    let mut wrong = Vec::new();
    for name in listed.lines().filter(|name| *name != "tests/it/tidy/files.rs" && *name != "Cargo.lock") {
        let Ok(text) = fs::read_to_string(root().join(name)) else { continue };
        for (number, line) in text.lines().enumerate() {
            for marker in ["/root/", "/work/", "/home/", "artifactory"] {
                if line.contains(marker) {
                    wrong.push(format!("{name}:{}: {marker}", number + 1));
                }
            }
        }
    }
    none(wrong);
}
