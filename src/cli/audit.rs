//! `edgeward audit`: the books against the files.

use std::fmt::Write;

use console::style;

use super::{
    Failure,
    args::AuditArgs,
    queue::{folder, progress_bar},
    text::{bytes, grouped, print, print_json, table},
};
use edgeward_core::domain::Books;
use edgeward_outbox::{
    audit::{Audit, Gap, SenderNumbers, audit},
    store::Fate,
};

/// Gaps and runs of numbers that are named in the text; JSON has them all.
const NAMED: usize = 20;

pub fn run(args: &AuditArgs) -> Result<(), Failure> {
    let place = folder(&args.outbox)?;
    let mut bar = progress_bar(args.json, "bytes");
    let mut progress = |done, total| bar.iter_mut().for_each(|bar| bar(done, total));
    let audit = audit(&place.dir, &mut progress).map_err(Failure::failed)?;
    if args.json {
        print_json(&audit)?;
    } else {
        print(&text(&audit))?;
    }
    match audit.gaps.len() {
        0 => Ok(()),
        1 => Err(Failure::failed("the books don't balance: one gap")),
        gaps => Err(Failure::failed(format!("the books don't balance: {gaps} gaps"))),
    }
}

fn text(audit: &Audit) -> String {
    let mut out = format!(
        "{}: {} in {} frames of {} segments read\n\n",
        style(&audit.dir).bold(),
        bytes(audit.bytes),
        grouped(audit.frames),
        audit.segments
    );
    let fates = Fate::ALL.map(Fate::name);
    let mut header = vec!["pipeline", "class", "made", "imported", "replayed"];
    header.extend(fates);
    header.extend(["pending", "on disk"]);
    let rows = audit.lanes.iter().map(|lane| {
        let mut row = vec![lane.pipeline.clone(), lane.class.clone()];
        row.extend([lane.made, lane.imported, lane.replayed].map(grouped));
        row.extend(fates.map(|fate| grouped(lane.ended.get(fate).copied().unwrap_or(0))));
        row.extend([lane.pending, lane.on_disk].map(grouped));
        row
    });
    out += &table(&header, 2, &rows.collect::<Vec<_>>());
    out.push('\n');
    let counters = Books::default().counters().map(|(name, _)| name);
    let header: Vec<&str> = ["pipeline"].into_iter().chain(counters).chain(["journaled"]).collect();
    let rows = audit.units.iter().map(|unit| {
        let mut row = vec![unit.pipeline.clone()];
        row.extend(unit.books.counters().map(|(_, units)| grouped(units)));
        row.push(grouped(unit.journaled));
        row
    });
    out += &table(&header, 1, &rows.collect::<Vec<_>>());
    for sender in &audit.senders {
        out += &numbers(sender);
    }
    for damage in &audit.damaged {
        // Writing to a String can't fail.
        let _ = writeln!(
            out,
            "\n{} {}: bytes {} to {} can't be read",
            style("damaged:").yellow().bold(),
            damage.file,
            damage.from,
            damage.to
        );
    }
    out.push('\n');
    for gap in audit.gaps.iter().take(NAMED) {
        let _ = writeln!(out, "{} {}", style("gap:").red().bold(), told(gap));
    }
    if audit.gaps.len() > NAMED {
        let _ = writeln!(out, "  and {} more; `--json` has them all", audit.gaps.len() - NAMED);
    }
    if audit.balanced {
        let _ = writeln!(out, "{} the books balance", style("ok:").green().bold());
    }
    out
}

fn told(gap: &Gap) -> String {
    let mut text = gap.pipeline.clone();
    if let Some(class) = &gap.class {
        text = text + "/" + class;
    }
    match gap.sequences {
        Some((first, last)) if first == last => text += &format!(", sequence {first}"),
        Some((first, last)) => text += &format!(", sequences {first} to {last}"),
        None => {}
    }
    text = text + ": " + &gap.what;
    if let Some(file) = &gap.file {
        text = text + "; " + file;
    }
    if let Some(byte) = gap.byte {
        text += &format!(" at byte {byte}");
    }
    text
}

fn numbers(sender: &SenderNumbers) -> String {
    let runs =
        sender.missing_runs.iter().take(NAMED).map(|(first, last)| {
            if first == last { first.to_string() } else { format!("{first} to {last}") }
        });
    let mut runs: Vec<String> = runs.collect();
    if sender.missing_runs.len() > NAMED {
        runs.push("more".into());
    }
    let missing = match sender.missing {
        0 => "none missing".into(),
        missing => format!("{} missing ({})", grouped(missing), runs.join(", ")),
    };
    let (from, to) = (sender.first, sender.last);
    let (pipeline, source) = (&sender.pipeline, &sender.source);
    let repeated = grouped(sender.repeated);
    format!("\n  {pipeline}: {source} sent {from} to {to}: {missing}, {repeated} repeated\n")
}
