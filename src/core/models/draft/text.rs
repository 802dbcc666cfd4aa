//! The draft as `bundle.toml`.

use std::fmt::Write;

use super::{Draft, Filling, LeafKind, Pixels, Telling};
use crate::models::bundle::BUNDLE_FORMAT;

/// The mean and standard deviation of ImageNet's pixels between 0 and 1, as torchvision documents them.
const IMAGE_NET: ([f64; 3], [f64; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

/// A text in TOML's quotes, whose escapes are JSON's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A key, quoted where it must be.
fn key(text: &str) -> String {
    let bare = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if bare { text.into() } else { quoted(text) }
}

pub(super) fn manifest(draft: &Draft, model_file: &str, sha256: &str, samples: bool) -> String {
    let mut out = String::new();
    // Writing to a String can't fail.
    let mut line = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    line(format!("format = {BUNDLE_FORMAT}"));
    line(format!("name = {}", quoted(&draft.name)));
    line(format!("version = {}", quoted(&draft.version)));
    line("description = \"\"".into());
    line(format!("\n[model]\nfile = {}\nsha256 = \"{sha256}\"", quoted(model_file)));
    if !draft.sizes.is_empty() {
        line("\n# Lengths that each message brings, and how long they may be.\n[model.sizes]".into());
        for seen in &draft.sizes {
            let (least, most) = (seen.least, seen.most);
            let range = if least == most { format!("{most}") } else { format!("{least} to {most}") };
            line(format!("{} = {{ max = {} }}    # {range} in the sample", key(&seen.name), seen.bound()));
        }
    }
    let payload = [("readings", &draft.readings), ("time", &draft.time), ("message_id", &draft.message_id)];
    if draft.image || payload.iter().any(|(_, path)| path.is_some()) {
        line(format!("\n[payload]\nformat = \"{}\"", if draft.image { "image" } else { "json" }));
        for (name, path) in payload {
            if let Some(path) = path {
                line(format!("{name} = {}", quoted(path)));
            }
        }
    }
    for (tensor, filling) in &draft.inputs {
        if let Filling::State(output) = filling {
            line(format!("\n# Carried from message to message of a source.\n[state.{}]", key(tensor)));
            line(format!("input = {}\noutput = {}", quoted(tensor), quoted(output)));
        } else {
            line(format!("\n[inputs.{}]", key(tensor)));
            line(input(filling));
        }
    }
    if let Some((length, time_first)) = draft.window {
        line(format!(
            "\n# A series for each source: `step` readings from one window to the next.\n[window]\nlength = {length}\nstep = 1"
        ));
        line(format!("layout = \"{}\"", if time_first { "time_feature" } else { "feature_time" }));
    }
    for (tensor, telling) in &draft.outputs {
        line(format!("\n[outputs.{}]\ntensor = {}", key(tensor), quoted(tensor)));
        line(output(telling));
    }
    if let Some((name, example)) = draft.outputs.iter().find_map(condition) {
        line(format!(
            "\n# What operators are alarmed by; see \"Conditions\" in docs/bundles.md.\n# [conditions.alarm]\n# output = {}\n{example}",
            quoted(name)
        ));
    }
    if samples {
        line("\n# Checked whenever the bundle is loaded.\n[samples]\nfile = \"samples.jsonl\"".into());
    }
    out
}

fn input(filling: &Filling) -> String {
    match filling {
        Filling::Array(path) => format!("array = {}", quoted(path)),
        Filling::Constant(number) => format!("constant = {number}"),
        Filling::SizeOf(input) => format!("size_of = {}", quoted(input)),
        // Told by itself.
        Filling::State(_) => String::new(),
        Filling::Fields(fields) => {
            let fields = fields.iter().map(|(path, kind)| match kind {
                LeafKind::Text => format!("  {{ path = {}, type = \"text\" }},\n", quoted(path)),
                LeafKind::Boolean => format!("  {{ path = {}, type = \"boolean\" }},\n", quoted(path)),
                LeafKind::Number | LeafKind::Array(_) => format!("  {},\n", quoted(path)),
            });
            format!("fields = [\n{}]", fields.collect::<String>())
        }
        Filling::Image { width, height, gray, nhwc, pixels } => {
            let mut parts = vec![format!("width = {width}"), format!("height = {height}")];
            if *gray {
                parts.push("channels = \"gray\"".into());
            }
            if *nhwc {
                parts.push("layout = \"nhwc\"".into());
            }
            let channels = if *gray { 1 } else { 3 };
            let list = |values: &[f64]| format!("{:?}", &values[..channels.min(values.len())]);
            match pixels {
                Pixels::Bytes => {}
                Pixels::Unit => {
                    parts.push(format!("mean = {}, std = {}", list(&[0.0; 3]), list(&[1.0; 3])));
                }
                Pixels::ImageNet => {
                    parts.push(format!("mean = {}, std = {}", list(&IMAGE_NET.0), list(&IMAGE_NET.1)));
                }
            }
            format!("image = {{ {} }}", parts.join(", "))
        }
    }
}

fn output(telling: &Telling) -> String {
    let list = |labels: &[String]| labels.iter().map(|label| quoted(label)).collect::<Vec<_>>().join(", ");
    match telling {
        Telling::Label(labels) if labels.is_empty() => "kind = \"label\"".into(),
        Telling::Label(labels) => format!("kind = \"label\"\nlabels = [{}]", list(labels)),
        Telling::Probabilities(labels) => format!("kind = \"probabilities\"\nlabels = [{}]", list(labels)),
        Telling::Value => "kind = \"value\"\nindex = 0".into(),
        Telling::Vector => "kind = \"vector\"".into(),
        Telling::Tensor => "kind = \"tensor\"".into(),
        Telling::ReconstructionError => "kind = \"reconstruction_error\"\nmetric = \"mse\"".into(),
    }
}

/// An example of a condition on an output that suits one.
fn condition((name, telling): &(String, Telling)) -> Option<(&str, String)> {
    let example = match telling {
        Telling::Probabilities(labels) => {
            let label = labels.last()?;
            format!("# label = {}\n# operator = \">\"\n# value = 0.8\n# hysteresis = 0.05", quoted(label))
        }
        Telling::Value | Telling::ReconstructionError => "# operator = \">\"\n# value = 0.8".into(),
        Telling::Label(_) | Telling::Vector | Telling::Tensor => return None,
    };
    Some((name, example))
}
