//! `[uplinks.<name>]`: where stored results go.

use std::time::Duration;

use super::{Layers, TopicTemplate, broker::read_client};
use crate::mqtt::Options;
use edgeward_core::settings::Section;

/// An uplink over MQTT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UplinkConfig {
    pub name: String,
    pub options: Options,
    /// `{device}` is filled in; `{pipeline}`, `{class}` and `{source}` are not.
    pub topic: UplinkTopic,
    /// Results in one message; more than one go as JSON lines.
    pub batch_messages: usize,
    /// How long a batch waits to be full.
    pub batch_delay: Duration,
    /// Bytes on the way without an acknowledgement; one message may be larger.
    pub max_in_flight_bytes: usize,
    /// Payloads are compressed with gzip.
    pub gzip: bool,
    /// Payload bytes of metered classes in 24 hours of the outbox's time; none: no bound.
    pub bytes_per_day: Option<u64>,
    pub messages_per_sec: Option<u64>,
    /// When metered classes are sent; none: always.
    pub window: Option<DailyWindow>,
    /// How long a class waits at most while more important ones are sent.
    pub max_starvation: Duration,
}

/// A topic with places for what differs by record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UplinkTopic(String);

impl UplinkTopic {
    /// Parses a template and fills in the device.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str, device: &str) -> Result<Self, String> {
        let filled = text.replace("{device}", device);
        // What is left is checked as a pipeline's topic is; a class is no place there.
        TopicTemplate::new(&filled.replace("{class}", "class"), device, "pipeline")?;
        Ok(UplinkTopic(filled))
    }

    pub fn needs_source(&self) -> bool {
        self.0.contains("{source}")
    }

    /// The topic of a record.
    pub fn fill(&self, pipeline: &str, class: &str, source: &str) -> String {
        self.0.replace("{pipeline}", pipeline).replace("{class}", class).replace("{source}", source)
    }
}

/// A part of the day, in minutes since midnight UTC; it may reach over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyWindow {
    begin_min: u32,
    end_min: u32,
}

impl DailyWindow {
    /// Parses "22:00-06:00".
    pub fn parse(text: &str) -> Option<Self> {
        let minute = |text: &str| {
            let (hours, minutes) = text.split_once(':')?;
            let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
            (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
        };
        let (begin, end) = text.split_once('-')?;
        let window = DailyWindow { begin_min: minute(begin.trim())?, end_min: minute(end.trim())? };
        (window.begin_min != window.end_min).then_some(window)
    }

    /// Whether it is open at this time (milliseconds since 1970, UTC).
    pub fn is_open(self, wall_ms: i64) -> bool {
        let minute = (wall_ms.div_euclid(60_000)).rem_euclid(24 * 60) as u32;
        if self.begin_min < self.end_min {
            (self.begin_min..self.end_min).contains(&minute)
        } else {
            minute >= self.begin_min || minute < self.end_min
        }
    }
}

pub(super) fn read(
    name: String,
    section: Section<'_>,
    device: &str,
    layers: &Layers,
) -> Option<UplinkConfig> {
    if !edgeward_core::settings::is_name(&name) {
        section.fault("", "must be named with lower-case letters, digits, `_` and `-`");
    }
    let () = section.choice_or("kind", "mqtt", &[("mqtt", ())]);
    let topic = section.text_or("topic", "results/{device}/{pipeline}/{class}");
    let topic = UplinkTopic::new(&topic, device).map_err(|reason| section.fault("topic", reason)).ok();
    let batch_messages = section.size_or("batch_messages", 1, 1..=10_000);
    let batch_delay = Duration::from_millis(section.integer_or("batch_delay_ms", 100, 0..=3_600_000));
    let max_in_flight_bytes = section.size_or("max_in_flight_bytes", 4 << 20, 1 << 10..=1 << 40);
    let gzip = section.choice_or("compression", "none", &[("none", false), ("gzip", true)]);
    let some = |key| Some(section.integer_or(key, 0, 0..=u64::MAX)).filter(|value| *value > 0);
    let (bytes_per_day, messages_per_sec) = (some("bytes_per_day"), some("messages_per_sec"));
    let window = section.text("window").and_then(|text| {
        let window = DailyWindow::parse(&text);
        if window.is_none() {
            section.fault("window", "must be two times of the day in UTC, such as \"22:00-06:00\"");
        }
        window
    });
    let max_starvation = Duration::from_secs(section.integer_or("max_starvation_secs", 30, 1..=86_400));
    let options = read_client(&section, layers, format!("edgeward-{device}-{name}"));
    if batch_messages > 1 && topic.as_ref().is_some_and(UplinkTopic::needs_source) {
        section.fault("topic", "can't hold {source} while `batch_messages` is more than 1: a batch has many");
    }
    section.finish();
    let topic = topic?;
    Some(UplinkConfig {
        name,
        options: options?,
        topic,
        batch_messages,
        batch_delay,
        max_in_flight_bytes,
        gzip,
        bytes_per_day,
        messages_per_sec,
        window,
        max_starvation,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_reach_over_midnight() {
        let at = |hours: i64, minutes: i64| (hours * 60 + minutes) * 60_000 + 86_400_000 * 20_000;
        let night = DailyWindow::parse("22:00-06:00").unwrap();
        assert!(night.is_open(at(23, 0)) && night.is_open(at(5, 59)) && !night.is_open(at(6, 0)));
        let noon = DailyWindow::parse("12:00 - 13:30").unwrap();
        assert!(noon.is_open(at(13, 29)) && !noon.is_open(at(13, 30)) && !noon.is_open(at(11, 59)));
        for text in ["", "12:00", "12:00-12:00", "24:00-01:00", "1-2", "12:60-13:00"] {
            assert_eq!(DailyWindow::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_topic_is_filled_by_record() {
        let topic = UplinkTopic::new("up/{device}/{class}/{pipeline}/{source}", "gw").unwrap();
        assert_eq!(topic.fill("press", "alarm", "m1"), "up/gw/alarm/press/m1");
        assert!(UplinkTopic::new("up/{clas}", "gw").is_err());
        assert!(UplinkTopic::new("up/#", "gw").is_err());
    }
}
