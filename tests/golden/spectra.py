#!/usr/bin/env python3
"""Golden values of spectra from NumPy, SciPy and librosa: `python tests/golden/spectra.py target/test-golden`."""

import sys
import warnings
from pathlib import Path

import librosa
import numpy as np
import scipy.signal

from signal_cases import Cases

rng = np.random.default_rng(12)
TAPERS = {"hann": "hann", "hamming": "hamming", "blackman": "blackman", "flattop": "flattop", "rectangular": "boxcar"}


def noise(n):
    """Two tones, a slope and noise."""
    t = np.arange(n)
    return np.sin(t * 0.3) + 0.3 * np.cos(t * 1.1 + 1) + 0.002 * t + rng.normal(0, 0.2, n) + 2


def tapers(cases):
    for name, scipys in TAPERS.items():
        for n in (1, 2, 3, 16, 25):
            for periodic in (True, False):
                made = scipy.signal.get_window(scipys, n, fftbins=periodic)
                cases.add("taper", {}, made, taper=name, length=n, symmetry="periodic" if periodic else "symmetric")


def detrend(cases):
    for n in (1, 2, 3, 50):
        x = noise(n)
        cases.add("detrend", {"x": x}, scipy.signal.detrend(x, type="constant"), kind="constant")
        if n > 1:
            # What remains of a line is a difference of numbers of x's size: its rounding (of two points, all
            # there is) is LAPACK's, and another one on each kind of processor.
            rounding = 4 * np.finfo(float).eps * np.abs(x).max()
            made = scipy.signal.detrend(x, type="linear")
            cases.add("detrend", {"x": x}, made, absolute=rounding, kind="linear")


def spectrum(cases):
    for n, n_fft in ((64, 64), (75, 75), (64, 128), (50, 75), (1, 1), (2, 2)):
        x, rate = noise(n), 50.0
        for name, scipys in TAPERS.items():
            if n < 3 and name != "rectangular":
                continue
            common = dict(taper=name, n_fft=n_fft, rate_hz=rate)
            for kind in ("none", "constant", "linear"):
                # A line through one or two points leaves nothing but rounding.
                if n < 3 and kind == "linear" or n == 1 and kind != "none":
                    continue
                told = False if kind == "none" else kind
                for scaling, scipys_scaling in (("power", "spectrum"), ("density", "density")):
                    _, made = scipy.signal.periodogram(
                        x, rate, window=scipys, nfft=n_fft, detrend=told, scaling=scipys_scaling
                    )
                    cases.add("spectrum", {"x": x}, made, detrend=kind, scaling=scaling, **common)
            w = scipy.signal.get_window(scipys, n)
            made = np.abs(np.fft.rfft(x * w, n_fft))
            cases.add("spectrum", {"x": x}, made, detrend="none", scaling="magnitude", **common)
            amplitude = 2 * made / w.sum()
            amplitude[0] /= 2
            if n_fft % 2 == 0:
                amplitude[-1] /= 2
            cases.add("spectrum", {"x": x}, amplitude, detrend="none", scaling="amplitude", **common)


def welch(cases):
    x, rate = noise(1000), 1000.0
    for segment, overlap, n_fft in ((256, 128, 256), (100, 0, 100), (101, 70, 128), (1000, 500, 1000), (300, 1, 301)):
        for scaling, scipys in (("power", "spectrum"), ("density", "density")):
            for average in ("mean", "median"):
                for name, kind in (("hann", "constant"), ("blackman", "linear")):
                    _, made = scipy.signal.welch(
                        x,
                        rate,
                        window=name,
                        nperseg=segment,
                        noverlap=overlap,
                        nfft=n_fft,
                        detrend=kind,
                        scaling=scipys,
                        average=average,
                    )
                    cases.add(
                        "welch",
                        {"x": x},
                        made,
                        taper=name,
                        detrend=kind,
                        segment=segment,
                        overlap=overlap,
                        n_fft=n_fft,
                        rate_hz=rate,
                        scaling=scaling,
                        average=average,
                    )


def bands(cases):
    x, rate = noise(500), 200.0
    edges = [[0, 5], [5, 20.4], [20.4, 99], [99, 101], [0, 101]]
    for name in ("rectangular", "hann"):
        f, p = scipy.signal.periodogram(x, rate, window=TAPERS[name])
        made = [p[(f >= low) & (f < high)].sum() * (f[1] - f[0]) for low, high in edges]
        cases.add("bands", {"x": x}, made, taper=name, rate_hz=rate, bands=edges)
    # All of it is the variance.
    cases.add("bands", {"x": x}, [np.var(x)], taper="rectangular", rate_hz=rate, bands=[[0, 101]])


def envelope(cases):
    for n in (1, 2, 3, 128, 135):
        x = noise(n) * (1 + 0.5 * np.sin(np.arange(n) * 0.05))
        cases.add("envelope", {"x": x}, np.abs(scipy.signal.hilbert(x)), band=None, rate_hz=100.0)
    for n in (128, 135):
        x, rate, (low, high) = noise(n), 100.0, (10.0, 30.0)
        f, spectrum = np.fft.rfftfreq(n, 1 / rate), np.fft.rfft(x)
        spectrum[(f < low) | (f >= high)] = 0
        made = np.abs(scipy.signal.hilbert(np.fft.irfft(spectrum, n)))
        cases.add("envelope", {"x": x}, made, band=[low, high], rate_hz=rate)


def stft(cases):
    x = noise(700)
    for n_fft, hop, win, taper in (
        (64, 16, 64, "hann"),
        (64, 20, 50, "hamming"),
        (65, 13, 65, "hann"),
        (65, 30, 33, "blackman"),
        (128, 200, 128, "hann"),
    ):
        common = dict(n_fft=n_fft, hop_length=hop, win_length=win, taper=taper, scaling="none")
        for edges, options in (
            ("none", dict(center=False)),
            ("zeros", dict(center=True, pad_mode="constant")),
            ("reflect", dict(center=True, pad_mode="reflect")),
        ):
            made = librosa.stft(x, n_fft=n_fft, hop_length=hop, win_length=win, window=taper, **options)
            cases.add("stft", {"x": x}, made, edges=edges, **common)
    for n in (700, 704, 40):
        for nperseg, overlap in ((64, 32), (65, 60), (33, 0)):
            if n == 40 and nperseg != 33:
                continue
            for edges, options in (("zeros_padded", dict(boundary="zeros", padded=True)), ("none", dict(boundary=None, padded=False))):
                for scaling, scipys in (("spectrum", "spectrum"), ("density", "psd")):
                    _, _, made = scipy.signal.stft(
                        x[:n], 20.0, nperseg=nperseg, noverlap=overlap, scaling=scipys, **options
                    )
                    cases.add(
                        "stft",
                        {"x": x[:n]},
                        made,
                        edges=edges,
                        scaling=scaling,
                        rate_hz=20.0,
                        n_fft=nperseg,
                        hop_length=nperseg - overlap,
                        win_length=nperseg,
                        taper="hann",
                    )


def mel(cases):
    for rate, n_fft, n_mels, fmin, fmax in (
        (22050, 2048, 128, 0.0, 11025.0),
        (16000, 512, 40, 20.0, 8000.0),
        (8000, 256, 64, 0.0, 3800.0),
        (16000, 401, 23, 64.0, 7600.0),
    ):
        for htk in (True, False):
            for norm in ("slaney", None):
                spec = dict(n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax, htk=htk, norm=norm)
                power = rng.uniform(0, 3, n_fft // 2 + 1)
                for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 1e-6)):
                    made = librosa.filters.mel(sr=rate, dtype=dtype, **spec).astype(np.float64) @ power
                    cases.add("mel", {"power": power}, made, tolerance=tolerance, rate_hz=rate, **spec)
    powers = rng.uniform(0, 1, 200) ** 30
    powers[5] = 0
    for ref, amin, top_db in ((1.0, 1e-10, 80.0), (0.5, 1e-5, None), ("max", 1e-10, 40.0)):
        made = librosa.power_to_db(powers, ref=np.max if ref == "max" else ref, amin=amin, top_db=top_db)
        cases.add("decibels", {"powers": powers}, made, ref=ref, amin=amin, top_db=top_db)


def cepstrum(cases):
    rate = 16000
    t = np.arange(3000) / rate
    x = 0.3 * np.sin(2 * np.pi * 440 * t) * np.exp(-t * 3) + 0.05 * rng.normal(0, 1, len(t))
    for options in (
        dict(),
        dict(n_fft=512, hop_length=160, win_length=400, n_mels=40, fmin=20.0, fmax=7600.0, htk=True),
        dict(n_fft=400, hop_length=160, n_mels=80, power=1.0, norm=None, center=False),
        dict(n_fft=512, hop_length=200, n_mels=64, pad_mode="reflect", window="hamming"),
    ):
        # Filters in float32: 1e-6 of a power is 4.3e-6 dB, and a coefficient is a weighted sum of them.
        for dtype, tolerance, absolute in ((np.float64, 1e-9, 0.0), (None, 1e-6, 5e-6)):
            more = {} if dtype is None else {"dtype": dtype}
            powers = librosa.feature.melspectrogram(y=x, sr=rate, **options, **more)
            cases.add("mel_spectrogram", {"x": x}, powers, rate_hz=rate, tolerance=tolerance, **options)
            decibels = librosa.power_to_db(powers)
            cases.add("log_mel", {"x": x}, decibels, rate_hz=rate, tolerance=tolerance, absolute=absolute, **options)
            for n_mfcc, norm, lifter in ((20, "ortho", 0), (13, "ortho", 22), (13, None, 0)):
                made = librosa.feature.mfcc(S=decibels, n_mfcc=n_mfcc, norm=norm, lifter=lifter)
                cases.add(
                    "mfcc",
                    {"x": x},
                    made,
                    rate_hz=rate,
                    tolerance=tolerance,
                    absolute=10 * absolute,
                    n_mfcc=n_mfcc,
                    dct_norm=norm,
                    lifter=lifter,
                    **options,
                )
    # By the one call people write.
    made = librosa.feature.mfcc(y=x, sr=rate, n_mfcc=13, dtype=np.float64)
    cases.add("mfcc", {"x": x}, made, rate_hz=rate, n_mfcc=13, dct_norm="ortho", lifter=0)


def main(folder: Path):
    warnings.simplefilter("ignore")
    cases = Cases()
    for part in (tapers, detrend, spectrum, welch, bands, envelope, stft, mel, cepstrum):
        part(cases)
    cases.write(folder / "spectra.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
