//! The grammar of patterns.

use super::class::{self, Reader};
use super::{NESTING_MAX, Node};
use crate::error::ConstrainError;

/// Reads a whole pattern.
pub(super) fn pattern(text: &str) -> Result<Node, ConstrainError> {
    let mut parser = Parser { reader: Reader::new(text), depth: 0, fold: false };
    if parser.reader.eat("(?i)") {
        parser.fold = true;
    }
    let whole = parser.choice()?;
    match parser.reader.peek() {
        None => Ok(whole),
        Some(_) => Err(fault("a `)` without its `(`")),
    }
}

pub(super) fn fault(message: &str) -> ConstrainError {
    ConstrainError::Pattern(message.into())
}

struct Parser<'a> {
    reader: Reader<'a>,
    depth: usize,
    /// Letters stand for both cases: `(?i)` at the start, which ECMA-262 lacks and others have.
    fold: bool,
}

impl Parser<'_> {
    fn choice(&mut self) -> Result<Node, ConstrainError> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(ConstrainError::TooLarge { what: "groups in groups", limit: NESTING_MAX });
        }
        let mut ways = vec![self.sequence()?];
        while self.reader.eat("|") {
            ways.push(self.sequence()?);
        }
        self.depth -= 1;
        Ok(if ways.len() == 1 { ways.swap_remove(0) } else { Node::Choice(ways) })
    }

    fn sequence(&mut self) -> Result<Node, ConstrainError> {
        let mut parts = Vec::new();
        while self.reader.peek().is_some_and(|c| c != '|' && c != ')') {
            let part = self.part()?;
            parts.push(self.quantified(part)?);
        }
        Ok(Node::Sequence(parts))
    }

    fn part(&mut self) -> Result<Node, ConstrainError> {
        if self.reader.eat("^") {
            return Ok(Node::Start);
        }
        if self.reader.eat("$") {
            return Ok(Node::End);
        }
        if self.reader.eat("\\b") {
            return Ok(Node::Boundary { negative: false });
        }
        if self.reader.eat("\\B") {
            return Ok(Node::Boundary { negative: true });
        }
        if self.reader.eat("(") {
            return self.group();
        }
        if self.reader.peek().is_some_and(|c| matches!(c, '*' | '+' | '?')) || self.quantifier().is_some() {
            return Err(fault("a quantifier with nothing before it"));
        }
        let mut set = class::atom(&mut self.reader)?;
        if self.fold {
            set.try_case_fold_simple().map_err(|_| fault("letters of both cases are not known"))?;
        }
        Ok(Node::Class(set))
    }

    fn group(&mut self) -> Result<Node, ConstrainError> {
        let ahead = if self.reader.eat("?=") {
            Some(false)
        } else if self.reader.eat("?!") {
            Some(true)
        } else {
            None
        };
        if ahead.is_none() && !self.reader.eat("?:") {
            if self.reader.eat("?<=") || self.reader.eat("?<!") {
                return Err(fault("look-behind is not supported"));
            }
            if self.reader.eat("?<") || self.reader.eat("?P<") {
                while self.reader.next().ok_or_else(|| fault("a group's name has no end"))? != '>' {}
            } else if self.reader.peek() == Some('?') {
                return Err(fault("a group of a kind that ECMA-262 does not have"));
            }
        }
        let item = self.choice()?;
        if !self.reader.eat(")") {
            return Err(fault("a `(` without its `)`"));
        }
        Ok(match ahead {
            Some(negative) => Node::Ahead { item: Box::new(item), negative },
            None => item,
        })
    }

    fn quantified(&mut self, part: Node) -> Result<Node, ConstrainError> {
        let Some((min, max, length)) = self.quantifier() else { return Ok(part) };
        self.reader.skip(length);
        // Which of the ways to match is tried first makes no difference to whether there is one.
        self.reader.eat("?");
        if self.reader.peek().is_some_and(|c| matches!(c, '*' | '+' | '?')) || self.quantifier().is_some() {
            return Err(fault("a quantifier after a quantifier"));
        }
        if max.is_some_and(|max| max < min) {
            return Err(fault("a quantifier whose numbers are out of order"));
        }
        if matches!(part, Node::Start | Node::End | Node::Boundary { .. }) {
            return Err(fault("a quantifier after what matches no character"));
        }
        Ok(Node::Repeat { item: Box::new(part), min, max })
    }

    /// The bounds that a quantifier here says, and its length in bytes.
    fn quantifier(&self) -> Option<(u32, Option<u32>, usize)> {
        let rest = self.reader.rest();
        match rest.chars().next()? {
            '*' => return Some((0, None, 1)),
            '+' => return Some((1, None, 1)),
            '?' => return Some((0, Some(1), 1)),
            '{' => {}
            _ => return None,
        }
        let inside = &rest[1..rest.find('}')?];
        let number = |digits: &str| {
            let fits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            fits.then(|| digits.parse::<u32>().unwrap_or(u32::MAX))
        };
        let (min, max) = match inside.split_once(',') {
            None => (number(inside)?, Some(number(inside)?)),
            Some((min, "")) => (number(min)?, None),
            Some((min, max)) => (number(min)?, Some(number(max)?)),
        };
        Some((min, max, inside.len() + 2))
    }
}
