//! The operator table: sound in itself, and as `docs/models.md` shows it.
//!
//! `UPDATE_DOCS=1 cargo test --lib the_documentation_shows_the_table` writes it anew.

use std::{collections::HashSet, fmt::Write, fs, path::Path};

use crate::native::ops::{FAMILIES, all};

const BEGIN: &str = "<!-- The table below is written from the code by a test. -->\n";

#[test]
fn no_operator_is_listed_twice_and_versions_ascend() {
    let mut seen = HashSet::new();
    for entry in all() {
        assert!(seen.insert((entry.domain, entry.name)), "{} is listed twice", entry.name);
        assert!(!entry.since.is_empty() && entry.since.is_sorted(), "{} {:?}", entry.name, entry.since);
    }
    assert!(seen.len() > 220, "only {} operators", seen.len());
}

#[test]
fn the_documentation_shows_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/models.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, table) = text.split_once(BEGIN).expect("docs/models.md lacks the mark of the table");
    let want = table_text();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{want}")).unwrap();
        return;
    }
    assert!(table == want, "docs/models.md is not what the code says: run this test with UPDATE_DOCS=1");
}

fn table_text() -> String {
    let mut out = String::new();
    let _ = writeln!(out, "\n{} operators.\n", all().count());
    let _ = writeln!(out, "| family | operator | versions | note |\n|---|---|---|---|");
    for (family, entries) in FAMILIES {
        let mut entries: Vec<_> = entries.iter().collect();
        entries.sort_by_key(|entry| (entry.domain, entry.name));
        for entry in entries {
            let domain = if entry.domain.is_empty() { String::new() } else { format!("{}.", entry.domain) };
            let versions: Vec<_> = entry.since.iter().map(ToString::to_string).collect();
            let note = entry.note.unwrap_or(if entry.varies { "random" } else { "" });
            let _ = writeln!(out, "| {family} | {domain}{} | {} | {note} |", entry.name, versions.join(", "));
        }
    }
    out
}
