//! `edgeward model`: what a model is, and how fast it is here.

mod bench;
mod inspect;

use std::path::{Path, PathBuf};

use super::{
    Failure,
    args::{ModelArgs, ModelCommand},
};
use crate::{engine::Limits, models};

pub fn run(args: ModelArgs) -> Result<(), Failure> {
    let limits = Limits::default();
    match args.command {
        ModelCommand::Inspect { model, json } => inspect::inspect(&onnx_of(&model, &limits)?, &limits, json),
        ModelCommand::Bench { model, secs, json } => {
            bench::bench(&onnx_of(&model, &limits)?, &limits, secs, json)
        }
    }
}

/// The model file itself, where a bundle's folder is given.
fn onnx_of(path: &Path, limits: &Limits) -> Result<PathBuf, Failure> {
    if !path.is_dir() {
        return Ok(path.into());
    }
    Ok(models::open(path, limits).map_err(Failure::config)?.onnx().into())
}

/// Prints a value as JSON.
fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    print(&(serde_json::to_string_pretty(value).map_err(Failure::failed)? + "\n"))
}

/// Prints text; unlike `print!`, a closed pipe is an error and not a panic.
fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes as people read them: `812 B`, `4.8 KiB`, `1.0 MiB`.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    // 1023.95 would be printed as 1024.0.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(bytes(812), "812 B");
        assert_eq!(bytes(4916), "4.8 KiB");
        assert_eq!(bytes(1 << 20), "1.0 MiB");
    }
}
