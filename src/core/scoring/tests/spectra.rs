//! Declared spectra are those of the functions they name, with the parameters they were given.

use super::series::{echoing, seen};
use crate::signal::spectra::{
    Average, Band, DecibelSpec, Detrend, Edges, Envelope, MelSpec, MelSpectrogram, Mfcc, Scaling, Spectrum,
    SpectrumSpec, Stft, StftSpec, Taper, Welch, decibels,
};

const LENGTH: usize = 96;

/// Noise with a tone, the same in every run.
fn noise(feature: u32) -> Vec<f64> {
    let mut state = 7 + feature;
    let next = |i: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (i as f64 * 0.7).sin() + f64::from(state >> 8) / f64::from(1 << 24)
    };
    (0..LENGTH).map(next).collect()
}

/// What reaches a model that takes `dims`, of two features.
fn prepared(dims: &[usize], step: &str) -> Vec<f64> {
    let declaration = format!(
        "[inputs.x]\narray = \"v\"\npoints = {LENGTH}\nchannels = 2\n[prepare]\nversion = 1\n\
         layout = \"feature_time\"\n[[prepare.steps]]\n{step}"
    );
    let mut scorer = echoing(dims, &declaration);
    let points: Vec<[f64; 2]> = noise(0).into_iter().zip(noise(1)).map(|(a, b)| [a, b]).collect();
    let payload = serde_json::json!({"m": "a", "v": points}).to_string();
    seen(&mut scorer, &[payload]).pop().unwrap().unwrap()
}

/// Both features' outputs of `len` values, one behind the other.
fn both(len: usize, mut run: impl FnMut(&[f64], &mut [f64])) -> Vec<f64> {
    let mut out = vec![0.0; 2 * len];
    for (feature, out) in out.chunks_exact_mut(len).enumerate() {
        run(&noise(feature as u32), out);
    }
    out
}

fn spec(length: usize, taper: Taper, detrend: Detrend, scaling: Scaling) -> SpectrumSpec {
    SpectrumSpec { taper, detrend, scaling, ..SpectrumSpec::new(length, 50.0) }
}

#[test]
fn spectra_of_the_whole() {
    let mut of = Spectrum::new(spec(LENGTH, Taper::Blackman, Detrend::Linear, Scaling::Density)).unwrap();
    let step =
        "step = \"fft\"\nrate_hz = 50.0\nwindow = \"blackman\"\ndetrend = \"linear\"\nscaling = \"density\"";
    assert_eq!(prepared(&[98], step), both(49, |x, out| of.run(x, out)));
    let mut of = Spectrum::new(spec(LENGTH, Taper::Hann, Detrend::Constant, Scaling::Amplitude)).unwrap();
    assert_eq!(prepared(&[98], "step = \"fft\""), both(49, |x, out| of.run(x, out)));
    let piece = spec(32, Taper::Hamming, Detrend::Constant, Scaling::Power);
    let mut of = Welch::new(piece, 8, Average::Median, LENGTH).unwrap();
    let step = "step = \"welch\"\nrate_hz = 50.0\nsegment = 32\noverlap = 8\nwindow = \"hamming\"\n\
                scaling = \"power\"\naverage = \"median\"";
    assert_eq!(prepared(&[34], step), both(17, |x, out| of.run(x, out)));
}

#[test]
fn envelopes() {
    let band = Some((Band { low_hz: 3.0, high_hz: 12.0 }, 50.0));
    let mut of = Envelope::new(LENGTH, band).unwrap();
    let step = "step = \"envelope\"\nrate_hz = 50.0\nband_hz = [3, 12]";
    let envelope = both(LENGTH, |x, out| of.run(x, out));
    assert_eq!(prepared(&[2, LENGTH], step), envelope);
    let whole = spec(LENGTH, Taper::Hann, Detrend::Constant, Scaling::Amplitude);
    let mut of = Spectrum::new(whole).unwrap();
    let mut expected = vec![0.0; 98];
    for (x, out) in envelope.chunks_exact(LENGTH).zip(expected.chunks_exact_mut(49)) {
        of.run(x, out);
    }
    let step = "step = \"envelope_spectrum\"\nrate_hz = 50.0\nband_hz = [3, 12]\nwindow = \"hann\"";
    assert_eq!(prepared(&[98], step), expected);
}

#[test]
fn frames_mels_and_cepstra() {
    let frames = StftSpec { hop_length: 12, win_length: 24, edges: Edges::Reflect, ..StftSpec::new(32) };
    let count = frames.frames(LENGTH).unwrap();
    let cut = "n_fft = 32\nhop_length = 12\nwin_length = 24\nedges = \"reflect\"";
    let mut of = Stft::new(frames.clone()).unwrap();
    let step = format!("step = \"stft\"\noutput = \"power\"\n{cut}");
    assert_eq!(prepared(&[34, count], &step), both(17 * count, |x, out| of.magnitudes(x, 2, out)));
    let mel = MelSpec { n_mels: 6, fmin_hz: 1.0, fmax_hz: 20.0, htk: true, ..MelSpec::new(50.0, 32) };
    let mut of = MelSpectrogram::new(frames, &mel, 1).unwrap();
    let more = format!("{cut}\nrate_hz = 50.0\nn_mels = 6\nfmin_hz = 1\nfmax_hz = 20\nhtk = true\npower = 1");
    let mels = both(6 * count, |x, out| of.run(x, out));
    assert_eq!(prepared(&[12, count], &format!("step = \"mel\"\n{more}")), mels);
    let spec = DecibelSpec { reference: None, top_db: Some(10.0), ..DecibelSpec::default() };
    let mut log = mels;
    log.chunks_exact_mut(6 * count).for_each(|of| decibels(&spec, of));
    let more = format!("{more}\nref = \"max\"\ntop_db = 10");
    assert_eq!(prepared(&[12, count], &format!("step = \"log_mel\"\n{more}")), log);
    let mfcc = Mfcc::new(6, 4, false, 3.0).unwrap();
    let mut expected = vec![0.0; 8 * count];
    for (mels, out) in log.chunks_exact(6 * count).zip(expected.chunks_exact_mut(4 * count)) {
        mfcc.run(mels, out);
    }
    let step = format!("step = \"mfcc\"\n{more}\nn_mfcc = 4\ndct_norm = \"none\"\nlifter = 3");
    assert_eq!(prepared(&[8, count], &step), expected);
}

#[test]
fn logarithms() {
    let of =
        |f: fn(f64) -> f64| both(LENGTH, |x, out| out.iter_mut().zip(x).for_each(|(out, x)| *out = f(*x)));
    let step = "step = \"log\"\nbase = \"2\"\nfloor = 0.25\noffset = 0.5";
    assert_eq!(prepared(&[2, LENGTH], step), of(|x| (x + 0.5).max(0.25).log2()));
    // Of the loudest of both features.
    let mut expected = of(|x| x);
    let spec = DecibelSpec { reference: None, amin: 1e-3, top_db: Some(20.0) };
    decibels(&spec, &mut expected);
    let step = "step = \"decibels\"\nref = \"max\"\namin = 0.001\ntop_db = 20";
    assert_eq!(prepared(&[2, LENGTH], step), expected);
}
