//! The reference pages against the code they describe.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::RangeInclusive,
    path::Path,
    sync::Arc,
};

use edgeward::{
    config::{Config, Layers, read_layers},
    telemetry::{ModelInfo, State, Telemetry, metrics},
};
use edgeward_core::domain::{Bucket, ShedPolicy};
use edgeward_core::{domain::Reason, settings::Faults};
use edgeward_outbox::{LaneSnapshot, OutboxSnapshot, UplinkSnapshot, store::Fate};

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
[outbox]
dir = "outbox"
[classes.alarm]
when = ["hot"]
[uplinks.hub]
url = "mqtt://localhost"
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
    for table in ["outbox", "classes.<name>", "uplinks.<name>"] {
        let inside = format!("{table}.");
        assert!(known.keys().any(|key| key.starts_with(&inside)), "the walk did not reach [{table}]");
    }
    assert!(known.len() > 80, "the walk did not reach every table: {known:?}");
    let page = page("docs/configuration.md");
    let rows: BTreeMap<&str, Vec<&str>> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(key, rest)| (key, rest.trim_matches([' ', '|']).split('|').map(str::trim).collect()))
        .collect();
    let mut wrong = Vec::new();
    for (key, known) in &known {
        let Some(row) = rows.get(key.as_str()) else {
            wrong.push(format!("`{key}` is not described"));
            continue;
        };
        let told = |cell: usize| row.get(cell).map_or("", |text| text.trim_matches('`'));
        if let Some(default) = known.default.as_ref().filter(|default| told(0) != default.as_str()) {
            wrong.push(format!("`{key}` has the default `{default}`, not `{}`", told(0)));
        }
        if let Some(range) =
            known.range.as_ref().map(|range| range_text(key, range)).filter(|range| told(1) != range)
        {
            wrong.push(format!("`{key}` has the range {range}, not {}", told(1)));
        }
        for word in known.choices.iter().filter(|word| !row.iter().any(|cell| cell.contains(word.as_str()))) {
            wrong.push(format!("`{key}` may be {word}, which is not told"));
        }
    }
    // The other way round: what is described exists.
    wrong
        .extend(rows.keys().filter(|key| !known.contains_key(**key)).map(|key| format!("`{key}` is no key")));
    assert!(wrong.is_empty(), "docs/configuration.md:\n{}", wrong.join("\n"));
}

/// As the page has ranges: sizes in binary units where they are whole.
fn range_text(key: &str, range: &RangeInclusive<u64>) -> String {
    let number = |number: u64| {
        let units = [(50, "PiB"), (40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
        let whole = |(bits, _): &&(u32, &str)| {
            key.ends_with("_bytes") && number > 0 && number.is_multiple_of(1 << bits)
        };
        units
            .iter()
            .find(whole)
            .map_or(number.to_string(), |(bits, unit)| format!("{} {unit}", number >> bits))
    };
    match (*range.start(), *range.end()) {
        (0, 1) => "0 or 1".to_owned(),
        (0, u64::MAX) => String::new(),
        (low, u64::MAX) => format!("at least {}", number(low)),
        (low, high) => format!("{} to {}", number(low), number(high)),
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
    for policy in ShedPolicy::ALL.map(ShedPolicy::name) {
        assert!(operations.contains(&format!("`{policy}`")), "docs/operations.md lacks `{policy}`");
    }
    for state in State::ALL {
        let row = format!("| `{}` | {} |", state.name(), if state.blocks() { "yes" } else { "no" });
        assert!(operations.contains(&row), "docs/operations.md lacks: {row}");
    }
}

#[test]
fn every_bucket_is_described() {
    let telemetry = filled();
    let text = metrics::render(&telemetry);
    let operations = page("docs/operations.md");
    let buckets: BTreeSet<&str> =
        text.split("bucket=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    // Both of units and of results, as the metrics have them.
    assert!(buckets.contains("merged") && Fate::ALL.iter().all(|fate| buckets.contains(fate.name())));
    for bucket in buckets {
        assert!(operations.contains(&format!("| `{bucket}` |")), "docs/operations.md lacks `{bucket}`");
    }
    for bucket in Bucket::ALL {
        let row = format!("| `{}` | {}", bucket.name(), bucket.meaning());
        assert!(operations.contains(&row), "docs/operations.md lacks: {row}");
    }
}

#[test]
fn every_metric_that_a_page_names_exists() {
    let text = metrics::render(&filled());
    let families: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let mut named = 0;
    for name in ["docs/operations.md", "docs/durability.md", "docs/getting-started.md"] {
        let page = page(name);
        for metric in page.split('`').filter(|word| word.starts_with("edgeward_") && *word != "edgeward_") {
            let family = metric.split('{').next().unwrap();
            let known = families.iter().any(|known| *known == family || *known == format!("{family}_bucket"));
            assert!(known, "{name} names the metric `{metric}`, which there is not");
            named += 1;
        }
    }
    assert!(named > 10, "only {named}");
}

/// A process with a pipeline and an outbox, so that every family of metrics is there.
fn filled() -> Arc<Telemetry> {
    let telemetry = Telemetry::new("device");
    telemetry.add_pipeline("p", ModelInfo::default());
    telemetry.set_outbox(|| OutboxSnapshot {
        lanes: vec![LaneSnapshot {
            ended: Fate::ALL.map(|fate| (fate.name(), 0)).to_vec(),
            ..LaneSnapshot::default()
        }],
        uplinks: vec![UplinkSnapshot::default()],
        ..OutboxSnapshot::default()
    });
    telemetry
}
