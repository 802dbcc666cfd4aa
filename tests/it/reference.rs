//! The reference pages against the code they describe.

use std::{collections::BTreeMap, fs, path::Path};

use edgeward::{
    config::{Config, Layers, read_layers},
    domain::Reason,
    settings::Faults,
    telemetry::{ShedPolicy, State},
};

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// A configuration that reaches every table.
const EVERY_TABLE: &str = r#"
[broker]
url = "mqtt://localhost"
[pipelines.p]
topics = ["a"]
model = "missing.onnx"
"#;

#[test]
fn every_configuration_key_is_described() {
    let layers = Layers {
        text: Some(("test".into(), EVERY_TABLE.into())),
        environment: BTreeMap::new(),
        ..Layers::default()
    };
    let tree = read_layers(&layers).unwrap();
    let faults = Faults::new();
    Config::read(&tree, &layers, &faults);
    let known = faults.known_keys();
    assert!(known.len() > 40, "the walk did not reach every table: {known:?}");
    let page = page("docs/configuration.md");
    let undescribed: Vec<&String> = known.iter().filter(|key| !page.contains(&format!("`{key}`"))).collect();
    assert!(undescribed.is_empty(), "docs/configuration.md does not describe {undescribed:?}");
    // The other way round: what is described exists.
    let described = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    for key in described.filter(|key| key.contains('.') || key.ends_with("_secs")) {
        assert!(
            known.iter().any(|known| known == key),
            "docs/configuration.md describes `{key}`, which is no key"
        );
    }
}

#[test]
fn every_reason_policy_and_state_is_described() {
    let verdicts = page("docs/verdicts.md");
    for reason in Reason::ALL {
        let row = format!("| `{reason}` | {} |", reason.meaning());
        assert!(verdicts.contains(&row), "docs/verdicts.md lacks: {row}");
    }
    let operations = page("docs/operations.md");
    for name in State::ALL.map(State::name).into_iter().chain(ShedPolicy::ALL.map(ShedPolicy::name)) {
        assert!(operations.contains(&format!("`{name}`")), "docs/operations.md lacks `{name}`");
    }
}
