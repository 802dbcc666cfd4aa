//! What `Resize` and its predecessor read from their attributes, and how large their output is.

use super::Node;
use crate::native::{
    fault::{Fault, fault},
    kernels::{
        coordinates::Transformation,
        resize::{Filter, Nearest},
        shape::axes,
    },
};

/// What `sizes` mean where they don't fit the input's proportions.
#[derive(Clone, Copy, PartialEq)]
pub enum Aspect {
    Stretch,
    NotLarger,
    NotSmaller,
}

pub struct Config {
    pub filter: Filter,
    /// Nearest neighbours are rounded up where an axis shrinks: before version 11, as ONNX Runtime does.
    pub ceil_down: bool,
    pub transformation: Transformation,
    pub antialias: bool,
    pub exclude_outside: bool,
    pub extrapolation: f64,
    pub axes: Option<Vec<i64>>,
    pub aspect: Aspect,
}

pub fn filter(node: &Node<'_>, nearest: Nearest) -> Result<Filter, Fault> {
    Ok(match node.string("mode", "nearest")? {
        "nearest" => Filter::Nearest(nearest),
        "linear" | "bilinear" => Filter::Linear,
        "cubic" => Filter::Cubic(f64::from(node.float("cubic_coeff_a", -0.75)?)),
        other => return Err(fault!("attribute `mode` is `{other}`, must be `nearest`, `linear` or `cubic`")),
    })
}

/// Before version 11: outputs begin where inputs do.
pub fn early(node: &Node<'_>) -> Result<Config, Fault> {
    Ok(Config {
        filter: filter(node, Nearest::Floor)?,
        ceil_down: true,
        transformation: Transformation::Asymmetric,
        antialias: false,
        exclude_outside: false,
        extrapolation: 0.0,
        axes: None,
        aspect: Aspect::Stretch,
    })
}

/// The scales that `Upsample` has as attributes before version 9.
pub fn given_scales(node: &Node<'_>) -> Result<Vec<f32>, Fault> {
    let scales = if node.opset >= 7 {
        node.attributes.floats("scales")?.map(<[f32]>::to_vec)
    } else {
        let scale = |name| node.attributes.float(name)?.ok_or_else(|| fault!("lacks its attribute `{name}`"));
        Some(vec![1.0, 1.0, scale("height_scale")?, scale("width_scale")?])
    };
    scales.ok_or_else(|| fault!("lacks its attribute `scales`"))
}

/// Since version 11.
pub fn full(node: &Node<'_>) -> Result<Config, Fault> {
    let nearest = match node.string("nearest_mode", "round_prefer_floor")? {
        "round_prefer_floor" => Nearest::RoundPreferFloor,
        "round_prefer_ceil" => Nearest::RoundPreferCeil,
        "floor" => Nearest::Floor,
        "ceil" => Nearest::Ceil,
        other => return Err(fault!("attribute `nearest_mode` is `{other}`")),
    };
    Ok(Config {
        filter: filter(node, nearest)?,
        ceil_down: false,
        transformation: Transformation::parse(node.string("coordinate_transformation_mode", "half_pixel")?)?,
        antialias: node.flag("antialias", false)?,
        exclude_outside: node.flag("exclude_outside", false)?,
        extrapolation: f64::from(node.float("extrapolation_value", 0.0)?),
        axes: node.ints("axes")?,
        aspect: match node.string("keep_aspect_ratio_policy", "stretch")? {
            "stretch" => Aspect::Stretch,
            "not_larger" => Aspect::NotLarger,
            "not_smaller" => Aspect::NotSmaller,
            other => return Err(fault!("attribute `keep_aspect_ratio_policy` is `{other}`")),
        },
    })
}

/// What happens to one axis.
#[derive(Clone, Copy)]
pub struct Axis {
    pub scale: f64,
    pub outputs: usize,
    pub roi: (f64, f64),
}

/// The axes that may change, with what happens to them.
pub fn plan(
    config: &Config,
    shape: &[usize],
    roi: Option<Vec<f64>>,
    scales: Option<Vec<f32>>,
    sizes: Option<Vec<i64>>,
) -> Result<Vec<(usize, Axis)>, Fault> {
    let chosen = match &config.axes {
        Some(given) => axes(given, shape.len())?,
        None => (0..shape.len()).collect(),
    };
    let count = chosen.len();
    let fits = |name: &str, len: usize, wanted: usize| {
        if len == wanted { Ok(()) } else { Err(fault!("its {name} are {len}, must be {wanted}")) }
    };
    if let Some(roi) = &roi {
        fits("numbers of a region", roi.len(), 2 * count)?;
    }
    if config.transformation == Transformation::TfCropAndResize && roi.is_none() {
        return Err(fault!("lacks its input 1, the region that `tf_crop_and_resize` shows"));
    }
    let region = |at: usize| roi.as_ref().map_or((0.0, 1.0), |roi| (roi[at], roi[count + at]));
    let too_large = || fault!("would make an axis that is too long to count");
    let whole =
        |length: f64| if (0.0..1e15).contains(&length) { Ok(length as usize) } else { Err(too_large()) };
    let mut plan = vec![];
    if let Some(sizes) = sizes {
        fits("sizes", sizes.len(), count)?;
        let ratio = |at: usize| sizes[at] as f64 / shape[chosen[at]] as f64;
        let common = match config.aspect {
            Aspect::Stretch => None,
            Aspect::NotLarger => Some((0..count).map(ratio).fold(f64::INFINITY, f64::min)),
            Aspect::NotSmaller => Some((0..count).map(ratio).fold(0.0, f64::max)),
        };
        for at in 0..count {
            let size =
                usize::try_from(sizes[at]).map_err(|_| fault!("input 3: size {} is negative", sizes[at]))?;
            let axis = match common {
                Some(scale) => Axis {
                    scale,
                    outputs: whole((scale * shape[chosen[at]] as f64 + 0.5).floor())?,
                    roi: region(at),
                },
                None => Axis { scale: ratio(at), outputs: size, roi: region(at) },
            };
            plan.push((chosen[at], axis));
        }
    } else {
        let scales = scales.ok_or_else(|| fault!("has neither scales nor sizes"))?;
        fits("scales", scales.len(), count)?;
        for at in 0..count {
            let (scale, roi) = (scales[at], region(at));
            if !(scale > 0.0 && scale.is_finite()) {
                return Err(fault!("a scale is {scale}, must be above zero"));
            }
            let size = shape[chosen[at]] as f32 * (roi.1 - roi.0) as f32 * scale;
            let axis = Axis { scale: f64::from(scale), outputs: whole(f64::from(size.floor()))?, roi };
            plan.push((chosen[at], axis));
        }
    }
    Ok(plan)
}

/// A node's attributes, as far as they say how large its output is.
pub struct Sizes {
    config: Config,
    given: Option<Vec<f32>>,
    /// Before 11 scales are input 1, since then 2, and sizes 3.
    old: bool,
}

/// Where scales or sizes come from.
pub enum Scales<'s> {
    Given(&'s [f32]),
    /// Inputs.
    Input {
        scales: usize,
        sizes: Option<usize>,
    },
}

impl Sizes {
    pub fn of_resize(node: &Node<'_>) -> Result<Self, Fault> {
        let old = node.opset < 11;
        Ok(Sizes { config: if old { early(node)? } else { full(node)? }, given: None, old })
    }

    pub fn of_upsample(node: &Node<'_>) -> Result<Self, Fault> {
        let given = if node.opset >= 9 { None } else { Some(given_scales(node)?) };
        Ok(Sizes { config: early(node)?, given, old: true })
    }

    pub fn scales(&self) -> Scales<'_> {
        match &self.given {
            Some(given) => Scales::Given(given),
            None if self.old => Scales::Input { scales: 1, sizes: None },
            None => Scales::Input { scales: 2, sizes: Some(3) },
        }
    }

    /// The axes that may change.
    pub fn axes(&self, rank: usize) -> Result<Vec<usize>, Fault> {
        match &self.config.axes {
            Some(given) => axes(given, rank),
            None => Ok((0..rank).collect()),
        }
    }

    /// A region of the input is shown, and scaled with it.
    pub fn shows_region(&self) -> bool {
        self.config.transformation == Transformation::TfCropAndResize
    }

    /// Sizes are taken as they are, each axis by itself.
    pub fn stretches(&self) -> bool {
        self.config.aspect == Aspect::Stretch
    }

    /// The axes that may change, with how long each becomes.
    pub fn outputs(
        &self,
        shape: &[usize],
        scales: Option<Vec<f32>>,
        sizes: Option<Vec<i64>>,
    ) -> Result<Vec<(usize, usize)>, Fault> {
        let plan = plan(&self.config, shape, None, scales, sizes)?;
        Ok(plan.into_iter().map(|(axis, what)| (axis, what.outputs)).collect())
    }
}
