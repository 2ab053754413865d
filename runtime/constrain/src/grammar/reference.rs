//! Whether a text belongs to a grammar, the slow and obvious way: every part gives the places where it may end.
//!
//! Time is cubic in the text and linear in counts; tests and small questions only.

use super::{Grammar, Node, NodeId};
use crate::nfa::escape;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

type Places = BTreeSet<usize>;

impl Grammar {
    /// Whether the whole text belongs to the language. A rule that begins with itself finds nothing that way.
    pub fn accepts(&self, text: &[u8]) -> bool {
        let mut matcher = Matcher { grammar: self, text, known: FxHashMap::default() };
        self.start.is_some_and(|start| matcher.ends(start, 0).contains(&text.len()))
    }
}

struct Matcher<'a> {
    grammar: &'a Grammar,
    text: &'a [u8],
    /// Where a part that begins at a place may end.
    known: FxHashMap<(NodeId, usize), Places>,
}

impl Matcher<'_> {
    fn ends(&mut self, node: NodeId, from: usize) -> Places {
        if let Some(known) = self.known.get(&(node, from)) {
            return known.clone();
        }
        // While a part is being matched, it matches nothing where it began.
        self.known.insert((node, from), Places::new());
        let grammar = self.grammar;
        let ends = match grammar.node(node) {
            Node::Literal(bytes) => {
                self.text[from..].starts_with(bytes).then(|| from + bytes.len()).into_iter().collect()
            }
            Node::Leaf(automaton) => {
                let mut state = Some(automaton.start());
                let mut ends = Places::new();
                for at in from..=self.text.len() {
                    let Some(here) = state else { break };
                    if automaton.is_accepting(here) {
                        ends.insert(at);
                    }
                    state = self.text.get(at).and_then(|byte| automaton.step(here, *byte));
                }
                ends
            }
            Node::Text { text, chars, quoted } => {
                let fits = |written: &[u8]| {
                    let plain = if *quoted { unescaped(written) } else { Some(written.to_vec()) };
                    let plain = plain.and_then(|bytes| String::from_utf8(bytes).ok());
                    plain.is_some_and(|plain| {
                        text.accepts(plain.as_bytes())
                            && chars.contains(u32::try_from(plain.chars().count()).unwrap_or(u32::MAX))
                    })
                };
                (from..=self.text.len()).filter(|to| fits(&self.text[from..*to])).collect()
            }
            Node::Sequence(parts) => parts.iter().fold(Places::from([from]), |places, part| self.all(*part, &places)),
            Node::Choice(parts) => parts.iter().flat_map(|part| self.ends(*part, from)).collect(),
            Node::Repeat { item, separator, count } => {
                let mut ends = Places::new();
                let mut layer = Places::from([from]);
                for done in 0.. {
                    if count.min <= done {
                        ends.extend(&layer);
                    }
                    // A round that reaches no new place, with the least count behind it, changes nothing.
                    if layer.is_empty()
                        || count.max == Some(done)
                        || done as usize > self.text.len() + count.min as usize
                    {
                        break;
                    }
                    let begins = match separator.filter(|_| done > 0) {
                        Some(separator) => self.all(separator, &layer),
                        None => layer,
                    };
                    layer = self.all(*item, &begins);
                }
                ends
            }
            Node::Members { named, more, separator, count, gapless } => {
                // (place, members so far)
                let mut places = BTreeSet::from([(from, 0u32)]);
                let mut ends = BTreeSet::new();
                for member in named {
                    let with = self.member(member.part, *separator, &places);
                    match (member.required, gapless) {
                        (false, false) => places.extend(with),
                        (false, true) => {
                            ends.extend(places);
                            places = with;
                        }
                        (true, _) => places = with,
                    }
                }
                let mut layer = places;
                while !layer.is_subset(&ends) {
                    ends.extend(&layer);
                    layer = more.map_or_else(BTreeSet::new, |more| self.member(more, *separator, &layer));
                }
                ends.into_iter().filter(|(_, members)| count.contains(*members)).map(|(place, _)| place).collect()
            }
            Node::Call(rule) => match grammar.rules[rule.0 as usize].body {
                Some(body) => self.ends(body, from),
                None => Places::new(),
            },
        };
        self.known.insert((node, from), ends.clone());
        ends
    }

    fn all(&mut self, node: NodeId, places: &Places) -> Places {
        places.iter().flat_map(|place| self.ends(node, *place)).collect()
    }

    /// Where one more member may end, its separator before it if it is not the first.
    fn member(&mut self, part: NodeId, separator: NodeId, places: &BTreeSet<(usize, u32)>) -> BTreeSet<(usize, u32)> {
        let mut found = BTreeSet::new();
        for (place, members) in places {
            let begins = if *members == 0 { Places::from([*place]) } else { self.ends(separator, *place) };
            found.extend(self.all(part, &begins).into_iter().map(|end| (end, members + 1)));
        }
        found
    }
}

/// The text of a JSON string with minimal escapes; `None` if it is no such string.
fn unescaped(written: &[u8]) -> Option<Vec<u8>> {
    let inside = written.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut plain = Vec::new();
    let mut rest = inside;
    while let Some(first) = rest.first() {
        if *first == b'\\' {
            let of = |byte: &u8| escape(*byte).is_some_and(|written| rest.starts_with(written.as_bytes()));
            let byte = (0..=u8::MAX).find(of)?;
            plain.push(byte);
            rest = &rest[escape(byte).map_or(1, |written| written.len())..];
        } else {
            if escape(*first).is_some() {
                return None;
            }
            plain.push(*first);
            rest = &rest[1..];
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Automaton;
    use crate::grammar::Bounds;

    #[test]
    fn a_recursive_tree_with_optional_members_is_followed() {
        let mut grammar = Grammar::new();
        let layout = grammar.one_line();
        let (tree, name) = (grammar.declare("tree"), Automaton::of_regex("(?s:.)*").unwrap());
        let call = grammar.call(tree);
        let children = grammar.array(layout, &[], Some(call), Bounds::new(0, Some(2)));
        let (key, value) = (grammar.quoted("name"), grammar.string(name, Bounds::new(1, Some(3))));
        let first = grammar.member(layout, key, value, true);
        let key = grammar.quoted("children");
        let second = grammar.member(layout, key, children, false);
        let body = grammar.object(layout, &[first, second], None, Bounds::ANY);
        grammar.define(tree, body);
        grammar.set_start(call);
        for (text, fits) in [
            (r#"{"name": "a"}"#, true),
            (r#"{"name": "é\n\""}"#, true),
            (r#"{"name": ""}"#, false),
            (r#"{"name": "abcd"}"#, false),
            (r#"{"name": "a", "children": []}"#, true),
            (r#"{"name": "a", "children": [{"name": "b"}, {"name": "c", "children": [{"name": "d"}]}]}"#, true),
            (r#"{"name": "a", "children": [{"name": "b"}, {"name": "b"}, {"name": "b"}]}"#, false),
            (r#"{"children": []}"#, false),
        ] {
            assert_eq!(grammar.accepts(text.as_bytes()), fits, "{text}");
        }
    }

    #[test]
    fn counts_of_members_and_elements_hold() {
        let mut grammar = Grammar::new();
        let layout = grammar.one_line();
        let (a, b, c) = (grammar.literal("a"), grammar.literal("b"), grammar.literal("c"));
        let members = [a, b].map(|part| super::super::Member { part, required: false });
        let object = grammar.object(layout, &members, Some(c), Bounds::new(1, Some(3)));
        let array = grammar.array(layout, &[a, b], Some(c), Bounds::new(1, Some(3)));
        let whole = grammar.choice(&[object, array]);
        grammar.set_start(whole);
        for (text, fits) in [
            ("{}", false),
            ("{a}", true),
            ("{b, c}", true),
            ("{a, b, c}", true),
            ("{b, a}", false),
            ("{a, b, c, c}", false),
            ("[]", false),
            ("[a]", true),
            ("[b]", false),
            ("[a, b, c]", true),
            ("[a, c]", false),
            ("[a, b, c, c]", false),
        ] {
            assert_eq!(grammar.accepts(text.as_bytes()), fits, "{text}");
        }
    }
}
