//! Text to rules: by recursive descent, character by character.

use super::ast::{Expression, Rule};
use super::imported;
use crate::error::ConstrainError;
use crate::limits::GRAMMAR_DEPTH_MAX;

/// Groups inside one another: each takes a few parts, and these have a limit too.
const GROUPS_MAX: usize = GRAMMAR_DEPTH_MAX / 4;

/// The rules of a text, in order.
pub(super) fn rules(text: &str) -> Result<Vec<Rule>, ConstrainError> {
    let mut reader = Reader { rest: text, line: 1, depth: 0 };
    let mut rules = Vec::new();
    loop {
        reader.skip(true);
        if reader.rest.is_empty() {
            return Ok(rules);
        }
        if reader.take("%") {
            rules.push(reader.directive()?);
        } else {
            rules.push(reader.rule()?);
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn fault<T>(&self, why: impl Into<String>) -> Result<T, ConstrainError> {
        Err(ConstrainError::Notation { line: self.line, why: why.into() })
    }

    fn bump(&mut self) -> Option<char> {
        let first = self.rest.chars().next()?;
        self.rest = &self.rest[first.len_utf8()..];
        self.line += usize::from(first == '\n');
        Some(first)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest.starts_with(text);
        if found {
            self.rest = &self.rest[text.len()..];
        }
        found
    }

    /// Skips blanks and comments; line ends too if asked.
    fn skip(&mut self, lines: bool) {
        loop {
            match self.peek() {
                Some('\n') if !lines => return,
                Some(c) if c.is_whitespace() => {
                    self.bump();
                }
                Some('/') if self.rest.starts_with("//") => self.skip_line(),
                Some('#') => self.skip_line(),
                _ => return,
            }
        }
    }

    fn skip_line(&mut self) {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        self.rest = &self.rest[end..];
    }

    fn name(&mut self) -> Option<&'a str> {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return None;
        }
        self.rest = rest;
        Some(name)
    }

    fn directive(&mut self) -> Result<Rule, ConstrainError> {
        let line = self.line;
        match self.name() {
            Some("import") => {
                self.skip(false);
                let from = self.name();
                let what = if self.take(".") { self.name() } else { None };
                let (Some("common"), Some(what)) = (from, what) else {
                    return self.fault("only `%import common.NAME` can be imported");
                };
                let Some(pattern) = imported::pattern(what) else {
                    return self.fault(format!("`common.{what}` is not known"));
                };
                self.skip(false);
                let name = if self.take("->") {
                    self.skip(false);
                    self.name().unwrap_or(what)
                } else {
                    what
                };
                self.end_of_line()?;
                Ok(Rule { name: name.into(), body: Expression::Regex(pattern.into()), line })
            }
            Some("ignore") => {
                self.fault("`%ignore` would allow text without end between any two parts; write it where it may stand")
            }
            other => self.fault(format!("`%{}` is not known", other.unwrap_or_default())),
        }
    }

    fn rule(&mut self) -> Result<Rule, ConstrainError> {
        let line = self.line;
        while self.take("?") || self.take("!") {}
        let Some(name) = self.name() else {
            return self.fault(format!("expected a rule, found `{}`", self.peek().unwrap_or(' ')));
        };
        if self.peek() == Some('{') {
            return self.fault("templates are not supported");
        }
        if self.take(".") {
            self.number();
        }
        self.skip(false);
        if !self.take("::=") && !self.take(":") {
            return self.fault(format!("`:` is missing after `{name}`"));
        }
        let body = self.choice()?;
        self.take(";");
        self.end_of_line()?;
        Ok(Rule { name: name.into(), body, line })
    }

    fn end_of_line(&mut self) -> Result<(), ConstrainError> {
        self.skip(false);
        match self.peek() {
            None | Some('\n') => Ok(()),
            Some(other) => self.fault(format!("`{other}` is not expected here")),
        }
    }

    fn choice(&mut self) -> Result<Expression, ConstrainError> {
        let mut ways = vec![self.sequence()?];
        loop {
            // Further ways may stand on lines of their own.
            let (rest, line) = (self.rest, self.line);
            self.skip(true);
            if !self.take("|") {
                (self.rest, self.line) = (rest, line);
                break;
            }
            ways.push(self.sequence()?);
        }
        Ok(if ways.len() == 1 { ways.remove(0) } else { Expression::Choice(ways) })
    }

    fn sequence(&mut self) -> Result<Expression, ConstrainError> {
        let mut parts = Vec::new();
        loop {
            self.skip(self.depth > 0);
            if self.take("->") {
                self.skip(false);
                if self.name().is_none() {
                    return self.fault("a name is missing after `->`");
                }
                continue;
            }
            let Some(part) = self.part()? else { break };
            parts.push(self.repeated(part)?);
        }
        Ok(Expression::Sequence(parts))
    }

    fn part(&mut self) -> Result<Option<Expression>, ConstrainError> {
        Ok(Some(match self.peek() {
            Some('"') => {
                let text = self.string()?;
                if self.take("..") {
                    let high = self.string()?;
                    return self.range(&text, &high).map(Some);
                }
                if self.take("i") {
                    Expression::Regex(format!("(?i:{})", regex_syntax::escape(&text)))
                } else {
                    Expression::Text(text)
                }
            }
            Some('/') => self.regex()?,
            Some('(') => self.group('(', ')')?,
            Some('[') => Expression::Repeat(Box::new(self.group('[', ']')?), 0, Some(1)),
            Some(_) => match self.name() {
                Some(name) => Expression::Name(name.into()),
                None => return Ok(None),
            },
            None => return Ok(None),
        }))
    }

    fn range(&self, low: &str, high: &str) -> Result<Expression, ConstrainError> {
        let one = |text: &str| text.chars().next().filter(|c| c.len_utf8() == text.len());
        match (one(low), one(high)) {
            (Some(low), Some(high)) if low <= high => Ok(Expression::Range(low, high)),
            _ => self.fault(format!("`\"{low}\"..\"{high}\"` is no range of characters")),
        }
    }

    fn group(&mut self, open: char, close: char) -> Result<Expression, ConstrainError> {
        let line = self.line;
        self.bump();
        self.depth += 1;
        if self.depth > GROUPS_MAX {
            return Err(ConstrainError::TooLarge { what: "groups inside one another", limit: GROUPS_MAX });
        }
        let inside = self.choice()?;
        self.skip(true);
        self.depth -= 1;
        if self.bump() == Some(close) {
            Ok(inside)
        } else {
            Err(ConstrainError::Notation { line, why: format!("`{close}` is missing after `{open}`") })
        }
    }

    fn repeated(&mut self, part: Expression) -> Result<Expression, ConstrainError> {
        let mut part = part;
        loop {
            let (min, max) = match self.peek() {
                Some('?') => (0, Some(1)),
                Some('*') => (0, None),
                Some('+') => (1, None),
                _ => {
                    let rest = self.rest;
                    self.skip(false);
                    if !self.take("~") {
                        self.rest = rest;
                        return Ok(part);
                    }
                    self.skip(false);
                    let Some(min) = self.number() else { return self.fault("a number is missing after `~`") };
                    let max = if self.take("..") { self.number() } else { Some(min) };
                    if max.is_some_and(|max| max < min) {
                        return self.fault(format!("`{min}..{}` is no range of counts", max.unwrap_or(0)));
                    }
                    part = Expression::Repeat(Box::new(part), min, max);
                    continue;
                }
            };
            self.bump();
            part = Expression::Repeat(Box::new(part), min, max);
        }
    }

    fn number(&mut self) -> Option<u32> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let number = digits.parse().ok()?;
        self.rest = rest;
        Some(number)
    }

    fn string(&mut self) -> Result<String, ConstrainError> {
        let line = self.line;
        let unended = || ConstrainError::Notation { line, why: "the string does not end on its line".into() };
        if self.bump() != Some('"') {
            return self.fault("a string is missing");
        }
        let mut text = String::new();
        loop {
            match self.bump().ok_or_else(unended)? {
                '"' => return Ok(text),
                '\n' => return Err(unended()),
                '\\' => match self.bump().ok_or_else(unended)? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'x' => text.push(self.code(2)?),
                    'u' => text.push(self.code(4)?),
                    other => text.push(other),
                },
                other => text.push(other),
            }
        }
    }

    fn code(&mut self, digits: usize) -> Result<char, ConstrainError> {
        let code = self.rest.get(..digits).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        let Some(code) = code else { return self.fault("the escape is no character") };
        self.rest = &self.rest[digits..];
        Ok(code)
    }

    fn regex(&mut self) -> Result<Expression, ConstrainError> {
        self.bump();
        let mut pattern = String::new();
        loop {
            match self.bump() {
                Some('/') => break,
                Some('\\') if self.peek() == Some('/') => pattern.extend(self.bump()),
                Some('\\') => {
                    pattern.push('\\');
                    pattern.extend(self.bump());
                }
                None | Some('\n') => return self.fault("the regular expression does not end on its line"),
                Some(other) => pattern.push(other),
            }
        }
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let (flags, rest) = self.rest.split_at(end);
        self.rest = rest;
        if !flags.chars().all(|flag| "imsx".contains(flag)) {
            return self.fault(format!("the flags `{flags}` are not known"));
        }
        Ok(Expression::Regex(if flags.is_empty() { pattern } else { format!("(?{flags}:{pattern})") }))
    }
}
