//! Filling in what a declaration leaves out, where the model's shapes allow it.

use super::{
    BatchAxis, FieldPath, Format, InputSource, InputSpec, OutputKind, OutputSpec, Scaling, ScoreSpec, Spec,
};
use crate::domain::ElementType;
use edgeward_engine::{Dim, Port, Signature};

/// Completes `spec` from the model's signature.
///
/// - No inputs declared, one numeric input: JSON and CSV payloads are the whole array, raw
///   payloads the tensor's own bytes.
/// - No inputs declared, several numeric inputs: a JSON object with an array (or one number) under
///   each input's name.
/// - Inputs declared that no message fills: the same for the others.
/// - No outputs declared: each output under its own name, integers and text of one element as a
///   label, numbers of one element as a value, those with several axes of which one is free as a tensor, all
///   others as a vector.
///
/// # Errors
/// What has to be declared and how, where the shapes don't tell.
pub fn infer(spec: &mut Spec, signature: &Signature) -> Result<(), String> {
    if !spec.inputs.iter().any(|input| input.source.is_of_messages()) {
        let is_open = |port: &&Port| !spec.inputs.iter().any(|input| input.tensor == port.name);
        let open: Vec<&Port> = signature.inputs.iter().filter(is_open).collect();
        let inferred = infer_inputs(spec, &open)?;
        spec.inputs.extend(inferred);
    }
    if spec.outputs.is_empty() {
        let brings_rows = brings_rows(spec, signature);
        // What goes on to the next unit is told only where there is nothing else.
        let goes_on = |port: &Port| spec.states.iter().any(|state| state.output == port.name);
        let told = signature.outputs.iter().filter(|port| !goes_on(port));
        let batched = signature.free_batch && spec.batch_axis == BatchAxis::Auto;
        let infer_output = |port: &Port| infer_output(port, batched, brings_rows);
        let told: Vec<OutputSpec> = told.map(infer_output).collect();
        spec.outputs =
            if told.is_empty() { signature.outputs.iter().map(infer_output).collect() } else { told };
    }
    Ok(())
}

/// For the inputs that are not declared.
fn infer_inputs(spec: &Spec, ports: &[&Port]) -> Result<Vec<InputSpec>, String> {
    if let Some(text) = ports.iter().find(|port| port.element == ElementType::String) {
        return Err(format!(
            "the model's input `{text}` takes text: say which field fills it with [inputs.{}] fields = [{{ path = \"...\", type = \"text\" }}]",
            text.name
        ));
    }
    let one = |port: &Port, source| InputSpec { tensor: port.name.clone(), source, series: None };
    let array = |path: &str| InputSource::Array { path: FieldPath::parse(path), scaling: Scaling::default() };
    match (spec.payload.format, ports) {
        (_, []) => Ok(Vec::new()),
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

/// Whether a message may bring several rows, whose answers are told together: without a batch, arrays may.
fn brings_rows(spec: &Spec, signature: &Signature) -> bool {
    let batched = signature.free_batch && spec.batch_axis == BatchAxis::Auto;
    let is_array = |input: &InputSpec| matches!(input.source, InputSource::Array { .. });
    !batched && spec.payload.format == Format::Json && spec.inputs.iter().any(is_array)
}

/// Elements of an output of a model without a batch; a free first axis is one row.
fn whole_len(port: &Port) -> Option<usize> {
    let first = match port.dims.first() {
        Some(Dim::Fixed(n)) => *n,
        _ => 1,
    };
    port.row_len()?.checked_mul(first)
}

fn infer_output(port: &Port, batched: bool, brings_rows: bool) -> OutputSpec {
    let is_list = brings_rows && matches!(port.dims.first(), Some(Dim::Free(_) | Dim::Batch));
    let len = if batched { port.row_len() } else { whole_len(port) };
    let single = len == Some(1) && !is_list;
    let row = port.dims.get(1..).unwrap_or_default();
    let axes = row.len() + usize::from(is_list && port.row_len() != Some(1));
    let varies = axes > 1 && (is_list || row.iter().any(|dim| matches!(dim, Dim::Free(_))));
    let kind = match port.element {
        ElementType::F32 | ElementType::F64 if single => OutputKind::Value { index: 0 },
        _ if single => OutputKind::Label { labels: Vec::new(), argmax: false },
        _ if varies => OutputKind::Tensor,
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
