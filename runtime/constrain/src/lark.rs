//! Grammars as people write them: a subset of Lark's notation, which is EBNF.
//!
//! ```text
//! start: expr
//! expr: expr ("+" | "-") term | term        // a rule may begin with itself directly
//! term: NUMBER | "(" expr ")"
//! NUMBER: /[0-9]+/ ("." DIGIT~1..3)?
//! DIGIT: "0".."9"
//! ```
//!
//! There are strings (`"x"`, `"x"i` in any case), regular expressions (`/x/`), ranges, groups, `[x]` for what may be left out, `?`, `*`, `+`,
//! `~n`, `~n..m`, `|`, comments, `%import common.NAME` for a few names. A rule is what its parts are, with nothing between them: `%ignore` is
//! refused, because text between parts that nobody asked for has no end. `::=` is read as `:`.

mod ast;
mod imported;
mod left;
mod parse;

use crate::automaton::Automaton;
use crate::error::ConstrainError;
use crate::grammar::{Bounds, Grammar, NodeId, RuleId};
use ast::{Expression, Rule};
use rustc_hash::FxHashMap;

impl Grammar {
    /// The texts of a grammar in Lark's notation, from its rule `start` (or the first, if none has that name).
    ///
    /// # Errors
    /// [`ConstrainError::Notation`] with the line; rules that are not defined.
    pub fn of_lark(text: &str) -> Result<Self, ConstrainError> {
        let rules = parse::rules(text)?;
        let Some(first) = rules.first() else {
            return Err(ConstrainError::Notation { line: 1, why: "it has no rules".into() });
        };
        let start = if rules.iter().any(|rule| rule.name == "start") { "start" } else { first.name.as_str() };
        let mut lowering = Lowering { grammar: Self::new(), names: FxHashMap::default() };
        for rule in &rules {
            let id = lowering.grammar.declare(&rule.name);
            if lowering.names.insert(&rule.name, id).is_some() {
                let why = format!("`{}` is defined twice", rule.name);
                return Err(ConstrainError::Notation { line: rule.line, why });
            }
        }
        for rule in &rules {
            let body = lowering.expression(&left::without_left_recursion(rule), rule)?;
            lowering.grammar.define(lowering.names[rule.name.as_str()], body);
        }
        let whole = lowering.grammar.call(lowering.names[start]);
        lowering.grammar.set_start(whole);
        Ok(lowering.grammar)
    }
}

struct Lowering<'a> {
    grammar: Grammar,
    names: FxHashMap<&'a str, RuleId>,
}

impl Lowering<'_> {
    fn expression(&mut self, expression: &Expression, rule: &Rule) -> Result<NodeId, ConstrainError> {
        Ok(match expression {
            Expression::Text(text) => self.grammar.literal(text),
            Expression::Regex(pattern) => self.grammar.regex(pattern).map_err(|error| match error {
                ConstrainError::Pattern(why) => {
                    ConstrainError::Notation { line: rule.line, why: format!("`/{pattern}/`: {why}") }
                }
                other => other,
            })?,
            Expression::Range(low, high) => {
                let class = format!("[\\x{{{:x}}}-\\x{{{:x}}}]", u32::from(*low), u32::from(*high));
                self.grammar.leaf(Automaton::of_regex(&class)?)
            }
            Expression::Name(name) => match self.names.get(name.as_str()) {
                Some(id) => self.grammar.call(*id),
                None => {
                    let why = format!("`{name}` is not defined");
                    return Err(ConstrainError::Notation { line: rule.line, why });
                }
            },
            Expression::Sequence(parts) => {
                let parts = parts.iter().map(|part| self.expression(part, rule)).collect::<Result<Vec<_>, _>>()?;
                self.grammar.sequence(&parts)
            }
            Expression::Choice(parts) => {
                let parts = parts.iter().map(|part| self.expression(part, rule)).collect::<Result<Vec<_>, _>>()?;
                self.grammar.choice(&parts)
            }
            Expression::Repeat(item, min, max) => {
                let item = self.expression(item, rule)?;
                self.grammar.repeat(item, None, Bounds::new(*min, *max))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(grammar: &str, text: &str) -> bool {
        Grammar::of_lark(grammar).unwrap().accepts(text.as_bytes())
    }

    const SUMS: &str = r#"
        // Sums and products.
        start: expr
        expr: expr ("+" | "-") term
            | term
        ?term: term "*" factor -> times
             | factor
        factor: NUMBER | "(" expr ")" | [SIGN] "x"
        NUMBER.2: /[1-9][0-9]*/ ("." DIGIT~1..3)?
        DIGIT: "0".."9"
        SIGN: "-"
    "#;

    #[test]
    fn a_grammar_of_sums_is_read() {
        for (text, fits) in [
            ("1", true),
            ("1+2*x-(3-4.25)", true),
            ("-x*-x", true),
            ("((((1))))", true),
            ("1+", false),
            ("(1", false),
            ("01", false),
            ("1.2345", false),
            ("", false),
        ] {
            assert_eq!(accepts(SUMS, text), fits, "{text}");
        }
    }

    #[test]
    fn notations_of_others_are_read() {
        assert!(accepts("root ::= \"a\"i \"\\n\" [b]\nb ::= \"é\"+", "A\néé"));
        assert!(accepts("%import common.INT\nstart: INT~2 \"!\"", "12!"));
        assert!(accepts("start: (\"a\" | )~3 \"b\"", "aab"));
    }

    #[test]
    fn faults_say_where_they_are() {
        for (grammar, line, words) in [
            ("start: a", 1, "`a` is not defined"),
            ("start: \"a\n", 1, "the string does not end"),
            ("start: \"a\"\nstart: \"b\"", 2, "`start` is defined twice"),
            ("start: (\"a\"\n", 1, "`)` is missing"),
            ("start: \"a\"\n%ignore /\\s+/", 2, "`%ignore`"),
            ("start: /[/", 1, "unclosed"),
            ("start: \"a\" ~ 3..1", 1, "3..1"),
            ("%import common.NOPE\nstart: NOPE", 1, "NOPE"),
            ("start{x}: x", 1, "templates"),
            ("", 1, "no rules"),
        ] {
            match Grammar::of_lark(grammar) {
                Err(ConstrainError::Notation { line: at, why }) => {
                    assert!(at == line && why.contains(words), "{grammar}: line {at}: {why}");
                }
                other => panic!("{grammar}: {:?}", other.map(|_| ())),
            }
        }
    }
}
