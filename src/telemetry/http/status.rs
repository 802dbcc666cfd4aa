//! `/status` and `/readyz` as JSON. Fields are only added.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};

use crate::telemetry::{
    Telemetry,
    process::{VERSION, resident_memory_bytes},
    stats::{HistogramSnapshot, PipelineSnapshot, PipelineStats},
};
use edgeward_core::domain::ShedPolicy;
use edgeward_core::domain::{Books, Reason};
use edgeward_outbox::{LaneSnapshot, OutboxSnapshot};

/// `{"ready": bool, "states": [{"state", "text", "blocks", "for_secs"}]}`
pub(super) fn readiness(telemetry: &Telemetry) -> Value {
    let states: Vec<_> = telemetry
        .readiness()
        .standing()
        .into_iter()
        .map(|standing| {
            json!({
                "state": standing.state.name(),
                "text": standing.text,
                "blocks": standing.state.blocks(),
                "for_secs": standing.held_for.as_secs_f64(),
            })
        })
        .collect();
    json!({ "ready": telemetry.readiness().ready(), "states": states })
}

/// Everything an operator asks first, in one object.
pub(super) fn status(telemetry: &Telemetry) -> Value {
    let readiness = readiness(telemetry);
    let pipelines: Map<_, _> =
        telemetry.pipelines().into_iter().map(|(name, stats)| (name, pipeline(&stats.snapshot()))).collect();
    json!({
        "version": VERSION,
        "device": telemetry.device(),
        "uptime_secs": telemetry.uptime().as_secs_f64(),
        "resident_memory_bytes": resident_memory_bytes(),
        "ready": readiness["ready"],
        "states": readiness["states"],
        "broker": {
            "url": telemetry.broker().url(),
            "connected": telemetry.broker().is_connected(),
            "reconnects": telemetry.broker().reconnects(),
        },
        "restart_needed": telemetry.restart_needed(),
        "messages_unmatched": telemetry.messages_unmatched(),
        "books": books(&telemetry.books()),
        "pipelines": pipelines,
        "outbox": telemetry.outbox().as_ref().map(outbox),
    })
}

/// What runs, for `edgeward check --against-running`: `{"settings", "models": {pipeline: digest}}`.
pub(super) fn settings(telemetry: &Telemetry) -> Value {
    let digest = |(name, stats): (String, Arc<PipelineStats>)| (name, stats.snapshot().model.digest.into());
    let models: Map<_, _> = telemetry.pipelines().into_iter().map(digest).collect();
    json!({ "settings": telemetry.settings(), "models": models })
}

fn pipeline(snapshot: &PipelineSnapshot) -> Value {
    let rejected: Map<_, _> = Reason::ALL
        .iter()
        .map(|reason| (reason.name().to_owned(), snapshot.ledger.rejected(*reason).into()))
        .collect();
    let shed: Map<_, _> = ShedPolicy::ALL
        .iter()
        .map(|policy| (policy.name().to_owned(), snapshot.ledger.shed(*policy).into()))
        .collect();
    json!({
        "model": {
            "name": snapshot.model.name,
            "version": snapshot.model.version,
            "digest": snapshot.model.digest,
            "engine": snapshot.engine,
        },
        "books": books(&snapshot.ledger.books),
        "rejected_by_reason": rejected,
        "shed_by_policy": shed,
        "messages": snapshot.messages,
        "retained_ignored": snapshot.retained_ignored,
        "last_message_age_secs": snapshot.last_message_age.map(|age| age.as_secs_f64()),
        "queue": { "messages": snapshot.queue_messages, "bytes": snapshot.queue_bytes },
        "verdicts": { "published": snapshot.verdicts_published, "dropped": snapshot.verdicts_dropped },
        "model_panics": snapshot.model_panics,
        "restarts": snapshot.restarts,
        "sources": { "held": snapshot.sources, "evicted": snapshot.sources_evicted },
        "latency_secs": {
            "queue": latency(&snapshot.queue),
            "scoring": latency(&snapshot.scoring),
            "end_to_end": latency(&snapshot.end_to_end),
        },
    })
}

/// Null without an `[outbox]`. Results are by pipeline, then by class.
fn outbox(outbox: &OutboxSnapshot) -> Value {
    let mut results: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for lane in &outbox.lanes {
        results.entry(&lane.pipeline).or_default().insert(lane.class.clone(), results_of(lane));
    }
    let uplinks: Map<_, _> = outbox
        .uplinks
        .iter()
        .map(|uplink| {
            let value = json!({
                "connected": uplink.connected,
                "in_flight": uplink.in_flight,
                "messages": uplink.messages,
                "bytes": uplink.bytes,
                "delivered": uplink.delivered,
            });
            (uplink.name.clone(), value)
        })
        .collect();
    json!({
        "bytes": outbox.bytes,
        "max_bytes": outbox.max_bytes,
        "free_bytes": outbox.free_bytes,
        "commits": outbox.commits,
        "journaled_inputs": outbox.journaled,
        "wall_corrections": outbox.wall_corrections,
        "results": results,
        "uplinks": uplinks,
    })
}

fn results_of(lane: &LaneSnapshot) -> Value {
    let ended: Map<_, _> =
        lane.ended.iter().map(|(bucket, results)| ((*bucket).to_owned(), (*results).into())).collect();
    json!({
        "came": { "made": lane.made, "imported": lane.imported, "replayed": lane.replayed },
        "ended": ended,
        "pending": lane.pending,
        "oldest_age_secs": (lane.pending > 0).then_some(lane.oldest_secs),
    })
}

/// Every counter, and whether they balance.
fn books(books: &Books) -> Value {
    let counters = books.counters().map(|(name, units)| (name.to_owned(), units.into()));
    counters.chain([("balance".to_owned(), books.balance().into())]).collect::<Map<_, _>>().into()
}

/// Percentiles are estimates from the histogram's buckets; null when nothing was counted.
fn latency(counted: &HistogramSnapshot) -> Value {
    json!({
        "count": counted.count(),
        "p50": counted.quantile_secs(0.5),
        "p99": counted.quantile_secs(0.99),
    })
}
