//! Random damage to good programs: the compiler reports, the verifier refuses or the machine traps, and nothing panics.

use sgl_tests::random::Random;
use sgl_vm::image::Image;
use sgl_vm::{Limits, RunOptions, Silent};
use sglc::compile::compile;
use sglc::sources::Memory;
use std::fs;
use std::path::Path;

/// Damaged programs per run.
const MUTATIONS: u64 = 10_000;
/// Damaged images per run.
const IMAGE_MUTATIONS: u64 = 3_000;
/// Instructions that a damaged image may take.
const STEPS_MAX: u64 = 100_000;
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

fn examples() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent").join("examples");
    let mut programs: Vec<String> = fs::read_dir(folder)
        .expect("examples are readable")
        .map(|entry| entry.expect("examples are readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "sgl"))
        .map(|path| fs::read_to_string(path).expect("readable"))
        .collect();
    programs.sort();
    programs
}

#[test]
fn ten_thousand_damaged_examples_never_panic() {
    let programs = examples();
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

#[test]
fn damaged_images_are_refused_or_run_within_their_limits() {
    let images: Vec<serde_json::Value> = examples()
        .into_iter()
        .map(|text| {
            let sources = Memory(vec![("test.sgl".to_string(), text)]);
            let image = compile(&sources, "test.sgl").expect("readable").image.expect("examples are right");
            serde_json::to_value(image).expect("an image is plain data")
        })
        .collect();
    let limits = Limits { steps: STEPS_MAX, tasks: 200, branches: 50, elements: 100_000, ..Limits::default() };
    let options = RunOptions { limits, ..RunOptions::default() };
    let mut sound = 0;
    for seed in 0..IMAGE_MUTATIONS {
        let mut random = Random(seed);
        let mut json = images[random.below(images.len())].clone();
        for _ in 0..=random.below(3) {
            let numbers = count_numbers(&json);
            change_number(&mut json, &mut random.below(numbers), random.number());
        }
        let Ok(image) = serde_json::from_value::<Image>(json) else { continue };
        let outcome = std::panic::catch_unwind(|| {
            if !sgl_vm::verify(&image).is_empty() {
                return false;
            }
            for entry in &image.entries {
                let mut model = sglc::scripted::model(Vec::new());
                let nothing = entry.parameters.iter().map(|_| None).collect();
                let ended = sgl_vm::run(&image, entry, nothing, &mut model, &options, &mut Silent);
                if let Ok(value) = ended {
                    sgl_vm::json_of_value(&value, &image);
                }
                assert_eq!(model.open_sessions(), 0, "a run closes its sessions, however it ends");
            }
            true
        });
        match outcome {
            Ok(ran) => sound += u64::from(ran),
            Err(_) => panic!("seed {seed} panics"),
        }
    }
    assert!(sound > IMAGE_MUTATIONS / 20, "only {sound} damaged images passed the verifier: the test runs nothing");
}

fn count_numbers(json: &serde_json::Value) -> usize {
    match json {
        serde_json::Value::Number(_) => 1,
        serde_json::Value::Array(items) => items.iter().map(count_numbers).sum(),
        serde_json::Value::Object(fields) => fields.values().map(count_numbers).sum(),
        _ => 0,
    }
}

/// Changes the number at place `left` in the order of the text: by a little, or to anything.
fn change_number(json: &mut serde_json::Value, left: &mut usize, by: u64) {
    match json {
        serde_json::Value::Number(number) => {
            if *left == 0 {
                let old = number.as_u64().unwrap_or(0);
                *json = if by.is_multiple_of(4) { (by % 70_000).into() } else { (old ^ (1 << (by % 3))).into() };
                *left = usize::MAX;
            } else {
                *left = left.saturating_sub(usize::from(*left != usize::MAX));
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| change_number(item, left, by)),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(|item| change_number(item, left, by)),
        _ => {}
    }
}
