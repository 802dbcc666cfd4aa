//! `last-run.json`: the books of the last run, for whoever looks at the machine afterwards.

use std::{collections::BTreeMap, fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path, time::SystemTime};

use serde_json::json;

use super::RunReport;
use edgeward_core::domain::Books;

/// The version of the file.
const FORMAT: u32 = 1;

/// Writes the report, readable by its owner only, in one step (a torn file is never seen).
///
/// # Errors
/// What the file system says.
pub(super) fn write(state_dir: &Path, report: &RunReport) -> std::io::Result<()> {
    fs::create_dir_all(state_dir)?;
    let text = text(report, SystemTime::now());
    let part = state_dir.join("last-run.json.part");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    writeln!(file, "{text:#}")?;
    file.sync_all()?;
    fs::rename(part, state_dir.join("last-run.json"))
}

fn text(report: &RunReport, ended_at: SystemTime) -> serde_json::Value {
    // A pipeline that was removed and came back is one to whoever reads this.
    let mut books: BTreeMap<&str, Books> = BTreeMap::new();
    for (name, ledger) in &report.ledgers {
        let sum = books.entry(name).or_default();
        *sum = *sum + ledger.books;
    }
    let left: Vec<String> = report.left.iter().map(|left| format!("{}: {}", left.whose, left.what)).collect();
    json!({
        "format": FORMAT,
        "ended_at": humantime::format_rfc3339_seconds(ended_at).to_string(),
        "pipelines": books,
        "left": left,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{edge::Leftover, telemetry::Ledger};
    use edgeward_core::domain::Bucket;

    /// What operators' tools read for ever: `tests/golden/stored/last-run-1.json`.
    #[test]
    fn last_runs_of_format_1_are_what_they_were() {
        let ended = Bucket::ALL.into_iter().zip(1..);
        let ledger = Ledger::restored(Books::new(30, ended, 2), &[], &[]);
        let report = RunReport {
            ledgers: vec![("press".into(), ledger), ("pump".into(), Ledger::default())],
            left: vec![Leftover { whose: "pipeline press".into(), what: "2 messages not scored".into() }],
            forced: false,
            died: None,
        };
        let text = text(&report, SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045));
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/stored/last-run-1.json");
        if let Some(folder) = std::env::var_os("EDGEWARD_MAKE_GOLDEN") {
            fs::write(Path::new(&folder).join("last-run-1.json"), format!("{text:#}\n")).unwrap();
        }
        assert_eq!(format!("{text:#}\n"), fs::read_to_string(golden).unwrap());
    }
}
