//! Shapes as grammars in the notation of llama.cpp, so that a peer can be held to the same texts.
//!
//! The same languages, but for two things that change a text by a digit or an escape and not the work: numbers are bounded
//! by their digits, and text inside quotes holds no escapes.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};
use sgl_protocol::{Field, Shape};
use std::fmt::Write;

/// The grammar of a shape; nothing if any text is one, or if this notation has none for it.
pub(super) fn grammar(shape: &Shape) -> Option<String> {
    if matches!(shape, Shape::Text { pattern: None, chars_max: None, .. }) {
        return None;
    }
    whole(shape).map(|text| format!("root ::= {text}\n"))
}

/// A shape that is the whole text.
fn whole(shape: &Shape) -> Option<String> {
    Some(match shape {
        Shape::Text { pattern: Some(pattern), .. } => regex(&regex_syntax::parse(pattern).ok()?)?,
        Shape::Text { chars_max, .. } => format!("[^\\x00]{}", most(*chars_max)),
        Shape::Literal(text) => quoted(text),
        Shape::Enum { names, .. } => any(names.iter().map(|name| quoted(name))),
        Shape::Union(variants) => any(variants.iter().map(|v| whole(&v.shape)).collect::<Option<Vec<_>>>()?),
        inside => part(inside)?,
    })
}

/// A shape inside a structure, where texts are JSON strings.
fn part(shape: &Shape) -> Option<String> {
    let string = |inside: String| format!("\"\\\"\" {inside} \"\\\"\"");
    Some(match shape {
        Shape::Text { pattern: Some(pattern), .. } => {
            string(format!("({})", regex(&regex_syntax::parse(pattern).ok()?)?))
        }
        Shape::Text { chars_max, .. } => string(format!("[^\"\\\\\\x00-\\x1f]{}", most(*chars_max))),
        Shape::Int { min, max } => integer(*min, *max),
        Shape::Float { decimals: Some(0), min, max } => integer(*min, *max),
        Shape::Float { decimals: Some(count), min, max } => {
            let unit = 10_i64.checked_pow(u32::from(*count))?;
            let whole = integer(min.map(|min| min / unit), max.map(|max| max / unit));
            let sign = if min.is_none_or(|min| min < 0) { "\"-\"? " } else { "" };
            format!("{sign}({}) \".\" [0-9]{{{count}}}", whole.trim_start_matches("\"-\"? "))
        }
        Shape::Float { .. } => "\"-\"? (\"0\" | [1-9] [0-9]*) (\".\" [0-9]{1,17})?".into(),
        Shape::Bool => "(\"true\" | \"false\")".into(),
        Shape::LiteralBool(value) => quoted(&value.to_string()),
        Shape::Null => quoted("null"),
        Shape::Literal(text) => quoted(&serde_json::to_string(text).ok()?),
        Shape::Enum { names, .. } => any(names.iter().map(|name| quoted(&format!("\"{name}\"")))),
        Shape::List { item, min, max } => {
            let item = part(item)?;
            let more = |from: u32| match max {
                Some(max) => format!("{{{from},{}}}", max.saturating_sub(1)),
                None => format!("{{{from},}}"),
            };
            let some = format!("{item} (\", \" {item}){}", more(min.saturating_sub(1)));
            if *min == 0 { format!("\"[\" ({some})? \"]\"") } else { format!("\"[\" {some} \"]\"") }
        }
        Shape::Tuple(items) => {
            let items = items.iter().map(part).collect::<Option<Vec<_>>>()?;
            format!("\"[\" {} \"]\"", items.join(" \", \" "))
        }
        Shape::Record { fields, .. } => {
            let field = |field: &Field| {
                let key = serde_json::to_string(&field.name).ok()?;
                Some(format!("{} {}", quoted(&format!("{key}: ")), part(&field.shape)?))
            };
            let fields = fields.iter().map(field).collect::<Option<Vec<_>>>()?;
            format!("\"{{\" {} \"}}\"", fields.join(" \", \" "))
        }
        Shape::Union(variants) => any(variants.iter().map(|v| part(&v.shape)).collect::<Option<Vec<_>>>()?),
        Shape::Formed { .. }
        | Shape::Map { .. }
        | Shape::Tagged { .. }
        | Shape::Recursive { .. }
        | Shape::Ref(_)
        | Shape::Schema(_)
        | Shape::Grammar(_)
        | Shape::Computed(_)
        | Shape::Image => return None,
    })
}

fn any(parts: impl IntoIterator<Item = String>) -> String {
    format!("({})", parts.into_iter().collect::<Vec<_>>().join(" | "))
}

fn most(count: Option<u32>) -> String {
    count.map_or("*".into(), |count| format!("{{0,{count}}}"))
}

/// A number of as many digits as its bounds have.
fn integer(min: Option<i64>, max: Option<i64>) -> String {
    let digits = |bound: Option<i64>| bound.map_or(18, |bound| bound.unsigned_abs().checked_ilog10().unwrap_or(0));
    let more = digits(max).max(digits(min));
    let sign = if min.is_none_or(|min| min < 0) { "\"-\"? " } else { "" };
    format!("{sign}(\"0\" | [1-9] [0-9]{{0,{more}}})")
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A regular expression. Nothing if it looks around.
fn regex(hir: &Hir) -> Option<String> {
    Some(match hir.kind() {
        HirKind::Empty => "\"\"".into(),
        HirKind::Literal(literal) => quoted(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(class) => set(class),
        HirKind::Look(_) => return None,
        HirKind::Repetition(Repetition { min, max, sub, .. }) => {
            let count = max.map_or(format!("{{{min},}}"), |max| format!("{{{min},{max}}}"));
            format!("({}){count}", regex(sub)?)
        }
        HirKind::Capture(capture) => format!("({})", regex(&capture.sub)?),
        HirKind::Concat(parts) => parts.iter().map(regex).collect::<Option<Vec<_>>>()?.join(" "),
        HirKind::Alternation(parts) => any(parts.iter().map(regex).collect::<Option<Vec<_>>>()?),
    })
}

fn set(class: &Class) -> String {
    let mut out = String::from("[");
    let mut range = |from: u32, to: u32| {
        // Writing to a string can't fail.
        let _ = if from == to { write!(out, "\\U{from:08X}") } else { write!(out, "\\U{from:08X}-\\U{to:08X}") };
    };
    match class {
        Class::Unicode(class) => class.iter().for_each(|r| range(u32::from(r.start()), u32::from(r.end()))),
        Class::Bytes(class) => class.iter().for_each(|r| range(u32::from(r.start()), u32::from(r.end()))),
    }
    out.push(']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_grammars() {
        let name = Shape::Text { pattern: Some("[A-Z][a-z]{0,3}".into()), chars_max: None, until: None };
        let fields = vec![
            Field { name: "n".into(), shape: Shape::Int { min: Some(0), max: Some(99) } },
            Field { name: "s".into(), shape: name },
        ];
        let record = Shape::Record { name: String::new(), fields };
        let found = grammar(&record).unwrap();
        assert!(
            found.starts_with(r#"root ::= "{" "\"n\": " ("0" | [1-9] [0-9]{0,1}) ", " "\"s\": " "\"" ("#),
            "{found}"
        );
        assert!(found.contains(r"[\U00000041-\U0000005A] ([\U00000061-\U0000007A]){0,3}"), "{found}");
        let float = Shape::Float { decimals: Some(2), min: Some(-9000), max: Some(9000) };
        let expected = "root ::= \"-\"? ((\"0\" | [1-9] [0-9]{0,1})) \".\" [0-9]{2}\n";
        assert_eq!(grammar(&float).as_deref(), Some(expected));
        assert_eq!(grammar(&Shape::free_text()), None);
        let list = Shape::List { item: Box::new(Shape::Bool), min: 3, max: Some(3) };
        assert!(grammar(&list).unwrap().contains("){2,2}"));
    }
}
