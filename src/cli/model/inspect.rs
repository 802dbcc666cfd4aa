//! `edgeward model inspect`.

use std::{fmt::Write, path::Path};

use console::style;

use super::{Failure, bytes, grouped, print, print_json};
use crate::engine::{self, DimReport, Limits, PortReport, Report};

/// Nodes of one operator named in the text; JSON has them all.
const NAMED: usize = 5;

/// Prints what a model is and whether it runs here; a model that doesn't is exit code 78.
pub fn inspect(path: &Path, limits: &Limits, json: bool) -> Result<(), Failure> {
    let report = engine::inspect(path, limits).map_err(Failure::config)?;
    if json {
        print_json(&report)?;
    } else {
        print(&text(path, &report))?;
    }
    if report.runs_here { Ok(()) } else { Err(Failure::ConfigTold) }
}

fn text(path: &Path, report: &Report) -> String {
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
    let parameters = grouped(report.parameters);
    line("parameters", format!("{parameters} ({})", bytes(report.parameter_bytes)));
    if let Some(running) = &report.running {
        // Trees only compare.
        if running.multiply_adds > 0 {
            line("multiply-adds", format!("{} a row", grouped(running.multiply_adds)));
        }
        line(
            "memory",
            format!("about {}: weights, and inner values for one row", bytes(running.memory_bytes)),
        );
    }
    let counts = report.operators.iter().map(|operator| format!("{} {}", operator.name, operator.count));
    line("operators", counts.collect::<Vec<_>>().join(", "));
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

fn runs_here(report: &Report) -> String {
    match &report.running {
        None => style("no").red().bold().to_string(),
        Some(running) => {
            let rows = if running.batches { "many rows at once" } else { "one at a time" };
            format!("{}, {rows}", style("yes").green().bold())
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
