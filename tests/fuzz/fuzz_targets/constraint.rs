//! Any text as a regular expression, a Lark grammar or a JSON Schema: a constraint or a refusal within the budgets, and where there
//! is a constraint, a walk by its own masks ends in a text that it accepts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sgl_constrain::schema::{SchemaOptions, compile};
use sgl_constrain::{Grammar, TokenMasks, Vocabulary};
use std::sync::{Arc, LazyLock};

/// Most tokens of a walk.
const TOKENS_MAX: u32 = 200;

static VOCABULARY: LazyLock<Arc<Vocabulary>> = LazyLock::new(|| {
    let singles = (0..=255u8).map(|byte| Some(vec![byte].into_boxed_slice()));
    let words = ["{\"", "\": ", "\", \"", "ab", "aaaa", "12", "true", "null", "[[", "]]", ", ", "é", "\\n", "}]}"];
    let words = words.map(|word| Some(word.as_bytes().into()));
    Arc::new(Vocabulary::new(singles.chain(words).chain([None]).collect()))
});

fuzz_target!(|input: (u8, u64, &str)| {
    let (kind, mut dice, text) = input;
    let Some(grammar) = grammar(kind, text) else { return };
    let Ok(masks) = TokenMasks::of_grammar(&grammar, &VOCABULARY) else { return };
    let mut state = masks.start();
    let mut left = masks.need(state).saturating_add((dice % 8) as u32);
    if left > TOKENS_MAX {
        return;
    }
    while left > 0 && !masks.is_final(state) {
        let allowed: Vec<u32> = masks.allowed(state, left).iter().collect();
        if allowed.is_empty() {
            break;
        }
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let token = allowed[(dice >> 33) as usize % allowed.len()];
        state = masks.advance(state, token).expect("an allowed token leads somewhere");
        left -= 1;
        assert!(masks.need(state) <= left, "an allowed token keeps the end in reach");
    }
    assert!(masks.is_accepting(state), "a text within its budget is complete");
});

fn grammar(kind: u8, text: &str) -> Option<Grammar> {
    match kind % 3 {
        0 => {
            let mut grammar = Grammar::new();
            let whole = grammar.regex(text).ok()?;
            grammar.set_start(whole);
            Some(grammar)
        }
        1 => Grammar::of_lark(text).ok(),
        _ => compile(&serde_json::from_str(text).ok()?, SchemaOptions::default()).ok(),
    }
}
