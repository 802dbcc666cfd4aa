//! A model that takes numbers and texts.

use super::{
    Ask, Draft, DraftError, Filling, Leaf, LeafKind, Sample, given::Given, sample::named_after, sizes,
};
use crate::domain::ElementType;
use edgeward_engine::{Dim, Port, Signature};

/// Fills every input from the sample's fields.
pub(super) fn fill(
    draft: &mut Draft,
    signature: &Signature,
    sample: Option<&Sample>,
    ask: &mut dyn Ask,
) -> Result<(), DraftError> {
    let Some(sample) = sample else { return without_sample(draft, signature) };
    draft.readings.clone_from(&sample.readings);
    let (time, id) = (named(sample, &TIME), named(sample, &ID));
    // What is said of the message itself is nothing a model learnt from.
    let leaves: Vec<Leaf> = sample
        .leaves
        .iter()
        .filter(|leaf| Some(&leaf.path) != time.as_ref() && Some(&leaf.path) != id.as_ref())
        .cloned()
        .collect();
    draft.time = time;
    draft.message_id = id;
    if let [port] = &*signature.inputs {
        let filling = only(draft, port, &leaves, ask)?;
        draft.inputs.push((port.name.clone(), filling));
    } else {
        let mut given = Given::new(signature, &leaves);
        for port in &signature.inputs {
            let filling = match named_after(port, &leaves).or_else(|| given.the_only_array(port, &leaves)) {
                Some(leaf @ Leaf { kind: LeafKind::Array(_), .. }) => Filling::Array(leaf.path.clone()),
                Some(leaf) => Filling::Fields(vec![(leaf.path.clone(), as_taken(leaf, port))]),
                None => match given.filling(port, draft, ask)? {
                    Some(filling) => filling,
                    None => {
                        let wanted = port.row_len().unwrap_or(1);
                        let chosen = ask.fields(&port.name, wanted, &leaves, &[])?;
                        Filling::Fields(pick(&leaves, &chosen, port))
                    }
                },
            };
            draft.inputs.push((port.name.clone(), filling));
        }
    }
    draft.sizes = sizes::of(signature, sample, &draft.inputs);
    Ok(())
}

const TIME: [&str; 7] = ["time", "timestamp", "ts", "timecreated", "datetime", "date", "eventtime"];
const ID: [&str; 5] = ["id", "messageid", "msgid", "uuid", "eventid"];

/// The first field whose last segment is one of the names, however it is written.
fn named(sample: &Sample, names: &[&str]) -> Option<String> {
    let plain = |path: &str| {
        let last = path.rsplit('.').next().unwrap_or(path);
        last.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
    };
    sample.leaves.iter().find(|leaf| names.contains(&&*plain(&leaf.path))).map(|leaf| leaf.path.clone())
}

/// Without a sample: the whole payload is the array, or has an array under each input's name.
fn without_sample(draft: &mut Draft, signature: &Signature) -> Result<(), DraftError> {
    if let Some(text) = signature.inputs.iter().find(|port| port.element == ElementType::String) {
        return Err(DraftError::Unclear(format!(
            "the model's input `{text}` takes text: give a file with a sample message, so that its field can be named"
        )));
    }
    let many = signature.inputs.len() > 1;
    for port in &signature.inputs {
        let path = if many { port.name.replace('.', "\\.") } else { String::new() };
        draft.inputs.push((port.name.clone(), Filling::Array(path)));
    }
    draft.notes.push(if many {
        "without a sample, messages are assumed to be objects with an array under each input's name".into()
    } else {
        "without a sample, messages are assumed to be one JSON array each".into()
    });
    Ok(())
}

/// The only input: all of the sample's numbers, an array, or a window of either.
fn only(draft: &mut Draft, port: &Port, leaves: &[Leaf], ask: &mut dyn Ask) -> Result<Filling, DraftError> {
    let Some(row) = port.row_len() else { return of_free_length(draft, port, leaves) };
    if let Some(array) = leaves.iter().find(|leaf| leaf.kind == LeafKind::Array(row)) {
        return Ok(Filling::Array(array.path.clone()));
    }
    let text = port.element == ElementType::String;
    let usable = usable(leaves, text);
    let mut wanted = row;
    if let [_, Dim::Fixed(a), Dim::Fixed(b)] = *port.dims {
        // A series: the side that counts the sample's fields is the features.
        let time_first = b == usable.len() || b <= a;
        let (length, features) = if time_first { (a, b) } else { (b, a) };
        if length > 1 {
            draft.window = Some((length, time_first));
            wanted = features;
            draft.notes.push(format!(
                "the input {port} is taken for a window of {length} readings with {features} values each"
            ));
        }
    }
    let chosen = if usable.len() == wanted {
        usable
    } else {
        let guess: Vec<usize> = usable.iter().copied().take(wanted).collect();
        ask.fields(&port.name, wanted, leaves, &guess)?
    };
    Ok(Filling::Fields(pick(leaves, &chosen, port)))
}

/// Each message's array tells the lengths that the model leaves free; without one, its fields are as many as they are.
fn of_free_length(draft: &mut Draft, port: &Port, leaves: &[Leaf]) -> Result<Filling, DraftError> {
    let text = port.element == ElementType::String;
    if let Some(array) = leaves.iter().find(|leaf| matches!(leaf.kind, LeafKind::Array(_)) && !text) {
        let name = if array.path.is_empty() { "the message".into() } else { format!("`{}`", array.path) };
        draft.notes.push(format!("the free sizes of the input {port} are those of {name} in each message"));
        return Ok(Filling::Array(array.path.clone()));
    }
    let usable = usable(leaves, text);
    let free = port.dims.iter().skip(1).filter(|dim| !matches!(dim, Dim::Fixed(_))).count();
    if usable.is_empty() || free > 1 {
        return Err(DraftError::Unclear(format!(
            "the model's input {port} has free sizes, and the sample has no array that tells them: give messages with \
             one, nested as the model takes it, or fix them with [model.sizes] in a bundle written by hand"
        )));
    }
    draft.notes.push(format!("the input {port} takes all {} fields of the sample", usable.len()));
    Ok(Filling::Fields(pick(leaves, &usable, port)))
}

/// The single values that an input of texts, or of numbers, can take.
fn usable(leaves: &[Leaf], text: bool) -> Vec<usize> {
    let fits = |&at: &usize| match leaves[at].kind {
        LeafKind::Number | LeafKind::Boolean => !text,
        LeafKind::Text => text,
        LeafKind::Array(_) => false,
    };
    (0..leaves.len()).filter(fits).collect()
}

fn pick(leaves: &[Leaf], chosen: &[usize], port: &Port) -> Vec<(String, LeafKind)> {
    let leaves = chosen.iter().filter_map(|&at| leaves.get(at));
    leaves.map(|leaf| (leaf.path.clone(), as_taken(leaf, port))).collect()
}

/// A number for a text input is read as text, and so on: what the model takes counts.
fn as_taken(leaf: &Leaf, port: &Port) -> LeafKind {
    match leaf.kind {
        _ if port.element == ElementType::String => LeafKind::Text,
        LeafKind::Boolean => LeafKind::Boolean,
        _ => LeafKind::Number,
    }
}
