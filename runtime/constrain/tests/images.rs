//! A constraint that was written and opened again is the same; a damaged one is refused, and a hostile one harms nobody.

use sgl_constrain::{Automaton, Grammar, ImageError, StateId, TokenMasks, Vocabulary, image_bytes, image_words};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

fn vocabulary(words: &[&str]) -> Arc<Vocabulary> {
    let singles = (0..=255u8).map(|byte| Some([byte].as_slice().into()));
    Arc::new(Vocabulary::new(singles.chain(words.iter().map(|word| Some(word.as_bytes().into()))).collect()))
}

fn usual() -> Arc<Vocabulary> {
    vocabulary(&[
        "ab", "abc", "\": \"", "\", \"", "12", "123", "é", "}}", "]]", "[[", " the", "name", "\"}", "ab", "true",
    ])
}

/// Regular and pushdown ones, of each kind that there is.
fn constraints(vocabulary: &Arc<Vocabulary>) -> Vec<(&'static str, TokenMasks)> {
    let lark = |text: &str| TokenMasks::of_grammar(&Grammar::of_lark(text).expect("it is right"), vocabulary);
    let regex = |text: &str| TokenMasks::new(&Automaton::of_regex(text).expect("it is right"), vocabulary);
    let counted = |text: &str| {
        let mut grammar = Grammar::new();
        let whole = grammar.regex(text).expect("it is right");
        grammar.set_start(whole);
        TokenMasks::pushdown(&grammar, vocabulary)
    };
    let all = [
        ("date", regex("[0-9]{4}-[0-9]{2}")),
        ("words", regex("(ab|abc|é)*(12|123)?")),
        ("any", regex("(?s:.)*")),
        ("counted", counted("\\{\"name\": \"[a-z é]{2,9}\", \"n\": [0-9]{1,3}\\}")),
        ("nested", lark("start: v\nv: \"[\" (v (\",\" v)*)? \"]\" | /[0-9]+/ | \"true\"\n")),
        ("sums", lark("start: s\ns: t (\"+\" t)*\nt: /[0-9]{1,3}/ | \"(\" s \")\"\n")),
    ];
    all.into_iter().map(|(name, masks)| (name, masks.expect("it can be made"))).collect()
}

fn opened(words: Vec<u64>, vocabulary: &Arc<Vocabulary>) -> Result<TokenMasks, ImageError> {
    TokenMasks::of_image(Arc::new(words), vocabulary)
}

/// Compares state by state, along tokens.
fn assert_same(name: &str, a: &TokenMasks, b: &TokenMasks) {
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::from([(a.start(), b.start())]);
    while let Some((at, other)) = queue.pop_front() {
        if !seen.insert((at, other)) || seen.len() > 150 {
            continue;
        }
        assert_eq!(
            (a.need(at), a.is_accepting(at), a.is_final(at)),
            (b.need(other), b.is_accepting(other), b.is_final(other))
        );
        assert_eq!(a.forced_bytes(at).0, b.forced_bytes(other).0, "{name}");
        for left in [0, 1, 2, 3, 7, u32::MAX] {
            assert_eq!(a.allowed(at, left).words(), b.allowed(other, left).words(), "{name} with {left} left");
        }
        let allowed: Vec<u32> = a.allowed(at, u32::MAX).iter().collect();
        let next = |masks: &TokenMasks, state: StateId, token| masks.advance(state, token).expect("it is allowed");
        queue.extend(allowed.into_iter().map(|token| (next(a, at, token), next(b, other, token))));
    }
    assert!(seen.len() > 1);
}

#[test]
fn what_was_written_is_the_same_constraint() {
    let vocabulary = usual();
    for (name, masks) in constraints(&vocabulary) {
        let words = masks.to_image();
        let bytes = image_bytes(&words);
        assert_eq!(image_words(&bytes).as_ref(), Some(&words));
        let again = opened(words.clone(), &vocabulary).expect("it is sound");
        assert_eq!(again.is_ahead(), masks.is_ahead(), "{name}");
        assert_same(name, &masks, &again);
        assert_eq!(again.to_image(), words, "{name}: the same content is the same bytes");
    }
}

#[test]
fn another_vocabulary_takes_the_byte_part() {
    let (one, other) = (usual(), vocabulary(&["1", "ab,", "[1", "true", "\"n", "e\":", "9]"]));
    let there: BTreeMap<&str, TokenMasks> = constraints(&other).into_iter().collect();
    for (name, masks) in constraints(&one) {
        assert_same(name, &there[name], &opened(masks.to_image(), &other).expect("it can be made"));
    }
    let letters = Arc::new(Vocabulary::new(vec![Some(b"a".as_slice().into())]));
    let digits = constraints(&one).remove(0).1.to_image();
    assert!(matches!(opened(digits, &letters), Err(ImageError::Constraint(_))), "no letters are a date");
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let vocabulary = usual();
    for (name, masks) in constraints(&vocabulary).into_iter().filter(|(name, _)| ["date", "sums"].contains(name)) {
        let words = masks.to_image();
        for at in 0..words.len() {
            let mut damaged = words.clone();
            damaged[at] ^= 1 << (at % 64);
            assert!(opened(damaged, &vocabulary).is_err(), "{name}: word {at}");
            assert!(opened(words[..at].to_vec(), &vocabulary).is_err(), "{name}: cut at {at}");
        }
        assert_eq!(opened(vec![1, 2, 3], &vocabulary).map(|_| ()).err(), Some(ImageError::Magic));
        let mut newer = words.clone();
        newer[0] ^= 3 << 56;
        assert!(matches!(opened(newer, &vocabulary), Err(ImageError::Version { .. })));
    }
}

/// A word with its hash mended: what somebody could write on purpose.
fn forged(words: &[u64], at: usize, change: u64) -> Vec<u64> {
    const HASH: std::ops::Range<usize> = 2..6;
    let mut words = words.to_vec();
    words[at] = words[at].wrapping_add(change);
    let bytes = image_bytes(&words[HASH.end..]);
    let hash = image_words(blake3::hash(&bytes).as_bytes()).expect("it is four words");
    words[HASH].copy_from_slice(&hash);
    words
}

#[test]
fn an_image_that_lies_is_refused_or_does_no_harm() {
    let vocabulary = usual();
    let changes = [1, u64::MAX, 1 << 32, 1 << 31, 0x00ff_00ff_00ff_00ff, 1 << 8, 1 << 16, 1 << 63];
    let (mut refused, mut played) = (0, 0);
    for (_, masks) in constraints(&vocabulary) {
        let words = masks.to_image();
        for at in 6..words.len() {
            let change = changes[at % changes.len()];
            match opened(forged(&words, at, change), &vocabulary) {
                Err(_) => refused += 1,
                Ok(masks) => {
                    play(&masks);
                    played += 1;
                }
            }
        }
    }
    assert!(refused > 200 && played > 200, "{refused} refused, {played} played");
}

/// Asks everything that the engine asks, along a way that the masks allow.
fn play(masks: &TokenMasks) {
    let mut state = masks.start();
    for step in 0..12u32 {
        let left = [u32::MAX, 9, 40][step as usize % 3];
        let allowed: Vec<u32> = masks.allowed(state, left).iter().collect();
        masks.forced(state, left);
        masks.run(state, None, &|text| text.bytes().map(u32::from).collect());
        assert!(!masks.is_final(state) || masks.is_accepting(state));
        let next = allowed.iter().filter_map(|token| masks.advance(state, *token)).nth(step as usize % 2);
        let Some(next) = next.or_else(|| allowed.first().and_then(|token| masks.advance(state, *token))) else {
            return;
        };
        state = next;
    }
}
