//! The commands that pages show exist.

use super::{read, root};

/// The commands a page shows in its `sh` blocks.
fn commands(page: &str) -> Vec<String> {
    let text = read(page);
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        match line.trim() {
            "```sh" => inside = true,
            "```" => inside = false,
            command if inside && !command.is_empty() => {
                found.push(command.split(" #").next().unwrap_or("").trim().to_owned());
            }
            _ => {}
        }
    }
    found
}

#[test]
fn the_pages_commands_exist() {
    for page in ["README.md", "docs/getting-started.md", "CONTRIBUTING.md"] {
        for command in commands(page) {
            let words: Vec<&str> = command.split_whitespace().collect();
            let ours = match words.as_slice() {
                ["edgeward", rest @ ..] => rest,
                ["cargo", "run", "--release", "--", rest @ ..] => rest,
                [script, ..] if script.starts_with("tests/") => {
                    assert!(root().join(script).is_file(), "{page}: {command}");
                    continue;
                }
                ["mosquitto_pub" | "mosquitto_sub" | "curl" | "cargo", ..] => continue,
                _ => panic!("{page}: nobody checks `{command}`"),
            };
            // Far enough that clap knows every word before it: the subcommands and their flags.
            let parsed = edgeward::cli::command().try_get_matches_from(["edgeward"].iter().chain(ours));
            assert!(parsed.is_ok(), "{page}: `{command}`: {}", parsed.unwrap_err());
        }
    }
}
