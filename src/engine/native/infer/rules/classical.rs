//! `ai.onnx.ml`: rows of features in, one row of answers for each out.

use super::prelude::*;

/// How many rows input 0 has: a vector is one.
fn rows(given: &Given<'_>) -> Result<Dim, Fault> {
    match given.shape(0)?.as_deref() {
        None => Ok(Dim::Unknown),
        Some([_]) => Ok(Dim::ONE),
        Some([rows, _]) => Ok(*rows),
        Some(other) => Err(fault!("input 0: has shape {}, must be rows of features", given.shown(other))),
    }
}

/// Whether classes are texts, and how many there are.
fn labels(node: &Node<'_>, numbers: &str, texts: &str) -> Result<(Kind, usize), Fault> {
    match node.attributes.strings(texts)?.filter(|texts| !texts.is_empty()) {
        Some(texts) => Ok((Kind::String, texts.len())),
        None => Ok((Kind::I64, node.ints(numbers)?.unwrap_or_default().len())),
    }
}

/// A label for each row, and `scores` numbers.
fn classifier(label: Kind, scores: Dim, kinds: Kinds) -> Result<Rule, Fault> {
    rule(move |given| {
        given.kind(0, kinds)?;
        let rows = rows(given)?;
        Ok(smallvec![
            Fact::tensor(label, Dims::from_slice(&[rows])),
            Fact::tensor(Kind::F32, Dims::from_slice(&[rows, scores]))
        ])
    })
}

/// `targets` numbers for each row.
fn regressor(kind: Option<Kind>, targets: Dim, kinds: Kinds) -> Result<Rule, Fault> {
    rule(move |given| {
        let own = given.kind(0, kinds)?;
        let rows = rows(given)?;
        tensor(kind.or(own), Dims::from_slice(&[rows, targets]))
    })
}

/// As many scores as intercepts; one row of coefficients for two classes gives two.
pub fn linear_classifier(node: &Node<'_>) -> Result<Rule, Fault> {
    let (label, classes) = labels(node, "classlabels_ints", "classlabels_strings")?;
    let scores = match node.attributes.floats("intercepts")?.unwrap_or_default().len() {
        0 => classes,
        1 if classes == 2 => 2,
        intercepts => intercepts,
    };
    classifier(label, Dim::of(scores), FEATURES)
}

/// How many scores there are depends on the way they are made.
pub fn svm_classifier(node: &Node<'_>) -> Result<Rule, Fault> {
    let (label, classes) = labels(node, "classlabels_ints", "classlabels_strings")?;
    let vectors: i64 =
        node.ints("vectors_per_class")?.unwrap_or_default().iter().fold(0, |all, n| all.saturating_add(*n));
    let rated = !node.attributes.floats("prob_a")?.unwrap_or_default().is_empty();
    let scores = if vectors == 0 || rated || classes == 2 { Dim::of(classes) } else { Dim::Unknown };
    classifier(label, scores, FEATURES)
}

pub fn tree_classifier(node: &Node<'_>) -> Result<Rule, Fault> {
    let (label, classes) = labels(node, "classlabels_int64s", "classlabels_strings")?;
    classifier(label, Dim::of(classes), FEATURES)
}

pub fn linear_regressor(node: &Node<'_>) -> Result<Rule, Fault> {
    regressor(Some(Kind::F32), Dim::Number(node.int("targets", 1)?), FEATURES)
}

pub fn svm_regressor(_: &Node<'_>) -> Result<Rule, Fault> {
    regressor(Some(Kind::F32), Dim::ONE, FEATURES)
}

pub fn tree_regressor(node: &Node<'_>) -> Result<Rule, Fault> {
    regressor(Some(Kind::F32), Dim::Number(node.int("n_targets", 1)?), FEATURES)
}

/// In the input's precision.
pub fn tree_ensemble(node: &Node<'_>) -> Result<Rule, Fault> {
    regressor(None, Dim::Number(node.int("n_targets", 1)?), FLOATS)
}

pub fn array_feature_extractor(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.kind(0, ANY)?;
        let count = given.length(1)?;
        let Some(shape) = given.shape(0)? else { return tensor(kind, None) };
        let Some((_, before)) = shape.split_last() else {
            return Err(fault!("input 0: is a scalar, has no features"));
        };
        let mut shape = Dims::from_slice(if before.is_empty() { &[Dim::ONE] } else { before });
        shape.push(count);
        tensor(kind, shape)
    })
}

pub fn feature_vectorizer(node: &Node<'_>) -> Result<Rule, Fault> {
    let widths = node.ints("inputdimensions")?;
    rule(move |given| {
        let (mut rows, mut total) = (Dim::Unknown, Dim::Number(0));
        for index in 0..given.len() {
            given.kind(index, FEATURES)?;
            let shape = given.shape(index)?;
            let (own, width) = match shape.as_deref() {
                None => (Dim::Unknown, Dim::Unknown),
                Some([]) => return Err(fault!("input {index}: is a scalar, must be rows of features")),
                Some([width]) => (Dim::ONE, *width),
                Some([rows, rest @ ..]) => (*rows, given.symbols().product(rest)),
            };
            if matches!(rows, Dim::Unknown) || matches!(own, Dim::Number(_)) {
                rows = own;
            }
            let width = match &widths {
                Some(widths) => widths.get(index).map_or(Dim::Unknown, |&width| Dim::Number(width)),
                None => width,
            };
            total = given.symbols().add(total, width);
        }
        let shape: Dims = smallvec![rows, total];
        tensor(Kind::F32, shape)
    })
}

/// A new last dimension, as long as there are categories.
pub fn one_hot_encoder(node: &Node<'_>) -> Result<Rule, Fault> {
    let texts = node.attributes.strings("cats_strings")?.unwrap_or_default().len();
    let width = texts.max(node.ints("cats_int64s")?.unwrap_or_default().len());
    rule(move |given| {
        given.kind(0, FEATURES.and(TEXT))?;
        let shape = given.shape(0)?.map(|mut shape| {
            shape.push(Dim::of(width));
            shape
        });
        tensor(Kind::F32, shape)
    })
}

/// Texts to numbers or numbers to texts.
pub fn category_mapper(_: &Node<'_>) -> Result<Rule, Fault> {
    rule(|given| {
        let kind = given.kind(0, Kinds::of(&[Kind::String, Kind::I64]))?;
        let other = kind.map(|kind| if kind == Kind::String { Kind::I64 } else { Kind::String });
        tensor(other, given.shape(0)?)
    })
}

/// The type of the values.
pub fn label_encoder(node: &Node<'_>) -> Result<Rule, Fault> {
    let a = &node.attributes;
    if node.opset < 2 && !a.has("keys_strings") {
        return category_mapper(node);
    }
    let values = if let Some(tensor) = a.tensor("values_tensor")? {
        Some(tensor.kind())
    } else if a.has("values_strings") {
        Some(Kind::String)
    } else if a.has("values_int64s") {
        Some(Kind::I64)
    } else {
        a.has("values_floats").then_some(Kind::F32)
    };
    rule(move |given| {
        given.kind(0, ANY)?;
        tensor(values, given.shape(0)?)
    })
}

pub fn zip_map(node: &Node<'_>) -> Result<Rule, Fault> {
    let (key, _) = labels(node, "classlabels_int64s", "classlabels_strings")?;
    rule(move |given| {
        given.kind(0, Kinds::of(&[Kind::F32]))?;
        let score = Fact::tensor(Kind::F32, Dims::new());
        one(Fact::Sequence(Box::new(Fact::Map(key, Box::new(score)))))
    })
}

/// An empty map gives numbers of f32, whatever it would hold.
pub fn dict_vectorizer(node: &Node<'_>) -> Result<Rule, Fault> {
    let (_, words) = labels(node, "int64_vocabulary", "string_vocabulary")?;
    rule(move |given| {
        let float = match given.fact(0)? {
            Fact::Map(_, value) => {
                value.as_tensor().and_then(|value| value.kind).filter(|kind| *kind == Kind::F32)
            }
            Fact::Unknown => None,
            other => return Err(fault!("input 0: is {}, must be a map", other.sort())),
        };
        let shape: Dims = smallvec![Dim::ONE, Dim::of(words)];
        tensor(float, shape)
    })
}

pub fn cast_map(node: &Node<'_>) -> Result<Rule, Fault> {
    let kind = match node.string("cast_to", "TO_FLOAT")? {
        "TO_FLOAT" => Kind::F32,
        "TO_INT64" => Kind::I64,
        _ => Kind::String,
    };
    let width = match node.string("map_form", "DENSE")? {
        "SPARSE" => Dim::Number(node.int("max_map", 1)?),
        _ => Dim::Unknown,
    };
    rule(move |_| {
        let shape: Dims = smallvec![Dim::ONE, width];
        tensor(kind, shape)
    })
}
