//! Reading how an image is prepared: `image = { width = …, height = …, … }`. A side that is left out follows from each
//! picture.

use crate::{
    settings::{Section, Value},
    vision::{
        Align, Channels, Fit, ImageOptions, Layout, Method, Normalisation, Orientation, Pixels, Sides,
        opencv, pillow,
    },
};

const MAX_SIDE_PIXELS: u64 = 16_384;
/// What Ultralytics fills the rest of a letterbox with.
const LETTERBOX_FILL: u8 = 114;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Like {
    Pillow,
    OpenCv,
}

const LIKES: [(&str, Like); 2] = [("pillow", Like::Pillow), ("opencv", Like::OpenCv)];

pub(super) fn read_image(section: Section<'_>) -> Option<ImageOptions> {
    let side = |key| section.integer(key, 1..=MAX_SIDE_PIXELS).and_then(|v| usize::try_from(v).ok());
    let (width, height) = (side("width"), side("height"));
    let follows = |key| !section.has(key);
    let fit = section.choice("resize", &Fit::NAMES).unwrap_or_default();
    let channels = section.choice("channels", &Channels::NAMES).unwrap_or_default();
    let mut image = ImageOptions::new(width.unwrap_or(1), height.unwrap_or(1));
    image.sides = Sides { width, height, multiple_of: side("multiple_of").unwrap_or(1) };
    image.fit = fit;
    image.channels = channels;
    image.method = read_method(&section);
    image.pixels = section.choice("pixels", &Pixels::NAMES).unwrap_or_default();
    image.layout = section.choice("layout", &Layout::NAMES).unwrap_or_default();
    image.orientation = section.choice("orientation", &Orientation::NAMES).unwrap_or_default();
    image.align = section.choice("align", &Align::NAMES).unwrap_or_default();
    image.scale_up = section.boolean("scale_up").unwrap_or(true);
    image.region = read_region(&section);
    image.normalisation = read_normalisation(&section, channels);
    let fill = section.integer("fill", 0..=255).and_then(|fill| u8::try_from(fill).ok());
    image.fill = fill.unwrap_or(if fit == Fit::Letterbox { LETTERBOX_FILL } else { 0 });
    if let Some(side) = side("shorter_side") {
        image.shorter_side = side;
    } else if fit == Fit::ShorterSide && !section.has("shorter_side") {
        section.fault("shorter_side", "is missing: the length it is resized to, in pixels");
    }
    let only = |key: &str, fits: &[Fit], names: &str| {
        if section.has(key) && !fits.contains(&fit) {
            section.fault(key, format!("is for resize = {names} only"));
        }
    };
    only("fill", &[Fit::Letterbox, Fit::Pad], "\"letterbox\" and \"pad\"");
    only("align", &[Fit::Letterbox, Fit::Pad], "\"letterbox\" and \"pad\"");
    only("scale_up", &[Fit::Letterbox], "\"letterbox\"");
    only("shorter_side", &[Fit::ShorterSide], "\"shorter_side\"");
    let free = follows("width") || follows("height");
    if free && fit != Fit::Stretch {
        section.fault("resize", "is for a fixed `width` and `height`: declare both, or leave it out");
    }
    if section.has("multiple_of") && !free {
        section.fault("multiple_of", "is for a side that is left out: `width` or `height`");
    }
    section.finish();
    Some(image)
}

/// The filter, by its name in the library it is like.
fn read_method(section: &Section<'_>) -> Method {
    match section.choice("like", &LIKES).unwrap_or(Like::Pillow) {
        Like::Pillow => Method::Pillow(section.choice("filter", &pillow::Filter::NAMES).unwrap_or_default()),
        Like::OpenCv => Method::OpenCv(section.choice("filter", &opencv::Filter::NAMES).unwrap_or_default()),
    }
}

fn read_region(section: &Section<'_>) -> Option<[usize; 4]> {
    let node = section.any("region")?;
    let whole = |value: &Value| match value {
        Value::Integer(i) => usize::try_from(*i).ok().filter(|i| *i as u64 <= MAX_SIDE_PIXELS),
        _ => None,
    };
    let numbers = match &node.value {
        Value::Array(items) => items.iter().map(|item| whole(&item.value)).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    match numbers.as_deref() {
        Some([left, top, width, height]) if *width > 0 && *height > 0 => Some([*left, *top, *width, *height]),
        _ => {
            section.fault("region", "must be [left, top, width, height] in whole pixels");
            None
        }
    }
}

fn read_normalisation(section: &Section<'_>, channels: Channels) -> Normalisation {
    let (mean, std) = (section.numbers("mean"), section.numbers("std"));
    for (key, values) in [("mean", &mean), ("std", &std)] {
        if let Some(values) = values
            && values.len() != channels.count()
        {
            section.fault(key, format!("has {} values for {} channels", values.len(), channels.count()));
        }
    }
    if std.as_ref().is_some_and(|std| std.contains(&0.0)) {
        section.fault("std", "must not be zero: pixels are divided by it");
    }
    if mean.is_some() != std.is_some() {
        section.fault("mean", "and `std` go together");
    }
    let high = if mean.is_some() { 1.0 } else { 255.0 };
    let (low, high) = match section.numbers("range").as_deref() {
        None => (0.0, high),
        Some([low, high]) if low < high => (*low, *high),
        Some(_) => {
            section.fault("range", "must be two numbers, the lower first: what 0 and 255 become");
            (0.0, high)
        }
    };
    Normalisation { low, high, mean: mean.unwrap_or_default(), std: std.unwrap_or_default() }
}
