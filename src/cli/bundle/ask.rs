//! Questions on the terminal, answered by flags where they are given.

use std::io::{BufRead, IsTerminal, Write};

use console::style;

use crate::cli::args::{BundleInitArgs, PixelRange};
use edgeward_core::models::draft::{Ask, DraftError, Leaf, Pixels};

/// Asks a person, unless the flags have the answer or there is nobody.
pub struct Terminal<'a> {
    args: &'a BundleInitArgs,
    asks: bool,
}

impl<'a> Terminal<'a> {
    pub fn new(args: &'a BundleInitArgs) -> Self {
        let asks = !args.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        Terminal { args, asks }
    }

    /// One line of answer; empty means the default.
    fn line(&self, question: &str, default: &str) -> Result<String, DraftError> {
        let refused = |error: std::io::Error| DraftError::Unclear(format!("can't ask: {error}"));
        let mut out = std::io::stderr();
        write!(out, "{} {question} {} ", style("?").cyan().bold(), style(format!("[{default}]")).dim())
            .and_then(|()| out.flush())
            .map_err(refused)?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map_err(refused)?;
        let answer = answer.trim();
        Ok(if answer.is_empty() { default.into() } else { answer.into() })
    }
}

/// The leaves of a list of names, in order.
fn chosen(names: &str, wanted: usize, leaves: &[Leaf]) -> Result<Vec<usize>, String> {
    let mut chosen = vec![];
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let at = leaves.iter().position(|leaf| leaf.path == name);
        chosen.push(at.ok_or_else(|| format!("the sample has no field `{name}`"))?);
    }
    if chosen.len() == wanted {
        Ok(chosen)
    } else {
        Err(format!("{} fields are named, the model takes {wanted}", chosen.len()))
    }
}

impl Ask for Terminal<'_> {
    fn fields(
        &mut self,
        tensor: &str,
        wanted: usize,
        leaves: &[Leaf],
        guess: &[usize],
    ) -> Result<Vec<usize>, DraftError> {
        let names: Vec<&str> = leaves.iter().map(|leaf| leaf.path.as_str()).collect();
        if let Some(given) = &self.args.fields {
            return chosen(given, wanted, leaves).map_err(|why| {
                DraftError::Unclear(format!("--fields {given}: {why}; there are {}", names.join(", ")))
            });
        }
        let need = format!(
            "the model's input `{tensor}` takes {wanted} values a reading; the sample has {}: {}",
            leaves.len(),
            names.join(", ")
        );
        if !self.asks {
            return Err(DraftError::Unclear(format!(
                "{need}; say which ones in which order with --fields {}",
                guess.iter().map(|&at| names[at]).collect::<Vec<_>>().join(",")
            )));
        }
        let default = guess.iter().map(|&at| names[at]).collect::<Vec<_>>().join(",");
        eprintln!("{need}");
        loop {
            let answer = self.line("Which, in the order the model was trained with?", &default)?;
            match chosen(&answer, wanted, leaves) {
                Ok(chosen) => return Ok(chosen),
                Err(why) => eprintln!("{why}"),
            }
        }
    }

    fn pixels(&mut self, tensor: &str) -> Result<Pixels, DraftError> {
        if let Some(given) = self.args.pixels {
            return Ok(match given {
                PixelRange::Bytes => Pixels::Bytes,
                PixelRange::Unit => Pixels::Unit,
                PixelRange::Imagenet => Pixels::ImageNet,
            });
        }
        if !self.asks {
            return Err(DraftError::Unclear(format!(
                "the model's input `{tensor}` takes pictures, and only who trained it knows how pixels are scaled: say it with --pixels unit (0 to 1), --pixels imagenet (mean and deviation of ImageNet) or --pixels bytes (0 to 255)"
            )));
        }
        loop {
            let question = format!(
                "How are the pixels of `{tensor}` scaled: unit (0 to 1), imagenet, or bytes (0 to 255)?"
            );
            match &*self.line(&question, "unit")? {
                "unit" => return Ok(Pixels::Unit),
                "imagenet" => return Ok(Pixels::ImageNet),
                "bytes" => return Ok(Pixels::Bytes),
                other => eprintln!("`{other}` is none of them"),
            }
        }
    }

    fn labels(&mut self, output: &str, classes: usize) -> Result<Vec<String>, DraftError> {
        let split = |text: &str| -> Vec<String> {
            text.split(',').map(|label| label.trim().to_owned()).filter(|label| !label.is_empty()).collect()
        };
        if let Some(given) = &self.args.labels {
            let labels = split(given);
            if labels.len() == classes {
                return Ok(labels);
            }
            return Err(DraftError::Unclear(format!(
                "--labels names {} classes, the model's output `{output}` has {classes} values",
                labels.len()
            )));
        }
        if !self.asks {
            return Ok(vec![]);
        }
        loop {
            let question = format!(
                "`{output}` has {classes} values a row. If they are classes, what are they called (a,b,c)?"
            );
            let answer = self.line(&question, "they are not classes")?;
            let labels = split(&answer);
            if answer == "they are not classes" {
                return Ok(vec![]);
            }
            if labels.len() == classes {
                return Ok(labels);
            }
            eprintln!("{} names for {classes} values", labels.len());
        }
    }

    fn constant(&mut self, tensor: &str) -> Result<f64, DraftError> {
        if let Some((_, number)) = self.args.constants.iter().find(|(name, _)| name == tensor) {
            return Ok(*number);
        }
        if !self.asks {
            return Err(DraftError::Unclear(format!(
                "the model's input `{tensor}` is one number, and the sample has no field of that name: say what it always is, as in --constant {tensor}=16000"
            )));
        }
        loop {
            let answer = self.line(&format!("Which number is the input `{tensor}`, always?"), "0")?;
            match answer.parse::<f64>() {
                Ok(number) if number.is_finite() => return Ok(number),
                _ => eprintln!("`{answer}` is no number"),
            }
        }
    }
}
