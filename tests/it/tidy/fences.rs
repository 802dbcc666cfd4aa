//! Foreign crates, each imported in one place.

use super::{code, none, read, sources};

/// Foreign crate -> the only folders or files below `src` that may name it. ARCHITECTURE.md claims the same.
const FENCES: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("config", &["config"]),
    ("hyper", &["telemetry/http"]),
    ("image", &["core/vision", "engine/native/ops/vision"]),
    ("indicatif", &["cli"]),
    ("mqtt5", &["demo"]),
    ("postcard", &["outbox/stored"]),
    ("prometheus_client", &["telemetry/metrics"]),
    ("prost", &["engine", "outbox/stored"]),
    (
        "realfft",
        &["core/signal/spectra", "engine/fourier.rs", "engine/native/kernels", "engine/native/ops/signals"],
    ),
    ("ring", &["core/crypto"]),
    ("rumqttc", &["mqtt"]),
    ("rustls_native_certs", &["mqtt"]),
    ("sd_notify", &["telemetry"]),
    ("tokio_rustls", &["mqtt"]),
    ("tract_onnx", &["engine/tract"]),
];

/// Names that modules of ours have too: only a `use` tells them apart.
const SHARED: &[&str] = &["config", "image"];

/// Whether a line names the crate: in a `use`, or as the first part of a path.
fn names(line: &str, name: &str) -> bool {
    if line.contains(&format!("use {name}::")) || line.contains(&format!("use {name};")) {
        return true;
    }
    !SHARED.contains(&name)
        && line.match_indices(&format!("{name}::")).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
        })
}

#[test]
fn foreign_crates_stay_behind_their_fences() {
    let mut wrong = Vec::new();
    let mut used = vec![false; FENCES.len()];
    for (path, text) in sources("src") {
        let inner = path.strip_prefix("src").unwrap();
        // Tests and examples may build what they feed.
        let is_test = inner
            .components()
            .any(|part| ["tests", "tests.rs", "examples"].contains(&part.as_os_str().to_str().unwrap()));
        for (number, line) in code(&text) {
            for ((name, allowed), used) in FENCES.iter().zip(&mut used) {
                if names(line, name) {
                    *used = true;
                    if !is_test && !allowed.iter().any(|place| inner.starts_with(place)) {
                        wrong.push(format!("{}:{number}: {name} outside of {allowed:?}", path.display()));
                    }
                }
            }
        }
    }
    for ((name, _), used) in FENCES.iter().zip(used) {
        if !used {
            wrong.push(format!("nobody uses {name}: its fence can go"));
        }
    }
    none(wrong);
}

#[test]
fn the_architecture_page_has_the_same_fences() {
    let page = read("ARCHITECTURE.md");
    for (name, allowed) in FENCES {
        let row = page.lines().find(|line| line.starts_with(&format!("| {name} |")));
        let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md has no fence for {name}"));
        let told = row.trim_end_matches('|').rsplit('|').next().unwrap().trim().replace('`', "");
        assert_eq!(told, allowed.join(", "), "the fence of {name} in ARCHITECTURE.md");
    }
}
