//! The lexer on any text: its tokens lie in order, inside the text, on character boundaries.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sgl_source::FileId;

fuzz_target!(|text: &str| {
    let lexed = sgl_syntax::lexer::lex(FileId(0), text);
    let mut from = 0;
    for (start, _, end) in &lexed.tokens {
        assert!(from <= *start && start <= end && *end <= text.len(), "tokens lie in order");
        assert!(text.is_char_boundary(*start) && text.is_char_boundary(*end), "tokens hold whole characters");
        from = *start;
    }
});
