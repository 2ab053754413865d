//! Masks and automata against their plain definitions.

use sgl_constrain::{Allowed, Automaton, ConstraintCache, Cursor, StateId, TokenMasks, Vocabulary, check_regex};
use sgl_protocol::{Field, Shape, Variant};
use std::sync::Arc;

fn text(pattern: Option<&str>, chars_max: Option<u32>, until: Option<&str>) -> Shape {
    Shape::Text { pattern: pattern.map(str::to_string), chars_max, until: until.map(str::to_string) }
}

fn record(fields: &[(&str, Shape)]) -> Shape {
    let fields = fields.iter().map(|(name, shape)| Field { name: (*name).into(), shape: shape.clone() }).collect();
    Shape::Record { name: "R".into(), fields }
}

/// Every single byte, and some longer tokens; token 0 is special.
fn vocabulary() -> Arc<Vocabulary> {
    let mut tokens: Vec<Option<Box<[u8]>>> = vec![None];
    tokens.extend((0..=255u8).map(|byte| Some(vec![byte].into_boxed_slice())));
    for word in [
        "true", "false", "null", "{\"", "\": ", "\", \"", "\"}", "ab", "abc", "12", "100", " 1", "é", "\\n", "\n",
        "0.", "[\"", "\"]", "unknown",
    ] {
        tokens.push(Some(word.as_bytes().into()));
    }
    Arc::new(Vocabulary::new(tokens))
}

fn shapes() -> Vec<Shape> {
    let wand = record(&[("wood", text(None, Some(4), None)), ("n", Shape::Int { min: Some(-3), max: Some(120) })]);
    vec![
        text(Some("[^\\n\\r]+"), None, None),
        text(Some("[0-9]{4}-[0-9]{2}"), None, None),
        text(None, Some(3), None),
        text(None, None, Some("\nEnd")),
        text(Some("a|ab"), None, None),
        Shape::Int { min: None, max: None },
        Shape::Int { min: Some(1), max: Some(10) },
        Shape::Float { decimals: Some(2), min: Some(-150), max: Some(1234) },
        Shape::Float { decimals: None, min: None, max: None },
        Shape::Bool,
        Shape::Enum { name: "E".into(), names: vec!["ab".into(), "abc".into(), "b".into()] },
        wand.clone(),
        Shape::List { item: Box::new(Shape::Bool), min: 1, max: Some(3) },
        Shape::List { item: Box::new(text(None, None, None)), min: 0, max: None },
        Shape::Union(vec![
            Variant { name: "Unknown".into(), shape: Shape::Literal("unknown".into()) },
            Variant { name: "W".into(), shape: wand },
        ]),
    ]
}

fn reachable(masks: &TokenMasks, limit: usize) -> Vec<StateId> {
    let mut found = vec![masks.start()];
    let mut at = 0;
    while at < found.len() && found.len() < limit {
        for byte in 0..=255u8 {
            if let Some(next) = masks.step(found[at], &[byte])
                && !found.contains(&next)
            {
                found.push(next);
            }
        }
        at += 1;
    }
    found
}

#[test]
fn a_mask_is_brute_force_over_the_vocabulary() {
    let vocabulary = vocabulary();
    for shape in shapes() {
        let masks = TokenMasks::new(&Automaton::of_shape(&shape).expect("small"), &vocabulary).expect("not empty");
        for state in reachable(&masks, 300) {
            let allowed: Allowed<'_> = masks.allowed(state, u32::MAX);
            for token in 0..vocabulary.len() as u32 {
                let expected = vocabulary.bytes(token).is_some_and(|bytes| masks.step(state, bytes).is_some());
                assert_eq!(allowed.contains(token), expected, "{shape:?} {state:?} token {token}");
            }
            let listed: Vec<u32> = allowed.iter().collect();
            assert_eq!(listed.len(), allowed.len());
        }
    }
}

#[test]
fn need_is_the_fewest_tokens_to_acceptance() {
    let vocabulary = vocabulary();
    for shape in shapes() {
        let masks = TokenMasks::new(&Automaton::of_shape(&shape).expect("small"), &vocabulary).expect("not empty");
        for state in reachable(&masks, 60) {
            // Breadth-first over tokens, forwards.
            let mut layer = vec![state];
            let mut seen = layer.clone();
            let mut steps = 0;
            while !layer.iter().any(|s| masks.is_accepting(*s)) {
                let mut next = Vec::new();
                for from in &layer {
                    for token in 0..vocabulary.len() as u32 {
                        if let Some(to) = masks.advance(*from, token)
                            && !seen.contains(&to)
                        {
                            seen.push(to);
                            next.push(to);
                        }
                    }
                }
                layer = next;
                steps += 1;
            }
            assert_eq!(masks.need(state), steps, "{shape:?} {state:?}");
        }
    }
}

#[test]
fn every_walk_within_its_budget_ends_in_the_language() {
    let vocabulary = vocabulary();
    let mut seed = 7u64;
    let mut random = move |bound: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % bound
    };
    for shape in shapes() {
        let automaton = Automaton::of_shape(&shape).expect("small");
        let masks = TokenMasks::new(&automaton, &vocabulary).expect("not empty");
        for round in 0..700u32 {
            let mut state = masks.start();
            let mut left = masks.need(state) + round % 12;
            let mut bytes = Vec::new();
            while left > 0 && !masks.is_final(state) {
                let allowed: Vec<u32> = masks.allowed(state, left).iter().collect();
                if allowed.is_empty() {
                    break;
                }
                let token = allowed[random(allowed.len())];
                bytes.extend_from_slice(vocabulary.bytes(token).expect("allowed tokens have bytes"));
                state = masks.advance(state, token).expect("allowed");
                left -= 1;
            }
            assert!(masks.is_accepting(state), "{shape:?}: {:?}", String::from_utf8_lossy(&bytes));
            assert!(automaton.accepts(&bytes));
            assert!(String::from_utf8(bytes).is_ok());
        }
    }
}

#[test]
fn integer_ranges_are_exact() {
    for (min, max) in [(0, 0), (1, 10), (-12, 7), (98, 1003), (-1, -1), (5, 5999), (-250, -17)] {
        let automaton = Automaton::of_shape(&Shape::Int { min: Some(min), max: Some(max) }).expect("small");
        for n in -1100i64..7000 {
            assert_eq!(automaton.accepts(n.to_string().as_bytes()), (min..=max).contains(&n), "{n} in {min}..={max}");
        }
        for wrong in ["", "-", "-0", "01", "+1", "1.0", " 1"] {
            assert!(!automaton.accepts(wrong.as_bytes()), "{wrong}");
        }
    }
    let all = Automaton::of_shape(&Shape::Int { min: None, max: None }).expect("small");
    for (text, fits) in [
        ("9223372036854775807", true),
        ("9223372036854775808", false),
        ("-9223372036854775808", true),
        ("-9223372036854775809", false),
    ] {
        assert_eq!(all.accepts(text.as_bytes()), fits, "{text}");
    }
}

#[test]
fn decimal_ranges_are_exact() {
    let (min, max) = (-1250i64, 10_099i64);
    let automaton =
        Automaton::of_shape(&Shape::Float { decimals: Some(2), min: Some(min), max: Some(max) }).expect("small");
    for units in -3000i64..12_000 {
        let sign = if units < 0 { "-" } else { "" };
        let text = format!("{sign}{}.{:02}", units.abs() / 100, units.abs() % 100);
        assert_eq!(automaton.accepts(text.as_bytes()), (min..=max).contains(&units), "{text}");
    }
    for wrong in ["-0.00", "1", "1.0", "1.000", ".50", "01.00"] {
        assert!(!automaton.accepts(wrong.as_bytes()), "{wrong}");
    }
}

#[test]
fn alternation_has_no_preference() {
    let automaton = Automaton::of_regex("a|ab").expect("small");
    assert!(automaton.accepts(b"a") && automaton.accepts(b"ab") && !automaton.accepts(b"b"));
}

#[test]
fn json_strings_have_one_spelling_and_count_characters() {
    let shape = record(&[("s", text(None, Some(2), None))]);
    let automaton = Automaton::of_shape(&shape).expect("small");
    for (text, fits) in [
        ("{\"s\": \"\"}", true),
        ("{\"s\": \"é😀\"}", true),
        ("{\"s\": \"abc\"}", false),
        ("{\"s\": \"\\n\\\"\"}", true),
        ("{\"s\": \"\\u000a\"}", false),
        ("{\"s\": \"\\u0001\"}", true),
        ("{\"s\":\"\"}", false),
        ("{\"s\": \"\n\"}", false),
    ] {
        assert_eq!(automaton.accepts(text.as_bytes()), fits, "{text}");
    }
}

#[test]
fn a_delimiter_ends_a_text() {
    let automaton = Automaton::of_shape(&text(None, None, Some("ab"))).expect("small");
    for (text, fits) in [("", true), ("xa", true), ("xab", true), ("xabx", false), ("aab", true), ("abab", false)] {
        assert_eq!(automaton.accepts(text.as_bytes()), fits, "{text}");
    }
}

#[test]
fn languages_can_be_compared() {
    let date = Automaton::of_regex("[0-9]{4}-[0-9]{2}").expect("small");
    let digits = Automaton::of_regex("[0-9-]+").expect("small");
    let letters = Automaton::of_regex("[a-z]+").expect("small");
    assert_eq!(date.is_subset_of(&digits), Ok(true));
    assert_eq!(digits.is_subset_of(&date), Ok(false));
    assert_eq!(date.is_disjoint_from(&letters), Ok(true));
    assert_eq!(date.shortest().as_deref(), Some("0000-00"));
    assert_eq!(Automaton::of_shape(&text(Some("[a-z]{10}"), Some(5), None)).map(|a| a.is_empty()), Ok(true));
}

#[test]
fn held_back_bytes_are_repeated_and_healed() {
    let vocabulary = vocabulary();
    let masks =
        TokenMasks::new(&Automaton::of_shape(&Shape::Int { min: Some(1), max: Some(20) }).expect("small"), &vocabulary)
            .expect("not empty");
    let cursor = Cursor::new(b" ", &masks);
    let allowed: Vec<&[u8]> = cursor.allowed(&masks, 9).iter().filter_map(|t| vocabulary.bytes(t)).collect();
    assert_eq!(allowed, [b" ".as_slice(), b" 1".as_slice()]);
    let joined = (0..vocabulary.len() as u32).find(|t| vocabulary.bytes(*t) == Some(b" 1")).expect("in the vocabulary");
    let healed = cursor.advance(&masks, joined).expect("allowed");
    assert!(healed.is_healed() && healed.is_accepting(&masks));
}

#[test]
fn hostile_constraints_end_with_an_error_in_time() {
    for pattern in ["(a|b)*a(a|b){24}", "(\\w{1,400}x){1,400}", "((a{1,100}){1,100}){1,100}"] {
        assert!(Automaton::of_regex(pattern).is_err(), "{pattern}");
    }
    assert!(check_regex("[A-Z").is_err() && check_regex("(?=a)").is_err() && check_regex("a+").is_ok());
}

#[test]
fn a_cache_makes_each_shape_once() {
    let mut cache = ConstraintCache::new(vocabulary());
    let first = cache.masks(&Shape::Bool).expect("small");
    assert!(Arc::ptr_eq(&first, &cache.masks(&Shape::Bool).expect("small")));
}
