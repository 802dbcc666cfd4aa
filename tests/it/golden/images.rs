//! `edgeward_core::vision` against Pillow and OpenCV.

use edgeward_core::vision::{
    Align, Channels, Fit, ImageOptions, Layout, Method, Orientation, Pixels, Preparation, Raster, Resizer,
    decode, opencv, pillow,
};
use serde_json::Value;

use super::{Golden, Told, whole};

fn named<T: Copy>(value: &Value, names: &[(&str, T)]) -> Option<T> {
    let text = value.as_str()?;
    let found = names.iter().find(|(name, _)| *name == text);
    Some(found.unwrap_or_else(|| panic!("nothing is called {text}")).1)
}

fn method(case: &Value) -> Method {
    match case["like"].as_str() {
        Some("opencv") => Method::OpenCv(named(&case["filter"], &opencv::Filter::NAMES).unwrap()),
        _ => Method::Pillow(named(&case["filter"], &pillow::Filter::NAMES).unwrap_or_default()),
    }
}

fn raster<T: Copy>(told: Told<T>) -> Raster<T> {
    let channels = told.shape.get(2).copied().unwrap_or(1);
    Raster::new(told.shape[1], told.shape[0], channels, told.values).unwrap()
}

/// The largest difference.
fn apart(found: &[f64], expected: &[f64], case: &Value) -> f64 {
    assert_eq!(found.len(), expected.len(), "{case}");
    found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn wide<T: Copy + Into<f64>>(values: &[T]) -> Vec<f64> {
    values.iter().map(|value| (*value).into()).collect()
}

#[test]
fn eight_bit_pixels_are_resized_to_the_bit() {
    let golden = Golden::open("images");
    for case in golden.of("resize").filter(|case| case["result"]["dtype"] == "u8") {
        let to = (whole(&case["to"][0]), whole(&case["to"][1]));
        let source = raster(golden.u8s(&case["source"]));
        let resizer = Resizer::new((source.width, source.height), to, method(case)).unwrap();
        let (found, expected) = (resizer.resize_u8(source), raster(golden.u8s(&case["result"])));
        assert!(found == expected, "{case}");
    }
}

#[test]
fn float_pixels_are_resized_to_the_last_bits() {
    let golden = Golden::open("images");
    for case in golden.of("resize").filter(|case| case["result"]["dtype"] == "f32") {
        let to = (whole(&case["to"][0]), whole(&case["to"][1]));
        let source = raster(golden.f32s(&case["source"]));
        let resizer = Resizer::new((source.width, source.height), to, method(case)).unwrap();
        let (found, expected) = (resizer.resize_f32(source), raster(golden.f32s(&case["result"])));
        assert_eq!((found.width, found.height), (expected.width, expected.height), "{case}");
        // The values are -2 to 2.5; sums of another order differ in the last bits of f32.
        let apart = apart(&wide(&found.samples), &wide(&expected.samples), case);
        assert!(apart <= 1e-6, "{apart}: {case}");
    }
}

fn options(case: &Value) -> ImageOptions {
    let mut options = ImageOptions::new(whole(&case["width"]), whole(&case["height"]));
    options.method = method(case);
    options.fit = named(&case["fit"], &Fit::NAMES).unwrap_or_default();
    options.align = named(&case["align"], &Align::NAMES).unwrap_or_default();
    options.channels = named(&case["channels"], &Channels::NAMES).unwrap_or_default();
    options.layout = named(&case["layout"], &Layout::NAMES).unwrap_or_default();
    options.pixels = named(&case["pixels"], &Pixels::NAMES).unwrap_or_default();
    options.scale_up = case["scale_up"].as_bool().unwrap_or(true);
    let number = |key: &str| case[key].as_u64().and_then(|n| usize::try_from(n).ok());
    options.shorter_side = number("shorter_side").unwrap_or(options.shorter_side);
    options.fill = number("fill").map_or(0, |fill| u8::try_from(fill).unwrap());
    options.region = case["region"].as_array().map(|region| std::array::from_fn(|i| whole(&region[i])));
    let floats = |key: &str| -> Vec<f64> {
        case[key].as_array().into_iter().flatten().map(|x| x.as_f64().unwrap()).collect()
    };
    (options.normalisation.mean, options.normalisation.std) = (floats("mean"), floats("std"));
    if !options.normalisation.mean.is_empty() {
        options.normalisation.high = 1.0;
    }
    options.normalisation.low = case["low"].as_f64().unwrap_or(options.normalisation.low);
    options.normalisation.high = case["high"].as_f64().unwrap_or(options.normalisation.high);
    options
}

#[test]
fn files_are_prepared_as_the_training_scripts_do() {
    let golden = Golden::open("images");
    for case in golden.of("prepare") {
        let mut preparation = Preparation::new(options(case));
        let file = golden.u8s(&case["file"]).values;
        let expected = golden.numbers(&case["result"]);
        let bits = case["result"]["dtype"] == "u8";
        // Twice: the second time with the weights that were kept.
        for _ in 0..2 {
            let mut values = Vec::new();
            let placed =
                preparation.run(&file, &mut values).unwrap_or_else(|fault| panic!("{fault}: {case}"));
            let apart = apart(&values, &expected, case);
            // Float pixels are 0 to 255 in f32.
            let allowed = if bits {
                0.0
            } else if case["pixels"] == "f32" {
                1e-4
            } else {
                1e-12
            };
            assert!(apart <= allowed, "{apart}: {case}");
            if case["corners"].is_object() {
                let (corners, undone) = (golden.numbers(&case["corners"]), golden.numbers(&case["undone"]));
                for (corner, undone) in corners.as_chunks::<2>().0.iter().zip(undone.as_chunks::<2>().0) {
                    let (x, y) = placed.frame.undo(corner[0], corner[1]);
                    assert!((x - undone[0]).abs() < 1e-9 && (y - undone[1]).abs() < 1e-9, "{case}");
                }
            }
        }
    }
}

#[test]
fn a_cameras_orientation_is_followed_when_asked_for() {
    let golden = Golden::open("images");
    for case in golden.of("orientation") {
        let file = golden.u8s(&case["file"]).values;
        let expected = raster(golden.u8s(&case["result"]));
        let found = decode(&file, Orientation::Exif).unwrap();
        assert_eq!((found.width, found.height), (expected.width, expected.height), "{case}");
        let apart = apart(&wide(&found.samples), &wide(&expected.samples), case);
        assert!(apart <= if case["format"] == "png" { 0.0 } else { 6.0 }, "{apart}: {case}");
        let stored = decode(&file, Orientation::Ignore).unwrap();
        assert_eq!((stored.width, stored.height), (12, 7));
    }
}

#[test]
fn png_is_decoded_to_the_bit_and_jpeg_nearly() {
    let golden = Golden::open("images");
    for case in golden.of("png") {
        let found = decode(&golden.u8s(&case["file"]).values, Orientation::Ignore).unwrap();
        assert!(found == raster(golden.u8s(&case["result"])), "{case}");
    }
    for case in golden.of("jpeg") {
        let found = decode(&golden.u8s(&case["file"]).values, Orientation::Ignore).unwrap();
        let (found, expected) = (wide(&found.samples), wide(&golden.u8s(&case["result"]).values));
        let most = apart(&found, &expected, case);
        let sum: f64 = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).sum();
        let mean = sum / found.len() as f64;
        // Measured with zune-jpeg 0.5 against libjpeg-turbo: 4, and 0.4 on average.
        assert!(most <= 6.0 && mean <= 0.5, "{most}, on average {mean}: {case}");
    }
}

#[test]
fn damaged_files_are_refused_or_read_and_never_a_panic() {
    let golden = Golden::open("images");
    let (mut refused, mut read) = (0, 0);
    // A fixed sequence (Knuth's MMIX constants), so that a failure comes again.
    let mut state = 1u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut options = ImageOptions::new(16, 16);
    options.fit = Fit::Letterbox;
    options.orientation = Orientation::Exif;
    let mut preparation = Preparation::new(options);
    for case in golden.of("orientation").chain(golden.of("png")).chain(golden.of("jpeg")) {
        let file = golden.u8s(&case["file"]).values;
        for _ in 0..60 {
            let mut damaged = file.clone();
            for _ in 0..=next(8) {
                let at = next(damaged.len());
                damaged[at] = u8::try_from(next(256)).unwrap();
            }
            if next(3) == 0 {
                damaged.truncate(next(damaged.len()));
            }
            let mut values = Vec::new();
            match preparation.run(&damaged, &mut values) {
                Ok(_) => {
                    assert_eq!(values.len(), 3 * 16 * 16);
                    read += 1;
                }
                Err(_) => {
                    assert!(values.is_empty());
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 100 && read > 100, "{refused} refused, {read} read");
}
