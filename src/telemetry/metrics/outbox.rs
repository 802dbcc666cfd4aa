//! The outbox and its uplinks; absent without an `[outbox]`.

use std::fmt;

use prometheus_client::registry::Unit;

use super::families::{Families, Sample};
use edgeward_outbox::{LaneSnapshot, OutboxSnapshot, UplinkSnapshot};

type LaneLabels<'a> = [(&'static str, &'a str); 2];

impl Families<'_> {
    pub(super) fn outbox(&mut self, outbox: &OutboxSnapshot) -> fmt::Result {
        self.store(outbox)?;
        self.results(&outbox.lanes)?;
        self.uplinks(&outbox.uplinks)
    }

    fn store(&mut self, outbox: &OutboxSnapshot) -> fmt::Result {
        let bytes = Some(Unit::Bytes);
        self.one_gauge("edgeward_outbox", "What the outbox takes on disk", bytes.clone(), outbox.bytes)?;
        let help = "What it may take on disk";
        self.one_gauge("edgeward_outbox_max", help, bytes.clone(), outbox.max_bytes)?;
        let help = "Free on the file system of the outbox, for users without privileges";
        self.one_gauge("edgeward_outbox_free", help, bytes, outbox.free_bytes)?;
        let help = "Commits since the daemon started";
        self.one_counter("edgeward_outbox_commits", help, outbox.commits)?;
        let help = "Inputs journaled because scoring took long, since the daemon started";
        self.one_counter("edgeward_outbox_journaled_inputs", help, outbox.journaled)?;
        let help = "Corrections of the wall clock by more than a second, since the outbox was created";
        self.one_counter("edgeward_outbox_wall_corrections", help, outbox.wall_corrections)
    }

    fn results(&mut self, lanes: &[LaneSnapshot]) -> fmt::Result {
        let came = lanes.iter().flat_map(|lane| {
            [("made", lane.made), ("imported", lane.imported), ("replayed", lane.replayed)]
                .map(|(origin, results)| (with(lane, ("origin", origin)), results))
        });
        let help = "Results that came into the outbox since it was created, by origin";
        self.counter("edgeward_results_came", help, came)?;
        let ended = lanes.iter().flat_map(|lane| {
            lane.ended.iter().map(move |(bucket, results)| (with(lane, ("bucket", bucket)), *results))
        });
        let help = "Results that ended since the outbox was created, by the bucket they ended in";
        self.counter("edgeward_results_ended", help, ended)?;
        let pending = each(lanes, |lane| lane.pending);
        self.gauge("edgeward_results_pending", "Results stored and not yet ended", None, pending)?;
        let oldest = each(lanes, |lane| lane.oldest_secs);
        let help = "Age of the oldest pending result, to the accuracy of its segment";
        self.gauge("edgeward_results_oldest_age", help, Some(Unit::Seconds), oldest)
    }

    fn uplinks(&mut self, uplinks: &[UplinkSnapshot]) -> fmt::Result {
        let per = |value: fn(&UplinkSnapshot) -> u64| {
            uplinks.iter().map(move |uplink| ([("uplink", uplink.name.as_str())], value(uplink)))
        };
        let connected = per(|uplink| u64::from(uplink.connected));
        self.gauge("edgeward_uplink_connected", "1 while the uplink's session stands", None, connected)?;
        let help = "Messages sent and not yet acknowledged";
        self.gauge("edgeward_uplink_in_flight_messages", help, None, per(|uplink| uplink.in_flight))?;
        let help = "Messages sent since the daemon started; a batch is one";
        self.counter("edgeward_uplink_messages", help, per(|uplink| uplink.messages))?;
        let help = "Payload sent since the daemon started, as it goes over the link";
        self.counter("edgeward_uplink_payload_bytes", help, per(|uplink| uplink.bytes))?;
        let help = "Results acknowledged by the receiver since the daemon started";
        self.counter("edgeward_uplink_delivered_results", help, per(|uplink| uplink.delivered))
    }
}

fn labels(lane: &LaneSnapshot) -> LaneLabels<'_> {
    [("pipeline", &lane.pipeline), ("class", &lane.class)]
}

fn with<'a>(lane: &'a LaneSnapshot, more: (&'static str, &'a str)) -> [(&'static str, &'a str); 3] {
    let [pipeline, class] = labels(lane);
    [pipeline, class, more]
}

/// One sample a lane.
fn each<'a, V>(
    lanes: &'a [LaneSnapshot],
    value: impl Fn(&LaneSnapshot) -> V + 'a,
) -> impl Iterator<Item = Sample<LaneLabels<'a>, V>> {
    lanes.iter().map(move |lane| (labels(lane), value(lane)))
}

#[cfg(test)]
mod tests {
    use crate::telemetry::{Telemetry, metrics::render};
    use edgeward_outbox::{LaneSnapshot, OutboxSnapshot, UplinkSnapshot};

    fn snapshot() -> OutboxSnapshot {
        let lane = |class: &str, pending| LaneSnapshot {
            pipeline: "press".into(),
            class: class.into(),
            made: 7,
            imported: 2,
            replayed: 1,
            ended: vec![("delivered", 4), ("shed", 3)],
            pending,
            oldest_secs: 90.5,
        };
        OutboxSnapshot {
            bytes: 8192,
            max_bytes: 1 << 20,
            free_bytes: 1 << 30,
            commits: 12,
            journaled: 5,
            wall_corrections: 1,
            lanes: vec![lane("alarm", 0), lane("result", 3)],
            uplinks: vec![UplinkSnapshot {
                name: "hub".into(),
                connected: true,
                in_flight: 6,
                messages: 9,
                bytes: 2700,
                delivered: 8,
            }],
        }
    }

    #[test]
    fn the_outbox_has_its_families() {
        let telemetry = Telemetry::new("gateway");
        telemetry.set_outbox(snapshot);
        let text = render(&telemetry);
        for line in [
            "# UNIT edgeward_outbox_bytes bytes",
            "edgeward_outbox_bytes 8192",
            "edgeward_outbox_max_bytes 1048576",
            "edgeward_outbox_free_bytes 1073741824",
            "edgeward_outbox_commits_total 12",
            "edgeward_outbox_journaled_inputs_total 5",
            "edgeward_outbox_wall_corrections_total 1",
            "edgeward_results_came_total{pipeline=\"press\",class=\"alarm\",origin=\"made\"} 7",
            "edgeward_results_came_total{pipeline=\"press\",class=\"result\",origin=\"imported\"} 2",
            "edgeward_results_came_total{pipeline=\"press\",class=\"result\",origin=\"replayed\"} 1",
            "edgeward_results_ended_total{pipeline=\"press\",class=\"result\",bucket=\"delivered\"} 4",
            "edgeward_results_ended_total{pipeline=\"press\",class=\"alarm\",bucket=\"shed\"} 3",
            "edgeward_results_pending{pipeline=\"press\",class=\"result\"} 3",
            "edgeward_results_oldest_age_seconds{pipeline=\"press\",class=\"result\"} 90.5",
            "edgeward_uplink_connected{uplink=\"hub\"} 1",
            "edgeward_uplink_in_flight_messages{uplink=\"hub\"} 6",
            "edgeward_uplink_messages_total{uplink=\"hub\"} 9",
            "edgeward_uplink_payload_bytes_total{uplink=\"hub\"} 2700",
            "edgeward_uplink_delivered_results_total{uplink=\"hub\"} 8",
        ] {
            assert!(text.lines().any(|have| have == line), "{line} is not in\n{text}");
        }
        let mut names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "a family is written twice");
    }

    #[test]
    fn without_an_outbox_there_is_nothing_of_it() {
        let text = render(&Telemetry::new("gateway"));
        for prefix in ["edgeward_outbox", "edgeward_results", "edgeward_uplink"] {
            assert!(!text.contains(prefix), "{prefix}");
        }
    }
}
