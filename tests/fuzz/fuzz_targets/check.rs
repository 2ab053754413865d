//! The checker on any text: whatever the parser made of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sgl_hir::SourceModule;
use sgl_source::FileId;

/// Longer texts only repeat what shorter ones show, at the price of automata.
const BYTES_MAX: usize = 4_096;

fuzz_target!(|text: &str| {
    if text.len() > BYTES_MAX {
        return;
    }
    let ast = sgl_syntax::parse(FileId(0), text).module;
    sgl_hir::check(&SourceModule { file: FileId(0), name: "fuzz".into(), ast, targets: Vec::new() }, &[]);
});
