//! Series and spectra held against NumPy, SciPy, pandas, scikit-learn and librosa: every case that
//! `tests/golden/series.py` and `spectra.py` wrote.

use std::{collections::BTreeMap, fs, path::Path};

use edgeward_core::signal::{
    series::{
        Exponential, ExponentialSpec, Fill, Interpolation, Interpolator, Rolling, RollingSpec, Statistic,
        Statistics, Welford, complete, difference, fill, grid, lag, standardize, standardize_by_itself,
    },
    spectra::{
        Average, Band, Bands, DecibelSpec, Detrend, Edges, Envelope, MelFilters, MelSpec, MelSpectrogram,
        Mfcc, Scaling, Spectrum, SpectrumSpec, Stft, StftScaling, StftSpec, Symmetry, Taper, Welch, decibels,
    },
};
use serde_json::Value;

struct Case {
    function: String,
    parameters: Value,
    inputs: BTreeMap<String, Vec<f64>>,
}

impl Case {
    fn input(&self, name: &str) -> &[f64] {
        &self.inputs[name]
    }

    fn x(&self) -> &[f64] {
        self.input("x")
    }

    fn given(&self, name: &str) -> Option<&Value> {
        self.parameters.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> &str {
        self.given(name).and_then(Value::as_str).unwrap_or_else(|| panic!("{name} of {}", self.function))
    }

    fn number(&self, name: &str) -> f64 {
        self.given(name).and_then(Value::as_f64).unwrap_or_else(|| panic!("{name} of {}", self.function))
    }

    fn count(&self, name: &str) -> usize {
        usize::try_from(self.given(name).and_then(Value::as_u64).unwrap()).unwrap()
    }

    fn flag(&self, name: &str) -> bool {
        self.given(name).and_then(Value::as_bool).unwrap()
    }

    fn choice<T: Copy>(&self, name: &str, names: &[(&str, T)]) -> T {
        let text = self.text(name);
        names.iter().find(|(known, _)| *known == text).unwrap_or_else(|| panic!("{name} {text}")).1
    }

    fn bands(&self) -> Vec<Band> {
        let of =
            |pair: &Value| Band { low_hz: pair[0].as_f64().unwrap(), high_hz: pair[1].as_f64().unwrap() };
        self.parameters["bands"].as_array().unwrap().iter().map(of).collect()
    }
}

fn filled(len: usize, run: impl FnOnce(&mut [f64])) -> Vec<f64> {
    // What is not written shows.
    let mut out = vec![1e300; len];
    run(&mut out);
    out
}

fn series(case: &Case) -> Option<Vec<f64>> {
    Some(match case.function.as_str() {
        "interpolate" => {
            let mut of = Interpolator::new(case.choice("method", &Interpolation::NAMES));
            let at = case.input("at");
            filled(at.len(), |out| of.run(case.input("times"), case.input("values"), at, out))
        }
        "grid" => filled(case.count("count"), |out| grid(case.number("start"), case.number("step"), out)),
        "difference" => {
            let (order, periods) = (case.count("order"), case.count("periods"));
            let left = case.x().len() - order * periods;
            filled(left, |out| difference(case.x(), order, periods, &mut Vec::new(), out))
        }
        "lag" => {
            let periods = case.count("periods");
            filled(case.x().len() - periods, |out| lag(case.x(), periods, out))
        }
        "rolling" => {
            let mut of = Rolling::new(RollingSpec {
                window: case.count("window"),
                min_periods: case.count("min_periods"),
                statistic: Statistic::from_name(case.text("statistic")).unwrap(),
                ddof: case.count("ddof"),
            })
            .unwrap();
            // Twice: nothing of the first run may be left over.
            filled(case.x().len(), |out| of.run(case.x(), out));
            filled(case.x().len(), |out| of.run(case.x(), out))
        }
        "ewm_mean" | "ewm_var" => {
            let spec = ExponentialSpec {
                adjust: case.flag("adjust"),
                ignore_na: case.flag("ignore_na"),
                bias: case.flag("bias"),
                ..ExponentialSpec::new(case.number("alpha")).unwrap()
            };
            let mut of = Exponential::new(spec);
            let next = |x: &f64| {
                of.push(*x);
                if case.function == "ewm_mean" { of.mean() } else { of.variance() }
            };
            case.x().iter().map(next).collect()
        }
        "welford_mean" | "welford_variance" | "running_zscore" => {
            let mut of = Welford::default();
            let next = |x: &f64| {
                of.push(*x);
                match case.function.as_str() {
                    "welford_mean" => of.mean(),
                    "welford_variance" => of.variance(case.count("ddof") as u64),
                    _ => of.z_score(*x, case.count("ddof") as u64),
                }
            };
            case.x().iter().map(next).collect()
        }
        "zscore" => filled(case.x().len(), |out| standardize_by_itself(case.x(), case.count("ddof"), out)),
        "standardize" => {
            case.x().iter().map(|x| standardize(*x, case.number("mean"), case.number("std"))).collect()
        }
        "fill" => {
            let policy = match case.text("policy") {
                "constant" => Fill::Constant(case.number("value")),
                "previous" => Fill::Previous { limit: case.given("limit").map(|_| case.count("limit")) },
                "linear" => Fill::Linear,
                _ => Fill::Mean,
            };
            let mut x = case.x().to_vec();
            fill(policy, &mut x);
            x
        }
        "complete" => {
            let (a, b) = (case.input("a"), case.input("b"));
            let mut places = Vec::new();
            complete(a.len(), |i| [&a[i], &b[i]].into_iter(), &mut places);
            places.into_iter().map(|place| place as f64).collect()
        }
        "statistic" => {
            let statistic = Statistic::from_name(case.text("statistic")).unwrap();
            vec![Statistics::new(case.count("ddof"), case.flag("bias")).run(statistic, case.x())]
        }
        _ => return None,
    })
}

fn spectrum_spec(case: &Case, length: usize) -> SpectrumSpec {
    SpectrumSpec {
        n_fft: case.given("n_fft").map_or(length, |_| case.count("n_fft")),
        taper: case.choice("taper", &Taper::NAMES),
        detrend: case.given("detrend").map_or(Detrend::Constant, |_| case.choice("detrend", &Detrend::NAMES)),
        scaling: case.given("scaling").map_or(Scaling::Density, |_| case.choice("scaling", &Scaling::NAMES)),
        ..SpectrumSpec::new(length, case.number("rate_hz"))
    }
}

fn spectra(case: &Case) -> Option<Vec<f64>> {
    Some(match case.function.as_str() {
        "taper" => {
            let symmetry =
                if case.text("symmetry") == "periodic" { Symmetry::Periodic } else { Symmetry::Symmetric };
            case.choice("taper", &Taper::NAMES).values(case.count("length"), symmetry)
        }
        "detrend" => {
            let mut x = case.x().to_vec();
            case.choice("kind", &Detrend::NAMES).apply(&mut x);
            x
        }
        "spectrum" => {
            let mut of = Spectrum::new(spectrum_spec(case, case.x().len())).unwrap();
            filled(of.bins(), |out| of.run(case.x(), out));
            filled(of.bins(), |out| of.run(case.x(), out))
        }
        "welch" => {
            let average = case.choice("average", &Average::NAMES);
            let spec = spectrum_spec(case, case.count("segment"));
            let mut of = Welch::new(spec, case.count("overlap"), average, case.x().len()).unwrap();
            filled(of.bins(), |out| of.run(case.x(), out))
        }
        "bands" => {
            let bands = case.bands();
            let mut of = Bands::new(spectrum_spec(case, case.x().len()), &bands).unwrap();
            filled(bands.len(), |out| of.run(case.x(), out))
        }
        "envelope" => {
            let band = case
                .given("band")
                .map(|pair| Band { low_hz: pair[0].as_f64().unwrap(), high_hz: pair[1].as_f64().unwrap() });
            let band = band.map(|band| (band, case.number("rate_hz")));
            let mut of = Envelope::new(case.x().len(), band).unwrap();
            filled(case.x().len(), |out| of.run(case.x(), out));
            filled(case.x().len(), |out| of.run(case.x(), out))
        }
        "stft" => {
            let spec = StftSpec {
                hop_length: case.count("hop_length"),
                win_length: case.count("win_length"),
                taper: case.choice("taper", &Taper::NAMES),
                edges: case.choice("edges", &Edges::NAMES),
                scaling: match case.text("scaling") {
                    "none" => StftScaling::None,
                    "spectrum" => StftScaling::Spectrum,
                    _ => StftScaling::Density { rate_hz: case.number("rate_hz") },
                },
                ..StftSpec::new(case.count("n_fft"))
            };
            let frames = spec.frames(case.x().len()).unwrap();
            let mut of = Stft::new(spec).unwrap();
            let half = frames * of.bins();
            filled(2 * half, |out| {
                of.run(case.x(), |frame, spectrum| {
                    for (bin, value) in spectrum.iter().enumerate() {
                        out[bin * frames + frame] = value.re;
                        out[half + bin * frames + frame] = value.im;
                    }
                });
            })
        }
        "mel" => {
            let of = MelFilters::new(&MelSpec {
                n_mels: case.count("n_mels"),
                fmin_hz: case.number("fmin"),
                fmax_hz: case.number("fmax"),
                htk: case.flag("htk"),
                slaney_norm: case.given("norm").is_some(),
                ..MelSpec::new(case.number("rate_hz"), case.count("n_fft"))
            })
            .unwrap();
            (0..of.len()).map(|mel| of.answer(mel, case.input("power"))).collect()
        }
        "decibels" => {
            let spec = DecibelSpec {
                reference: case.parameters["ref"].as_f64(),
                amin: case.number("amin"),
                top_db: case.given("top_db").map(|_| case.number("top_db")),
            };
            let mut powers = case.input("powers").to_vec();
            decibels(&spec, &mut powers);
            powers
        }
        "mel_spectrogram" => mel_spectrogram(case).0,
        "log_mel" => log_mel(case).0,
        "mfcc" => {
            let (log_mels, mels) = log_mel(case);
            let ortho = case.given("dct_norm").is_some();
            let of = Mfcc::new(mels, case.count("n_mfcc"), ortho, case.number("lifter")).unwrap();
            filled(log_mels.len() / mels * of.coefficients(), |out| of.run(&log_mels, out))
        }
        _ => return None,
    })
}

/// With librosa's defaults where a case says nothing.
fn mel_spectrogram(case: &Case) -> (Vec<f64>, usize) {
    let count = |name, default| case.given(name).map_or(default, |_| case.count(name));
    let rate = case.number("rate_hz");
    let n_fft = count("n_fft", 2048);
    let mirrored = case.given("pad_mode").is_some();
    let stft = StftSpec {
        hop_length: count("hop_length", 512),
        win_length: count("win_length", n_fft),
        taper: case.given("window").map_or(Taper::Hann, |_| case.choice("window", &Taper::NAMES)),
        edges: match case.given("center") {
            Some(_) => Edges::None,
            None if mirrored => Edges::Reflect,
            None => Edges::Zeros,
        },
        ..StftSpec::new(n_fft)
    };
    let frames = stft.frames(case.x().len()).unwrap();
    let mel = MelSpec {
        n_mels: count("n_mels", 128),
        fmin_hz: case.given("fmin").map_or(0.0, |_| case.number("fmin")),
        fmax_hz: case.given("fmax").map_or(rate / 2.0, |_| case.number("fmax")),
        htk: case.given("htk").is_some(),
        slaney_norm: !case.parameters.as_object().unwrap().contains_key("norm"),
        ..MelSpec::new(rate, n_fft)
    };
    let power = if case.given("power").is_some() { 1 } else { 2 };
    let mut of = MelSpectrogram::new(stft, &mel, power).unwrap();
    (filled(of.mels() * frames, |out| of.run(case.x(), out)), of.mels())
}

fn log_mel(case: &Case) -> (Vec<f64>, usize) {
    let (mut powers, mels) = mel_spectrogram(case);
    decibels(&DecibelSpec::default(), &mut powers);
    (powers, mels)
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
}

/// How far `found` is from `expected` in units of what may be: relative, a number that is small beside
/// the largest of its case by a thousandth of what that one may, and `absolute` besides.
fn off(found: &[f64], expected: &[f64], told: &Value) -> f64 {
    let (tolerance, absolute) = (told["tolerance"].as_f64().unwrap(), told["absolute"].as_f64().unwrap());
    let largest = expected.iter().filter(|x| x.is_finite()).fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let one = |(found, expected): (&f64, &f64)| match (found.is_nan(), expected.is_nan()) {
        (true, true) => 0.0,
        (false, false) if found == expected => 0.0,
        (false, false) => {
            (found - expected).abs() / (tolerance * expected.abs().max(largest * 1e-3) + absolute)
        }
        _ => f64::INFINITY,
    };
    found.iter().zip(expected).map(one).fold(0.0, f64::max)
}

fn holds(file: &str, run: impl Fn(&Case) -> Option<Vec<f64>>, functions: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/test-golden")
        .join(file.trim_end_matches(".json"))
        .join(file);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; run tests/setup", path.display()));
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    let (mut wrong, mut seen) = (Vec::new(), BTreeMap::<String, usize>::new());
    for told in &cases {
        let inputs = told["inputs"].as_object().unwrap().iter();
        let case = Case {
            function: told["function"].as_str().unwrap().to_owned(),
            parameters: told["parameters"].clone(),
            inputs: inputs.map(|(name, values)| (name.clone(), numbers(values))).collect(),
        };
        let expected = numbers(&told["output"]);
        let found = run(&case).unwrap_or_else(|| panic!("nobody computes {}", case.function));
        let what = format!("{} {}", case.function, case.parameters);
        let off = off(&found, &expected, told);
        if found.len() != expected.len() {
            wrong.push(format!("{what}: {} values for {}", found.len(), expected.len()));
        } else if off > 1.0 || off.is_nan() {
            let few: Vec<_> = found.iter().zip(&expected).take(6).collect();
            wrong.push(format!("{what}: off by {off:.3} times what may be: {few:?}"));
        }
        *seen.entry(case.function).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert_eq!(seen.len(), functions, "{seen:?}");
}

#[test]
fn series_agree_with_the_libraries_people_use() {
    holds("series.json", series, 15);
}

#[test]
fn spectra_agree_with_the_libraries_people_use() {
    holds("spectra.json", spectra, 12);
}
