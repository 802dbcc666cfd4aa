//! Greedy decoding of connectionist temporal classification (Graves and others, 2006).

use super::{Activation, argmax};

/// Which classes are what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ctc {
    /// The class that stands for no character.
    pub blank: usize,
    /// Steps of one class in a row are one character.
    pub merge_repeats: bool,
    pub activation: Activation,
}

/// The characters read: classes, and how sure the model was of each.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Text {
    pub classes: Vec<usize>,
    pub scores: Vec<f64>,
}

impl Text {
    /// The mean over the characters, as PaddleOCR tells it; 0 without any.
    pub fn score(&self) -> f64 {
        if self.scores.is_empty() {
            return 0.0;
        }
        self.scores.iter().sum::<f64>() / self.scores.len() as f64
    }
}

impl Ctc {
    /// Reads steps of class scores: the best class of each step, repeats merged (a blank between two
    /// equal characters keeps them apart), blanks left out. A character's score is that of its first
    /// step.
    pub fn read<'s>(&self, steps: impl Iterator<Item = &'s mut [f64]>) -> Text {
        let mut text = Text::default();
        let mut last = None;
        for scores in steps {
            self.activation.apply(scores);
            let Some(class) = argmax(scores) else { continue };
            let repeated = self.merge_repeats && last == Some(class);
            last = Some(class);
            if class != self.blank && !repeated {
                text.classes.push(class);
                text.scores.push(scores[class]);
            }
        }
        text
    }
}
