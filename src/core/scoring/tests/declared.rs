//! What is wrong with a window or a preparation is told when it is declared, by its key.

use super::{series::echo, *};

/// The faults of a declaration, read and held against a model with these dimensions.
fn faults(dims: &[usize], declaration: &str) -> Vec<String> {
    let tree = Node::from_toml(declaration, "test").unwrap();
    let faults = Faults::new();
    let root = Section::root(&tree, &faults);
    let mut spec = read_spec(&root);
    root.finish();
    let read = faults.into_vec();
    if !read.is_empty() {
        return read.iter().map(|fault| format!("{}: {}", fault.path, fault.reason)).collect();
    }
    let engine = echo(dims);
    infer(&mut spec, engine.signature()).unwrap();
    match Plan::new(spec, engine.signature(), &Limits::default()) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(|fault| format!("{}: {}", fault.key, fault.reason)).collect(),
    }
}

pub(super) fn has(dims: &[usize], declaration: &str, expected: &str) {
    let found = faults(dims, declaration);
    assert!(
        found.iter().any(|fault| fault.contains(expected)),
        "{declaration}\ngives {found:#?},\nnot {expected}"
    );
}

#[test]
fn windows() {
    let timed = "[payload]\ntime = \"t\"\n[inputs.x]\nfields = [\"v\"]\n[window]\n";
    for (window, expected) in [
        ("length = 3\nduration_secs = 2", "window.duration_secs: is of a window by time"),
        ("step = 3", "window.length: is missing: how many readings"),
        ("duration_secs = 0", "window.duration_secs: must be from"),
        ("duration_secs = 1\nstep_secs = 2", "window.step_secs: is larger than"),
        ("duration_secs = 1000\nstep_secs = 0.1", "window.step_secs: is so small"),
        ("duration_secs = 1\nlateness_secs = -1", "window.lateness_secs: must be from"),
        ("duration_secs = 1\nresample = { rate_hz = 1.5 }", "window.resample.rate_hz: gives 1.5 values"),
        ("duration_secs = 1\nresample = { method = \"linear\" }", "window.resample.rate_hz: is missing"),
        (
            "duration_secs = 1\nresample = { rate_hz = 1e9 }",
            "window.resample.rate_hz: gives 1000000000 values",
        ),
        (
            "duration_secs = 1\nresample = { rate_hz = 2, methode = \"cubic\" }",
            "window.resample.methode: is not a known key",
        ),
        ("duration_secs = 1\non_gap = \"tell\"", "window.on_gap: needs `gap_secs`"),
        (
            "duration_secs = 1\ngap_secs = 1\non_gap = \"ignore\"",
            "window.on_gap: must be one of tell, restart, reject",
        ),
        ("duration_secs = 1", "window.resample: gives as many points in time as there were readings"),
        (
            "duration_secs = 1\nresample = { rate_hz = 5 }",
            "window.resample: gives 1 features at 5 points in time (5 x 1), the model takes 4",
        ),
        ("length = 3", "window.length: 3 readings don't divide the 4 elements"),
    ] {
        has(&[4], &format!("{timed}{window}"), expected);
    }
    has(
        &[4],
        "[inputs.x]\nfields = [\"v\"]\n[window]\nduration_secs = 1",
        "window.duration_secs: needs the events' own time",
    );
    has(&[4], "[window]\nlength = 4\ngap_secs = 1", "window.gap_secs: needs the events' own time");
    has(&[4], "[payload]\ntime_format = \"unix\"", "payload.time_format: must be one of auto, iso8601");
}

#[test]
fn steps() {
    let series = "[inputs.x]\nfields = [\"v\", \"w\"]\n[window]\nlength = 8\n[prepare]\nversion = 1\n[[prepare.steps]]\n";
    for (step, expected) in [
        ("order = 1", "prepare.steps[0].step: is missing: what the step does"),
        ("step = \"diference\"", "prepare.steps[0].step: is not a step"),
        ("step = \"difference\"\nodrer = 2", "prepare.steps[0].odrer: is not a known key"),
        (
            "step = \"difference\"\norder = 8",
            "prepare.steps[0]: needs at least 9 points in time, there are 8",
        ),
        (
            "step = \"difference\"\nfields = [2]",
            "prepare.steps[0].fields: names feature 2, there are 2: `v`, `w`",
        ),
        ("step = \"difference\"\nfields = [\"u\"]", "prepare.steps[0].fields: names the feature `u`"),
        (
            "step = \"difference\"\nfields = [0, \"v\"]",
            "prepare.steps[0].fields: names the feature `v` twice",
        ),
        (
            "step = \"difference\"\nfields = [1, 0]",
            "prepare.steps[0].fields: must name the features in their own order",
        ),
        ("step = \"difference\"\nfields = []", "prepare.steps[0].fields: is empty"),
        (
            "step = \"difference\"\ninput = \"z\"",
            "prepare.steps[0].input: names an input that the model doesn't have",
        ),
        ("step = \"lag\"", "prepare.steps[0].lags: is missing"),
        ("step = \"lag\"\nlags = [0.5]", "prepare.steps[0].lags: must be whole numbers"),
        (
            "step = \"rolling\"\nwindow = 3\nstatistics = [\"average\"]",
            "prepare.steps[0].statistics: holds `average`",
        ),
        (
            "step = \"rolling\"\nwindow = 3\nstatistics = [\"kurtosis\"]",
            "prepare.steps[0].statistics: must be mean",
        ),
        (
            "step = \"rolling\"\nwindow = 3\nmin_periods = 4\nstatistics = [\"mean\"]",
            "prepare.steps[0].min_periods: must not be more",
        ),
        ("step = \"ewm\"", "prepare.steps[0].alpha: or one of `span`"),
        ("step = \"ewm\"\nalpha = 0.5\nspan = 3", "prepare.steps[0].alpha: or one of `span`"),
        ("step = \"ewm\"\nalpha = 1.5", "prepare.steps[0].alpha: must be above 0"),
        ("step = \"z_score\"", "prepare.steps[0].mean: and `std` are missing"),
        (
            "step = \"z_score\"\nmean = [1, 2, 3]\nstd = [1, 2, 3]",
            "prepare.steps[0].mean: has 3 numbers for 2 features",
        ),
        (
            "step = \"z_score\"\nmean = 1\nstd = 1\nover = \"window\"",
            "prepare.steps[0].mean: and `std` are for",
        ),
        ("step = \"fill\"", "prepare.steps[0].method: is missing"),
        ("step = \"fill\"\nmethod = \"constant\"", "prepare.steps[0].value: is missing"),
        ("step = \"fft\"\nn_fft = 4", "prepare.steps[0].n_fft: must be at least the 8 values"),
        ("step = \"fft\"\nscaling = \"density\"", "prepare.steps[0].rate_hz: is missing"),
        (
            "step = \"welch\"\nrate_hz = 1\nsegment = 9",
            "prepare.steps[0].segment: is longer than the series of 8",
        ),
        ("step = \"welch\"\nrate_hz = 1\nsegment = 4\noverlap = 4", "prepare.steps[0].overlap: must be less"),
        (
            "step = \"bands\"\nrate_hz = 8\nedges_hz = [1, 1]",
            "prepare.steps[0].edges_hz: must be two or more",
        ),
        (
            "step = \"bands\"\nrate_hz = 8\nedges_hz = [0, 0.1, 0.2]",
            "prepare.steps[0].edges_hz: from 0.1 to 0.2 Hz hold no",
        ),
        (
            "step = \"stft\"\nn_fft = 32\nedges = \"none\"",
            "prepare.steps[0].n_fft: is longer than the series of 8",
        ),
        ("step = \"stft\"\nn_fft = 32\nedges = \"reflect\"", "prepare.steps[0].n_fft: is too long to mirror"),
        ("step = \"stft\"\nn_fft = 4\nwin_length = 5", "prepare.steps[0].win_length: must be from 1"),
        ("step = \"stft\"\nn_fft = 4\nwindow = \"hanning\"", "prepare.steps[0].window: must be one of hann"),
        (
            "step = \"log_mel\"\nrate_hz = 8\nn_fft = 4\nfmax_hz = 5",
            "prepare.steps[0].fmax_hz: must be above",
        ),
        (
            "step = \"log_mel\"\nrate_hz = 8\nn_fft = 4\ntop_db = -1",
            "prepare.steps[0].top_db: must not be negative",
        ),
        (
            "step = \"mfcc\"\nrate_hz = 8\nn_fft = 4\nn_mels = 4\nn_mfcc = 5",
            "prepare.steps[0].n_mfcc: must be from 1",
        ),
        ("step = \"log\"\nfloor = 0", "prepare.steps[0].floor: must be above 0"),
        (
            "step = \"difference\"\n[[prepare.steps]]\nstep = \"ewm\"\nalpha = 0.5\nover = \"source\"",
            "prepare.steps[1].over: \"source\" works on each reading",
        ),
        (
            "step = \"fill\"\nmethod = \"drop\"\n[[prepare.steps]]\nstep = \"fft\"",
            "prepare.steps[1].step: needs a fixed number of points in time",
        ),
        (
            "step = \"lag\"\nlags = [1]",
            "prepare.steps[0]: gives 4 features at 7 points in time (7 x 4), the model takes 2 x 7",
        ),
    ] {
        has(&[2, 7], &format!("{series}{step}"), expected);
    }
    has(&[2, 7], &format!("{series}step = \"difference\""), "; the other `layout` would fit");
    assert_eq!(faults(&[7, 2], &format!("{series}step = \"difference\"")), [""; 0]);
}

#[test]
fn the_rest_of_a_preparation() {
    has(&[2], "[prepare]\nsteps = []", "prepare.version: is missing");
    has(&[2], "[prepare]\nversion = 2", "prepare.version: is newer than this program");
    has(
        &[2],
        "[prepare]\nversion = 1\nsteps = [\"fft\"]",
        "prepare.steps: prepare.steps[0] is \"fft\", must be a table",
    );
    has(&[2], "[inputs.x]\nfields = [\"v\", \"w\"]\npoints = 2", "inputs.x.points: and `channels` are for");
    has(
        &[2],
        "[inputs.x]\narray = \"v\"\npoints = 2",
        "inputs.x.channels: is for inputs that [prepare] has steps for",
    );
    has(
        &[1],
        "[inputs.x]\nfields = [{ path = \"v\", missing = \"nan\" }]",
        "inputs.x.fields[0].missing: is \"nan\"",
    );
    has(
        &[1],
        "[payload]\ntime = \"t\"\n[inputs.x]\narray = \"v\"\npoints = 2\n[window]\nduration_secs = 1\nresample = { rate_hz = 1 }",
        "inputs.x.points: must be 1 with a window by time",
    );
    has(
        &[1],
        "[inputs.x]\narray = \"v\"\npoints = 10000000\nchannels = 10\n[prepare]\nversion = 1\n[[prepare.steps]]\nstep = \"detrend\"",
        "is more than the 16777216 values it may have",
    );
}

#[test]
fn every_step_is_known() {
    for step in crate::scoring::declared::STEPS {
        let declaration = format!("[prepare]\nversion = 1\n[[prepare.steps]]\nstep = \"{step}\"");
        let found = faults(&[1], &declaration);
        assert!(!found.iter().any(|fault| fault.contains("is not a step")), "{step}: {found:?}");
    }
}
