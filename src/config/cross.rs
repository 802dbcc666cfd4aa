//! What can only go wrong: settings that are fine alone and not together.

use super::{BrokerConfig, PipelineConfig, UplinkConfig};
use edgeward_core::{domain::TopicFilter, scoring::SourceRule, settings::Section};
use edgeward_outbox::OutboxSettings;

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
    outbox: Option<&OutboxSettings>,
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

/// What is allowed and most likely not meant.
pub(super) fn warn(
    root: &Section<'_>,
    broker: Option<&BrokerConfig>,
    pipelines: &[PipelineConfig],
    outbox: Option<&OutboxSettings>,
    uplinks: &[UplinkConfig],
) {
    if let Some(outbox) = outbox {
        if uplinks.is_empty() {
            let reason = "has no [uplinks.<name>]: results gather until it is full and the oldest are let go; add an uplink, or fetch them with `edgeward queue export`";
            root.warn("outbox", reason);
            for pipeline in pipelines.iter().filter(|pipeline| !pipeline.live) {
                let reason = "is false and there is no uplink: nobody receives its verdicts";
                root.warn(&format!("pipelines.{}.live", pipeline.name), reason);
            }
        }
        for uplink in uplinks {
            if !outbox.classes.iter().any(|class| class.uplink.as_ref() == Some(&uplink.name)) {
                let reason = "takes no class, so nothing is sent there: name it as `uplink` of a class";
                root.warn(&format!("uplinks.{}", uplink.name), reason);
            }
        }
        let mut taken: Vec<&String> = Vec::new();
        for class in &outbox.classes {
            if !class.when.is_empty() && class.when.iter().all(|name| taken.contains(&name)) {
                let reason = "names only conditions of classes that come before it: it never gets a verdict";
                root.warn(&format!("classes.{}.when", class.name), reason);
            }
            taken.extend(&class.when);
        }
    }
    for pipeline in pipelines {
        let many = pipeline.topics.iter().any(|topic| topic.as_str().contains(['+', '#']));
        if many && pipeline.source == SourceRule::None && pipeline.model.plan.spec().window.is_some() {
            let reason = "match several topics and the model has a window, which mixes all of them: set `source_topic_level` or `source_field`";
            root.warn(&format!("pipelines.{}.topics", pipeline.name), reason);
        }
    }
    let uplinks = uplinks.iter().map(|uplink| (format!("uplinks.{}.url", uplink.name), &uplink.options));
    let broker = broker.map(|broker| ("broker.url".to_owned(), &broker.options));
    for (key, options) in broker.into_iter().chain(uplinks) {
        let here = ["localhost", "127.0.0.1", "::1"].contains(&options.url.host.as_str());
        if options.login.password.is_some() && !options.url.tls && !here {
            root.warn(&key, "is not mqtts://: the password goes over the network as it is");
        }
    }
}
