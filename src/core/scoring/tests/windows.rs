//! Windows by the events' own time: when they close, what comes late, holes.

use std::sync::Arc;

use super::{series::echoing, *};

fn by_time(more: &str) -> String {
    format!(
        "[payload]\nformat = \"csv\"\ncolumns = [\"m\", \"t\", \"v\"]\ntime = \"t\"\n[inputs.x]\nfields = [\"v\"]\n\
         [window]\n{more}\n[prepare]\nversion = 1\n[[prepare.steps]]\nstep = \"statistics\"\n\
         statistics = [\"sum\"]\n"
    )
}

/// What each message came to, as `sum start-end readings gaps`, a word, or a reason.
fn told(scorer: &mut Scorer, payloads: &[&str]) -> Vec<String> {
    told_from(scorer, payloads, 0, false)
}

fn told_from(scorer: &mut Scorer, payloads: &[&str], first: u64, replayed: bool) -> Vec<String> {
    let mut seen = Vec::new();
    let mut settle = |settled: crate::scoring::Settled<'_>| {
        let what = match settled.outcome {
            Outcome::Verdict(verdict) => {
                let mut json = b"{".to_vec();
                verdict.write_results(&mut json);
                json.push(b'}');
                let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
                let window = &json["window"];
                let gaps = window.get("gaps").map(|gaps| format!(" gaps {gaps}")).unwrap_or_default();
                let span = window.get("start").map(|start| format!(" {start}-{}", window["end"]));
                let sum = &json["outputs"]["y"];
                let sum = sum.as_array().map_or(sum, |values| &values[0]);
                format!("{sum}{} of {}{gaps}", span.unwrap_or_default(), window["readings"])
            }
            Outcome::Merged => "merged".into(),
            Outcome::Rejected(rejection) => rejection.to_string(),
        };
        seen.push(format!("{}: {what}", settled.message));
    };
    let mut units = 0;
    for (index, payload) in payloads.iter().enumerate() {
        let (payload, token) = (payload.as_bytes(), first + index as u64);
        units += scorer.push(index, &Message { payload, token, replayed, ..Message::default() }, &mut settle);
    }
    scorer.flush(&mut settle);
    assert_eq!(units, seen.len(), "every unit is settled once: {seen:?}");
    seen
}

#[test]
fn a_window_closes_when_its_sources_time_is_past_its_end_and_lateness() {
    let mut scorer = echoing(&[1], &by_time("duration_secs = 10\nlateness_secs = 2"));
    let seen = told(
        &mut scorer,
        &[
            "a,101,1",
            "a,105,2",
            "b,500,7",
            "a,103,4",
            "a,111.5,8",
            "a,109.5,16",
            "a,112,32",
            "a,109,64",
            "a,111,128",
        ],
    );
    assert_eq!(
        seen,
        [
            "0: merged",
            "1: merged",
            "2: merged",
            "3: merged",
            // Past the end, not past the lateness: a straggler is still taken.
            "4: merged",
            "5: merged",
            "6: 23.0 100-110 of 4",
            "7: late: the windows of 109 are closed: this source was at 112 already, and a window waits 2 s",
            "8: merged",
        ]
    );
    // The other source's time is its own.
    assert_eq!(told(&mut scorer, &["b,512,1"]), ["0: 7.0 500-510 of 1"]);
}

#[test]
fn one_reading_closes_every_window_that_ends_before_it() {
    let mut scorer = echoing(&[1], &by_time("duration_secs = 10\nstep_secs = 5"));
    let seen = told(&mut scorer, &["a,1,1", "a,6,2", "a,7,4", "a,31,8", "a,3153600000,16"]);
    assert_eq!(
        seen,
        [
            "0: merged",
            // From -5 to 5.
            "1: 1.0 -5-5 of 1",
            "2: merged",
            "3: 7.0 0-10 of 3",
            "3: 6.0 5-15 of 2",
            // A hundred years of empty windows are none.
            "4: 8.0 25-35 of 1",
            "4: 8.0 30-40 of 1",
        ]
    );
}

#[test]
fn verdicts_of_one_reading_have_ids_of_their_own_that_stay_the_same() {
    let ids = || {
        let mut scorer = echoing(&[1], &by_time("duration_secs = 10\nstep_secs = 5"));
        let mut ids = Vec::new();
        let mut settle = |settled: crate::scoring::Settled<'_>| {
            if let Outcome::Verdict(verdict) = settled.outcome {
                ids.push(verdict.id);
            }
        };
        for payload in ["a,1,1", "a,6,1", "a,60,1"] {
            scorer.push(0, &Message { payload: payload.as_bytes(), ..Message::default() }, &mut settle);
        }
        scorer.flush(&mut settle);
        ids
    };
    let mut first = ids();
    assert_eq!(first, ids());
    assert_eq!(first.len(), 3);
    first.dedup();
    assert_eq!(first.len(), 3);
}

#[test]
fn holes_are_told_refused_or_begin_the_series_anew() {
    let rows = ["a,100,1", "a,102,2", "a,109,4", "a,112,8", "a,114,16", "a,118,32", "a,120,1", "a,121,1"];
    let of = |on_gap: &str| {
        let window = format!("duration_secs = 10\ngap_secs = 4\non_gap = \"{on_gap}\"");
        told(&mut echoing(&[1], &by_time(&window)), &rows)
    };
    let tell = of("tell");
    assert_eq!(
        (tell[3].as_str(), tell[6].as_str()),
        ("3: 7.0 100-110 of 3 gaps 1", "6: 56.0 110-120 of 3 gaps 0")
    );
    let reject = of("reject");
    assert_eq!(
        reject[3],
        "3: gap_in_window: the window from 100 to 110 has 1 gaps of more than 4 s without a reading"
    );
    assert_eq!(reject[6], tell[6]);
    let restart = of("restart");
    assert_eq!((restart[3].as_str(), restart[6].as_str()), ("3: merged", tell[6].as_str()));
    // From a window's begin to its first reading, and from its last to its end, are holes too.
    let mut scorer = echoing(&[1], &by_time("duration_secs = 10\ngap_secs = 4"));
    assert_eq!(told(&mut scorer, &["a,105,1", "a,111,1"])[1], "1: 1.0 100-110 of 1 gaps 2");
}

#[test]
fn holes_in_windows_by_count() {
    let of = |on_gap: &str| {
        let declaration = by_time(&format!("length = 2\ngap_secs = 4\non_gap = \"{on_gap}\""));
        told(&mut echoing(&[1], &declaration), &["a,0,1", "a,3,2", "a,9,4", "a,10,8"])
    };
    assert_eq!(of("tell"), ["0: merged", "1: 3.0 of 2 gaps 0", "2: 6.0 of 2 gaps 1", "3: 12.0 of 2 gaps 0"]);
    assert_eq!(of("restart"), ["0: merged", "1: 3.0 of 2 gaps 0", "2: merged", "3: 12.0 of 2 gaps 0"]);
    let reject = of("reject");
    assert_eq!(reject[2], "2: gap_in_window: the window has 1 gaps of more than 4 s without a reading");
    assert_eq!(reject[3], "3: 12.0 of 2 gaps 0");
}

#[test]
fn times_that_are_none_are_refused() {
    let mut scorer = echoing(&[1], &by_time("duration_secs = 10"));
    let seen = told(
        &mut scorer,
        &[
            "a,,1",
            "a,soon,1",
            "a,1e30,1",
            "a,true,1",
            "a,2026-01-01T00:00:09Z,1",
            "a,2026-01-01T01:00:10+01:00,1",
        ],
    );
    assert_eq!(seen[0], "0: bad_time: the event's time is missing");
    assert!(seen[1].starts_with("1: bad_time: the event's time is \"soon\", not an ISO 8601"), "{}", seen[1]);
    assert!(seen[2].starts_with("2: bad_time: the event's time is before"), "{}", seen[2]);
    assert_eq!(seen[3], "3: bad_time: the event's time is a boolean");
    assert_eq!(seen[5], "5: 1.0 \"2026-01-01T00:00:00Z\"-\"2026-01-01T00:00:10Z\" of 1");
}

#[test]
fn a_clock_that_was_set_back_is_believed_after_a_hundred_readings() {
    let mut scorer = echoing(&[1], &by_time("duration_secs = 10"));
    assert_eq!(told(&mut scorer, &["a,99999,1"]), ["0: merged"]);
    let rows: Vec<String> = (0..120).map(|i| format!("a,{},1", i + 1000)).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let seen = told(&mut scorer, &rows);
    assert!(seen[..99].iter().all(|what| what.contains("late: ")), "{:?}", &seen[..99]);
    assert_eq!(seen[99], "99: merged");
    assert_eq!(seen[100], "100: 1.0 1090-1100 of 1");
    assert_eq!(seen[110], "110: 10.0 1100-1110 of 10");
    // One on time, and the count begins anew.
    let mut scorer = echoing(&[1], &by_time("duration_secs = 10"));
    let mut rows = vec!["a,1000,1"];
    rows.extend(["a,1,1"; 99]);
    rows.push("a,1001,1");
    rows.extend(["a,1,1"; 99]);
    let seen = told(&mut scorer, &rows);
    assert_eq!(seen.iter().filter(|what| what.contains("late: ")).count(), 198);
}

#[test]
fn a_source_keeps_no_more_readings_than_it_may() {
    let mut scorer = echoing(&[1], &by_time("duration_secs = 10\nmax_readings = 2"));
    let seen = told(&mut scorer, &["a,1,1", "a,2,1", "a,3,1", "a,11,1", "a,12,1", "a,13,1"]);
    assert_eq!(
        seen[2],
        "2: window_full: 2 readings wait in open windows of this source; raise `window.max_readings`"
    );
    // What closes a window makes room, so it is taken.
    assert_eq!(seen[3], "3: 2.0 0-10 of 2");
    assert_eq!(seen[4], "4: merged");
    assert!(seen[5].starts_with("5: window_full"), "{}", seen[5]);
}

#[test]
fn readings_of_open_windows_are_needed_and_no_others() {
    let mut scorer = echoing(&[1], &by_time("duration_secs = 10\nstep_secs = 5\nlateness_secs = 1"));
    told(&mut scorer, &["a,1,1", "a,6,2", "a,4,4", "a,8,8"]);
    let needed = |scorer: &Scorer| (0..8).filter(|token| scorer.is_needed("a", *token)).collect::<Vec<_>>();
    assert_eq!(needed(&scorer)[..4], [0, 1, 2, 3]);
    // Windows up to the one that ends at 10 are closed: what is before 5 is needed by nobody. The one at
    // 4 came behind one that still is.
    told_from(&mut scorer, &["a,11,16"], 4, false);
    assert!(!scorer.is_needed("a", 0));
    assert!((1..5).all(|token| scorer.is_needed("a", token)));
    told_from(&mut scorer, &["a,60,32"], 5, false);
    assert!((0..5).all(|token| !scorer.is_needed("a", token)) && scorer.is_needed("a", 5));
}

#[test]
fn what_is_read_again_after_a_restart_fills_windows_and_scores_none_twice() {
    let declaration = by_time("duration_secs = 10\nstep_secs = 5\nlateness_secs = 1");
    let rows = ["a,1,1", "a,6,2", "a,4,4", "a,8,8", "a,11,16"];
    let later = ["a,13,32", "a,17,64", "a,22,1"];
    let mut whole = echoing(&[1], &declaration);
    told(&mut whole, &rows);
    let expected = told(&mut whole, &later);
    assert!(expected[1].contains("58.0 5-15 of 4"), "{expected:?}");
    // Only what was needed when the daemon died.
    let mut again = echoing(&[1], &declaration);
    let kept: Vec<&str> = rows[1..].to_vec();
    assert!(told_from(&mut again, &kept, 0, true).iter().all(|what| what.ends_with("merged")));
    assert_eq!(told(&mut again, &later), expected);
}

#[test]
fn a_grid_has_a_fixed_length_whatever_came() {
    let declaration = "[payload]\nformat = \"csv\"\ncolumns = [\"m\", \"t\", \"v\"]\ntime = \"t\"\n[inputs.x]\n\
        fields = [{ path = \"v\", missing = \"nan\" }]\n[window]\nduration_secs = 2\nresample = { rate_hz = 2.0 }\n";
    let mut scorer = echoing(&[4, 1], declaration);
    let rows = ["a,0.25,1", "a,1.25,3", "a,0.75,", "a,1.25,5", "a,2,0", "a,4,0", "a,6.0,"];
    let numbers = super::series::seen(&mut scorer, &rows.map(str::to_owned));
    // Held at the edges; the missing one is passed over; of two at a time the later counts.
    assert_eq!(numbers[4], Ok(vec![1.0, 2.0, 4.0, 5.0]));
    assert_eq!(numbers[5], Ok(vec![0.0; 4]));
    assert_eq!(numbers[6], Ok(vec![0.0; 4]));
    let nothing = super::series::seen(&mut scorer, &["a,9,1".to_owned()]);
    let told = "not_finite: input `x`: feature `v` is NaN at place 0 of the prepared series";
    assert_eq!(nothing, [Err(told.to_owned())]);
}

#[test]
fn a_batch_of_one_is_never_exceeded() {
    // Engines with fixed shapes take one row a run, however many windows a reading closes.
    let port = |name: &str| Port {
        name: name.into(),
        element: ElementType::F64,
        dims: vec![Dim::Fixed(1), Dim::Fixed(1)],
        labels: vec![],
    };
    let signature = Signature { inputs: vec![port("x")], outputs: vec![port("y")], free_batch: false };
    let fixed = Arc::new(crate::scoring::fuzz::Echo(signature));
    let mut spec = super::series::declared(&by_time("duration_secs = 10\nstep_secs = 5"));
    infer(&mut spec, fixed.signature()).unwrap();
    let plan = Plan::new(spec, fixed.signature(), &Limits::default()).unwrap();
    let options = ScorerOptions {
        pipeline: "p".into(),
        device: "d".into(),
        epoch: Epoch([0; 8]),
        sequence_field: None,
        source: SourceRule::None,
        max_sources: 10,
        copy_fields: Vec::new(),
        max_payload_bytes: 1000,
        max_batch: 8,
    };
    let mut scorer = Scorer::new(Arc::new(plan), fixed, options);
    let seen = told(&mut scorer, &["a,1,1", "a,6,2", "a,60,8"]);
    assert_eq!(seen[1..], ["1: 1.0 -5-5 of 1", "2: 3.0 0-10 of 2", "2: 2.0 5-15 of 1"]);
}

#[test]
fn the_first_and_the_last_moment_there_is() {
    let declaration = by_time("duration_secs = 10\nstep_secs = 3\nlateness_secs = 2\ngap_secs = 1")
        .replace("time = \"t\"", "time = \"t\"\ntime_format = \"epoch_nanos\"");
    let mut scorer = echoing(&[1], &declaration);
    let seen = told(
        &mut scorer,
        &[
            "a,-9100000000000000000,1",
            "a,-9099999999999999999,2",
            "a,9100000000000000000,4",
            "a,0,8",
            "a,9223372036854775807,1",
        ],
    );
    assert!(seen[..2].iter().all(|what| what.ends_with("merged")), "{seen:?}");
    assert!(seen[2].starts_with("2: 3.0 "), "{seen:?}");
    assert!(seen[seen.len() - 2].contains("late: "), "{seen:?}");
    assert!(seen[seen.len() - 1].contains("bad_time: "), "{seen:?}");
}

/// The windows as one would write them down without thinking of speed.
struct Plain {
    secs: (i64, i64, i64),
    readings: Vec<(i64, i64)>,
    newest: Option<i64>,
}

impl Plain {
    /// Windows closed at this time of the source, by their number.
    fn closed(&self, k: i64, newest: Option<i64>) -> bool {
        let (duration, step, lateness) = self.secs;
        newest.is_some_and(|newest| k * step + duration + lateness <= newest)
    }

    fn push(&mut self, t: i64, v: i64) -> String {
        let (duration, step, _) = self.secs;
        let all = -100..400;
        let holds = |k: i64, t: i64| k * step <= t && t < k * step + duration;
        if all.clone().filter(|k| holds(*k, t)).all(|k| self.closed(k, self.newest)) {
            return "late".into();
        }
        self.readings.push((t, v));
        let before = self.newest;
        self.newest = Some(before.map_or(t, |newest| newest.max(t)));
        let mut told = Vec::new();
        for k in all.filter(|k| self.closed(*k, self.newest) && !self.closed(*k, before)) {
            // A window that was closed before the first reading came has none.
            let inside: Vec<i64> =
                self.readings.iter().filter(|(t, _)| holds(k, *t)).map(|(_, v)| *v).collect();
            if !inside.is_empty() {
                let sum: i64 = inside.iter().sum();
                told.push(format!("{sum}.0 {}-{} of {}", k * step, k * step + duration, inside.len()));
            }
        }
        if told.is_empty() { "merged".into() } else { told.join("; ") }
    }
}

#[test]
fn any_order_of_readings_gives_the_windows_that_are_written_down_plainly() {
    let mut state = 5_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((state >> 33) % below).unwrap()
    };
    let mut verdicts = 0;
    for round in 0..200 {
        let step = 1 + random(6);
        let (duration, lateness) = (step + random(12), random(8));
        let declaration =
            by_time(&format!("duration_secs = {duration}\nstep_secs = {step}\nlateness_secs = {lateness}"));
        let mut scorer = echoing(&[1], &declaration);
        let mut plain = Plain { secs: (duration, step, lateness), readings: Vec::new(), newest: None };
        let mut clock = 0;
        for _ in 0..60 {
            clock += if random(20) == 0 { random(60) } else { random(4) };
            let (t, v) = (clock - random(12), random(1000));
            let expected = plain.push(t, v);
            let seen = told(&mut scorer, &[&format!("a,{t},{v}")]);
            let found: Vec<&str> = seen.iter().map(|what| what.strip_prefix("0: ").unwrap()).collect();
            let found = if found[0].starts_with("late: ") { "late".into() } else { found.join("; ") };
            assert_eq!(found, expected, "round {round}: {t} with {:?}", plain.secs);
            verdicts += found.matches(" of ").count();
        }
    }
    assert!(verdicts > 1000, "{verdicts}");
}
