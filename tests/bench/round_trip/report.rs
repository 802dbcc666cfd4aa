//! Collects the runs, and sets them out as tables: rates and latencies, memory and start, targets.

use std::collections::BTreeMap;

use crate::{
    common::{cell, median, table},
    models::Model,
    peers::Peer,
};

/// One run of one window.
pub struct Sample {
    pub messages_per_sec: f64,
    pub p50_micros: f64,
    pub p99_micros: f64,
    /// Processor time per message: the peer's, the broker's.
    pub cpu_micros: Option<f64>,
    pub broker_micros: Option<f64>,
}

/// One process's life.
pub struct Start {
    /// From exec to the first answered message.
    pub ready_millis: f64,
    pub rss_bytes: u64,
    pub peak_bytes: u64,
}

type Key = (&'static str, Peer, usize);

#[derive(Default)]
pub struct Report {
    samples: BTreeMap<Key, Vec<Sample>>,
    starts: BTreeMap<(&'static str, Peer), Vec<Start>>,
    /// The first scoring peer's numbers by model: what the others must give too.
    numbers: BTreeMap<&'static str, (Peer, Vec<f64>)>,
}

impl Report {
    pub fn sample(&mut self, key: Key, sample: Sample) {
        self.samples.entry(key).or_default().push(sample);
    }

    pub fn start(&mut self, key: (&'static str, Peer), start: Start) {
        self.starts.entry(key).or_default().push(start);
    }

    /// Two peers are only comparable when they do the same work: their answers must agree.
    pub fn compare(&mut self, model: &Model, peer: Peer, numbers: Vec<f64>) -> Result<(), String> {
        let (first, wanted) = self.numbers.entry(model.name).or_insert_with(|| (peer, numbers.clone()));
        let off = wanted.iter().zip(&numbers).position(|(a, b)| (a - b).abs() > 1e-4 * a.abs().max(1.0));
        match off {
            Some(i) => Err(format!(
                "message {i}: {} answers {}, {} answers {}",
                peer.name(),
                numbers[i],
                first.name(),
                wanted[i]
            )),
            None if wanted.len() != numbers.len() => Err("fewer answers than messages".to_owned()),
            None => Ok(()),
        }
    }

    fn of(&self, key: Key, value: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(self.samples.get(&key)?.iter().filter_map(value))
    }

    fn rate(&self, key: Key) -> Option<f64> {
        self.of(key, |s| Some(s.messages_per_sec))
    }

    fn p50(&self, key: Key) -> Option<f64> {
        self.of(key, |s| Some(s.p50_micros))
    }

    fn of_starts(&self, peer: Peer, value: impl Fn(&Start) -> f64, model: &str) -> Option<f64> {
        let starts = self.starts.iter().filter(|((name, of), _)| *of == peer && *name == model);
        median(starts.flat_map(|(_, starts)| starts).map(value))
    }

    pub fn render(&self, models: &[Model], windows: &[usize]) -> String {
        format!("{}\n{}\n{}", self.rates(models, windows), self.lives(models), self.targets(models, windows))
    }

    fn rates(&self, models: &[Model], windows: &[usize]) -> String {
        let header = [
            "model",
            "peer",
            "in flight",
            "messages/s",
            "x echo",
            "x python",
            "p50 us",
            "p99 us",
            "peer CPU us",
            "broker CPU us",
        ];
        let mut rows = Vec::new();
        for model in models {
            for &window in windows {
                for peer in Peer::ALL {
                    let key = (model.name, peer, window);
                    let rate = self.rate(key);
                    let to = |other| ratio(rate, self.rate((model.name, other, window)));
                    rows.push(vec![
                        model.name.to_owned(),
                        peer.name().to_owned(),
                        window.to_string(),
                        cell(rate, 0),
                        cell(to(Peer::Echo), 2),
                        cell(to(Peer::Python), 2),
                        cell(self.p50(key), 0),
                        cell(self.of(key, |s| Some(s.p99_micros)), 0),
                        cell(self.of(key, |s| s.cpu_micros), 1),
                        cell(self.of(key, |s| s.broker_micros), 1),
                    ]);
                }
            }
        }
        table(&header, &rows)
    }

    fn lives(&self, models: &[Model]) -> String {
        let header = ["model", "peer", "resident MB", "peak MB", "exec to first answer ms"];
        let mut rows = Vec::new();
        for model in models {
            for peer in Peer::ALL {
                rows.push(vec![
                    model.name.to_owned(),
                    peer.name().to_owned(),
                    cell(self.of_starts(peer, |s| s.rss_bytes as f64 / 1e6, model.name), 1),
                    cell(self.of_starts(peer, |s| s.peak_bytes as f64 / 1e6, model.name), 1),
                    cell(self.of_starts(peer, |s| s.ready_millis, model.name), 0),
                ]);
            }
        }
        table(&header, &rows)
    }

    /// What is asked of edgeward, what it gave, and whether that is enough.
    fn targets(&self, models: &[Model], windows: &[usize]) -> String {
        let mut rows = Vec::new();
        let mut add =
            |model: &str, what: String, limit: String, got: Option<f64>, decimals, met: Option<bool>| {
                let verdict = met.map_or("not measured", |met| if met { "yes" } else { "NO" });
                rows.push(vec![model.to_owned(), what, limit, cell(got, decimals), verdict.to_owned()]);
            };
        for model in models {
            let key = |peer, window| (model.name, peer, window);
            for (window, share) in model.echo_share_at_least {
                if !windows.contains(&window) {
                    continue;
                }
                let rate = self.rate(key(Peer::Edgeward, window));
                let echo = ratio(rate, self.rate(key(Peer::Echo, window)));
                let python = ratio(rate, self.rate(key(Peer::Python, window)));
                add(
                    model.name,
                    format!("rate to echo's, {window} in flight"),
                    format!(">= {share:.2}"),
                    echo,
                    2,
                    echo.map(|r| r >= share),
                );
                add(
                    model.name,
                    format!("rate to Python's, {window} in flight"),
                    ">= 5".into(),
                    python,
                    2,
                    python.map(|r| r >= 5.0),
                );
            }
            if windows.contains(&1) {
                let limit = model.round_trip_at_most;
                let got = ratio(self.p50(key(Peer::Edgeward, 1)), self.p50(key(Peer::Echo, 1)));
                let what = "median round trip to echo's, 1 in flight".to_owned();
                add(model.name, what, format!("<= {limit:.1}"), got, 2, got.map(|r| r <= limit));
            }
            let rss = self.of_starts(Peer::Edgeward, |s| s.rss_bytes as f64 / 1e6, model.name);
            add(model.name, "resident MB".into(), "<= 20".into(), rss, 1, rss.map(|mb| mb <= 20.0));
            let ready = self.of_starts(Peer::Edgeward, |s| s.ready_millis, model.name);
            add(model.name, "exec to ready ms".into(), "< 150".into(), ready, 0, ready.map(|ms| ms < 150.0));
        }
        table(&["model", "edgeward's", "asked", "got", "met"], &rows)
    }
}

fn ratio(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a? / b?)
}
