//! Every program of the tree is right without a warning and stands as formatted: examples, the suite, the library, the
//! tour. Examples and the suite also run on the scripted model here; the tour does in `corpus.rs`, and of the library every
//! public item has an example there. Examples are short and teach.

use sgl_protocol::Shape;
use sgl_source::render::Colour;
use sgl_tests::{page, stage};
use sgl_vm::image::Entry;
use sgl_vm::{Outside, RunOptions, Silent};
use sglc::compile::compile;
use sglc::scripted_tools::ScriptedTools;
use sglc::sources::Disk;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines that an example may have.
const LINES_MAX: usize = 60;

fn examples() -> Vec<PathBuf> {
    programs("examples", 9)
}

fn examples_and_suite() -> Vec<PathBuf> {
    [examples(), programs("benches/programs", 19)].concat()
}

/// The programs of a folder, of which there are at least so many.
fn programs(folder: &str, least: usize) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent").join(folder);
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .expect("examples are readable")
        .map(|entry| entry.expect("examples are readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "sgl"))
        .collect();
    found.sort();
    assert!(found.len() >= least, "programs are missing: {found:?}");
    found
}

#[test]
fn every_program_checks_without_a_word() {
    let library = programs("stdlib", 13);
    let data = programs("benches/programs/data", 1);
    for path in examples_and_suite().into_iter().chain(library).chain(data) {
        let compiled = compile(&Disk, &path.to_string_lossy()).expect("readable");
        let said = stage::diagnostics(&compiled);
        assert!(compiled.diagnostics.is_empty(), "{}:\n{said}", path.display());
    }
}

#[test]
fn every_example_is_short_and_teaches() {
    for path in examples() {
        let text = fs::read_to_string(&path).expect("readable");
        assert!(text.lines().count() < LINES_MAX, "{} is too long", path.display());
        let header = text.lines().take_while(|line| line.starts_with("//!")).count();
        assert!(header >= 3, "{} needs a header that teaches", path.display());
    }
}

#[test]
fn every_entry_runs_on_the_scripted_model() {
    for path in examples_and_suite() {
        let compiled = compile(&Disk, &path.to_string_lossy()).expect("readable");
        let image = compiled.image.as_ref().expect("examples are right");
        assert!(!image.entries.is_empty(), "{} has no entry", path.display());
        for entry in &image.entries {
            let mut model = sglc::scripted::model(Vec::new());
            let options = RunOptions::default();
            let mut host = ScriptedTools::default();
            let mut outside = Outside { model: &mut model, host: &mut host, observer: &mut Silent };
            let input = images(entry);
            let outcome = sglc::execute::run_entry_with(image, entry, input.as_ref(), &mut outside, &options);
            if let Err(failure) = outcome {
                let told = sglc::execute::describe(&compiled, &failure, Colour::Off);
                panic!("{}::{}:\n{told}", path.display(), entry.name);
            }
            assert_eq!(model.open_sessions(), 0, "{}::{} leaks sessions", path.display(), entry.name);
        }
    }
}

/// The parameters of an entry that no program can have a default for: its images.
fn images(entry: &Entry) -> Option<serde_json::Value> {
    let shown = entry.parameters.iter().filter(|parameter| parameter.shape == Shape::Image);
    let dot = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
    let given: serde_json::Map<String, serde_json::Value> =
        shown.map(|parameter| (parameter.name.clone(), dot.into())).collect();
    (!given.is_empty()).then_some(serde_json::Value::Object(given))
}

/// Every `.sgl` file below a folder of the tree.
fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the tree is readable") {
        let path = entry.expect("a folder of the tree is readable").path();
        if path.is_dir() {
            below(&path, found);
        } else if path.extension().is_some_and(|e| e == "sgl") {
            found.push(path);
        }
    }
    found.sort();
}

/// `UPDATE=1` formats them.
#[test]
fn every_program_of_the_tree_stands_as_formatted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent");
    let mut found = Vec::new();
    for folder in ["examples", "stdlib", "benches", "compiler/driver/src"] {
        below(&root.join(folder), &mut found);
    }
    assert!(found.len() > 20, "programs are missing: {found:?}");
    let mut ugly = Vec::new();
    for path in found {
        let text = fs::read_to_string(&path).expect("readable");
        match sgl_format::format(sgl_source::FileId(0), &text) {
            Ok(formatted) if formatted == text => {}
            Ok(formatted) if std::env::var_os("UPDATE").is_some() => fs::write(&path, formatted).expect("writable"),
            Ok(_) => ugly.push(path),
            Err(refusal) => panic!("{}: {refusal:?}", path.display()),
        }
    }
    assert!(ugly.is_empty(), "not formatted (UPDATE=1 does it): {ugly:?}");
}

/// Programs on pages for readers stand as formatted, too. `UPDATE=1` formats them.
#[test]
fn every_program_of_the_tour_stands_as_formatted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent");
    let mut pages = vec![root.join("README.md")];
    for folder in ["docs/tour", "docs/tour/solutions"] {
        let entries = fs::read_dir(root.join(folder)).expect("the tour is readable");
        pages.extend(entries.map(|entry| entry.expect("the tour is readable").path()));
    }
    pages.retain(|path| path.extension().is_some_and(|e| e == "md"));
    let (mut seen, mut ugly) = (0, Vec::new());
    for path in pages {
        let text = fs::read_to_string(&path).expect("readable");
        let mut replacements = Vec::new();
        for case in page::cases(&text) {
            // `corpus.rs` runs the first program below a heading and compares what is shown of it.
            let shown = ["output", "tests", "diagnostics"].iter().any(|name| case.fence(name).is_some());
            let programs = case.fences.iter().filter(|fence| fence.name == "sgl").count();
            let runs = programs == 1 && (shown || path.ends_with("README.md"));
            assert!(runs, "{}, {}: one program per heading, with what it gives", path.display(), case.name);
            for fence in case.fences.iter().filter(|fence| fence.name == "sgl" || fence.name.starts_with("sgl ")) {
                seen += 1;
                match sgl_format::format(sgl_source::FileId(0), &fence.text) {
                    Ok(formatted) if formatted == fence.text => {}
                    Ok(formatted) => replacements.push((fence.range.clone(), formatted)),
                    Err(refusal) => panic!("{}, {}: {refusal:?}", path.display(), case.name),
                }
            }
        }
        if !replacements.is_empty() && std::env::var_os("UPDATE").is_some() {
            fs::write(&path, page::rewrite(&text, replacements)).expect("writable");
        } else if !replacements.is_empty() {
            ugly.push(path);
        }
    }
    assert!(seen > 50, "programs are missing: {seen}");
    assert!(ugly.is_empty(), "not formatted (UPDATE=1 does it): {ugly:?}");
}
