//! Random damage to good programs: the compiler reports, and never panics.

use sgl_tests::random::Random;
use sglc::compile::compile;
use sglc::sources::Memory;
use std::fs;
use std::path::Path;

/// Damaged programs per run.
const MUTATIONS: u64 = 10_000;
/// Pieces that damage inserts.
const PIECES: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "$[",
    "${",
    "\"\"\"",
    "re\"",
    "fork",
    "join",
    "match",
    "=>",
    "let",
    "=",
    ":",
    ",",
    ".",
    "..",
    "|",
    "?",
    "@",
    "é",
    "😀",
    "\n",
    "//",
    "0",
    "9999999999999999999",
    "Str",
    "in",
    "until",
    "yield",
    "prompt",
    "fn",
    "\\",
    "\u{0}",
];

#[test]
fn ten_thousand_damaged_examples_never_panic() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent").join("examples");
    let mut programs: Vec<String> = fs::read_dir(folder)
        .expect("examples are readable")
        .map(|entry| entry.expect("examples are readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "sgl"))
        .map(|path| fs::read_to_string(path).expect("readable"))
        .collect();
    programs.sort();
    for seed in 0..MUTATIONS {
        let mut random = Random(seed);
        let mut text = programs[random.below(programs.len())].clone();
        for _ in 0..=random.below(4) {
            damage(&mut text, &mut random);
        }
        let sources = Memory(vec![("test.sgl".to_string(), text.clone())]);
        let outcome = std::panic::catch_unwind(|| compile(&sources, "test.sgl").map(|c| c.diagnostics.len()));
        assert!(outcome.is_ok(), "seed {seed} panics on:\n{text}");
    }
}

fn damage(text: &mut String, random: &mut Random) {
    let place = |text: &str, random: &mut Random| text.floor_char_boundary(random.below(text.len() + 1));
    let start = place(text, random);
    match random.below(4) {
        0 => {
            let end = text.ceil_char_boundary((start + 1 + random.below(12)).min(text.len()));
            text.replace_range(start..end, "");
        }
        1 => text.insert_str(start, PIECES[random.below(PIECES.len())]),
        2 => {
            let from = place(text, random);
            let to = text.ceil_char_boundary((from + random.below(40)).min(text.len()));
            let copy = text[from..to].to_string();
            text.insert_str(start, &copy);
        }
        _ => text.truncate(start),
    }
    if text.is_empty() {
        text.push_str("fn f() {}\n");
    }
}
