//! `edgeward model recipe`: how to export a model of a framework so that it runs here.
//!
//! A recipe is a whole script. It trains something small, exports it as `model.onnx`, and writes
//! `rows.jsonl` with what the framework itself answers to them, `expected.jsonl`; `tests/it/recipes.rs`
//! runs it and compares.

use clap::ValueEnum;
use serde::Serialize;

use super::{Failure, print, print_json, table};
use crate::cli::args::Framework;

/// What is told about a recipe.
#[derive(Debug, Serialize)]
struct Recipe {
    name: &'static str,
    framework: &'static str,
    /// What `pip install` takes for it.
    packages: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<&'static str>,
}

impl Framework {
    fn recipe(self) -> Recipe {
        let (name, framework, packages, script): (_, _, &[_], _) = match self {
            Framework::Sklearn => {
                ("sklearn", "scikit-learn", &["scikit-learn", "skl2onnx"], include_str!("recipes/sklearn.py"))
            }
            Framework::Lightgbm => (
                "lightgbm",
                "LightGBM",
                &["lightgbm", "onnxmltools", "skl2onnx"],
                include_str!("recipes/lightgbm.py"),
            ),
            Framework::Xgboost => (
                "xgboost",
                "XGBoost",
                &["xgboost", "onnxmltools", "skl2onnx"],
                include_str!("recipes/xgboost.py"),
            ),
            Framework::Pytorch => {
                ("pytorch", "PyTorch", &["torch", "onnxscript"], include_str!("recipes/pytorch.py"))
            }
            Framework::Keras => {
                ("keras", "Keras", &["keras", "tensorflow-cpu", "tf2onnx"], include_str!("recipes/keras.py"))
            }
            Framework::Tensorflow => (
                "tensorflow",
                "TensorFlow",
                &["tensorflow-cpu", "tf2onnx"],
                include_str!("recipes/tensorflow.py"),
            ),
        };
        Recipe { name, framework, packages, script: Some(script) }
    }
}

/// Prints a recipe, or which there are.
pub fn recipe(wanted: Option<Framework>, json: bool) -> Result<(), Failure> {
    match wanted {
        Some(wanted) if json => print_json(&wanted.recipe()),
        Some(wanted) => print(wanted.recipe().script.unwrap_or_default()),
        None => {
            let all = Framework::value_variants().iter();
            let all: Vec<_> = all.map(|one| Recipe { script: None, ..one.recipe() }).collect();
            if json {
                return print_json(&all);
            }
            let row = |one: &Recipe| vec![one.name.into(), one.framework.into(), one.packages.join(" ")];
            let rows: Vec<Vec<String>> = all.iter().map(row).collect();
            let list = table(&["recipe", "framework", "pip install"], 3, &rows);
            print(&format!("{list}\nPrint one with `edgeward model recipe NAME > export.py`.\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipes_name_is_what_the_command_line_takes() {
        for framework in Framework::value_variants() {
            let told = framework.recipe();
            assert_eq!(framework.to_possible_value().unwrap().get_name(), told.name);
            // The packages that are told are those of the script's own first lines.
            let install = told.script.unwrap().lines().find(|line| line.contains("pip install")).unwrap();
            assert!(install.contains(&told.packages.join(" ")), "{}: {install}", told.name);
        }
    }
}
