//! Reading `[outputs.<name>]`.

use super::{
    Metric, OutputKind, OutputSpec, ScoreSpec, Smooth,
    decide::{read_anomaly, read_detections, read_scores, read_smooth, read_text},
};
use crate::settings::Section;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Label,
    Probabilities,
    TopK,
    Value,
    Vector,
    Tensor,
    ReconstructionError,
    Detections,
    Text,
    Anomaly,
}

const KINDS: [(&str, Kind); 10] = [
    ("label", Kind::Label),
    ("probabilities", Kind::Probabilities),
    ("top_k", Kind::TopK),
    ("value", Kind::Value),
    ("vector", Kind::Vector),
    ("tensor", Kind::Tensor),
    ("reconstruction_error", Kind::ReconstructionError),
    ("detections", Kind::Detections),
    ("text", Kind::Text),
    ("anomaly", Kind::Anomaly),
];

pub(super) fn read_output(name: String, section: Section<'_>) -> Option<OutputSpec> {
    let tensor = section.required_text("tensor", "the model's output it is made from");
    let kind = section.choice("kind", &KINDS);
    if kind.is_none() && !section.has("kind") {
        let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
        section.fault("kind", format!("is missing: one of {}", names.join(", ")));
    }
    let read = kind.map(|kind| {
        let made = read_kind(kind, &section);
        let scores = match kind {
            // Theirs are not of the whole row.
            Kind::Detections | Kind::ReconstructionError | Kind::Anomaly => ScoreSpec::default(),
            _ => read_scores(&section),
        };
        let smooth = read_smooth(&section);
        check(&section, kind, &made, &scores, smooth);
        (made, scores, smooth)
    });
    section.finish();
    let (kind, scores, smooth) = read?;
    Some(OutputSpec { name, tensor: tensor?, kind: kind?, scores, smooth })
}

fn read_kind(kind: Kind, section: &Section<'_>) -> Option<OutputKind> {
    let labels = || section.texts("labels").unwrap_or_default();
    let count = |key| section.integer(key, 1..=100_000).and_then(|k| usize::try_from(k).ok());
    Some(match kind {
        Kind::Label => {
            OutputKind::Label { labels: labels(), argmax: section.boolean("argmax").unwrap_or(false) }
        }
        Kind::Probabilities => OutputKind::Probabilities { labels: labels(), top_k: count("top_k") },
        Kind::TopK => {
            if !section.has("k") {
                section.fault("k", "is missing: how many of the highest scores");
            }
            OutputKind::TopK { labels: labels(), k: count("k")? }
        }
        Kind::Value => {
            let index = section.integer("index", 0..=u64::from(u32::MAX)).unwrap_or(0);
            OutputKind::Value { index: usize::try_from(index).unwrap_or(0) }
        }
        Kind::Vector => OutputKind::Vector,
        Kind::Tensor => OutputKind::Tensor,
        Kind::ReconstructionError => OutputKind::ReconstructionError {
            input: section.text("input"),
            metric: section.choice("metric", &Metric::NAMES).unwrap_or_default(),
        },
        Kind::Detections => OutputKind::Detections(Box::new(read_detections(section, labels())?)),
        Kind::Text => OutputKind::Text(read_text(section, labels())?),
        Kind::Anomaly => OutputKind::Anomaly(read_anomaly(section)?),
    })
}

/// What does not go together.
fn check(
    section: &Section<'_>,
    kind: Kind,
    made: &Option<OutputKind>,
    scores: &ScoreSpec,
    smooth: Option<Smooth>,
) {
    let argmax = matches!(made, Some(OutputKind::Label { argmax: true, .. }));
    if kind == Kind::Label && !argmax && !scores.is_none() {
        section.fault("argmax", "must be true for `activation` and `calibration`: a label has no scores");
    }
    if kind == Kind::Text && scores.calibration.is_some() {
        section.fault("calibration", "is not for text");
    }
    match (kind, smooth) {
        (_, None) | (Kind::Label, Some(Smooth::Majority(_))) => {}
        (Kind::Label, Some(Smooth::Mean(_))) if argmax => {}
        (Kind::Detections | Kind::Text | Kind::Tensor, Some(_)) => {
            section.fault("smooth", "is not for this kind of output")
        }
        (Kind::Label, Some(Smooth::Mean(_))) => {
            section.fault("smooth", "must be { majority = … }: labels have no mean");
        }
        (_, Some(Smooth::Majority(_))) => {
            section.fault("smooth", "must be { mean = … }: `majority` is for labels");
        }
        (_, Some(Smooth::Mean(_))) => {}
    }
}
