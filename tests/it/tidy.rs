//! The house rules that a compiler doesn't know: who may know whom, file lengths, what the README
//! says, what must not be among the dependencies.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const MAX_LINES: usize = 500;

/// Room -> the rooms it may import. ARCHITECTURE.md has the same table.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("crypto", &["domain"]),
    ("settings", &[]),
    ("vision", &[]),
    ("decide", &[]),
    ("engine", &["domain"]),
    ("signal", &[]),
    ("scoring", &["crypto", "decide", "domain", "engine", "settings", "signal", "vision"]),
    ("models", &["crypto", "domain", "engine", "scoring", "settings"]),
    ("offline", &["domain", "models", "scoring", "settings"]),
    ("mqtt", &["domain"]),
    ("telemetry", &["domain"]),
    ("config", &["domain", "engine", "models", "mqtt", "scoring", "settings", "telemetry"]),
    ("edge", &["config", "crypto", "domain", "mqtt", "scoring", "telemetry"]),
    ("demo", &["config", "crypto", "domain", "edge", "mqtt", "telemetry"]),
];

/// Foreign crate -> the only place that may name it.
const FENCES: &[(&str, &[&str])] = &[
    ("rumqttc", &["mqtt"]),
    ("mqtt5", &["demo"]),
    ("tokio_rustls", &["mqtt"]),
    ("rustls_native_certs", &["mqtt"]),
    ("ring", &["crypto"]),
    ("tract_onnx", &["engine"]),
    ("prometheus_client", &["telemetry"]),
    ("hyper", &["telemetry"]),
    ("sd_notify", &["telemetry"]),
    ("config", &["config"]),
    ("image", &["engine", "vision"]),
    ("realfft", &["engine", "signal"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    found
}

/// The room of a file below `src`, if it is in one.
fn room(path: &Path) -> Option<String> {
    let inner = path.strip_prefix("src").ok()?;
    let first = inner.components().next()?.as_os_str().to_str()?;
    (!first.ends_with(".rs")).then(|| first.to_owned())
}

/// Code without comments: what is told in words imports nothing.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(i, line)| (i + 1, line.split("//").next().unwrap_or("")))
        .filter(|(_, line)| !line.trim().is_empty())
}

/// The rooms named in `use crate::{…}` and `crate::room::`, with their lines.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut depth = 0usize;
    for (number, line) in code(text) {
        let mut rest = line;
        if depth == 0 {
            while let Some(at) = rest.find("crate::") {
                rest = &rest[at + "crate::".len()..];
                if let Some(inner) = rest.strip_prefix('{') {
                    depth = 1;
                    names_at_top(inner, &mut depth, number, &mut found);
                    break;
                }
                found.push((number, name(rest)));
            }
        } else {
            names_at_top(line, &mut depth, number, &mut found);
        }
    }
    found
}

/// Names at the first level of a braced import.
fn names_at_top(text: &str, depth: &mut usize, number: usize, found: &mut Vec<(usize, String)>) {
    let mut word = String::new();
    let mut path = false;
    for c in text.chars() {
        match c {
            '{' => *depth += 1,
            '}' => {
                *depth = depth.saturating_sub(1);
                if *depth == 0 {
                    break;
                }
            }
            ',' if *depth == 1 => {
                if !word.is_empty() {
                    found.push((number, std::mem::take(&mut word)));
                }
                path = false;
            }
            ':' if *depth == 1 => path = true,
            c if *depth == 1 && !path && (c.is_alphanumeric() || c == '_') => word.push(c),
            _ => {}
        }
        if path && !word.is_empty() {
            found.push((number, std::mem::take(&mut word)));
        }
    }
    if !word.is_empty() {
        found.push((number, word));
    }
}

fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn rooms_know_only_whom_they_may() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let rooms: Vec<&str> = arrows.keys().copied().chain(["cli"]).collect();
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let Some(room) = room(&path) else { continue };
        assert!(rooms.contains(&room.as_str()), "{}: `{room}` is a new room; give it arrows", path.display());
        if room == "cli" {
            continue;
        }
        for (line, import) in imports(&text) {
            let known = rooms.contains(&import.as_str());
            if known && import != room && !arrows[room.as_str()].contains(&import.as_str()) {
                wrong.push(format!("{}:{line}: {room} may not know {import}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_architecture_page_has_the_same_arrows() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for (room, arrows) in ARROWS {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{room}` |")));
        let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md has no row for `{room}`"));
        let told = row.trim_end_matches('|').rsplit('|').next().unwrap().trim();
        let mut told: Vec<&str> = told.split(", ").filter(|name| *name != "–").collect();
        told.sort_unstable();
        assert_eq!(told, arrows.to_vec(), "`{room}` in ARCHITECTURE.md");
    }
}

#[test]
fn foreign_crates_stay_behind_their_fences() {
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let room = room(&path).unwrap_or_default();
        for (number, line) in code(&text) {
            for (name, allowed) in FENCES {
                let used = line.contains(&format!("use {name}::"))
                    || line.contains(&format!("use {name};"))
                    || line.match_indices(&format!("{name}::")).any(|(at, _)| {
                        // A path that begins with the crate, not a module of ours of that name.
                        let before = line[..at].chars().next_back();
                        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
                            && *name != "config"
                            && *name != "image"
                    });
                if used && !allowed.contains(&room.as_str()) {
                    wrong.push(format!("{}:{number}: {name} outside of {allowed:?}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

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
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The commands a page shows in its `sh` blocks.
fn commands(page: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(page)).unwrap();
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
    for page in ["README.md", "docs/getting-started.md"] {
        for command in commands(page) {
            let words: Vec<&str> = command.split_whitespace().collect();
            let ours = match words.as_slice() {
                ["edgeward", rest @ ..] => rest,
                ["cargo", "run", "--release", "--", rest @ ..] => rest,
                [script, ..] if script.starts_with("tests/") => {
                    assert!(root().join(script).is_file(), "{page}: {command}");
                    continue;
                }
                ["mosquitto_pub" | "mosquitto_sub" | "curl", ..] => continue,
                _ => panic!("{page}: nobody checks `{command}`"),
            };
            // Far enough that clap knows every word before it: the subcommands and their flags.
            let parsed = edgeward::cli::command().try_get_matches_from(["edgeward"].iter().chain(ours));
            assert!(parsed.is_ok(), "{page}: `{command}`: {}", parsed.unwrap_err());
        }
    }
}

#[test]
fn one_crypto_provider_and_no_openssl() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "-e", "normal,build", "--prefix", "none", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8(tree.stdout).unwrap();
    for forbidden in ["aws-lc", "openssl-sys", "openssl v", "native-tls"] {
        let found: Vec<&str> = text.lines().filter(|line| line.starts_with(forbidden)).collect();
        assert!(found.is_empty(), "{forbidden} is among the dependencies: {found:?}");
    }
    assert!(text.lines().any(|line| line.starts_with("ring v")), "the list was not read right");
}

#[test]
fn nothing_names_a_machine() {
    let mut wrong = Vec::new();
    for file in Command::new("git").arg("ls-files").current_dir(root()).output().map(|o| o.stdout).iter() {
        for name in String::from_utf8_lossy(file).lines() {
            let Ok(text) = fs::read_to_string(root().join(name)) else { continue };
            if name == "tests/it/tidy.rs" || name == "Cargo.lock" {
                continue;
            }
            for (number, line) in text.lines().enumerate() {
                for marker in ["/root/", "/work/", "/home/", "artifactory"] {
                    if line.contains(marker) {
                        wrong.push(format!("{name}:{}: {marker}", number + 1));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
