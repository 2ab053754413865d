//! Every program of the corpus formats to the same program, for good.

use sgl_format::{Refusal, format};
use sgl_source::FileId;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the tree is readable") {
        let path = entry.expect("a folder of the tree is readable").path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
}

/// The formatted text of a program without errors of syntax; a fault of the formatter fails the test.
fn formatted(name: &str, text: &str) -> Option<String> {
    let once = match format(FileId(0), text) {
        Ok(once) => once,
        Err(Refusal::Syntax(_)) => return None,
        Err(Refusal::Unsafe(reason)) => panic!("{name}: {reason}\n{text}"),
    };
    let twice = format(FileId(0), &once);
    assert!(twice.is_ok_and(|twice| twice == once), "{name}: a second time changes it again:\n{once}");
    Some(once)
}

/// The fences `sgl` of a page.
fn programs(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find("\n```sgl") {
        let fence = &rest[start + 1..];
        let body = fence.find('\n').map_or(fence.len(), |newline| newline + 1);
        let end = fence[body..].find("\n```").map_or(fence.len(), |end| body + end + 1);
        found.push(&fence[body.min(end)..end]);
        rest = &fence[end..];
    }
    found
}

#[test]
fn every_program_of_the_corpus_formats_to_itself_for_good() {
    let mut found = Vec::new();
    files(&root().join("tests/corpus"), "md", &mut found);
    let mut count = 0;
    for path in found {
        let page = fs::read_to_string(&path).expect("readable");
        for program in programs(&page) {
            let done = formatted(&path.display().to_string(), program);
            count += usize::from(done.is_some());
        }
    }
    assert!(count > 80, "only {count} programs of the corpus were formatted");
}

#[test]
fn a_prompt_that_reaches_outside_has_a_style_too() {
    let text = "pub prompt main()->Str uses net,disk using judge{\"$[a:Str]\"\n return a}\n";
    let expected = "pub prompt main() -> Str uses net, disk using judge {\n    \"$[a: Str]\"\n    return a\n}\n";
    assert_eq!(formatted("a program", text).as_deref(), Some(expected));
}
