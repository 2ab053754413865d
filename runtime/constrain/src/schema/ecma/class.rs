//! Sets of characters: escapes, and what stands in brackets.

use super::parse::fault;
use crate::error::ConstrainError;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

/// The rest of a pattern.
pub(super) struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let there = self.rest.starts_with(text);
        if there {
            self.skip(text.len());
        }
        there
    }

    /// A number of exactly so many hexadecimal digits.
    fn hex(&mut self, digits: usize) -> Option<u32> {
        let text = self.rest.get(..digits)?;
        let value = text.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(text, 16).ok())??;
        self.skip(digits);
        Some(value)
    }
}

fn ranges(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|(low, high)| ClassUnicodeRange::new(*low, *high)))
}

fn negated(mut set: ClassUnicode) -> ClassUnicode {
    set.negate();
    set
}

fn spaces() -> ClassUnicode {
    ranges(&[
        ('\t', '\r'),
        (' ', ' '),
        ('\u{a0}', '\u{a0}'),
        ('\u{1680}', '\u{1680}'),
        ('\u{2000}', '\u{200a}'),
        ('\u{2028}', '\u{2029}'),
        ('\u{202f}', '\u{202f}'),
        ('\u{205f}', '\u{205f}'),
        ('\u{3000}', '\u{3000}'),
        ('\u{feff}', '\u{feff}'),
    ])
}

/// One character of a set: a literal, an escape, `.`, or brackets.
pub(super) fn atom(reader: &mut Reader<'_>) -> Result<ClassUnicode, ConstrainError> {
    match reader.next() {
        Some('.') => Ok(negated(ranges(&[('\n', '\n'), ('\r', '\r'), ('\u{2028}', '\u{2029}')]))),
        Some('[') => brackets(reader),
        Some('\\') => match reader.peek() {
            Some('k') if reader.rest().starts_with("k<") => Err(fault("back-references are not supported")),
            Some('1'..='9') => Err(fault("back-references are not supported")),
            _ => escape(reader),
        },
        Some(c) => Ok(ranges(&[(c, c)])),
        None => Err(fault("it ends too early")),
    }
}

/// What stands after a backslash.
fn escape(reader: &mut Reader<'_>) -> Result<ClassUnicode, ConstrainError> {
    let Some(c) = reader.next() else { return Err(fault("it ends in a backslash")) };
    let single = |c: char| Ok(ranges(&[(c, c)]));
    match c {
        'd' => Ok(ranges(&[('0', '9')])),
        'D' => Ok(negated(ranges(&[('0', '9')]))),
        'w' => Ok(ranges(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')])),
        'W' => Ok(negated(ranges(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]))),
        's' => Ok(spaces()),
        'S' => Ok(negated(spaces())),
        't' => single('\t'),
        'n' => single('\n'),
        'v' => single('\u{b}'),
        'f' => single('\u{c}'),
        'r' => single('\r'),
        '0' if !reader.peek().is_some_and(|c| c.is_ascii_digit()) => single('\0'),
        '0'..='9' => Err(fault("octal escapes are not supported")),
        'c' => match reader.next() {
            Some(letter) if letter.is_ascii_alphabetic() => single(char::from(letter as u8 % 32)),
            _ => Err(fault("`\\c` without a letter")),
        },
        'x' => match reader.hex(2).and_then(char::from_u32) {
            Some(c) => single(c),
            None => Err(fault("`\\x` without two digits")),
        },
        'u' => single(unicode(reader)?),
        'p' | 'P' => property(reader, c == 'P'),
        // Other programs' escapes, which ECMA-262 would read as plain letters.
        'A' | 'Z' | 'z' | 'G' | 'h' | 'H' | 'R' | 'X' | 'Q' | 'E' | 'a' | 'e' => {
            Err(fault(&format!("`\\{c}` is not an escape of ECMA-262")))
        }
        c if c.is_ascii_alphanumeric() => Err(fault(&format!("`\\{c}` is not an escape of ECMA-262"))),
        c => single(c),
    }
}

fn unicode(reader: &mut Reader<'_>) -> Result<char, ConstrainError> {
    let wrong = || fault("`\\u` without a character's number");
    if reader.eat("{") {
        let end = reader.rest().find('}').ok_or_else(wrong)?;
        let value = u32::from_str_radix(&reader.rest()[..end], 16).ok().and_then(char::from_u32).ok_or_else(wrong)?;
        reader.skip(end + 1);
        return Ok(value);
    }
    let high = reader.hex(4).ok_or_else(wrong)?;
    if (0xd800..0xdc00).contains(&high) {
        let mut ahead = Reader::new(reader.rest());
        if ahead.eat("\\u")
            && let Some(low @ 0xdc00..0xe000) = ahead.hex(4)
        {
            reader.skip(6);
            let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            return char::from_u32(code).ok_or_else(wrong);
        }
    }
    char::from_u32(high).ok_or_else(|| fault("half a surrogate pair is no character"))
}

/// `\p{…}`: the property's set, as the Unicode tables have it.
fn property(reader: &mut Reader<'_>, negative: bool) -> Result<ClassUnicode, ConstrainError> {
    let end = reader.rest().find('}').filter(|_| reader.rest().starts_with('{'));
    let name = &reader.rest()[1..end.ok_or_else(|| fault("`\\p` without a property"))?];
    let unknown = || fault(&format!("the property `{name}` is not known"));
    let sign = if negative { 'P' } else { 'p' };
    let parsed = regex_syntax::parse(&format!("\\{sign}{{{name}}}")).map_err(|_| unknown())?;
    let HirKind::Class(Class::Unicode(set)) = parsed.kind() else { return Err(unknown()) };
    reader.skip(name.len() + 2);
    Ok(set.clone())
}

/// What stands after `[`.
fn brackets(reader: &mut Reader<'_>) -> Result<ClassUnicode, ConstrainError> {
    let negative = reader.eat("^");
    let mut all = ClassUnicode::empty();
    loop {
        if reader.eat("]") {
            break;
        }
        let first = member(reader)?;
        let dash = reader.rest().starts_with('-') && !reader.rest().starts_with("-]");
        if !dash {
            all.union(&first);
            continue;
        }
        reader.skip(1);
        let second = member(reader)?;
        match (only(&first), only(&second)) {
            (Some(low), Some(high)) if low <= high => all.push(ClassUnicodeRange::new(low, high)),
            (Some(_), Some(_)) => return Err(fault("a range whose ends are out of order")),
            // A set beside a dash: the dash is itself.
            _ => {
                all.union(&first);
                all.union(&second);
                all.push(ClassUnicodeRange::new('-', '-'));
            }
        }
    }
    Ok(if negative { negated(all) } else { all })
}

fn member(reader: &mut Reader<'_>) -> Result<ClassUnicode, ConstrainError> {
    match reader.next() {
        None => Err(fault("a `[` without its `]`")),
        Some('\\') if reader.eat("b") => Ok(ranges(&[('\u{8}', '\u{8}')])),
        Some('\\') => escape(reader),
        Some(c) => Ok(ranges(&[(c, c)])),
    }
}

/// The one character of a set of one.
fn only(set: &ClassUnicode) -> Option<char> {
    match set.ranges() {
        [range] if range.start() == range.end() => Some(range.start()),
        _ => None,
    }
}
