//! Who may know whom: crates, and the rooms in them.

use std::path::Path;

use super::{code, none, read, sources};

/// Room -> the rooms it may import, lowest first. ARCHITECTURE.md has the same table.
pub const ARROWS: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("core/domain", &["engine"]),
    ("core/crypto", &["core/domain"]),
    ("core/fault_injection", &[]),
    ("core/settings", &[]),
    ("core/vision", &[]),
    ("core/decide", &[]),
    ("core/signal", &["engine"]),
    (
        "core/scoring",
        &[
            "core/crypto",
            "core/decide",
            "core/domain",
            "core/settings",
            "core/signal",
            "core/vision",
            "engine",
        ],
    ),
    ("core/serving", &["core/scoring"]),
    ("core/models", &["core/crypto", "core/domain", "core/scoring", "core/settings", "engine"]),
    ("outbox", &["core"]),
    ("offline", &["core", "engine"]),
    ("mqtt", &["core"]),
    ("telemetry", &["core", "outbox"]),
    ("config", &["core", "engine", "mqtt", "outbox", "telemetry"]),
    ("edge", &["config", "core", "mqtt", "outbox", "telemetry"]),
    ("demo", &["config", "core", "edge", "mqtt", "telemetry"]),
];

/// The room that composes all others and that nobody knows.
const TOP: &str = "cli";

/// The room of a file: the longest of their names that its path begins with.
fn room(path: &Path) -> Option<&'static str> {
    let inner = path.strip_prefix("src").ok()?;
    let rooms = ARROWS.iter().map(|(room, _)| *room).chain([TOP]);
    rooms.filter(|room| inner.starts_with(room)).max_by_key(|room| room.len())
}

/// The crate a file is part of, as the name that its own paths begin with stands for.
fn home(path: &Path) -> &'static str {
    match path {
        path if path.starts_with("src/engine") => "engine",
        path if path.starts_with("src/core") => "core",
        path if path.starts_with("src/outbox") => "outbox",
        _ => "",
    }
}

/// Rooms named in `path`, which begins with a crate's name and goes on inside it.
fn target(crate_room: &str, next: &str) -> String {
    match crate_room {
        "" => next.to_owned(),
        "engine" | "outbox" => crate_room.to_owned(),
        crate_room => format!("{crate_room}/{next}"),
    }
}

/// The rooms that a file imports, with their lines: in `use` and in paths, braced or not.
fn imports(home: &str, text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    // Inside a braced import: of which crate, and how deep.
    let mut inside: Option<(&str, usize)> = None;
    for (number, line) in code(text) {
        if let Some((of, depth)) = &mut inside {
            names_at_top(line, depth, |name| found.push((number, target(of, name))));
            if *depth == 0 {
                inside = None;
            }
            continue;
        }
        for (prefix, of) in [
            ("crate::", home),
            ("edgeward_core::", "core"),
            ("edgeward_engine::", "engine"),
            ("edgeward_outbox::", "outbox"),
        ] {
            for (at, _) in line.match_indices(prefix) {
                if line[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || "_:$".contains(c)) {
                    continue;
                }
                let rest = &line[at + prefix.len()..];
                if let Some(inner) = rest.strip_prefix('{') {
                    let mut depth = 1;
                    names_at_top(inner, &mut depth, |name| found.push((number, target(of, name))));
                    inside = (depth > 0).then_some((of, depth));
                } else {
                    let name: String =
                        rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    found.push((number, target(of, &name)));
                }
            }
        }
    }
    found
}

/// The first word of each item at the first level of a braced import.
fn names_at_top(text: &str, depth: &mut usize, mut tell: impl FnMut(&str)) {
    let mut word = String::new();
    let mut first = true;
    for c in text.chars().chain([',']) {
        match c {
            '{' => *depth += 1,
            '}' => *depth = depth.saturating_sub(1),
            c if *depth == 1 && first && (c.is_alphanumeric() || c == '_') => {
                word.push(c);
                continue;
            }
            _ => {}
        }
        if !word.is_empty() {
            tell(&word);
            word.clear();
            first = false;
        }
        if c == ',' && *depth == 1 {
            first = true;
        }
        if *depth == 0 {
            return;
        }
    }
}

fn may(arrows: &[&str], import: &str) -> bool {
    arrows.iter().any(|allowed| import == *allowed || import.starts_with(&format!("{allowed}/")))
}

#[test]
fn rooms_know_only_whom_they_may() {
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let place = path.display();
        let Some(room) = room(&path) else {
            if path.components().count() > 2 && !path.starts_with("src/core/lib.rs") {
                wrong.push(format!("{place}: is in no room; give it one, with its arrows"));
            }
            continue;
        };
        if room == TOP {
            continue;
        }
        let arrows = ARROWS.iter().find(|(known, _)| *known == room).map_or(&[][..], |(_, arrows)| arrows);
        for (line, import) in imports(home(&path), &text) {
            let is_room = ARROWS.iter().any(|(known, _)| *known == import) || import == TOP;
            if is_room && import != room && !may(arrows, &import) {
                wrong.push(format!("{place}:{line}: {room} may not know {import}"));
            }
        }
    }
    none(wrong);
}

/// A room may know lower ones only, so nobody can come back to himself.
#[test]
fn the_table_has_no_circle() {
    for (at, (room, arrows)) in ARROWS.iter().enumerate() {
        for arrow in *arrows {
            let below = ARROWS[..at].iter().any(|(known, _)| may(&[arrow], known));
            let above = ARROWS[at..].iter().any(|(known, _)| may(&[arrow], known));
            assert!(below && !above, "{room} knows {arrow}, which does not stand before it");
        }
    }
}

#[test]
fn the_architecture_page_has_the_same_arrows() {
    let page = read("ARCHITECTURE.md");
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
fn imports_are_found_in_every_form() {
    let text = "use crate::{\n    config::{Config, x::crate_y},\n    mqtt,\n};\nuse edgeward_core::{domain::A, scoring};\nlet x = edgeward_core::models::open();\n// crate::demo\nedgeward_engine::load();";
    let found: Vec<String> = imports("", text).into_iter().map(|(_, room)| room).collect();
    assert_eq!(found, ["config", "mqtt", "core/domain", "core/scoring", "core/models", "engine"]);
    let inner: Vec<String> =
        imports("core", "use crate::domain::Tensor;").into_iter().map(|(_, r)| r).collect();
    assert_eq!(inner, ["core/domain"]);
}
