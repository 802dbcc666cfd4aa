//! What can only go wrong: settings that are fine alone and not together.

use super::{BrokerConfig, OutboxConfig, PipelineConfig, UplinkConfig};
use edgeward_core::{domain::TopicFilter, settings::Section};

pub(super) fn check(root: &Section<'_>, broker: Option<&BrokerConfig>, pipelines: &[PipelineConfig]) {
    for pipeline in pipelines {
        let outputs =
            [("output_topic", Some(&pipeline.output)), ("error_topic", pipeline.error_topic.as_ref())];
        for (key, template) in outputs {
            let Some(output) = template.and_then(|template| template.filter()) else { continue };
            for reader in pipelines {
                if let Some(input) = reader.topics.iter().find(|filter| filter.overlaps(&output)) {
                    root.fault(
                        &format!("pipelines.{}.{key}", pipeline.name),
                        format!(
                            "publishes to `{output}`, which pipeline `{}` reads with `{input}`: verdicts would be scored again without end",
                            reader.name
                        ),
                    );
                }
            }
        }
        if let Some(broker) = broker {
            let limit = broker.options.max_packet_bytes;
            if pipeline.max_payload_bytes > limit {
                root.fault(
                    &format!("pipelines.{}.max_payload_bytes", pipeline.name),
                    format!(
                        "is {} and `broker.max_packet_bytes` only {limit}: set it to at most that",
                        pipeline.max_payload_bytes
                    ),
                );
            }
            if let Ok(state) = TopicFilter::new(broker.state_topic.as_str())
                && pipeline.topics.iter().any(|filter| filter.overlaps(&state))
            {
                root.fault(
                    &format!("pipelines.{}.topics", pipeline.name),
                    format!("reads the daemon's own state topic `{state}`"),
                );
            }
        }
    }
    for (i, a) in pipelines.iter().enumerate() {
        for b in &pipelines[i + 1..] {
            let same = match (a.output.filter(), b.output.filter()) {
                (Some(x), Some(y)) => x.overlaps(&y),
                _ => false,
            };
            let names = |pipeline: &PipelineConfig| -> Vec<String> {
                pipeline.model.plan.spec().outputs.iter().map(|output| output.name.clone()).collect()
            };
            if same && names(a) != names(b) {
                root.fault(
                    &format!("pipelines.{}.output_topic", b.name),
                    format!("is also that of pipeline `{}`, whose verdicts have other outputs; add {{pipeline}} to the topic", a.name),
                );
            }
        }
    }
}

/// Classes, uplinks and the outbox against each other and the pipelines.
pub(super) fn check_outbox(
    root: &Section<'_>,
    broker: Option<&BrokerConfig>,
    pipelines: &[PipelineConfig],
    outbox: Option<&OutboxConfig>,
    uplinks: &[UplinkConfig],
) {
    let Some(outbox) = outbox else {
        for pipeline in pipelines.iter().filter(|pipeline| !pipeline.live) {
            let reason = "is false and there is no [outbox]: its verdicts would go nowhere";
            root.fault(&format!("pipelines.{}.live", pipeline.name), reason);
        }
        return;
    };
    let conditions: Vec<&str> = pipelines
        .iter()
        .flat_map(|pipeline| &pipeline.model.plan.spec().conditions)
        .map(|condition| condition.name.as_str())
        .collect();
    for class in &outbox.classes {
        for name in class.when.iter().filter(|name| !conditions.contains(&name.as_str())) {
            let known = conditions.join(", ");
            let reason = format!("names the condition `{name}`, which no pipeline has; there are: {known}");
            root.fault(&format!("classes.{}.when", class.name), reason);
        }
        if class.policy.share_bytes > outbox.max_bytes {
            root.fault(&format!("classes.{}.share_percent", class.name), "is more than the whole outbox");
        }
    }
    let largest = pipelines.iter().map(|pipeline| pipeline.max_payload_bytes as u64).max().unwrap_or(0);
    if largest * 4 > outbox.max_bytes {
        let reason = format!(
            "is {}, less than four messages of `max_payload_bytes` ({largest}): raise it, or lower that",
            outbox.max_bytes
        );
        root.fault("outbox.max_bytes", reason);
    }
    for uplink in uplinks {
        let key = format!("uplinks.{}", uplink.name);
        let same_broker = broker.is_some_and(|broker| broker.options.url == uplink.options.url);
        if same_broker && broker.is_some_and(|broker| broker.options.client_id == uplink.options.client_id) {
            let reason = "is that of [broker] at the same broker: each would throw the other out";
            root.fault(&format!("{key}.client_id"), reason);
        }
        if !same_broker {
            continue;
        }
        for pipeline in pipelines {
            for class in &outbox.classes {
                let topic = uplink.topic.fill(&pipeline.name, &class.name, "\u{1}");
                let levels = topic.split('/').map(|level| if level.contains('\u{1}') { "+" } else { level });
                let Ok(filter) = TopicFilter::new(levels.collect::<Vec<_>>().join("/")) else { continue };
                let reader =
                    pipelines.iter().find(|reader| reader.topics.iter().any(|t| t.overlaps(&filter)));
                if let Some(reader) = reader {
                    let reason = format!(
                        "publishes to `{filter}`, which pipeline `{}` reads: results would be scored again without end",
                        reader.name
                    );
                    root.fault(&format!("{key}.topic"), reason);
                    return;
                }
            }
        }
    }
}
