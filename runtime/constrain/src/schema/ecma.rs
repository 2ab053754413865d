//! Regular expressions of ECMA-262, as `pattern` has them, to languages: where anything matches, the text fits.
//!
//! ```text
//! text --parse--> Node --plain, or backward if it looks around--> automaton of all texts in which it is found
//! ```
//!
//! Meaning is that of the `u` flag where a pattern is right under it; what only the older syntax allows (`\-`, a lone `{`) is
//! read as it reads it. Back-references and look-behind are refused.

mod backward;
mod class;
mod parse;
mod plain;

use crate::automaton::Automaton;
use crate::error::ConstrainError;
use regex_syntax::hir::ClassUnicode;

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// One character of a set.
    Class(ClassUnicode),
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Repeat {
        item: Box<Node>,
        min: u32,
        max: Option<u32>,
    },
    /// `^`
    Start,
    /// `$`
    End,
    /// `\b`, and `\B` if negative
    Boundary {
        negative: bool,
    },
    /// `(?=…)`, and `(?!…)` if negative
    Ahead {
        item: Box<Node>,
        negative: bool,
    },
}

impl Node {
    /// Whether it looks at more than the ends of the text.
    fn looks(&self) -> bool {
        match self {
            Self::Class(_) | Self::Start | Self::End => false,
            Self::Sequence(parts) | Self::Choice(parts) => parts.iter().any(Self::looks),
            Self::Repeat { item, .. } => item.looks(),
            Self::Boundary { .. } | Self::Ahead { .. } => true,
        }
    }
}

/// Bytes that a pattern may have.
const PATTERN_BYTES_MAX: usize = 20_000;
/// Groups in groups.
const NESTING_MAX: usize = 60;

/// The texts in which a pattern is found.
pub(super) fn found_in(pattern: &str) -> Result<Automaton, ConstrainError> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(ConstrainError::TooLarge { what: "bytes of pattern", limit: PATTERN_BYTES_MAX });
    }
    let node = parse::pattern(pattern)?;
    if node.looks() { backward::found_in(&node) } else { plain::found_in(&node) }
}

/// A pattern `^[…]{m,n}$`: its set of characters as `[…]*`, and the bounds, which then need no states.
pub(super) fn counted(pattern: &str) -> Option<(Automaton, u32, Option<u32>)> {
    let Ok(Node::Sequence(parts)) = parse::pattern(pattern) else { return None };
    let [Node::Start, Node::Repeat { item, min, max }, Node::End] = parts.as_slice() else { return None };
    let Node::Class(_) = **item else { return None };
    let all = Node::Repeat { item: item.clone(), min: 0, max: None };
    let all = plain::found_in(&Node::Sequence(vec![Node::Start, all, Node::End])).ok()?;
    Some((all, *min, *max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        found_in(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")).accepts(text.as_bytes())
    }

    #[test]
    fn a_pattern_is_searched_for() {
        for (pattern, text, found) in [
            ("b", "abc", true),
            ("^b", "abc", false),
            ("c$", "abc", true),
            ("^abc$", "abc", true),
            ("^abc$", "abcd", false),
            ("^a|c$", "xc", true),
            ("^a|c$", "xcx", false),
            ("", "anything", true),
            ("a{2}", "baab", true),
            ("^[^a]+$", "bcd", true),
            ("^.$", "\n", false),
            ("^.$", "é", true),
            ("^.$", "\u{1f600}", true),
            (r"^\d+$", "12", true),
            (r"^\d+$", "١٢", false),
            (r"^\w$", "é", false),
            (r"^\s$", "\u{a0}", true),
            (r"^\S$", "\u{a0}", false),
            (r"^[\w-]+$", "a-b", true),
            (r"^\u00e9\x41$", "éA", true),
            (r"^\ud83d\ude00$", "\u{1f600}", true),
            (r"^\u{1f600}$", "\u{1f600}", true),
            (r"^\cA\0$", "\u{1}\0", true),
            (r"^[a&&b]$", "&", true),
            (r"^[[]$", "[", true),
            (r"^[]$", "", false),
            (r"^[^]$", "\n", true),
            (r"^a{,2}$", "a{,2}", true),
            (r"^{a}$", "{a}", true),
            (r"^a]$", "a]", true),
            (r"^\/\-\_\@$", "/-_@", true),
            (r"^(?:a|b)(?<name>c)$", "bc", true),
            (r"^\p{L}+$", "éa", true),
            (r"^\p{Script=Greek}$", "α", true),
            (r"^\P{L}$", "1", true),
            (r"^[\b]$", "\u{8}", true),
            (r"^a+?b*?$", "aab", true),
            (r"^(a$|b)+$", "ba", true),
            (r"(^a)*b", "xb", true),
        ] {
            assert_eq!(fits(pattern, text), found, "{pattern} in {text:?}");
        }
    }

    #[test]
    fn looking_around_is_done_from_the_end() {
        for (pattern, text, found) in [
            ("^(?!foo)", "foobar", false),
            ("^(?!foo)", "barfoo", true),
            ("^(?!.*foo)", "barfoo", false),
            ("^(?!foo$)[a-z]+$", "foo", false),
            ("^(?!foo$)[a-z]+$", "food", true),
            ("^(?=.*[0-9])(?=.*[a-z]).{4,}$", "ab12", true),
            ("^(?=.*[0-9])(?=.*[a-z]).{4,}$", "abcd", false),
            ("^a(?!b).c$", "abc", false),
            ("^a(?!b).c$", "axc", true),
            ("^(x|(?!y)[a-z])z$", "yz", false),
            ("^(x|(?!y)[a-z])z$", "az", true),
            ("a(?=b)", "xab", true),
            ("a(?=b)", "ac", false),
            ("^((?!bad).)*$", "some good", true),
            ("^((?!bad).)*$", "some bad", false),
            (r"\bword\b", "a word here", true),
            (r"\bword\b", "swordfish", false),
            (r"^\w+\b.\B-$", "ab--", true),
            (r"^(?!.*\b(x|y)\b).+$", "a y b", false),
            (r"^(?!.*\b(x|y)\b).+$", "a yy b", true),
            ("^(?=a)(?=.b)..$", "ab", true),
            ("^(?!(?!a)).$", "a", true),
            ("^(?!(?!a)).$", "b", false),
            ("^(?!é)..$", "éa", false),
            ("^(?:(?!--)[a-z-])+$", "a-b", true),
            ("^(?:(?!--)[a-z-])+$", "a--b", false),
        ] {
            assert_eq!(fits(pattern, text), found, "{pattern} in {text:?}");
        }
    }

    #[test]
    fn what_no_automaton_does_is_refused() {
        for pattern in [r"(a)\1", "(?<=a)b", "(?<!a)b", "(", "a)", "[b-a]", "*", "a**", r"\p{Nope}", "[a"] {
            assert!(matches!(found_in(pattern), Err(ConstrainError::Pattern(_))), "{pattern}");
        }
        assert!(matches!(found_in("(((a{1,1000}){1,1000}){1,1000})"), Err(ConstrainError::TooLarge { .. })));
    }

    #[test]
    fn a_counted_set_needs_no_states() {
        let (all, min, max) = counted("^[a-z]{1,5000}$").unwrap();
        assert!(all.accepts(b"abc") && !all.accepts(b"A") && (min, max) == (1, Some(5000)));
        assert!(counted("[a-z]{1,5000}").is_none());
    }
}
