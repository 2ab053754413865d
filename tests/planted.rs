//! The programs of `corpus/lint/planted.md`: what every fix saves, as the engine measures it and as the plan predicts it.

use sgl_plan::{PrefixTree, follow, plan};
use sgl_source::{Diagnostic, FileId, edits};
use sgl_tests::page::{self, Case};
use sgl_tests::stage;
use sgl_vm::RunOptions;
use sglc::compile::{Compiled, compile};
use sglc::execute::run_entry;
use sglc::sources::Memory;
use sglc::tokens::Tokens;
use sglc::trace::Kept;
use std::fs;
use std::path::Path;

/// Tokens that are read: the engine's count, and the plan's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Read {
    measured: u64,
    predicted: u64,
}

fn cases() -> Vec<Case> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/lint/planted.md");
    page::cases(&fs::read_to_string(page).expect("the page is there"))
}

/// The program after every fix, also those that a person should look at.
fn mended(compiled: &Compiled) -> Compiled {
    let root = FileId(0);
    let fixes: Vec<_> = compiled.diagnostics.iter().filter_map(|d| d.fixes.first()).collect();
    let text = edits::applied(compiled.files.text(root), &fixes);
    let files = Memory(vec![(stage::FILE.to_string(), text.clone())]);
    let mended = compile(&files, stage::FILE).expect("the program is there");
    assert!(!mended.diagnostics.iter().any(Diagnostic::is_error), "{text}\n{}", stage::diagnostics(&mended));
    mended
}

/// What the calls of a case read, one after the other on one engine.
fn read(case: &Case, compiled: &Compiled) -> Read {
    let (ir, image) = (compiled.ir.as_ref().expect("it is right"), compiled.image.as_ref().expect("it is right"));
    let (mut engine, tokenizer, template) = sgl_engine::simulate::engine();
    let tokens = Tokens::new(tokenizer, Some(template));
    let (mut cache, mut read) = (PrefixTree::default(), Read::default());
    for call in case.fence("calls").expect("the case has calls").text.lines() {
        let (name, input) = call.split_once(' ').expect("an entry and its input");
        let input = serde_json::from_str(input).expect("the input is JSON");
        let at = image.entries.iter().position(|entry| entry.name == name).expect("the entry is there");
        let mut kept = Kept::default();
        run_entry(image, &image.entries[at], Some(&input), &mut engine, &RunOptions::default(), &mut kept)
            .unwrap_or_else(|failure| panic!("{}: {call}: {failure:?}", case.name));
        let plan = plan(ir, &ir.entries[at], &[]).expect("it is small");
        let total = follow(&plan, &kept.happened, &tokens, &mut cache).expect("the plan has each step").total;
        read.measured += total.prompt - total.cached;
        read.predicted += total.predicted_prompt - total.predicted_cached;
    }
    read
}

#[test]
fn fixes_save_what_the_plan_says_they_will() {
    for case in cases() {
        let before = stage::compiled(&case);
        let after = mended(&before);
        let codes: Vec<&str> = before.diagnostics.iter().map(|d| d.code.name()).collect();
        let (was, is) = (read(&case, &before), read(&case, &after));
        let saved = was.measured as i64 - is.measured as i64;
        let predicted = was.predicted as i64 - is.predicted as i64;
        assert!((saved - predicted).abs() * 50 <= was.measured as i64, "{}: {was:?} {is:?}", case.name);
        if codes.iter().any(|code| ["W0407", "W0428"].contains(code)) {
            assert!(saved > 0 && saved * 10 >= was.measured as i64, "{}: {was:?} {is:?}", case.name);
        }
    }
}

#[test]
fn every_program_has_a_fix_for_all_that_was_found() {
    for case in cases() {
        let compiled = stage::compiled(&case);
        let without: Vec<&str> =
            compiled.diagnostics.iter().filter(|d| d.fixes.is_empty()).map(|d| d.code.name()).collect();
        assert!(without.is_empty(), "{}: {without:?}", case.name);
        let left: Vec<&str> = mended(&compiled).diagnostics.iter().map(|d| d.code.name()).collect();
        assert!(left.is_empty(), "{}: {left:?}", case.name);
    }
}
