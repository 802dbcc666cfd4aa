//! `last-run.json`: the books of the last run, for whoever looks at the machine afterwards.

use std::{collections::BTreeMap, fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

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
    // A pipeline that was removed and came back is one to whoever reads this.
    let mut books: BTreeMap<&str, Books> = BTreeMap::new();
    for (name, ledger) in &report.ledgers {
        let sum = books.entry(name).or_default();
        *sum = *sum + ledger.books;
    }
    let pipelines: serde_json::Map<String, serde_json::Value> = books
        .into_iter()
        .map(|(name, books)| {
            let text = json!({
                "received": books.received, "scored": books.scored, "merged": books.merged,
                "rejected": books.rejected, "shed": books.shed,
                "expired": books.expired, "damaged": books.damaged, "dropped": books.dropped, "pending": books.pending,
            });
            (name.to_owned(), text)
        })
        .collect();
    let left: Vec<String> = report.left.iter().map(|left| format!("{}: {}", left.whose, left.what)).collect();
    let text = json!({
        "format": FORMAT,
        "ended_at": humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string(),
        "pipelines": pipelines,
        "left": left,
    });
    let part = state_dir.join("last-run.json.part");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    writeln!(file, "{text:#}")?;
    file.sync_all()?;
    fs::rename(part, state_dir.join("last-run.json"))
}
