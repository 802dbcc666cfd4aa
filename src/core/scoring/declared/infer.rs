//! Filling in what a declaration leaves out, where the model's shapes allow it.

use super::{FieldPath, Format, InputSource, InputSpec, OutputKind, OutputSpec, Scaling, ScoreSpec, Spec};
use crate::domain::ElementType;
use edgeward_engine::{Port, Signature};

/// Completes `spec` from the model's signature.
///
/// - No inputs declared, one numeric input: JSON and CSV payloads are the whole array, raw
///   payloads the tensor's own bytes.
/// - No inputs declared, several numeric inputs: a JSON object with an array (or one number) under
///   each input's name.
/// - No outputs declared: each output under its own name, integers and text of one element as a
///   label, numbers of one element as a value, all others as a vector.
///
/// # Errors
/// What has to be declared and how, where the shapes don't tell.
pub fn infer(spec: &mut Spec, signature: &Signature) -> Result<(), String> {
    if spec.inputs.is_empty() {
        spec.inputs = infer_inputs(spec, signature)?;
    }
    if spec.outputs.is_empty() {
        spec.outputs = signature.outputs.iter().map(infer_output).collect();
    }
    Ok(())
}

fn infer_inputs(spec: &Spec, signature: &Signature) -> Result<Vec<InputSpec>, String> {
    if let Some(text) = signature.inputs.iter().find(|port| port.element == ElementType::String) {
        return Err(format!(
            "the model's input `{text}` takes text: say which field fills it with [inputs.{}] fields = [{{ path = \"...\", type = \"text\" }}]",
            text.name
        ));
    }
    let one = |port: &Port, source| InputSpec { tensor: port.name.clone(), source, series: None };
    let array = |path: &str| InputSource::Array { path: FieldPath::parse(path), scaling: Scaling::default() };
    match (spec.payload.format, signature.inputs.as_slice()) {
        (Format::Image, ports) => Err(format!(
            "an image needs its preparation declared: [inputs.{}] image = {{ width = …, height = … }}",
            ports.first().map_or("<input>", |port| &port.name)
        )),
        (Format::Raw, [port]) => {
            Ok(vec![one(port, InputSource::Raw { element: port.element, scaling: Scaling::default() })])
        }
        (Format::Json | Format::Csv, [port]) => Ok(vec![one(port, array(""))]),
        (Format::Json, ports) => {
            Ok(ports.iter().map(|port| one(port, array(&port.name.replace('.', "\\.")))).collect())
        }
        (Format::Csv | Format::Raw, ports) => Err(format!(
            "the model has {} inputs ({}): say how a {} payload fills each with [inputs.<name>]",
            ports.len(),
            ports.iter().map(|port| port.name.as_str()).collect::<Vec<_>>().join(", "),
            spec.payload.format.name()
        )),
    }
}

fn infer_output(port: &Port) -> OutputSpec {
    let single = port.row_len() == Some(1);
    let kind = match port.element {
        ElementType::F32 | ElementType::F64 if single => OutputKind::Value { index: 0 },
        _ if single => OutputKind::Label { labels: Vec::new(), argmax: false },
        _ => OutputKind::Vector,
    };
    OutputSpec {
        name: port.name.clone(),
        tensor: port.name.clone(),
        kind,
        scores: ScoreSpec::default(),
        smooth: None,
    }
}
