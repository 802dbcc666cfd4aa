//! What the bench programs share: where things are, what machine this is, medians and tables.
#![allow(dead_code, reason = "no program uses all of it")]

pub mod broker;
pub mod disk;
pub mod peer;
pub mod process;

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Python of `.venv/`, with a word on how to get it when it is not there.
pub fn python() -> Result<PathBuf, String> {
    existing(root().join(".venv/bin/python"))
}

/// The path, or what to do when nothing is there.
pub fn existing(path: PathBuf) -> Result<PathBuf, String> {
    if path.exists() {
        Ok(path)
    } else {
        Err(format!("{} is not there; run tests/setup first", path.display()))
    }
}

/// One line: processor, cores, memory, kernel.
pub fn machine() -> String {
    let field = |file: &str, key: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{} (family {} model {}), {cores} cores, {} memory, Linux {}",
        field("/proc/cpuinfo", "model name"),
        field("/proc/cpuinfo", "cpu family"),
        field("/proc/cpuinfo", "model\t"),
        field("/proc/meminfo", "MemTotal"),
        kernel.trim()
    )
}

/// The load average of the last minute, as the system tells it.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

/// This process's resident memory now and at its highest, in bytes.
pub fn memory() -> Option<(u64, u64)> {
    memory_of(std::process::id())
}

/// Resident memory of a process now and at its highest, in bytes.
pub fn memory_of(pid: u32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = |key: &str| -> Option<u64> {
        let line = status.lines().find(|line| line.starts_with(key))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some((kib("VmRSS:")? * 1024, kib("VmHWM:")? * 1024))
}

/// The middle value (the mean of the two middle ones); `None` of nothing.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    Some(if sorted.len() % 2 == 1 { upper } else { (sorted[sorted.len() / 2 - 1] + upper) / 2.0 })
}

/// A number for a cell, or a dash.
pub fn cell(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

/// Rows of cells as a Markdown table; all columns but the first two are set to the right.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0).max(header[column].chars().count()).max(4)
        })
        .collect();
    let line = |cells: &[String]| {
        let mut out = String::from("|");
        for (column, (text, &width)) in cells.iter().zip(&widths).enumerate() {
            // Writing to a String can't fail.
            let _ =
                if column < 2 { write!(out, " {text:width$} |") } else { write!(out, " {text:>width$} |") };
        }
        out + "\n"
    };
    let rule: Vec<String> = widths
        .iter()
        .enumerate()
        .map(|(column, &width)| if column < 2 { "-".repeat(width) } else { "-".repeat(width - 1) + ":" })
        .collect();
    let header: Vec<String> = header.iter().map(|&text| text.to_owned()).collect();
    let body: String = rows.iter().map(|row| line(row)).collect();
    line(&header) + &line(&rule) + &body
}
