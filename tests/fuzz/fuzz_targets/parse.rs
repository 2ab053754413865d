//! The parser on any text: it ends, and its diagnostics lie inside the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sgl_source::FileId;

fuzz_target!(|text: &str| {
    let parsed = sgl_syntax::parse(FileId(0), text);
    for diagnostic in &parsed.diagnostics {
        assert!(diagnostic.span().end as usize <= text.len(), "a diagnostic has a place in the text");
    }
});
