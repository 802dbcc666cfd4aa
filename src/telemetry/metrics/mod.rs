//! The metrics as text, in the OpenMetrics format that Prometheus reads: base units (seconds,
//! bytes), names that begin with `edgeward_`, `_total` on counters.
//!
//! Every reason and policy is there from the start at 0, so that a rate over it is never absent.

mod families;
mod outbox;

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet, text},
    metrics::MetricType,
    registry::{Registry, Unit},
};

use families::{Families, Sample};

use super::{
    State, Telemetry,
    process::{VERSION, resident_memory_bytes},
    stats::{HistogramSnapshot, PipelineSnapshot},
};
use edgeward_core::domain::{Bucket, Reason, ShedPolicy};

/// The media type of [`render`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of the process, read now.
pub fn render(telemetry: &Arc<Telemetry>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Metrics(telemetry.clone())));
    let mut text = String::with_capacity(16 * 1024);
    text::encode(&mut text, &registry).expect("writing to a String does not fail");
    text
}

/// Reads [`Telemetry`] when asked: there is no second copy of a number to keep in step.
#[derive(Debug)]
struct Metrics(Arc<Telemetry>);

type Snapshots = [(String, PipelineSnapshot)];

impl Collector for Metrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Families { encoder };
        out.process(&self.0)?;
        let snapshots: Vec<_> =
            self.0.pipelines().into_iter().map(|(name, stats)| (name, stats.snapshot())).collect();
        out.ledger(&snapshots)?;
        out.traffic(&snapshots)?;
        out.latencies(&snapshots)?;
        match self.0.outbox() {
            Some(outbox) => out.outbox(&outbox),
            None => Ok(()),
        }
    }
}

impl Families<'_> {
    fn process(&mut self, telemetry: &Telemetry) -> fmt::Result {
        let build = [("version", VERSION), ("device", telemetry.device())];
        self.info("edgeward_build", "Version of edgeward and name of the device", [build])?;
        let uptime_secs = telemetry.uptime().as_secs_f64();
        self.one_gauge("edgeward_uptime", "Since the daemon started", Some(Unit::Seconds), uptime_secs)?;
        if let Some(bytes) = resident_memory_bytes() {
            let name = "edgeward_process_resident_memory";
            self.one_gauge(name, "Resident memory of the process", Some(Unit::Bytes), bytes)?;
        }
        let broker = telemetry.broker();
        let connected = u64::from(broker.is_connected());
        self.one_gauge("edgeward_broker_connected", "1 while the broker's session stands", None, connected)?;
        let reconnects = broker.reconnects();
        self.one_counter("edgeward_broker_reconnects", "Sessions accepted after the first", reconnects)?;
        let unmatched = telemetry.messages_unmatched();
        self.one_counter("edgeward_messages_unmatched", "Messages that no pipeline wants", unmatched)?;
        let ready = u64::from(telemetry.readiness().ready());
        self.one_gauge("edgeward_ready", "1 while no state blocks", None, ready)?;
        let standing = telemetry.readiness().standing();
        let states = State::ALL.map(|state| {
            ([("state", state.name())], u64::from(standing.iter().any(|standing| standing.state == state)))
        });
        self.gauge("edgeward_state", "1 while the state holds", None, states)
    }

    fn ledger(&mut self, snapshots: &Snapshots) -> fmt::Result {
        let models = snapshots.iter().map(|(name, snapshot)| {
            let model = &snapshot.model;
            [
                ("pipeline", name.as_str()),
                ("name", model.name.as_str()),
                ("version", model.version.as_str()),
                ("digest", model.digest.as_str()),
                ("engine", snapshot.engine),
            ]
        });
        self.info("edgeward_model", "The model a pipeline runs", models)?;
        let received = each(snapshots, |snapshot| snapshot.ledger.books.received);
        self.counter("edgeward_pipeline_received_units", "Units received", received)?;
        let settled = snapshots.iter().flat_map(|(name, snapshot)| {
            let books = snapshot.ledger.books;
            Bucket::ALL
                .map(|bucket| ([("pipeline", name.as_str()), ("bucket", bucket.name())], books.ended(bucket)))
        });
        self.counter("edgeward_pipeline_units", "Units that ended, by the bucket they ended in", settled)?;
        let pending = each(snapshots, |snapshot| snapshot.ledger.books.pending);
        self.gauge("edgeward_pipeline_pending_units", "Units received and not yet ended", None, pending)?;
        let rejected = snapshots.iter().flat_map(|(name, snapshot)| {
            Reason::ALL.iter().map(move |reason| {
                ([("pipeline", name.as_str()), ("reason", reason.name())], snapshot.ledger.rejected(*reason))
            })
        });
        self.counter("edgeward_rejected", "Units rejected, by reason", rejected)?;
        let shed = snapshots.iter().flat_map(|(name, snapshot)| {
            ShedPolicy::ALL.iter().map(move |policy| {
                ([("pipeline", name.as_str()), ("policy", policy.name())], snapshot.ledger.shed(*policy))
            })
        });
        self.counter("edgeward_shed", "Units let go before they were scored, by policy", shed)
    }

    fn traffic(&mut self, snapshots: &Snapshots) -> fmt::Result {
        let per = |value: fn(&PipelineSnapshot) -> u64| each(snapshots, value);
        self.counter("edgeward_messages", "Messages that arrived from the broker", per(|s| s.messages))?;
        self.counter("edgeward_retained_ignored", "Retained messages ignored", per(|s| s.retained_ignored))?;
        self.gauge(
            "edgeward_seconds_since_last_message",
            "Since the last message, or since the pipeline began when none came",
            None,
            each(snapshots, |s| s.silence.as_secs_f64()),
        )?;
        self.gauge(
            "edgeward_queue_messages",
            "Messages that wait to be scored",
            None,
            per(|s| s.queue_messages),
        )?;
        self.gauge(
            "edgeward_queue",
            "Payload of the messages that wait to be scored",
            Some(Unit::Bytes),
            per(|s| s.queue_bytes),
        )?;
        self.counter(
            "edgeward_verdicts_published",
            "Verdicts handed to the broker's connection",
            per(|s| s.verdicts_published),
        )?;
        self.counter(
            "edgeward_verdicts_dropped",
            "Live verdicts dropped at the memory bound for unsent ones",
            per(|s| s.verdicts_dropped),
        )?;
        self.counter("edgeward_batch_rows", "Rows the model ran over", per(|s| s.batch_rows))?;
        self.counter(
            "edgeward_model_panics",
            "Inputs on which the engine panicked",
            per(|s| s.model_panics),
        )?;
        self.counter(
            "edgeward_engine_changes",
            "Times our own executor took a model over, after tract failed at a row that it answers",
            per(|s| s.engine_changes),
        )?;
        self.counter(
            "edgeward_pipeline_restarts",
            "Deaths of the pipeline's thread, after which it was begun again or closed",
            per(|s| s.restarts),
        )?;
        self.gauge("edgeward_sources", "Sources whose state is held", None, per(|s| s.sources))?;
        self.counter(
            "edgeward_sources_evicted",
            "Sources forgotten to make room for new ones",
            per(|s| s.sources_evicted),
        )
    }

    fn latencies(&mut self, snapshots: &Snapshots) -> fmt::Result {
        self.histogram("edgeward_queue_wait", "A message's wait before scoring began", snapshots, |s| {
            &s.queue
        })?;
        self.histogram("edgeward_scoring", "One run of the model over a batch", snapshots, |s| &s.scoring)?;
        self.histogram(
            "edgeward_end_to_end",
            "From a message's arrival to its verdict being handed over",
            snapshots,
            |s| &s.end_to_end,
        )
    }

    fn histogram(
        &mut self,
        name: &str,
        help: &str,
        snapshots: &Snapshots,
        pick: fn(&PipelineSnapshot) -> &HistogramSnapshot,
    ) -> fmt::Result {
        let unit = Some(Unit::Seconds);
        let mut family = self.encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Histogram)?;
        for (pipeline, snapshot) in snapshots {
            let counted = pick(snapshot);
            family.encode_family(&[("pipeline", pipeline.as_str())])?.encode_histogram::<NoLabelSet>(
                counted.sum_secs(),
                counted.count(),
                &counted.exposed(),
                None,
            )?;
        }
        Ok(())
    }
}

type PipelineLabel<'a> = [(&'static str, &'a str); 1];

/// One sample a pipeline.
fn each<V>(
    snapshots: &Snapshots,
    value: impl Fn(&PipelineSnapshot) -> V,
) -> impl Iterator<Item = Sample<PipelineLabel<'_>, V>> {
    snapshots.iter().map(move |(name, snapshot)| ([("pipeline", name.as_str())], value(snapshot)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::telemetry::ModelInfo;

    fn filled() -> Arc<Telemetry> {
        let telemetry = Telemetry::new("gateway \"7\"");
        telemetry.broker().connected();
        telemetry.readiness().enter(State::Shedding, "test");
        let model = ModelInfo { name: "wear".into(), version: "1.2.0".into(), digest: "ab12".into() };
        let stats = telemetry.add_pipeline("press", model);
        assert!(!stats.runs_on("tract"), "nothing ran it before");
        stats.message_arrived();
        stats.receive(3);
        stats.settle(Bucket::Scored, 1);
        stats.reject(Reason::MissingField);
        stats.observe_batch(2, Duration::from_micros(12));
        stats.observe_end_to_end(Duration::from_secs(60));
        telemetry
    }

    #[test]
    fn counters_gauges_and_infos_have_their_names() {
        let text = render(&filled());
        for line in [
            "edgeward_build_info{version=\"0.1.0\",device=\"gateway \\\"7\\\"\"} 1",
            "edgeward_model_info{pipeline=\"press\",name=\"wear\",version=\"1.2.0\",digest=\"ab12\",engine=\"tract\"} 1",
            "edgeward_pipeline_received_units_total{pipeline=\"press\"} 3",
            "edgeward_pipeline_units_total{pipeline=\"press\",bucket=\"scored\"} 1",
            "edgeward_pipeline_units_total{pipeline=\"press\",bucket=\"shed\"} 0",
            "edgeward_pipeline_pending_units{pipeline=\"press\"} 1",
            "edgeward_rejected_total{pipeline=\"press\",reason=\"missing_field\"} 1",
            "edgeward_rejected_total{pipeline=\"press\",reason=\"model_panicked\"} 0",
            "edgeward_shed_total{pipeline=\"press\",policy=\"queue_full\"} 0",
            "edgeward_broker_connected 1",
            "edgeward_ready 1",
            "edgeward_state{state=\"shedding\"} 1",
            "edgeward_state{state=\"taken_over\"} 0",
            "edgeward_messages_total{pipeline=\"press\"} 1",
        ] {
            assert!(text.lines().any(|have| have == line), "{line} is not in\n{text}");
        }
        assert!(text.contains("\nedgeward_seconds_since_last_message{pipeline=\"press\"} 0.0"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn histograms_are_cumulative_seconds() {
        let text = render(&filled());
        for line in [
            "edgeward_scoring_seconds_bucket{le=\"0.00001\",pipeline=\"press\"} 0",
            "edgeward_scoring_seconds_bucket{le=\"0.000025\",pipeline=\"press\"} 1",
            "edgeward_scoring_seconds_bucket{le=\"+Inf\",pipeline=\"press\"} 1",
            "edgeward_scoring_seconds_count{pipeline=\"press\"} 1",
            "edgeward_end_to_end_seconds_bucket{le=\"10.0\",pipeline=\"press\"} 0",
            "edgeward_end_to_end_seconds_bucket{le=\"+Inf\",pipeline=\"press\"} 1",
            "edgeward_end_to_end_seconds_sum{pipeline=\"press\"} 60.0",
        ] {
            assert!(text.lines().any(|have| have == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn no_family_is_written_twice() {
        let text = render(&filled());
        let mut names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(all > 20);
        assert!(names.iter().all(|name| name.starts_with("edgeward_")));
    }
}
