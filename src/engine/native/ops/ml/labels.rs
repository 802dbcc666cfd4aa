//! The names of classes.

use std::sync::Arc;

use crate::native::{
    attributes::Node,
    exec::Run,
    fault::{Fault, fault},
    value::Tensor,
};

/// Numbers or texts, by the index of the class.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Labels {
    Numbers(Vec<i64>),
    Texts(Vec<Arc<str>>),
}

impl Labels {
    /// Reads the attributes; texts count where both are there.
    ///
    /// # Errors
    /// Neither.
    pub(super) fn of(node: &Node<'_>, numbers: &str, texts: &str) -> Result<Self, Fault> {
        let given = node.attributes.strings(texts)?.unwrap_or_default();
        if !given.is_empty() {
            return Ok(Labels::Texts(given.into_iter().map(Arc::from).collect()));
        }
        match node.ints(numbers)?.unwrap_or_default() {
            given if given.is_empty() => Err(fault!("has neither attribute `{numbers}` nor `{texts}`")),
            given => Ok(Labels::Numbers(given)),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Labels::Numbers(labels) => labels.len(),
            Labels::Texts(labels) => labels.len(),
        }
    }

    /// As these, or 0 and 1 where there are not two.
    pub(super) fn or_truth(self) -> Self {
        match self {
            Labels::Numbers(labels) if labels.len() != 2 => Labels::Numbers(vec![0, 1]),
            Labels::Texts(labels) if labels.len() != 2 => Labels::Texts(vec!["0".into(), "1".into()]),
            labels => labels,
        }
    }

    /// The labels of `winners`, each of which is below [`Labels::len`].
    pub(super) fn tensor(&self, run: &mut Run<'_>, winners: &[u32]) -> Result<Tensor, Fault> {
        Ok(match self {
            Labels::Numbers(labels) => {
                let mut out = run.buffer(winners.len())?;
                out.extend(winners.iter().map(|&winner| labels[winner as usize]));
                Tensor::vector(out)
            }
            Labels::Texts(labels) => {
                let mut out = run.buffer(winners.len())?;
                out.extend(winners.iter().map(|&winner| Arc::clone(&labels[winner as usize])));
                Tensor::vector(out)
            }
        })
    }
}
