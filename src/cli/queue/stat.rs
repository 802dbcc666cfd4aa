//! `edgeward queue stat`.

use std::{fmt::Write, time::Duration};

use console::style;

use super::folder;
use crate::cli::{
    Failure,
    place_args::OutboxArgs,
    text::{age, bytes, grouped, print, print_json, table},
};
use edgeward_outbox::tools::{Snapshot, Stat, stat as count};

/// Characters of a full bar.
const BAR: usize = 32;

pub fn stat(outbox: &OutboxArgs, json: bool) -> Result<(), Failure> {
    let place = folder(outbox)?;
    let snapshot = Snapshot::read(&place.dir).map_err(Failure::failed)?;
    let stat = count(&snapshot).map_err(Failure::failed)?;
    if json { print_json(&stat) } else { print(&text(&stat)) }
}

fn text(stat: &Stat) -> String {
    let mut out = format!("{}\n", style(&stat.dir).bold());
    let mut line = |name: &str, value: String| {
        // Writing to a String can't fail.
        let _ = writeln!(out, "  {} {value}", style(format!("{name:<12}")).dim());
    };
    line("store", stat.store.clone());
    line("on disk", format!("{} in all", bytes(stat.bytes)));
    line("segments", format!("{}, {}", grouped(stat.segments.files), bytes(stat.segments.bytes)));
    if stat.set_aside.files > 0 {
        let (files, size) = (grouped(stat.set_aside.files), bytes(stat.set_aside.bytes));
        line("set aside", format!("{files} damaged, {size}"));
    }
    if stat.damaged_records > 0 {
        let lost = format!("{} records can't be read", grouped(stat.damaged_records));
        line("damaged", style(lost).red().to_string());
    }
    if stat.imported_files > 0 {
        line("imported", format!("{} files", grouped(stat.imported_files as u64)));
    }
    if stat.wall_corrections > 0 {
        line("wall clock", format!("corrected {} times", grouped(stat.wall_corrections)));
    }
    out.push('\n');
    out += &classes(stat);
    out.push('\n');
    out += &lanes(stat);
    out
}

/// A bar for each class: its share of what is pending.
fn classes(stat: &Stat) -> String {
    let width = stat.classes.iter().map(|class| class.class.len()).max().unwrap_or(0);
    let mut out = String::new();
    for class in &stat.classes {
        let filled = (class.share * BAR as f64).round() as usize;
        // The smallest share is still to be seen.
        let filled = if class.pending > 0 { filled.clamp(1, BAR) } else { 0 };
        let bar = format!("{}{}", "█".repeat(filled), "·".repeat(BAR - filled));
        let _ = writeln!(
            out,
            "  {:<width$}  {} {:>3.0}%  {} pending, {}",
            class.class,
            style(bar).cyan(),
            class.share * 100.0,
            grouped(class.pending),
            bytes(class.bytes),
        );
    }
    out
}

fn lanes(stat: &Stat) -> String {
    let header =
        ["pipeline", "class", "pending", "oldest", "newest", "made", "imported", "replayed", "ended as"];
    let ago = |secs: Option<f64>| {
        let known = secs.and_then(|secs| Duration::try_from_secs_f64(secs).ok());
        known.map_or_else(|| "-".into(), age)
    };
    let rows = stat.lanes.iter().map(|lane| {
        let ended = lane.ended.iter().filter(|(_, count)| **count > 0);
        let ended: Vec<String> = ended.map(|(fate, count)| format!("{} {fate}", grouped(*count))).collect();
        vec![
            lane.pipeline.clone(),
            lane.class.clone(),
            grouped(lane.pending),
            ago(lane.oldest_secs),
            ago(lane.newest_secs),
            grouped(lane.made),
            grouped(lane.imported),
            grouped(lane.replayed),
            if ended.is_empty() { "-".into() } else { ended.join(", ") },
        ]
    });
    table(&header, 2, &rows.collect::<Vec<_>>())
}
