//! Shapes as one regular expression, for people and for tests.
//!
//! Written independently of the automata, so that each checks the other. A text whose language is an intersection or a
//! difference has a notation only where a plainer expression means exactly the same.

mod form;

use crate::automaton::Automaton;
use crate::compile::escaped;
use crate::error::ConstrainError;
use crate::{number, text};
use regex_syntax::escape;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition};
use sgl_protocol::Shape;

/// A regular expression that the texts of a hole of this shape match as a whole, and no others.
///
/// Errors: [`ConstrainError::NoNotation`] where there is no readable one; those of a pattern that can't be read.
pub fn regex_of(shape: &Shape) -> Result<String, ConstrainError> {
    let Shape::Text { pattern, chars_max, until: Some(delimiter) } = shape else {
        return notation(shape, true);
    };
    let exact = text::until(&text::bounded(pattern.as_deref(), *chars_max)?, delimiter.as_bytes())?;
    let plain = hir(pattern.as_deref(), *chars_max)?;
    verified(format!("(?:{plain})(?:{})?", escape(delimiter)), &exact, "a text that ends before a delimiter")
}

fn notation(shape: &Shape, top: bool) -> Result<String, ConstrainError> {
    let name = |text: &str| escape(&if top { text.to_string() } else { format!("\"{}\"", escaped(text)) });
    Ok(match shape {
        Shape::Text { pattern, chars_max, until } => {
            let mut exact = text::bounded(pattern.as_deref(), *chars_max)?;
            if let Some(delimiter) = until {
                exact = text::without(&exact, delimiter.as_bytes())?;
            }
            let plain = hir(pattern.as_deref(), *chars_max)?;
            let raw = verified(plain.to_string(), &exact, "a pattern with a limit beside it")?;
            if top {
                format!("(?:{raw})")
            } else {
                let inner = escaped_hir(&plain).ok_or(ConstrainError::NoNotation("an anchored pattern in a string"))?;
                format!("\"(?:{inner})\"")
            }
        }
        Shape::Int { min, max } => range(min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX), 0),
        Shape::Float { decimals: Some(decimals), min, max } => {
            let (min, max) = number::bounds(*decimals, *min, *max)?;
            range(min, max, usize::from(*decimals))
        }
        Shape::Float { decimals: None, .. } => format!("(?:{})", number::free()),
        Shape::Bool => "(?:true|false)".into(),
        Shape::LiteralBool(only) => only.to_string(),
        Shape::Null => "null".into(),
        Shape::Literal(text) => name(text),
        Shape::Enum { names, .. } => alternatives(&names.iter().map(|text| name(text)).collect::<Vec<_>>()),
        Shape::List { item, min, max } => list(("\\[", "\\]"), &notation(item, false)?, *min, *max),
        Shape::Map { key, value, min, max } => {
            let entry = format!("{}: {}", notation(key, false)?, notation(value, false)?);
            list(("\\{", "\\}"), &entry, *min, *max)
        }
        Shape::Tuple(items) => {
            let parts: Vec<_> = items.iter().map(|item| notation(item, false)).collect::<Result<_, _>>()?;
            format!(r"\[{}\]", parts.join(", "))
        }
        Shape::Record { fields, .. } => {
            let mut parts = Vec::new();
            for field in fields {
                let key = escape(&format!("\"{}\": ", escaped(&field.name)));
                parts.push(key + &notation(&field.shape, false)?);
            }
            format!(r"\{{{}\}}", parts.join(", "))
        }
        Shape::Union(variants) => {
            alternatives(&variants.iter().map(|v| notation(&v.shape, top)).collect::<Result<Vec<_>, _>>()?)
        }
        Shape::Tagged { variants, .. } => {
            alternatives(&variants.iter().map(|v| notation(&v.tagged_object(), false)).collect::<Result<Vec<_>, _>>()?)
        }
        Shape::Formed { form, shape } => form::formed(*form, shape, 0, ("", ""), top)?,
        Shape::Recursive { .. } | Shape::Ref(_) => return Err(ConstrainError::NoNotation("a recursive type")),
        Shape::Schema(_) => return Err(ConstrainError::NoNotation("a JSON Schema")),
        Shape::Grammar(_) => return Err(ConstrainError::NoNotation("a grammar")),
        Shape::Image => return Err(ConstrainError::NoNotation("an image")),
        Shape::Computed(_) => return Err(ConstrainError::NoNotation("what is not computed yet")),
    })
}

fn verified(regex: String, exact: &Automaton, what: &'static str) -> Result<String, ConstrainError> {
    let plain = Automaton::of_regex(&regex)?;
    let is_exact = plain.is_subset_of(exact)? && exact.is_subset_of(&plain)?;
    if is_exact { Ok(regex) } else { Err(ConstrainError::NoNotation(what)) }
}

fn hir(pattern: Option<&str>, chars_max: Option<u32>) -> Result<Hir, ConstrainError> {
    let free = match chars_max {
        Some(max) => format!("(?s:.){{0,{max}}}"),
        None => "(?s:.)*".into(),
    };
    let unreadable = |error: regex_syntax::Error| ConstrainError::Pattern(error.to_string());
    regex_syntax::parse(pattern.unwrap_or(&free)).map_err(unreadable)
}

/// No alternative is `[a&&b]`, which matches nothing.
fn alternatives(parts: &[String]) -> String {
    if parts.is_empty() { "[a&&b]".into() } else { format!("(?:{})", parts.join("|")) }
}

fn list((open, close): (&str, &str), item: &str, min: u32, max: Option<u32>) -> String {
    if max == Some(0) {
        return if min == 0 { format!("{open}{close}") } else { alternatives(&[]) };
    }
    if max.is_some_and(|max| min > max) {
        return alternatives(&[]);
    }
    let more = max.map_or(String::new(), |max| (max - 1).to_string());
    let some = format!("{item}(?:, {item}){{{},{more}}}", min.saturating_sub(1));
    if min == 0 { format!("{open}(?:{some})?{close}") } else { format!("{open}{some}{close}") }
}

/// Numbers between inclusive bounds in units of the last of `decimals` digits.
fn range(min: i64, max: i64, decimals: usize) -> String {
    let mut parts = Vec::new();
    let mut add = |sign: &str, low: u64, high: u64| {
        for length in decimals + 1..=20.max(decimals + 1) {
            let least = if length == decimals + 1 { 0 } else { 10u128.pow(length as u32 - 1) };
            let (low, high) = (u128::from(low).max(least), u128::from(high).min(10u128.pow(length as u32) - 1));
            if low <= high {
                let padded = |n: u128| format!("{n:0length$}").into_bytes();
                parts.push(format!("{sign}{}", between(&padded(low), &padded(high), decimals)));
            }
        }
    };
    if min < 0 && min <= max {
        add("-", max.min(-1).unsigned_abs(), min.unsigned_abs());
    }
    if max >= 0 && min <= max {
        add("", min.max(0).unsigned_abs(), max.unsigned_abs());
    }
    alternatives(&parts)
}

/// The digit strings between two of equal length, with a point before the last `decimals`.
fn between(low: &[u8], high: &[u8], decimals: usize) -> String {
    let length = low.len();
    if length == 0 {
        return String::new();
    }
    let point = if length == decimals { r"\." } else { "" };
    let (nines, zeros) = (vec![b'9'; length - 1], vec![b'0'; length - 1]);
    let digits = |first: u8, last: u8, low: &[u8], high: &[u8]| {
        let set = format!("[{}-{}]", char::from(first), char::from(last));
        format!("{point}{set}{}", between(low, high, decimals))
    };
    let (first, last) = (low[0], high[0]);
    if first == last || (low[1..] == zeros[..] && high[1..] == nines[..]) {
        return digits(first, last, &low[1..], &high[1..]);
    }
    let mut parts = vec![digits(first, first, &low[1..], &nines)];
    if last - first > 1 {
        parts.push(digits(first + 1, last - 1, &zeros, &nines));
    }
    parts.push(digits(last, last, &zeros, &high[1..]));
    alternatives(&parts)
}

/// What matches the insides of JSON strings whose texts `hir` matches; `None` with look-around.
fn escaped_hir(hir: &Hir) -> Option<Hir> {
    Some(match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(escaped(std::str::from_utf8(&literal.0).ok()?).into_bytes()),
        HirKind::Class(Class::Unicode(class)) => escaped_class(class),
        HirKind::Class(Class::Bytes(class)) => escaped_class(&class.to_unicode_class()?),
        HirKind::Look(_) => return None,
        HirKind::Repetition(repetition) => {
            Hir::repetition(Repetition { sub: Box::new(escaped_hir(&repetition.sub)?), ..repetition.clone() })
        }
        HirKind::Capture(capture) => escaped_hir(&capture.sub)?,
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(escaped_hir).collect::<Option<_>>()?),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(escaped_hir).collect::<Option<_>>()?),
    })
}

fn escaped_class(class: &ClassUnicode) -> Hir {
    let special = |c: char| matches!(c, '\0'..='\x1f' | '"' | '\\');
    let mut plain = class.clone();
    plain.difference(&ClassUnicode::new(['"', '\\'].map(|c| ClassUnicodeRange::new(c, c))));
    plain.difference(&ClassUnicode::new([ClassUnicodeRange::new('\0', '\x1f')]));
    let contains = |c: char| class.iter().any(|range| (range.start()..=range.end()).contains(&c));
    let others = ('\0'..='\\').filter(|c| special(*c) && contains(*c));
    let mut parts = vec![Hir::class(Class::Unicode(plain))];
    parts.extend(others.map(|c| Hir::literal(escaped(&c.to_string()).into_bytes())));
    Hir::alternation(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sgl_protocol::{Field, Form, Variant};

    fn text(pattern: Option<&str>, chars_max: Option<u32>, until: Option<&str>) -> Shape {
        let owned = |text: &str| text.to_string();
        Shape::Text { pattern: pattern.map(owned), chars_max, until: until.map(owned) }
    }

    fn record(shapes: Vec<Shape>) -> Shape {
        let field = |(index, shape)| Field { name: format!("k\"{index}"), shape };
        Shape::Record { name: String::new(), fields: shapes.into_iter().enumerate().map(field).collect() }
    }

    #[test]
    fn a_notation_means_the_same_as_the_automaton() {
        let int = |min, max| Shape::Int { min, max };
        let list = |item: Shape, min, max| Shape::List { item: Box::new(item), min, max };
        let map = |key, value, min, max| Shape::Map { key: Box::new(key), value: Box::new(value), min, max };
        let names = vec!["a\nb".to_string(), "c.".to_string()];
        let shapes = [
            text(None, None, None),
            text(None, Some(3), None),
            text(Some("[^\\n\\r]+"), None, Some("\n")),
            record(vec![text(None, None, None), text(None, Some(3), None), text(Some("[^\\n]+"), None, Some("\n"))]),
            record(vec![text(Some("(a|\"|\\\\|\\n){1,3}[\\x00-\\x7f]é"), None, None)]),
            int(None, None),
            int(Some(-120), Some(1009)),
            int(Some(7), None),
            int(Some(-5), Some(-5)),
            int(Some(3), Some(2)),
            Shape::Float { decimals: None, min: None, max: None },
            Shape::Float { decimals: Some(2), min: Some(-305), max: Some(12_045) },
            Shape::Float { decimals: Some(0), min: Some(-3), max: None },
            Shape::Float { decimals: Some(15), min: None, max: None },
            Shape::Enum { name: "E".into(), names: names.clone() },
            record(vec![Shape::Enum { name: "E".into(), names }, Shape::Literal("\u{1}".into()), Shape::Null]),
            Shape::Enum { name: "None".into(), names: Vec::new() },
            map(text(Some("[a-c]|\""), None, None), Shape::Bool, 0, None),
            map(text(None, Some(2), None), int(Some(0), Some(12)), 1, Some(2)),
            Shape::Tagged {
                name: "Step".into(),
                variants: vec![
                    Variant { name: "Act".into(), shape: record(vec![Shape::Bool]) },
                    Variant { name: "Wait".into(), shape: int(Some(1), Some(9)) },
                ],
            },
            list(Shape::Bool, 0, None),
            list(Shape::Bool, 2, None),
            list(int(Some(0), Some(12)), 0, Some(3)),
            list(Shape::Bool, 1, Some(1)),
            list(Shape::Bool, 0, Some(0)),
            list(list(Shape::Null, 0, Some(2)), 1, Some(2)),
            Shape::Tuple(vec![Shape::Bool, Shape::Null]),
            Shape::Tuple(Vec::new()),
            record(Vec::new()),
            Shape::Union(vec![
                Variant { name: "A".into(), shape: Shape::Null },
                Variant { name: "B".into(), shape: record(vec![Shape::Bool]) },
            ]),
        ];
        let forms = [None, Some(Form::Pretty), Some(Form::Yaml)];
        let formed = |shape: &Shape, form: Option<Form>| match form {
            Some(form) => Shape::Formed { form, shape: Box::new(record(vec![shape.clone(), Shape::Null])) },
            None => shape.clone(),
        };
        for shape in shapes.iter().flat_map(|shape| forms.map(|form| formed(shape, form))) {
            let regex = regex_of(&shape).unwrap();
            let (written, built) = (Automaton::of_regex(&regex).unwrap(), Automaton::of_shape(&shape).unwrap());
            assert_eq!(written.is_subset_of(&built), Ok(true), "{shape:?}: {regex}");
            assert_eq!(built.is_subset_of(&written), Ok(true), "{shape:?}: {regex}");
        }
    }

    #[test]
    fn what_has_no_readable_notation_is_refused() {
        assert!(matches!(regex_of(&text(Some("a*"), Some(3), None)), Err(ConstrainError::NoNotation(_))));
        assert!(matches!(regex_of(&text(None, None, Some("aa"))), Err(ConstrainError::NoNotation(_))));
    }
}
