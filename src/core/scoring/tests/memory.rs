//! What a source's conditions, steadied outputs and running steps know goes from one scorer to the next.

use std::time::Duration;

use super::{series::echoing, *};

const DECLARATION: &str = r#"
    [payload]
    time = "t"
    [inputs.x]
    array = "v"
    [outputs.level]
    tensor = "y"
    kind = "value"
    smooth = { mean = 0.5 }
    [outputs.word]
    tensor = "y"
    kind = "label"
    argmax = true
    labels = ["a"]
    smooth = { majority = 3 }
    [conditions.hot]
    output = "level"
    operator = ">"
    value = 4.0
    hysteresis = 3.0
    for_count = 2
"#;

fn readings() -> Vec<String> {
    [1.0, 9.0, 9.0, 3.0, 2.0, 1.0, 0.0, 8.0]
        .iter()
        .enumerate()
        .map(|(at, x)| format!(r#"{{"m":"s","t":"2026-01-01T00:00:{at:02}Z","v":[{x}]}}"#))
        .collect()
}

fn outcomes(scorer: &mut Scorer, payloads: &[String]) -> Vec<String> {
    let payloads: Vec<&str> = payloads.iter().map(String::as_str).collect();
    let strip = |line: &String| line.split_once(": ").unwrap().1.to_owned();
    score(scorer, &payloads).iter().map(strip).collect()
}

#[test]
fn a_scorer_goes_on_where_another_one_ended() {
    let all = outcomes(&mut echoing(&[1], DECLARATION), &readings());
    assert!(all.iter().any(|line| line.contains("\"hot\":true")), "{all:#?}");
    for cut in 1..all.len() {
        let mut first = echoing(&[1], DECLARATION);
        let mut seen = outcomes(&mut first, &readings()[..cut]);
        let memories = first.take_memories();
        assert_eq!(memories.len(), 1);
        assert!(first.take_memories().is_empty(), "told once");
        let mut second = echoing(&[1], DECLARATION);
        for (source, memory) in memories {
            assert!(second.restore(&source, &memory.unwrap(), Duration::ZERO));
        }
        seen.extend(outcomes(&mut second, &readings()[cut..]));
        assert_eq!(seen, all, "cut at {cut}");
    }
}

#[test]
fn foreign_or_broken_memory_is_refused() {
    let mut first = echoing(&[1], DECLARATION);
    outcomes(&mut first, &readings());
    let memory = first.take_memories().remove(0).1.unwrap();
    let mut second = echoing(&[1], DECLARATION);
    for len in 0..memory.len() {
        assert!(!second.restore("s", &memory[..len], Duration::ZERO), "cut at {len}");
    }
    for at in 0..memory.len() {
        let mut bad = memory.clone();
        bad[at] ^= 0xff;
        // Numbers may become others; nothing panics, and nothing is reserved for lying counts.
        let _ = second.restore("s", &bad, Duration::ZERO);
    }
    let mut plain = echoing(&[1], "[inputs.x]\narray = \"v\"\n");
    assert!(!plain.restore("s", &memory, Duration::ZERO), "of another plan");
}
