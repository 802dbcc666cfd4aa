//! `[pipelines.<name>]`: which messages go through which model, and where verdicts go.

use super::Layers;
use crate::mqtt::Qos;
use edgeward_core::{
    domain::TopicFilter,
    models::{self, Model, ModelError},
    scoring::{
        SourceRule,
        declared::{FieldPath, Spec, merge_conditions, read_sizes, read_spec},
    },
    settings::{Section, Value, is_name},
};
use edgeward_engine::{Choice, Limits};

/// What to do with retained messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Retained {
    /// Subscribing again brings them again, so they are not scored.
    #[default]
    Ignore,
    Score,
}

/// One pipeline, validated, its model loaded. Two that are equal need no exchange at a reload.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineConfig {
    pub name: String,
    pub topics: Vec<TopicFilter>,
    pub qos: Qos,
    pub retained: Retained,
    pub model: Model,
    pub source: SourceRule,
    pub max_sources: usize,
    pub max_payload_bytes: usize,
    pub max_batch: usize,
    pub queue_messages: usize,
    pub queue_bytes: usize,
    /// Verdicts are published on `output` too; only an outbox makes that a choice.
    pub live: bool,
    /// A field in which the sender numbers its messages.
    pub sequence_field: Option<FieldPath>,
    pub output: TopicTemplate,
    pub output_qos: Qos,
    pub error_topic: Option<TopicTemplate>,
    pub copy_fields: Vec<FieldPath>,
}

/// A topic with `{pipeline}`, `{device}` and `{source}` in it; the first two are filled in here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicTemplate {
    /// The text between the places of the source.
    parts: Vec<String>,
}

impl TopicTemplate {
    /// Parses a template and fills in what is known.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str, device: &str, pipeline: &str) -> Result<Self, String> {
        let filled = text.replace("{device}", device).replace("{pipeline}", pipeline);
        let parts: Vec<String> = filled.split("{source}").map(str::to_owned).collect();
        let bare = parts.concat();
        if filled.is_empty() {
            return Err("must not be empty".into());
        }
        if bare.contains(['{', '}']) {
            return Err("may hold {pipeline}, {device} and {source} only".into());
        }
        if bare.contains(['+', '#', '\0']) {
            return Err("must be a topic without wildcards".into());
        }
        Ok(TopicTemplate { parts })
    }

    pub fn needs_source(&self) -> bool {
        self.parts.len() > 1
    }

    /// The topic for a source.
    pub fn topic(&self, source: &str) -> String {
        self.parts.join(source)
    }

    /// A filter that matches every topic this template can give.
    pub fn filter(&self) -> Option<TopicFilter> {
        let filled = self.parts.join("\u{1}");
        let levels = filled.split('/').map(|level| if level.contains('\u{1}') { "+" } else { level });
        TopicFilter::new(levels.collect::<Vec<_>>().join("/")).ok()
    }
}

pub(super) fn read(
    name: String,
    section: Section<'_>,
    device: &str,
    layers: &Layers,
    limits: &Limits,
    known: &[Model],
) -> Option<PipelineConfig> {
    if !is_name(&name) {
        section.fault("", "must be named with lower-case letters, digits, `_` and `-`");
    }
    let topics = read_topics(&section);
    let source = read_source(&section);
    let template = |key: &str, text: &str| {
        let template = TopicTemplate::new(text, device, &name);
        match template {
            Ok(template) if template.needs_source() && source == SourceRule::None => {
                let reason = "needs to know the source: set `source_topic_level` or `source_field`";
                section.fault(key, reason);
                None
            }
            Ok(template) => Some(template),
            Err(reason) => {
                section.fault(key, reason);
                None
            }
        }
    };
    let default_output = match source {
        SourceRule::None => "verdicts/{pipeline}",
        SourceRule::TopicLevel(_) | SourceRule::Field(_) => "verdicts/{pipeline}/{source}",
    };
    let output_text = section.text("output_topic").unwrap_or_else(|| default_output.into());
    let output = template("output_topic", &output_text);
    let error_text = section.text("error_topic");
    let error_topic = error_text.as_ref().and_then(|text| {
        let template = template("error_topic", text)?;
        if template.needs_source() {
            section.fault("error_topic", "can't hold {source}: a rejected message may have none");
        }
        Some(template)
    });
    let qos = |key, default| match section.integer_or(key, default, 0..=1) {
        0 => Qos::AtMostOnce,
        _ => Qos::AtLeastOnce,
    };
    let (topic_qos, output_qos) = (qos("qos", 1), qos("output_qos", 0));
    let retained = [("ignore", Retained::Ignore), ("score", Retained::Score)];
    let retained = section.choice_or("retained", "ignore", &retained);
    let max_sources = section.size_or("max_sources", 10_000, 1..=10_000_000);
    let max_payload_bytes = section.size_or("max_payload_bytes", 1 << 20, 1..=268_435_455);
    let max_batch = section.size_or("max_batch", 64, 1..=4096);
    let queue_messages = section.size_or("queue_messages", 4096, 1..=1_000_000);
    let queue_bytes = section.size_or("queue_bytes", 8 << 20, 1..=1 << 40);
    let copies = section.texts("copy_fields").unwrap_or_default();
    let live = section.boolean_or("live", true);
    let sequence_field = section.text("sequence_field").map(|path| FieldPath::parse(&path));
    let model = read_model(&section, layers, limits, known);
    if queue_bytes < max_payload_bytes {
        section.fault(
            "queue_bytes",
            format!("is below `max_payload_bytes` ({max_payload_bytes}): such a message would never fit"),
        );
    }
    section.finish();
    let model = model?;
    Some(PipelineConfig {
        topics,
        qos: topic_qos,
        retained,
        source,
        max_sources,
        max_payload_bytes,
        max_batch,
        queue_messages,
        queue_bytes,
        live,
        sequence_field,
        output: output?,
        output_qos,
        error_topic,
        copy_fields: copies.iter().map(|path| FieldPath::parse(path)).collect(),
        model,
        name,
    })
}

fn read_topics(section: &Section<'_>) -> Vec<TopicFilter> {
    let texts = section.texts("topics");
    if texts.is_none() && !section.has("topics") {
        section.fault("topics", "is missing: the topic filters whose messages are scored");
    }
    let texts = texts.unwrap_or_default();
    if texts.is_empty() && section.any("topics").is_some_and(|node| node.value == Value::Array(Vec::new())) {
        section.fault("topics", "is empty: the topic filters whose messages are scored");
    }
    let mut topics = Vec::new();
    for text in texts {
        match TopicFilter::new(text.as_str()) {
            Ok(filter) => topics.push(filter),
            Err(error) => section.fault("topics", format!("`{text}` {error}")),
        }
    }
    topics
}

fn read_source(section: &Section<'_>) -> SourceRule {
    let level = section.integer("source_topic_level", 1..=128).and_then(|l| usize::try_from(l).ok());
    let field = section.text("source_field");
    match (level, field) {
        (Some(_), Some(_)) => {
            section.fault("source_field", "and `source_topic_level` are both set; keep one");
            SourceRule::None
        }
        (Some(level), None) => SourceRule::TopicLevel(level),
        (None, Some(path)) => SourceRule::Field(FieldPath::parse(&path)),
        (None, None) => SourceRule::None,
    }
}

/// What a pipeline says of a bare model: a bundle says it itself.
const SETTLED_BY_BUNDLES: [&str; 9] =
    ["engine", "sizes", "batch_axis", "payload", "inputs", "state", "window", "prepare", "outputs"];

fn read_model(section: &Section<'_>, layers: &Layers, limits: &Limits, known: &[Model]) -> Option<Model> {
    let path = section.required_text("model", "a bundle's folder or an .onnx file");
    let has_mapping = SETTLED_BY_BUNDLES.into_iter().find(|key| section.has(key));
    let Some(path) = path.map(|path| layers.resolve(&path)) else {
        // Still look at the mapping, so that its faults are told too.
        section.choice_or("engine", "auto", &Choice::NAMES);
        read_spec(section);
        read_sizes(section);
        return None;
    };
    let told = |error: ModelError| match error {
        ModelError::Bundle { path, faults } => {
            for fault in faults {
                section.fault("model", format!("{}: {fault}", path.display()));
            }
        }
        ModelError::Unfit { faults, .. } => {
            for fault in faults {
                section.fault("model", format!("{}: {}", fault.key, fault.reason));
            }
        }
        other => section.fault("model", other.to_string()),
    };
    let mut opened = match models::open(&path, limits) {
        Ok(opened) => opened,
        Err(error) => {
            told(error);
            for key in SETTLED_BY_BUNDLES.into_iter().chain(["conditions"]) {
                section.any(key);
            }
            return None;
        }
    };
    if opened.is_bundle {
        if let Some(key) = has_mapping {
            let reason = "is settled by the bundle; it can be set for a bare .onnx only";
            section.fault(key, reason);
        }
        for key in SETTLED_BY_BUNDLES {
            section.any(key);
        }
        merge_conditions(section, &mut opened.spec.conditions);
    } else {
        opened.engine = section.choice_or("engine", "auto", &Choice::NAMES);
        let (sizes, batch_axis) = read_sizes(section);
        opened.spec = Spec { sizes, batch_axis, ..read_spec(section) };
    }
    models::load_unless_known(opened, limits, known).map_err(told).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_gives_topics_and_a_filter_that_matches_them() {
        let template = TopicTemplate::new("v/{device}/{pipeline}/{source}", "d", "p").unwrap();
        assert_eq!(template.topic("m1"), "v/d/p/m1");
        assert_eq!(template.filter().unwrap().as_str(), "v/d/p/+");
        assert!(TopicTemplate::new("v/{sourc}", "d", "p").is_err());
        assert!(TopicTemplate::new("v/+", "d", "p").is_err());
    }
}
