//! Images.

mod affine;
mod boxes;
mod decoder;
mod grid;
mod pixels;
mod rearrange;
mod resize;
mod simple_formats;

use crate::native::{
    infer::rules::vision,
    table::{Entry, Infer::Rule, onnx},
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("AffineGrid", &[20], affine::affine_grid).infers(Rule(vision::affine_grid)),
    onnx("CenterCropPad", &[18], rearrange::center_crop_pad).infers(Rule(vision::center_crop_pad)),
    onnx("DepthToSpace", &[1, 11, 13, 28], rearrange::depth_to_space).infers(Rule(vision::depth_to_space)),
    onnx("GridSample", &[16, 20, 22], grid::grid_sample).infers(Rule(vision::grid_sample)),
    onnx("ImageDecoder", &[20], decoder::image_decoder).infers(Rule(vision::image_decoder)),
    onnx("NonMaxSuppression", &[10, 11], boxes::non_max_suppression)
        .infers(Rule(vision::non_max_suppression)),
    onnx("Resize", &[10, 11, 13, 18, 19], resize::resize).infers(Rule(vision::resize)),
    onnx("SpaceToDepth", &[1, 13, 28], rearrange::space_to_depth).infers(Rule(vision::space_to_depth)),
    onnx("Upsample", &[1, 7, 9, 10], resize::upsample).infers(Rule(vision::upsample)),
];
