//! `edgeward model inspect`.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use console::style;

use super::{Failure, Size, bytes, grouped, print, print_json, sizes::named};
use edgeward_engine::{
    self as engine, Choice, DimReport, Limits, NodeReport, PortReport, Report, Sized, Sizes,
};

/// Nodes of one operator named in the text; JSON has them all.
const NAMED: usize = 5;

/// How it shall be told.
pub struct Asked<'a> {
    pub all_nodes: bool,
    /// Lengths of free dimensions that shapes and costs are told for.
    pub sizes: &'a [Size],
    pub json: bool,
}

/// Prints what a model is and whether it runs here; a model that doesn't is exit code 78.
pub fn inspect(path: &Path, limits: &Limits, choice: Choice, asked: &Asked<'_>) -> Result<(), Failure> {
    let sizes = (!asked.sizes.is_empty()).then(|| named(asked.sizes, Sizes::all(1)));
    let report = engine::inspect(path, limits, choice, sizes.as_ref()).map_err(Failure::config)?;
    if asked.json {
        print_json(&report)?;
    } else {
        print(&text(path, &report, asked.all_nodes))?;
    }
    if report.runs_here { Ok(()) } else { Err(Failure::ConfigTold) }
}

fn text(path: &Path, report: &Report, all_nodes: bool) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a String can't fail.
        let _ = writeln!(out, "  {} {value}", style(format!("{name:<14}")).dim());
    };
    line("runs here", runs_here(report));
    let made_by = if report.producer.is_empty() { "unknown" } else { &report.producer };
    let opsets = report.opsets.iter().map(|opset| {
        let domain = if opset.domain.is_empty() { "opset" } else { &opset.domain };
        format!("{domain} {}", opset.version)
    });
    let opsets: Vec<_> = opsets.collect();
    line("made by", made_by.into());
    line("format", format!("IR {}, {}", report.ir_version, opsets.join(", ")));
    line("file", bytes(report.file_bytes));
    ports("inputs", &report.inputs, &mut line);
    ports("outputs", &report.outputs, &mut line);
    if let Some(sized) = &report.sized {
        line("at these sizes", at(sized));
    }
    let parameters = grouped(report.parameters);
    line("parameters", format!("{parameters} ({})", bytes(report.parameter_bytes)));
    if let Some(running) = &report.running {
        if let Some(count) = running.multiply_adds {
            line("multiply-adds", format!("{} a row", grouped(count)));
        }
        line(
            "memory",
            format!("about {}: weights, and inner values for one row", bytes(running.memory_bytes)),
        );
    }
    let counts = report.operators.iter().map(|operator| format!("{} {}", operator.name, operator.count));
    line("operators", counts.collect::<Vec<_>>().join(", "));
    nodes(report, all_nodes, &mut line);
    let stops = report.fault.iter().cloned().chain(report.missing.iter().map(|missing| {
        let mut nodes: Vec<_> = missing.nodes.iter().take(NAMED).map(|node| format!("`{node}`")).collect();
        if missing.nodes.len() > NAMED {
            nodes.push(format!("{} more", missing.nodes.len() - NAMED));
        }
        format!("{} at {}: {}", style(&missing.operator).bold(), nodes.join(", "), missing.advice)
    }));
    let stops: Vec<_> = stops.collect();
    format!(
        "{}\n{out}{}",
        style(path.display()).bold(),
        stops
            .iter()
            .fold(String::new(), |text, stop| format!("{text}\n{} {stop}\n", style("stops it:").red()))
    )
}

/// `x [1, 16000] -> y [1, 100, 64]`
fn at(sized: &Sized) -> String {
    let shapes = |shapes: &[(String, Vec<usize>)]| {
        shapes.iter().map(|(name, shape)| format!("{name} {shape:?}")).collect::<Vec<_>>().join(", ")
    };
    match &sized.fault {
        None => format!("{} -> {}", shapes(&sized.inputs), shapes(&sized.outputs)),
        Some(fault) => format!("{}: {fault}", shapes(&sized.inputs)),
    }
}

/// Nodes listed one by one without `--nodes`; more are counted by what they are.
const LISTED: usize = 24;

/// Who runs each node.
fn nodes(report: &Report, all: bool, line: &mut impl FnMut(&str, String)) {
    let running = |node: &NodeReport| {
        let by = node.engine.map_or_else(|| "-".into(), |engine| format!("{engine}: {}", node.kernel));
        node.note.as_ref().map_or(by.clone(), |note| format!("{by} ({note})"))
    };
    let of = |node: &NodeReport| match node.version {
        Some(version) => format!("{} {version}", node.operator),
        None => node.operator.clone(),
    };
    if all || report.nodes.len() <= LISTED {
        let width = report.nodes.iter().map(|node| node.name.chars().count().min(32)).max().unwrap_or(0);
        let kind = report.nodes.iter().map(|node| of(node).chars().count()).max().unwrap_or(0);
        for (index, node) in report.nodes.iter().enumerate() {
            let label = if index == 0 { "nodes" } else { "" };
            let made = format!("{:<width$}  {:<kind$}  {}", node.name, of(node), running(node));
            line(label, format!("{made}{}", types(node)));
        }
        return;
    }
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for node in &report.nodes {
        *counts.entry((of(node), running(node))).or_default() += 1;
    }
    let width = counts.keys().map(|(operator, _)| operator.chars().count()).max().unwrap_or(0);
    for (index, ((operator, by), count)) in counts.iter().enumerate() {
        let label = if index == 0 { "nodes" } else { "" };
        line(label, format!("{count:>4} x {operator:<width$}  {by}"));
    }
    line("", "each of them: `--nodes`".into());
}

/// What a node makes, as far as it is known: `-> float32[batch, 64]`.
fn types(node: &NodeReport) -> String {
    if node.outputs.iter().all(|output| output.ty.is_none()) {
        return String::new();
    }
    let types: Vec<_> = node.outputs.iter().map(|output| output.ty.as_deref().unwrap_or("?")).collect();
    format!("  -> {}", types.join(", "))
}

fn runs_here(report: &Report) -> String {
    match &report.running {
        None => style("no").red().bold().to_string(),
        Some(running) => {
            let rows = if running.batches { "many rows at once" } else { "one at a time" };
            let why = running.why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
            format!("{}, by {}{why}, {rows}", style("yes").green().bold(), style(running.engine).bold())
        }
    }
}

fn ports(name: &str, ports: &[PortReport], line: &mut impl FnMut(&str, String)) {
    let width = ports.iter().map(|port| port.name.chars().count()).max().unwrap_or(0);
    for (index, port) in ports.iter().enumerate() {
        let dims = port.dims.iter().map(|dim| match dim {
            DimReport::Fixed(n) => n.to_string(),
            DimReport::Free(name) => name.clone(),
        });
        let dims = dims.collect::<Vec<_>>().join(", ");
        let label = if index == 0 { name } else { "" };
        line(label, format!("{:<width$} {}[{dims}]", port.name, port.element));
    }
}
