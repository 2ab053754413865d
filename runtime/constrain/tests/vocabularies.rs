//! Masks on vocabularies of the size and kind of real ones: byte-level BPE with 131,072 tokens, and SentencePiece with byte fallback.
//!
//! Both are made here, from syllables and what programs and JSON are full of, so that the test needs no file.

use sgl_constrain::grammar::Bounds;
use sgl_constrain::{Automaton, Grammar, StateId, TokenMasks, Vocabulary};
use std::sync::Arc;

type Token = Option<Box<[u8]>>;

fn token(text: &str) -> Token {
    Some(text.as_bytes().into())
}

/// Distinct words of up to four syllables, in a fixed order.
fn words(count: usize) -> Vec<String> {
    let syllables = [
        "a", "be", "ci", "do", "en", "fu", "ga", "ho", "in", "ka", "lo", "me", "ni", "or", "pre", "qua", "re", "st",
        "th", "un", "ver", "wi", "xy", "yo", "zé", "ñu", "日", "本",
    ];
    let mut all: Vec<String> = syllables.map(String::from).to_vec();
    let mut from = 0;
    while all.len() < count {
        let stem = all[from].clone();
        from += 1;
        all.extend(syllables.iter().map(|syllable| format!("{stem}{syllable}")));
    }
    all.truncate(count);
    all
}

fn pieces() -> Vec<String> {
    let mut all: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    all.extend((1..=80).map(|n| " ".repeat(n)));
    all.extend(
        (1..=16).flat_map(|n| ["\n", "\t", "-", "=", "*", "[", "]", "}", ")", "\""].map(|piece| piece.repeat(n))),
    );
    for piece in [
        "{\"", "\":", "\": ", "\": \"", "\",", "\", \"", "\"}", "\"},", "\"}, {\"", "}]", "}}", "}]}", "[{\"", ", ",
        "true", "false", "null", "\\n", "\\\"", "://", "();", "\r\n", " {", " \"",
    ] {
        all.push(piece.into());
    }
    all
}

fn byte_level(size: usize) -> Arc<Vocabulary> {
    let mut tokens: Vec<Token> = (0..=255u8).map(|byte| Some(vec![byte].into_boxed_slice())).collect();
    tokens.extend(pieces().iter().map(|piece| token(piece)));
    for word in words(size / 2) {
        tokens.push(token(&format!(" {word}")));
        tokens.push(token(&word));
    }
    tokens.truncate(size - 2);
    tokens.extend([None, None]);
    assert_eq!(tokens.len(), size);
    Arc::new(Vocabulary::new(tokens))
}

/// Three special tokens, all bytes, then words with the space in front, as SentencePiece has them. Many bytes exist twice.
fn sentence_piece() -> Arc<Vocabulary> {
    let mut tokens: Vec<Token> = vec![None, None, None];
    tokens.extend((0..=255u8).map(|byte| Some(vec![byte].into_boxed_slice())));
    tokens.extend((b' '..=b'~').map(|byte| Some(vec![byte].into_boxed_slice())));
    tokens.extend(pieces().iter().filter(|piece| piece.trim().len() == piece.len()).map(|piece| token(piece)));
    tokens.extend(words(15_000).iter().flat_map(|word| [token(&format!(" {word}")), token(word)]));
    tokens.truncate(32_000);
    Arc::new(Vocabulary::new(tokens))
}

fn grammars() -> Vec<(&'static str, Grammar)> {
    let regex = |pattern: &str| {
        let mut grammar = Grammar::new();
        let whole = grammar.regex(pattern).expect("it can be read");
        grammar.set_start(whole);
        grammar
    };
    let json = "start: value\nvalue: object | array | STRING | /-?(0|[1-9][0-9]*)/ | \"true\" | \"null\"\n\
        object: \"{\" (pair (\", \" pair)*)? \"}\"\npair: STRING \": \" value\narray: \"[\" (value (\", \" value)*)? \"]\"\n\
        STRING: /\"([^\"\\\\\\x00-\\x1f]|\\\\[\"\\\\n])*\"/";
    let mut bounded = Grammar::new();
    let (layout, text) = (bounded.one_line(), Automaton::any_text().expect("it is small"));
    let item = bounded.string(text, Bounds::new(2, Some(3_000)));
    let whole = bounded.array(layout, &[], Some(item), Bounds::new(1, Some(500)));
    bounded.set_start(whole);
    vec![
        ("date", regex("[0-9]{4}-[0-9]{2}-[0-9]{2}")),
        ("line", regex("[^\\n]{0,40}")),
        ("one of them", regex("(pre|prever|un|xy)(a|be)*\\n")),
        ("json", Grammar::of_lark(json).expect("it can be read")),
        ("bounded texts", bounded),
    ]
}

/// A walk by allowed tokens: at each state the mask is brute force over the vocabulary.
fn masks_are_brute_force(vocabulary: &Arc<Vocabulary>) {
    for (name, grammar) in grammars() {
        let masks = TokenMasks::of_grammar(&grammar, vocabulary).expect("it is not empty");
        let mut state: StateId = masks.start();
        let mut choice = 7usize;
        for step in 0..10 {
            let allowed = masks.allowed(state, u32::MAX);
            for token in 0..vocabulary.len() as u32 {
                assert_eq!(
                    allowed.contains(token),
                    masks.advance(state, token).is_some(),
                    "{name}, step {step}, {token}"
                );
            }
            choice = choice.wrapping_mul(0x9e37_79b9).wrapping_add(step);
            let Some(token) = allowed.iter().nth(choice % allowed.len().max(1)) else { break };
            state = masks.advance(state, token).expect("it is allowed");
        }
        assert!(masks.need(masks.start()) < 12, "{name}");
    }
}

#[test]
fn masks_are_brute_force_over_a_large_byte_level_vocabulary() {
    masks_are_brute_force(&byte_level(131_072));
}

#[test]
fn masks_are_brute_force_over_a_vocabulary_with_byte_fallback() {
    masks_are_brute_force(&sentence_piece());
}
