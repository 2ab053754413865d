//! Shapes in a form over several lines, as one regular expression.

use super::{alternatives, notation};
use crate::compile::escaped;
use crate::error::ConstrainError;
use regex_syntax::escape;
use sgl_protocol::{Form, Shape};

/// What a form puts around a shape whose lines begin `indent` spaces in. `before` is what stands before it: one text if it
/// stays on the line, another if it is a structure with parts.
pub(super) fn formed(
    form: Form,
    shape: &Shape,
    indent: usize,
    before: (&str, &str),
    top: bool,
) -> Result<String, ConstrainError> {
    let yaml = form == Form::Yaml;
    let spaces = |levels: usize| " ".repeat(indent + 2 * levels);
    let quoted = |name: &str| {
        let bare = yaml && sgl_protocol::form::is_plain(name);
        escape(&if bare { name.to_string() } else { format!("\"{}\"", escaped(name)) })
    };
    let element = |shape: &Shape| formed(form, shape, indent + 2, ("", ""), false);
    let member = |key: String, shape: &Shape| -> Result<String, ConstrainError> {
        let block = if yaml { format!(":\n{}", spaces(1)) } else { ": ".to_string() };
        Ok(format!("{key}{}", formed(form, shape, indent + 2, (": ", &block), false)?))
    };
    let comma = |dash: &str| if yaml { format!("\n{}{dash}", spaces(0)) } else { format!(",\n{}", spaces(1)) };
    let around = |(open, close): (&str, &str), dash: &str, inside: &str| {
        let (open, close) = match form {
            Form::Yaml => (dash.to_string(), String::new()),
            Form::Pretty => (format!("{}\n{}", escape(open), spaces(1)), format!("\n{}{}", spaces(0), escape(close))),
        };
        format!("{}{open}{inside}{close}", before.1)
    };
    let counted = |brackets: (&str, &str), dash: &str, part: &str, min: u32, max: Option<u32>| {
        let mut ways = Vec::new();
        if max.is_none_or(|max| max > 0 && min <= max) {
            let most = max.map_or(String::new(), |max| (max - 1).to_string());
            let more = format!("{part}(?:{}{part}){{{},{most}}}", comma(dash), min.saturating_sub(1));
            ways.push(around(brackets, dash, &more));
        }
        if min == 0 {
            ways.push(format!("{}{}", before.0, escape(&format!("{}{}", brackets.0, brackets.1))));
        }
        alternatives(&ways)
    };
    Ok(match shape {
        Shape::List { item, min, max } => counted(("[", "]"), "- ", &element(item)?, *min, *max),
        Shape::Map { key, value, min, max } => counted(("{", "}"), "", &member(element(key)?, value)?, *min, *max),
        Shape::Tuple(items) if items.is_empty() => format!(r"{}\[\]", before.0),
        Shape::Tuple(items) => {
            let parts = items.iter().map(element).collect::<Result<Vec<_>, _>>()?;
            around(("[", "]"), "- ", &parts.join(&comma("- ")))
        }
        Shape::Record { fields, .. } if fields.is_empty() => format!(r"{}\{{\}}", before.0),
        Shape::Record { fields, .. } => {
            let parts = fields.iter().map(|f| member(quoted(&f.name), &f.shape)).collect::<Result<Vec<_>, _>>()?;
            around(("{", "}"), "", &parts.join(&comma("")))
        }
        Shape::Union(variants) => {
            let ways = variants.iter().map(|v| formed(form, &v.shape, indent, before, top));
            alternatives(&ways.collect::<Result<Vec<_>, _>>()?)
        }
        Shape::Tagged { variants, .. } => {
            let ways = variants.iter().map(|v| formed(form, &v.tagged_object(), indent, before, top));
            alternatives(&ways.collect::<Result<Vec<_>, _>>()?)
        }
        Shape::Literal(text) if !top => format!("{}{}", before.0, quoted(text)),
        Shape::Enum { names, .. } if !top => {
            let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            format!("{}{}", before.0, alternatives(&names))
        }
        other => format!("{}{}", before.0, notation(other, top)?),
    })
}
