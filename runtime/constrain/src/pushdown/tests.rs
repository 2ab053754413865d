//! Machines against tables, against the slow matcher, and against their own promises.

use super::{Pushdown, views};
use crate::automaton::{Automaton, StateId};
use crate::grammar::{Bounds, Grammar, Node, NodeId};
use crate::masks::TokenMasks;
use crate::vocabulary::Vocabulary;
use sgl_protocol::{Field, Shape, Variant};
use std::sync::Arc;

/// Every single byte, and some longer tokens; token 0 is special.
fn vocabulary() -> Arc<Vocabulary> {
    let mut tokens: Vec<Option<Box<[u8]>>> = vec![None];
    tokens.extend((0..=255u8).map(|byte| Some(vec![byte].into_boxed_slice())));
    for word in [
        "true", "false", "null", "{\"", "\": ", "\", \"", "\"}", "ab", "abc", "aaaa", "12", "100", " 1", "é", "\\n",
        "\n", "0.", "[\"", "\"]", "unknown", "[[[", "]]", "]]]", "}]}", ", ", "((", "))", "+", ")+(", "\"}, {\"",
        "aa\"", "a\", \"",
    ] {
        tokens.push(Some(word.as_bytes().into()));
    }
    Arc::new(Vocabulary::new(tokens))
}

fn text(pattern: Option<&str>, chars_max: Option<u32>) -> Shape {
    Shape::Text { pattern: pattern.map(str::to_string), chars_max, until: None }
}

fn record(fields: &[(&str, Shape)]) -> Shape {
    let fields = fields.iter().map(|(name, shape)| Field { name: (*name).into(), shape: shape.clone() }).collect();
    Shape::Record { name: "R".into(), fields }
}

fn list(item: Shape, min: u32, max: Option<u32>) -> Shape {
    Shape::List { item: Box::new(item), min, max }
}

/// Numbers that look random and are the same each time (a linear congruential generator; Knuth's constants).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// Walks both by random tokens: they allow the same ones, and the machine's bound is no less than the table's number.
fn alike(table: &TokenMasks, machine: &TokenMasks, what: &str) {
    for seed in 0..12 {
        let mut dice = Dice(seed);
        let (mut a, mut b) = (table.start(), machine.start());
        for step in 0..40 {
            let (x, y) = (table.allowed(a, u32::MAX), machine.allowed(b, u32::MAX));
            assert_eq!(x.words(), y.words(), "{what}, seed {seed}, step {step}");
            assert_eq!(table.is_accepting(a), machine.is_accepting(b), "{what}, seed {seed}, step {step}");
            assert_eq!(table.is_final(a), machine.is_final(b), "{what}, seed {seed}, step {step}");
            assert!(table.need(a) <= machine.need(b), "{what}, seed {seed}, step {step}");
            let all: Vec<u32> = x.iter().collect();
            if all.is_empty() {
                break;
            }
            let token = all[dice.below(all.len())];
            (a, b) = (table.advance(a, token).unwrap(), machine.advance(b, token).unwrap());
        }
    }
}

/// From the start and from random states: within every budget from `need` up, each allowed token keeps the end in reach,
/// and masks are what they say.
fn keeps_its_promise(masks: &TokenMasks, grammar: Option<&Grammar>, what: &str) {
    let vocabulary = masks.vocabulary();
    for seed in 0..12 {
        let mut dice = Dice(seed);
        let mut left = masks.need(masks.start()) + dice.below(20) as u32;
        let mut at = masks.start();
        let mut written = Vec::new();
        loop {
            let allowed = masks.allowed(at, left);
            for token in 0..vocabulary.len() as u32 {
                let fits = masks.advance(at, token).is_some_and(|to| masks.need(to) < left);
                assert_eq!(
                    allowed.contains(token),
                    fits,
                    "{what}, seed {seed}: token {token} after {written:?}, {left} left"
                );
            }
            let all: Vec<u32> = allowed.iter().collect();
            if left == 0 || all.is_empty() || (masks.is_accepting(at) && dice.below(8) == 0) {
                break;
            }
            let token = all[dice.below(all.len())];
            written.extend_from_slice(vocabulary.bytes(token).unwrap());
            at = masks.advance(at, token).unwrap();
            left -= 1;
            assert!(masks.need(at) <= left, "{what}");
        }
        let shown = String::from_utf8_lossy(&written).into_owned();
        assert!(masks.is_accepting(at), "{what}, seed {seed}: {shown} is not complete");
        if let Some(grammar) = grammar {
            assert!(grammar.accepts(&written), "{what}: {shown}");
        }
    }
}

#[test]
fn a_machine_and_a_table_of_one_shape_agree() {
    let vocabulary = vocabulary();
    let wand = record(&[("ab", text(None, Some(4))), ("n", Shape::Int { min: Some(-3), max: Some(120) })]);
    let names = vec!["ab".to_string(), "abc".into(), "b".into()];
    let shapes = [
        text(Some("[^\\n\\r]+"), None),
        text(Some("(abc)*"), Some(7)),
        text(Some("aaaa|é"), Some(1)),
        text(None, Some(3)),
        text(None, Some(40)),
        Shape::Text { pattern: None, chars_max: Some(9), until: Some("aba".into()) },
        Shape::Float { decimals: None, min: None, max: None },
        Shape::Enum { name: "E".into(), names },
        wand.clone(),
        list(Shape::Bool, 1, Some(3)),
        list(list(Shape::Null, 0, Some(2)), 2, Some(5)),
        list(text(None, Some(2)), 0, None),
        list(wand.clone(), 2, None),
        Shape::Union(vec![
            Variant { name: "U".into(), shape: Shape::Literal("unknown".into()) },
            Variant { name: "W".into(), shape: wand },
        ]),
    ];
    for shape in shapes {
        let table = TokenMasks::new(&Automaton::of_shape(&shape).unwrap(), &vocabulary).unwrap();
        let grammar = Grammar::of_shape(&shape).unwrap();
        let machine = TokenMasks::pushdown(&grammar, &vocabulary).unwrap();
        let what = format!("{shape:?}");
        alike(&table, &machine, &what);
        alike(&table, &TokenMasks::of_grammar(&grammar, &vocabulary).unwrap(), &what);
        keeps_its_promise(&machine, Some(&grammar), &what);
    }
}

/// `value: "a"* | "[" value ("," value){0,2} "]"`, with spaces as everywhere.
fn nested(grammar: &mut Grammar) -> NodeId {
    let layout = grammar.one_line();
    let rule = grammar.declare("value");
    let call = grammar.call(rule);
    let (text, name) = (Automaton::of_regex("[ab]*").unwrap(), grammar.quoted("ab"));
    let text = grammar.string(text, Bounds::new(1, Some(5)));
    let items = grammar.array(layout, &[], Some(call), Bounds::new(1, Some(3)));
    let member = grammar.member(layout, name, call, false);
    let object = grammar.object(layout, &[member], None, Bounds::ANY);
    let body = grammar.choice(&[text, items, object]);
    grammar.define(rule, body);
    call
}

fn grammars() -> Vec<(&'static str, Grammar)> {
    let mut all = Vec::new();
    let mut make = |name, build: &dyn Fn(&mut Grammar) -> NodeId| {
        let mut grammar = Grammar::new();
        let whole = build(&mut grammar);
        grammar.set_start(whole);
        all.push((name, grammar));
    };
    make("nested values", &nested);
    make("sums in brackets", &|g| {
        let (sum, term) = (g.declare("sum"), g.declare("term"));
        let (plus, open, close) = (g.literal("+"), g.literal("("), g.literal(")"));
        let (s, t) = (g.call(sum), g.call(term));
        let sums = g.repeat(t, Some(plus), Bounds::new(1, None));
        g.define(sum, sums);
        let inner = g.sequence(&[open, s, close]);
        let number = g.leaf(Automaton::of_regex("[0-9]+").unwrap());
        let terms = g.choice(&[inner, number]);
        g.define(term, terms);
        s
    });
    make("as many b as a", &|g| {
        let rule = g.declare("ab");
        let (a, b, call) = (g.literal("a"), g.literal("b"), g.call(rule));
        let (more, one) = (g.sequence(&[a, call, b]), g.sequence(&[a, b]));
        let body = g.choice(&[more, one]);
        g.define(rule, body);
        call
    });
    make("two readings of a list", &|g| {
        let inner = nested(g);
        let layout = g.one_line();
        let words = g.leaf(Automaton::of_regex("\"[a-c]*\"").unwrap());
        let one = g.array(layout, &[], Some(inner), Bounds::new(2, Some(900)));
        let two = g.array(layout, &[words, inner], Some(words), Bounds::new(1, Some(4)));
        g.choice(&[one, two])
    });
    make("many characters", &|g| {
        let text = Automaton::of_regex("(?s:.)*").unwrap();
        g.string(text, Bounds::new(3, Some(1_000_000)))
    });
    make("triples, at least ten characters", &|g| {
        let text = Automaton::of_regex("(a[bc]é)*").unwrap();
        g.add(Node::Text { text, chars: Bounds::new(10, Some(500)), quoted: true })
    });
    make("members with a count", &|g| {
        let layout = g.one_line();
        let value = nested(g);
        let names = ["a", "ab", "abc", "b", "c"];
        let members: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(index, name)| {
                let key = g.quoted(name);
                g.member(layout, key, value, index == 3)
            })
            .collect();
        let key = g.leaf(Automaton::of_regex("\"x[a-c]*\"").unwrap());
        let more = g.sequence(&[key, layout.colon, value]);
        g.object(layout, &members, Some(more), Bounds::new(3, Some(6)))
    });
    make("empty rounds", &|g| {
        let maybe = g.leaf(Automaton::of_regex("(ab)?").unwrap());
        g.repeat(maybe, None, Bounds::new(2, Some(700)))
    });
    all
}

#[test]
fn machines_keep_their_budgets_and_agree_with_the_slow_matcher() {
    let vocabulary = vocabulary();
    for (name, grammar) in grammars() {
        let masks = TokenMasks::pushdown(&grammar, &vocabulary).unwrap();
        keeps_its_promise(&masks, Some(&grammar), name);
    }
}

#[test]
fn what_the_slow_matcher_accepts_a_machine_accepts() {
    let vocabulary = vocabulary();
    let pieces = ["[", "]", "{", "}", "\"", "a", "b", "ab", ", ", ": ", "(", ")", "+", "1", "é", "x"];
    for (name, grammar) in grammars() {
        let masks = TokenMasks::pushdown(&grammar, &vocabulary).unwrap();
        let mut dice = Dice(1);
        for _ in 0..3_000 {
            let mut text = String::new();
            for _ in 0..dice.below(12) {
                text += pieces[dice.below(pieces.len())];
            }
            assert_eq!(masks.accepts(text.as_bytes()), grammar.accepts(text.as_bytes()), "{name}: {text}");
        }
    }
}

#[test]
fn a_stack_is_bounded_and_what_is_opened_can_be_closed() {
    let vocabulary = vocabulary();
    let mut grammar = Grammar::new();
    let rule = grammar.declare("list");
    let (open, close, call) = (grammar.literal("["), grammar.literal("]"), grammar.call(rule));
    let (more, none) = (grammar.sequence(&[open, call, close]), grammar.literal("[]"));
    let body = grammar.choice(&[more, none]);
    grammar.define(rule, body);
    grammar.set_start(call);
    let masks = TokenMasks::of_grammar(&grammar, &vocabulary).unwrap();
    let mut state = masks.start();
    let mut depth = 0;
    while let Some(next) = masks.step(state, b"[") {
        // At every depth the mask is that of brute force, also where the stack is nearly full.
        if depth > 500 {
            let allowed = masks.allowed(next, u32::MAX);
            for token in 0..vocabulary.len() as u32 {
                assert_eq!(allowed.contains(token), masks.advance(next, token).is_some(), "{depth}: {token}");
            }
        }
        (state, depth) = (next, depth + 1);
    }
    assert!((500..600).contains(&depth), "{depth}");
    assert_eq!(masks.step(state, &b"]".repeat(depth)).map(|end| masks.is_final(end)), Some(true));
}

#[test]
fn counts_cost_no_states() {
    let vocabulary = vocabulary();
    let record = record(&[("name", text(None, Some(100_000))), ("tags", list(text(None, Some(50)), 0, Some(30_000)))]);
    let masks = TokenMasks::of_shape(&list(record, 1, Some(1_000_000)), &vocabulary).unwrap();
    assert!(masks.state_count() < 300, "{}", masks.state_count());
    assert!(masks.need(masks.start()) < 20, "{}", masks.need(masks.start()));
}

#[test]
fn empty_rounds_are_not_counted_and_others_are_refused_beyond_a_limit() {
    use crate::error::ConstrainError;
    let vocabulary = vocabulary();
    let mut grammar = Grammar::new();
    let whole = grammar.regex("((ab|c)?){5,3000000}").unwrap();
    grammar.set_start(whole);
    let masks = TokenMasks::of_grammar(&grammar, &vocabulary).unwrap();
    assert!(masks.accepts(b"") && masks.accepts(b"abcab") && !masks.accepts(b"a"));
    let mut grammar = Grammar::new();
    let inner = nested(&mut grammar);
    let maybe = grammar.optional(inner);
    let whole = grammar.repeat(maybe, None, Bounds::new(0, Some(1_000_000)));
    grammar.set_start(whole);
    let refused = TokenMasks::of_grammar(&grammar, &vocabulary).map(|_| ());
    assert!(matches!(refused, Err(ConstrainError::TooLarge { limit: 64, .. })), "{refused:?}");
}

#[test]
fn a_rule_that_begins_with_itself_or_is_not_defined_is_an_error() {
    use crate::error::ConstrainError;
    let vocabulary = vocabulary();
    let mut grammar = Grammar::new();
    let rule = grammar.declare("sum");
    let (call, plus, one) = (grammar.call(rule), grammar.literal("+"), grammar.literal("1"));
    let longer = grammar.sequence(&[call, plus, one]);
    let body = grammar.choice(&[longer, one]);
    grammar.set_start(call);
    let missing = TokenMasks::of_grammar(&grammar, &vocabulary).map(|_| ());
    assert_eq!(missing, Err(ConstrainError::Undefined("sum".into())));
    grammar.define(rule, body);
    let error = TokenMasks::of_grammar(&grammar, &vocabulary).map(|_| ());
    assert_eq!(error, Err(ConstrainError::LeftRecursion));
}

#[test]
fn states_are_numbers_that_can_be_kept() {
    let vocabulary = vocabulary();
    let (_, grammar) = grammars().swap_remove(0);
    let masks = TokenMasks::pushdown(&grammar, &vocabulary).unwrap();
    let kept: StateId = masks.step(masks.start(), b"[\"a").unwrap();
    let (one, two) = (masks.step(kept, b"b\", ").unwrap(), masks.step(kept, b"\"]").unwrap());
    assert!(!masks.is_accepting(one) && masks.is_final(two));
    assert_eq!(masks.step(kept, b"b\", "), Some(one));
}

#[test]
fn masks_ahead_are_all_that_is_asked_for() {
    let regex = |pattern: &str| {
        let mut grammar = Grammar::new();
        let whole = grammar.regex(pattern).unwrap();
        grammar.set_start(whole);
        grammar
    };
    let names = record(&[("a", text(Some("[abé]{1,40}"), None)), ("b", list(text(None, Some(30)), 1, Some(7)))]);
    for (what, grammar) in [
        ("a text", regex(r"[\w ]{3,700}")),
        ("without single bytes", regex(r"[à-ÿ]{2,90}")),
        ("two texts", regex(r#""[a-z]{1,300}", "[a-z]{0,20000}""#)),
        ("parts", regex(r"(ab|12){300,4000}")),
        ("a list", Grammar::of_shape(&list(text(None, Some(30)), 1, Some(50))).unwrap()),
        ("a record", Grammar::of_shape(&names).unwrap()),
    ] {
        let made = Pushdown::new(&grammar, &vocabulary()).unwrap();
        assert!(made.is_ahead(), "{what}");
        let known = made.looks();
        for seed in 0..30 {
            let mut dice = Dice(seed);
            let mut at = Pushdown::start();
            for step in 0..400 {
                let words = made.allowed(at, u32::MAX);
                let all: Vec<u32> = crate::Allowed::ahead(&words).iter().collect();
                assert_eq!(
                    words,
                    views::walk(&mut made.space(), &made.vocabulary, at, u32::MAX).words,
                    "{what}, {step}"
                );
                if all.is_empty() {
                    break;
                }
                let token = all[dice.below(all.len())];
                at = made.advance(at, made.vocabulary.bytes(token).unwrap()).unwrap();
            }
        }
        assert_eq!(made.looks(), known, "{what}");
    }
}

#[test]
fn a_mask_of_a_count_far_from_its_least_keeps_the_budget() {
    let mut grammar = Grammar::new();
    let whole = grammar.regex("[ab]{900,1000}|[ab]{100}[ab]{2,1000}c").unwrap();
    grammar.set_start(whole);
    let masks = TokenMasks::pushdown(&grammar, &vocabulary()).unwrap();
    keeps_its_promise(&masks, Some(&grammar), "far from the least");
}
