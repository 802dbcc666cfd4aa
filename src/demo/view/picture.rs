//! The picture as lines of plain text, cut to the terminal's size.

use super::{Heading, Shown, clock, millis, readings};
use crate::demo::books::group;
use edgeward_core::domain::{Books, Bucket};

/// How a line is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Title,
    Plain,
    Quiet,
    Alarm,
}

/// Anomalies shown when there is room.
const MAX_ANOMALIES: usize = 8;
/// Eighths of a line, from low to high.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The lines of the picture, at most `height` of them, none longer than `width`. Every character
/// takes one column.
pub fn picture(heading: &Heading, shown: &Shown, width: usize, height: usize) -> Vec<(Tone, String)> {
    let secs = shown.elapsed.as_secs();
    let mut lines = vec![
        (
            Tone::Title,
            format!(
                "edgeward demo  {:02}:{:02}  Ctrl-C ends it and balances the books",
                secs / 60,
                secs % 60
            ),
        ),
        (
            Tone::Quiet,
            format!("{} machines, {} messages/s, {}", heading.machines, heading.rate_per_sec, heading.broker),
        ),
        (Tone::Quiet, format!("model {}", heading.model)),
    ];
    if let Some(url) = &heading.status_url {
        lines.push((Tone::Quiet, format!("the daemon's own view: {url}")));
    }
    lines.extend([
        (Tone::Plain, String::new()),
        (
            Tone::Plain,
            format!(
                "  verdicts   {:>7}/s  {}",
                group(shown.second.verdicts),
                sparkline(&shown.history, width)
            ),
        ),
        (
            Tone::Plain,
            format!(
                "  latency    p50 {}  p99 {}  from publish to verdict",
                millis(shown.second.p50),
                millis(shown.second.p99)
            ),
        ),
        (Tone::Plain, format!("  books      {}", balance(&shown.books))),
        (Tone::Plain, format!("  anomalies  {}", group(shown.anomalies))),
    ]);
    let troubles = shown.troubles.iter().map(|trouble| (Tone::Alarm, format!("  ! {trouble}")));
    lines.extend(troubles);
    let machine_width = shown.recent.iter().map(|anomaly| anomaly.machine.len()).max().unwrap_or(0);
    lines.extend(shown.recent.iter().take(MAX_ANOMALIES).map(|anomaly| {
        let (at, machine) = (clock(anomaly.at), &anomaly.machine);
        (Tone::Alarm, format!("    {at}  {machine:machine_width$}  {}", readings(anomaly)))
    }));
    lines.truncate(height);
    for (_, line) in &mut lines {
        if let Some((cut, _)) = line.char_indices().nth(width) {
            line.truncate(cut);
        }
    }
    lines
}

/// The books in short: what is nothing is left out, but for what everybody looks for.
fn balance(books: &Books) -> String {
    let always = [Bucket::Scored.name(), "pending"];
    let shown = books.counters().skip(1).filter(|(name, units)| *units > 0 || always.contains(name));
    let sum: Vec<_> = shown.map(|(name, units)| format!("{} {name}", group(units))).collect();
    format!("{} received = {}", group(books.received), sum.join(" + "))
}

/// The history as bars, the highest full; as many of the last seconds as fit.
fn sparkline(history: &std::collections::VecDeque<u64>, width: usize) -> String {
    let room = width.saturating_sub(26);
    let skip = history.len().saturating_sub(room);
    let highest = history.iter().skip(skip).copied().max().unwrap_or(0).max(1);
    let bar = |value: &u64| BARS[usize::try_from(value * 7 / highest).unwrap_or(0).min(7)];
    history.iter().skip(skip).map(bar).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::demo::observer::{Anomaly, Second};

    fn shown() -> Shown {
        let anomaly = Anomaly {
            at: SystemTime::UNIX_EPOCH,
            machine: "machine-12".into(),
            temperature: 112.34,
            pressure: 11.4,
            ambient_temperature: 21.0,
            ambient_humidity: 25.0,
        };
        let mut shown = Shown {
            elapsed: Duration::from_secs(75),
            recent: vec![anomaly; 12],
            anomalies: 12,
            ..Shown::default()
        };
        for verdicts in [0, 100, 200] {
            shown.push_second(Second { verdicts, p50: Some(Duration::from_millis(1)), p99: None });
        }
        shown
    }

    fn heading() -> Heading {
        Heading {
            broker: "embedded broker at 127.0.0.1:1".into(),
            machines: 12,
            rate_per_sec: 200.0,
            model: "machine-anomaly 1.0.0".into(),
            status_url: Some("http://127.0.0.1:2/status".into()),
        }
    }

    #[test]
    fn the_picture_tells_what_happens() {
        let lines = picture(&heading(), &shown(), 120, 40);
        let text = lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n");
        for part in [
            "edgeward demo  01:15",
            "12 machines, 200 messages/s, embedded broker at 127.0.0.1:1\nmodel machine-anomaly 1.0.0",
            "200/s  ▁▄█",
            "p50 1.00 ms  p99 -",
            "0 received = 0 scored + 0 pending",
            "00:00:00  machine-12  112.3 °C, 11.40 bar",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert_eq!(lines.iter().filter(|(tone, _)| *tone == Tone::Alarm).count(), MAX_ANOMALIES);
    }

    #[test]
    fn it_fits_any_terminal() {
        for (width, height) in [(20, 5), (1, 1), (80, 24), (0, 0), (200, 9)] {
            let lines = picture(&heading(), &shown(), width, height);
            assert!(lines.len() <= height);
            assert!(lines.iter().all(|(_, line)| line.chars().count() <= width));
        }
    }
}
