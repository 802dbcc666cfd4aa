//! How large the output is, for whoever wants to know it before there is an input.

use super::{Aspect, Config, Transformation, early, full, given_scales, plan};
use crate::native::{fault::Fault, graph::Node, kernels::shape::axes};

/// A node's attributes, as far as they say how large its output is.
pub(in crate::native) struct Sizes {
    config: Config,
    given: Option<Vec<f32>>,
    /// Before 11 scales are input 1, since then 2, and sizes 3.
    old: bool,
}

/// Where scales or sizes come from.
pub(in crate::native) enum Scales<'s> {
    Given(&'s [f32]),
    /// Inputs.
    Input {
        scales: usize,
        sizes: Option<usize>,
    },
}

impl Sizes {
    pub(in crate::native) fn of_resize(node: &Node<'_>) -> Result<Self, Fault> {
        let old = node.opset < 11;
        Ok(Sizes { config: if old { early(node)? } else { full(node)? }, given: None, old })
    }

    pub(in crate::native) fn of_upsample(node: &Node<'_>) -> Result<Self, Fault> {
        let given = if node.opset >= 9 { None } else { Some(given_scales(node)?) };
        Ok(Sizes { config: early(node)?, given, old: true })
    }

    pub(in crate::native) fn scales(&self) -> Scales<'_> {
        match &self.given {
            Some(given) => Scales::Given(given),
            None if self.old => Scales::Input { scales: 1, sizes: None },
            None => Scales::Input { scales: 2, sizes: Some(3) },
        }
    }

    /// The axes that may change.
    pub(in crate::native) fn axes(&self, rank: usize) -> Result<Vec<usize>, Fault> {
        match &self.config.axes {
            Some(given) => axes(given, rank),
            None => Ok((0..rank).collect()),
        }
    }

    /// A region of the input is shown, and scaled with it.
    pub(in crate::native) fn shows_region(&self) -> bool {
        self.config.transformation == Transformation::TfCropAndResize
    }

    /// Sizes are taken as they are, each axis by itself.
    pub(in crate::native) fn stretches(&self) -> bool {
        self.config.aspect == Aspect::Stretch
    }

    /// The axes that may change, with how long each becomes.
    pub(in crate::native) fn outputs(
        &self,
        shape: &[usize],
        scales: Option<Vec<f32>>,
        sizes: Option<Vec<i64>>,
    ) -> Result<Vec<(usize, usize)>, Fault> {
        let plan = plan(&self.config, shape, None, scales, sizes)?;
        Ok(plan.into_iter().map(|(axis, what)| (axis, what.outputs)).collect())
    }
}
