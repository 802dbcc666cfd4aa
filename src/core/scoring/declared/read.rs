//! Reading a declaration from settings: `[payload]`, `[inputs]`, `[window]`,
//! `[prepare]`, `[outputs]`, `[conditions]`.

use super::{
    ConditionSpec, FieldKind, FieldPath, FieldSpec, Format, InputSource, InputSpec, Missing, Operator,
    PayloadSpec, Scaling, Spec, Threshold, TimeFormat,
    given::{read_given, read_states},
    image::read_image,
    outputs::read_output,
    prepare::SeriesSpec,
    steps::read_prepare,
    window::read_window,
};
use crate::{
    decide::HoldRule,
    domain::ElementType,
    settings::{Item, Section, Value},
};

/// Reads the tables of a declaration below `section`; faults are noted there.
pub fn read_spec(section: &Section<'_>) -> Spec {
    let payload = read_payload(section.section("payload"));
    let inputs = section.named_sections("inputs").into_iter();
    let outputs = section.named_sections("outputs").into_iter();
    let states = read_states(section);
    let inputs = inputs.filter_map(|(tensor, input)| read_input(tensor, input, payload.format));
    let carried = states.iter().map(|state| InputSpec {
        tensor: state.input.clone(),
        source: InputSource::State,
        series: None,
    });
    Spec {
        inputs: inputs.chain(carried).collect(),
        states,
        window: read_window(section.section("window"), payload.time.is_some()),
        prepare: read_prepare(section.section("prepare")),
        outputs: outputs.filter_map(|(name, output)| read_output(name, output)).collect(),
        conditions: read_conditions(section),
        payload,
        ..Spec::default()
    }
}

fn read_payload(section: Section<'_>) -> PayloadSpec {
    let path = |key| section.text(key).map(|text| FieldPath::parse(&text));
    let delimiter = section.text("delimiter").and_then(|text| match text.as_bytes() {
        [byte] if byte.is_ascii() => Some(*byte),
        _ => {
            section.fault("delimiter", "must be one ASCII character");
            None
        }
    });
    let payload = PayloadSpec {
        format: section.choice("format", &Format::NAMES).unwrap_or_default(),
        readings: path("readings"),
        time: path("time"),
        time_format: section.choice("time_format", &TimeFormat::NAMES).unwrap_or_default(),
        message_id: path("message_id"),
        columns: section.texts("columns").unwrap_or_default(),
        delimiter,
    };
    if payload.format != Format::Json && payload.readings.is_some() {
        section.fault("readings", "is for JSON payloads only");
    }
    if payload.format != Format::Csv && (!payload.columns.is_empty() || delimiter.is_some()) {
        section.fault("columns", "and `delimiter` are for CSV payloads only");
    }
    section.finish();
    payload
}

fn read_input(tensor: String, section: Section<'_>, format: Format) -> Option<InputSpec> {
    let scaling = read_scaling(&section);
    let fields =
        section.items("fields").map(|items| items.into_iter().filter_map(read_field).collect::<Vec<_>>());
    let array = section.text("array").map(|text| FieldPath::parse(&text));
    let element = section.text("element").and_then(|name| {
        let element = ElementType::from_name(&name).filter(|e| e.width_bytes().is_some());
        if element.is_none() {
            let names = ElementType::ALL.iter().map(|e| e.name()).filter(|name| *name != "string");
            section.fault_suggesting("element", "is not an element type of raw payloads", &name, names);
        }
        element
    });
    let image = section.has("image").then(|| read_image(section.section("image")));
    let given = read_given(&section);
    let source = match (format, fields, array, element, image) {
        (_, None, None, None, None) if given.is_some() => given,
        _ if given.is_some() => {
            section.fault("", "is filled twice: by a message, and by `constant` or `size_of`");
            None
        }
        (Format::Json | Format::Csv, Some(fields), None, None, None) => Some(InputSource::Fields(fields)),
        (Format::Json | Format::Csv, None, Some(path), None, None) => {
            Some(InputSource::Array { path, scaling })
        }
        (Format::Raw, None, None, Some(element), None) => Some(InputSource::Raw { element, scaling }),
        (Format::Image, None, None, None, Some(image)) => image.map(InputSource::Image),
        (format, ..) => {
            let needs = match format {
                Format::Json | Format::Csv => "exactly one of `fields` and `array`",
                Format::Raw => "`element`, and none of `fields`, `array`, `image`",
                Format::Image => "`image`, and none of `fields`, `array`, `element`",
            };
            section.fault("", format!("with a {} payload an input needs {needs}", format.name()));
            None
        }
    };
    let of_messages = source.as_ref().filter(|source| source.is_of_messages());
    let series = of_messages.map(|source| read_series(&section, source));
    section.finish();
    source.map(|source| InputSpec { tensor, source, series })
}

/// What a reading brings, for series that are prepared.
fn read_series(section: &Section<'_>, source: &InputSource) -> SeriesSpec {
    let count = |key, most| section.integer(key, 1..=most).and_then(|n| usize::try_from(n).ok());
    let series = SeriesSpec {
        names: match source {
            InputSource::Fields(fields) => fields.iter().map(|field| field.path.to_string()).collect(),
            _ => Vec::new(),
        },
        points: count("points", 1 << 24),
        channels: count("channels", 1 << 20),
    };
    if matches!(source, InputSource::Fields(_)) && (series.points.is_some() || series.channels.is_some()) {
        section.fault("points", "and `channels` are for `array` and `element`: `fields` say it themselves");
    }
    series
}

fn read_scaling(section: &Section<'_>) -> Scaling {
    Scaling { scale: section.number("scale").unwrap_or(1.0), offset: section.number("offset").unwrap_or(0.0) }
}

fn read_field(item: Item<'_>) -> Option<FieldSpec> {
    let section = match item {
        Item::Text(path, _) => {
            return Some(FieldSpec {
                path: FieldPath::parse(&path),
                kind: FieldKind::default(),
                scaling: Scaling::default(),
                missing: Missing::default(),
            });
        }
        Item::Section(section) => section,
    };
    let missing = match section.any("missing").map(|node| &node.value) {
        None => Missing::Reject,
        Some(Value::Text(text)) if text == "reject" => Missing::Reject,
        Some(Value::Text(text)) if text == "last" => Missing::LastKnown,
        Some(Value::Text(text)) if text == "nan" => Missing::Nan,
        Some(Value::Integer(i)) => Missing::Constant(*i as f64),
        Some(Value::Float(x)) if x.is_finite() => Missing::Constant(*x),
        Some(_) => {
            section.fault("missing", "must be \"reject\", \"last\", \"nan\" or a finite number");
            Missing::Reject
        }
    };
    let field = FieldSpec {
        path: FieldPath::parse(&section.required_text("path", "where the field stands in the payload")?),
        kind: section.choice("type", &FieldKind::NAMES).unwrap_or_default(),
        scaling: read_scaling(&section),
        missing,
    };
    section.finish();
    Some(field)
}

fn read_conditions(section: &Section<'_>) -> Vec<ConditionSpec> {
    let sections = section.named_sections("conditions").into_iter();
    sections.map(|(name, section)| read_condition(name, section)).collect()
}

fn read_condition(name: String, section: Section<'_>) -> ConditionSpec {
    let output = section.required_text("output", "the verdict's output it looks at");
    let operator = section.choice("operator", &Operator::NAMES);
    if operator.is_none() && !section.has("operator") {
        section.fault("operator", "is missing: one of >, >=, <, <=, ==, !=");
    }
    let value = read_threshold(&section);
    if value.is_none() && !section.has("value") {
        section.fault("value", "is missing: what the output is compared with");
    }
    let text = matches!(value, Some(Threshold::Text(_)));
    if text && !matches!(operator, Some(Operator::Equal | Operator::NotEqual) | None) {
        section.fault("operator", "must be == or != to compare with text");
    }
    let condition = ConditionSpec {
        name,
        label: section.text("label"),
        index: section.integer("index", 0..=u64::from(u32::MAX)).and_then(|i| usize::try_from(i).ok()),
        hysteresis: read_hysteresis(&section),
        hold: read_hold(&section, HoldRule::default()),
        confidence: read_confidence(&section),
        output: output.unwrap_or_default(),
        operator: operator.unwrap_or(Operator::Above),
        value: value.unwrap_or(Threshold::Number(0.0)),
    };
    section.finish();
    condition
}

fn read_threshold(section: &Section<'_>) -> Option<Threshold> {
    match section.any("value").map(|node| &node.value)? {
        Value::Text(text) => Some(Threshold::Text(text.clone())),
        _ => section.number("value").map(Threshold::Number),
    }
}

fn read_hysteresis(section: &Section<'_>) -> f64 {
    let hysteresis = section.number("hysteresis").unwrap_or(0.0);
    if hysteresis < 0.0 {
        section.fault("hysteresis", "must not be negative");
    }
    hysteresis.max(0.0)
}

/// How long a condition must hold; what is not written stays as it `was`.
fn read_hold(section: &Section<'_>, was: HoldRule) -> HoldRule {
    let secs = section.number("for_secs");
    if secs.is_some_and(|secs| secs < 0.0) {
        section.fault("for_secs", "must not be negative");
    }
    let count = section.integer("for_count", 1..=1_000_000).and_then(|count| u32::try_from(count).ok());
    HoldRule { secs: secs.map_or(was.secs, |secs| secs.max(0.0)), count: count.unwrap_or(was.count) }
}

fn read_confidence(section: &Section<'_>) -> f64 {
    let confidence = section.number("confidence").unwrap_or(0.0);
    if !(0.0..=1.0).contains(&confidence) {
        section.fault("confidence", "must be from 0 to 1");
    }
    confidence
}

/// Reads `[conditions.<name>]` of a pipeline: `value`, `operator`, `hysteresis`, `for_secs`,
/// `for_count` and `confidence` replace a
/// bundle's own, so that an operator can move one threshold; a new name is a whole new condition.
pub fn merge_conditions(section: &Section<'_>, conditions: &mut Vec<ConditionSpec>) {
    for (name, table) in section.named_sections("conditions") {
        let known = conditions.iter().position(|condition| condition.name == name);
        match known {
            Some(at) => override_condition(&mut conditions[at], table),
            None if table.has("output") => conditions.push(read_condition(name, table)),
            None => {
                let reason =
                    "is not a condition of the model; a new one needs `output`, `operator` and `value`";
                let names: Vec<&str> = conditions.iter().map(|c| c.name.as_str()).collect();
                table.fault_suggesting("", reason, &name, names);
            }
        }
    }
}

fn override_condition(condition: &mut ConditionSpec, table: Section<'_>) {
    if table.has("output") {
        table.fault("output", "is settled by the model; give a new condition another name");
        return;
    }
    if let Some(value) = read_threshold(&table) {
        condition.value = value;
    }
    if table.has("hysteresis") {
        condition.hysteresis = read_hysteresis(&table);
    }
    condition.hold = read_hold(&table, condition.hold);
    if table.has("confidence") {
        condition.confidence = read_confidence(&table);
    }
    if let Some(operator) = table.choice("operator", &Operator::NAMES) {
        condition.operator = operator;
    }
    table.finish();
}
