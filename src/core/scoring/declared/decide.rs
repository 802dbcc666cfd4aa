//! What is decided from a model's answer: scores, boxes, text, anomaly; read from settings.

use crate::{
    decide::{Activation, Anomaly, Calibration, Isotonic, Order, Reduce, YoloFamily},
    settings::{Item, Section, Value},
};

/// What is done to scores before anything is made of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScoreSpec {
    pub activation: Activation,
    pub calibration: Option<Calibration>,
}

impl ScoreSpec {
    /// Whether scores stay as the model gives them.
    pub fn is_none(&self) -> bool {
        self.activation == Activation::None && self.calibration.is_none()
    }

    /// Applies it to a row of scores.
    pub fn apply(&self, scores: &mut [f64]) {
        if let Some(calibration) = &self.calibration {
            calibration.before(scores);
        }
        self.activation.apply(scores);
        if let Some(calibration) = &self.calibration {
            calibration.after(scores);
        }
    }
}

/// How answers are steadied over time, source by source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Smooth {
    /// The label most often seen among the last ones.
    Majority(usize),
    /// `alpha * new + (1 - alpha) * old` of each number.
    Mean(f64),
}

/// Which tensors boxes are read from, and how. The tensor of the output is the boxes'.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectionSpec {
    pub boxes: Boxes,
    /// Names of the model's outputs, for formats of several.
    pub scores: Option<String>,
    pub classes: Option<String>,
    pub count: Option<String>,
    pub priors_tensor: Option<String>,
    /// `[N, 4]`, row-major.
    pub priors: Vec<f32>,
    pub labels: Vec<String>,
    pub activation: Activation,
    pub score_threshold: f32,
    pub iou_threshold: Option<f64>,
    pub class_agnostic: bool,
    pub max_detections: usize,
    /// Coordinates are shares of the model's image, not pixels.
    pub normalised: bool,
    pub order: Order,
    pub variances: [f64; 4],
    /// The class that means nothing is there.
    pub background: Option<usize>,
}

/// The forms of a detection model's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boxes {
    Yolo(YoloFamily),
    Ssd,
    /// Boxes, scores and perhaps classes and their count in tensors of their own.
    Given,
}

impl Boxes {
    pub const NAMES: [(&'static str, Boxes); 6] = [
        ("yolov5", Boxes::Yolo(YoloFamily::V5)),
        ("yolov8", Boxes::Yolo(YoloFamily::V8)),
        ("yolov10", Boxes::Yolo(YoloFamily::V10)),
        ("yolox", Boxes::Yolo(YoloFamily::X)),
        ("ssd", Boxes::Ssd),
        ("boxes", Boxes::Given),
    ];
}

#[derive(Debug, Clone, PartialEq)]
pub struct TextSpec {
    /// A label for each class, the blank left out.
    pub labels: Vec<String>,
    pub blank: usize,
    pub merge_repeats: bool,
    /// The tensor is `[classes, time]`, not `[time, classes]`.
    pub class_time: bool,
}

/// Reads `activation` and `calibration`.
pub(super) fn read_scores(section: &Section<'_>) -> ScoreSpec {
    let activation = section.choice("activation", &Activation::NAMES).unwrap_or_default();
    let calibration = section.has("calibration").then(|| read_calibration(section.section("calibration")));
    ScoreSpec { activation, calibration: calibration.flatten() }
}

#[derive(Clone, Copy)]
enum Way {
    Platt,
    Isotonic,
    Temperature,
}

const WAYS: [(&str, Way); 3] =
    [("platt", Way::Platt), ("isotonic", Way::Isotonic), ("temperature", Way::Temperature)];

fn read_calibration(section: Section<'_>) -> Option<Calibration> {
    let way = section.choice("method", &WAYS);
    if way.is_none() && !section.has("method") {
        section.fault("method", "is missing: platt, isotonic or temperature");
    }
    let calibration = match way? {
        Way::Temperature => {
            let temperature = section.number("temperature").filter(|t| *t > 0.0);
            if temperature.is_none() {
                section.fault("temperature", "must be a number above 0");
            }
            temperature.map(Calibration::Temperature)
        }
        Way::Platt => match (section.numbers("a"), section.numbers("b")) {
            (Some(a), Some(b)) if a.len() == b.len() && !a.is_empty() => {
                Some(Calibration::Platt(a.into_iter().zip(b).collect()))
            }
            _ => {
                section.fault("a", "and `b` must be a number each, or as many for each: one a class");
                None
            }
        },
        Way::Isotonic => read_curves(&section).map(Calibration::Isotonic),
    };
    section.finish();
    calibration
}

/// One curve in `x` and `y`, or one a class in `classes = [{ x = …, y = … }, …]`.
fn read_curves(section: &Section<'_>) -> Option<Vec<Isotonic>> {
    let curve = |section: &Section<'_>| {
        let points = (section.numbers("x").unwrap_or_default(), section.numbers("y").unwrap_or_default());
        match Isotonic::new(&points.0, &points.1) {
            Ok(curve) => Some(curve),
            Err(reason) => {
                section.fault("x", reason);
                None
            }
        }
    };
    let Some(items) = section.items("classes") else { return curve(section).map(|curve| vec![curve]) };
    let one = |item: Item<'_>| match item {
        Item::Text(..) => {
            section.fault("classes", "must be tables with `x` and `y`");
            None
        }
        Item::Section(item) => {
            let made = curve(&item);
            item.finish();
            made
        }
    };
    items.into_iter().map(one).collect()
}

/// Reads `smooth = { majority = 5 }` or `smooth = { mean = 0.3 }`.
pub(super) fn read_smooth(section: &Section<'_>) -> Option<Smooth> {
    if !section.has("smooth") {
        return None;
    }
    let section = section.section("smooth");
    let majority = section.integer("majority", 1..=1_000).and_then(|n| usize::try_from(n).ok());
    let mean = section.number("mean");
    if mean.is_some_and(|alpha| alpha <= 0.0 || alpha > 1.0) {
        section.fault("mean", "must be above 0 and at most 1: the weight of the newest");
    }
    let smooth = match (majority, mean) {
        (Some(length), None) => Some(Smooth::Majority(length)),
        (None, Some(alpha)) => Some(Smooth::Mean(alpha)),
        _ => {
            section.fault("", "needs either `majority` (labels) or `mean` (numbers)");
            None
        }
    };
    section.finish();
    smooth
}

pub(super) fn read_detections(section: &Section<'_>, labels: Vec<String>) -> Option<DetectionSpec> {
    let boxes = section.choice("format", &Boxes::NAMES);
    if boxes.is_none() && !section.has("format") {
        section.fault("format", "is missing: yolov5, yolov8, yolov10, yolox, ssd or boxes");
    }
    let boxes = boxes?;
    let name = |key: &str| section.text(key);
    let share = |key: &str| {
        let value = section.number(key);
        if value.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
            section.fault(key, "must be from 0 to 1");
        }
        value
    };
    let has_default_iou =
        matches!(boxes, Boxes::Yolo(YoloFamily::V5 | YoloFamily::V8 | YoloFamily::X) | Boxes::Ssd);
    let spec = DetectionSpec {
        boxes,
        scores: name("scores"),
        classes: name("classes"),
        count: name("count"),
        priors_tensor: name("priors_tensor"),
        priors: nested(section, "priors").into_iter().flatten().map(|x| x as f32).collect(),
        labels,
        activation: section.choice("activation", &Activation::NAMES).unwrap_or_default(),
        score_threshold: share("score_threshold").unwrap_or(0.25) as f32,
        iou_threshold: share("iou_threshold").or(has_default_iou.then_some(0.45)),
        class_agnostic: section.boolean("class_agnostic").unwrap_or(false),
        max_detections: section
            .integer("max_detections", 1..=10_000)
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(300),
        normalised: section.boolean("normalised").unwrap_or(boxes == Boxes::Ssd),
        order: section.choice("order", &Order::NAMES).unwrap_or(match boxes {
            Boxes::Given => Order::Xyxy,
            Boxes::Yolo(_) | Boxes::Ssd => Order::Xywh,
        }),
        variances: match section.numbers("variances").as_deref() {
            None => [0.1, 0.1, 0.2, 0.2],
            Some([a, b, c, d]) => [*a, *b, *c, *d],
            Some(_) => {
                section.fault("variances", "must be four numbers");
                [0.0; 4]
            }
        },
        background: section.integer("background", 0..=100_000).and_then(|n| usize::try_from(n).ok()),
    };
    let faults = [
        (
            "scores",
            "names the scores' tensor",
            spec.scores.is_some(),
            boxes == Boxes::Ssd || boxes == Boxes::Given,
        ),
        ("classes", "names the classes' tensor", spec.classes.is_some(), false),
        ("count", "names the tensor of the number of boxes", spec.count.is_some(), false),
        (
            "priors",
            "has the anchors",
            !spec.priors.is_empty() || spec.priors_tensor.is_some(),
            boxes == Boxes::Ssd,
        ),
    ];
    for (key, what, is_there, needed) in faults {
        let allowed = match key {
            "priors" => boxes == Boxes::Ssd,
            "scores" => !matches!(boxes, Boxes::Yolo(_)),
            _ => boxes == Boxes::Given,
        };
        if needed && !is_there {
            section.fault(key, format!("is missing: {what}"));
        }
        if is_there && !allowed {
            section.fault(key, "is not for this format");
        }
    }
    if !spec.priors.len().is_multiple_of(4) || (!spec.priors.is_empty() && spec.priors_tensor.is_some()) {
        section.fault("priors", "must be rows of four numbers, or the model's own in `priors_tensor`");
    }
    if boxes == Boxes::Ssd && !matches!(spec.order, Order::Xywh | Order::Yxhw) {
        section.fault("order", "must be xywh or yxhw: differences are of centre and size");
    }
    if matches!(boxes, Boxes::Yolo(_)) {
        for key in ["activation", "order", "variances", "background"] {
            if section.has(key) {
                section.fault(key, "is settled by the format");
            }
        }
    }
    Some(spec)
}

pub(super) fn read_text(section: &Section<'_>, labels: Vec<String>) -> Option<TextSpec> {
    let characters = section.text("characters");
    if labels.is_empty() != characters.is_some() {
        section.fault("characters", "or `labels` is needed, and only one: what the classes stand for");
        return None;
    }
    Some(TextSpec {
        labels: characters.map_or(labels, |text| text.chars().map(String::from).collect()),
        blank: section.integer("blank", 0..=1_000_000).and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
        merge_repeats: section.boolean("merge_repeats").unwrap_or(true),
        class_time: section.choice("layout", &[("time_class", false), ("class_time", true)]).unwrap_or(false),
    })
}

pub(super) fn read_anomaly(section: &Section<'_>) -> Option<Anomaly> {
    let Some(mean) = section.numbers("mean").filter(|mean| !mean.is_empty()) else {
        section.fault("mean", "is missing: the reference's mean of each element");
        return None;
    };
    let count = mean.len();
    if section.has("inverse_covariance") {
        let inverse_covariance = nested(section, "inverse_covariance").unwrap_or_default();
        if Some(inverse_covariance.len()) != count.checked_mul(count) {
            let found = inverse_covariance.len();
            section.fault("inverse_covariance", format!("has {found} numbers, must have {count} by {count}"));
        }
        for key in ["std", "reduce"] {
            if section.has(key) {
                section.fault(key, "does not go with `inverse_covariance`");
            }
        }
        return Some(Anomaly::Mahalanobis { mean, inverse_covariance });
    }
    let std = section.numbers("std").unwrap_or_default();
    if std.len() != count || std.iter().any(|std| *std <= 0.0) {
        section.fault("std", format!("must be {count} numbers above 0, one for each of `mean`"));
    }
    Some(Anomaly::ZScore { mean, std, reduce: section.choice("reduce", &Reduce::NAMES).unwrap_or_default() })
}

/// Numbers in an array, or in an array of arrays, in order.
fn nested(section: &Section<'_>, key: &str) -> Option<Vec<f64>> {
    fn walk(value: &Value, depth: usize, numbers: &mut Vec<f64>) -> bool {
        match value {
            Value::Integer(i) => numbers.push(*i as f64),
            Value::Float(x) if x.is_finite() => numbers.push(*x),
            Value::Array(items) if depth < 2 => {
                return items.iter().all(|item| walk(&item.value, depth + 1, numbers));
            }
            _ => return false,
        }
        true
    }
    let node = section.any(key)?;
    let mut numbers = Vec::new();
    if !walk(&node.value, 0, &mut numbers) {
        section.fault(key, "must be finite numbers, or rows of them");
    }
    Some(numbers)
}
