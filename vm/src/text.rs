//! The canonical text of a value: what a model reads, and what a program splices.

use crate::image::Image;
use crate::value::Value;

/// The text of a value: a `Str` raw, a variant's name raw, anything else in its canonical form.
pub fn text_of(value: &Value, image: &Image) -> String {
    let mut out = String::new();
    match value {
        Value::Str(text) => out.push_str(text),
        Value::Variant(..) => write(value, image, &mut out, false),
        Value::Unknown => out.push_str("unknown"),
        other => write(other, image, &mut out, true),
    }
    out
}

/// A value as a person compares it: a text as it is, anything else as indented JSON.
pub(crate) fn shown(value: &Value, image: &Image) -> String {
    match crate::json::json_of_value(value, image) {
        serde_json::Value::String(text) => text,
        json => format!("{json:#}"),
    }
}

/// Appends the canonical form; names and texts inside a structure are JSON strings.
pub(crate) fn write(value: &Value, image: &Image, out: &mut String, inside: bool) {
    match value {
        Value::Unit | Value::None => out.push_str("null"),
        Value::Unknown => out.push_str("\"unknown\""),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(n) => out.push_str(&n.to_string()),
        Value::Float(x) => out.push_str(&number(*x)),
        Value::Str(text) => quote(text, out),
        Value::List(items) | Value::Tuple(items) => sequence(items, image, out),
        Value::Map(pairs) => {
            out.push('{');
            for (index, (key, value)) in pairs.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                quote(&text_of(key, image), out);
                out.push_str(": ");
                write(value, image, out, true);
            }
            out.push('}');
        }
        Value::Record(id, items) => {
            let fields = image.records.get(*id as usize).map_or(&[][..], |r| &r.fields);
            out.push('{');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                quote(fields.get(index).map_or("", String::as_str), out);
                out.push_str(": ");
                write(item, image, out, true);
            }
            out.push('}');
        }
        Value::Variant(index, id, items) => {
            let name = variant_name(*id, *index, image);
            let tagged = image.enums.get(*id as usize).filter(|e| e.is_tagged());
            match tagged.and_then(|e| e.variants.get(usize::from(*index))) {
                Some(variant) => {
                    out.push('{');
                    quote(sgl_protocol::TAG, out);
                    out.push_str(": ");
                    quote(name, out);
                    for (field, item) in variant.fields.iter().zip(items.iter()) {
                        out.push_str(", ");
                        quote(field, out);
                        out.push_str(": ");
                        write(item, image, out, true);
                    }
                    out.push('}');
                }
                None if inside => quote(name, out),
                None => out.push_str(name),
            }
        }
        Value::Range(range) => {
            let (start, end) = **range;
            out.push_str(&format!("{start}..{}", end.map(|e| e.to_string()).unwrap_or_default()));
        }
        Value::Closure(..) => out.push_str("<function>"),
        Value::Transcript(_) => out.push_str("<transcript>"),
        Value::Image(picture) => out.push_str(&picture.to_string()),
        Value::Iterator(_) | Value::Pending(_) => out.push_str("<pending>"),
    }
}

fn sequence(items: &[Value], image: &Image, out: &mut String) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        write(item, image, out, true);
    }
    out.push(']');
}

pub(crate) fn variant_name(id: u32, index: u16, image: &Image) -> &str {
    let variants = image.enums.get(id as usize).map(|e| &e.variants);
    variants.and_then(|v| v.get(usize::from(index))).map_or("", |variant| variant.name.as_str())
}

/// A number with a fraction or exponent, such that reading it gives the same number.
pub(crate) fn number(x: f64) -> String {
    format!("{x:?}")
}

/// A JSON string with minimal escapes.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if u32::from(c) < 32 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
