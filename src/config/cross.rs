//! What can only go wrong: settings that are fine alone and not together.

use super::{BrokerConfig, PipelineConfig};
use crate::{domain::TopicFilter, settings::Section};

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
