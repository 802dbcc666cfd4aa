//! What commands print with: JSON, tables, numbers for people.

use std::time::Duration;

use console::style;

use super::Failure;

/// Prints a value as JSON.
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    print(&(serde_json::to_string_pretty(value).map_err(Failure::failed)? + "\n"))
}

/// Prints text; unlike `print!`, a closed pipe is an error and not a panic.
pub fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
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

/// A table: the first `left` columns to the left, the others to the right.
pub fn table(header: &[&str], left: usize, rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|name| name.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for ((at, cell), width) in cells.enumerate().zip(&widths) {
            let space = " ".repeat(width.saturating_sub(cell.chars().count()));
            let (before, after) = if at < left { ("", space.as_str()) } else { (space.as_str(), "") };
            line = line + "  " + before + cell + after;
        }
        line.trim_end().to_owned()
    };
    let mut text = style(line(&mut header.iter().copied())).dim().to_string() + "\n";
    for row in rows {
        text = text + &line(&mut row.iter().map(String::as_str)) + "\n";
    }
    text
}

/// An age as people say it: its two largest units.
pub fn age(age: Duration) -> String {
    if age < Duration::from_secs(1) {
        return "now".into();
    }
    let text = humantime::format_duration(Duration::from_secs(age.as_secs())).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// Bytes as people read them: `812 B`, `4.8 KiB`, `1.0 MiB`.
pub fn bytes(count: u64) -> String {
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
        assert_eq!(age(Duration::from_millis(90_061_500)), "1day 1h");
        assert_eq!(age(Duration::from_millis(20)), "now");
    }
}
