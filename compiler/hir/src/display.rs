//! Types as the user writes them.

use crate::Program;
use crate::types::{TextType, Type};

/// A type as it is written in a program.
pub fn show(program: &Program, ty: &Type) -> String {
    let inner = |ty: &Type| show(program, ty);
    let all = |types: &[Type], by: &str| types.iter().map(inner).collect::<Vec<_>>().join(by);
    match ty {
        Type::Str(text) => show_text(text),
        Type::Int { min: Some(only), max: Some(max) } if only == max => only.to_string(),
        Type::Int { min, max } => format!("Int{}", show_range(*min, *max, 0)),
        Type::Float { decimals, min, max } => {
            let digits = decimals.map(|d| format!("({d})")).unwrap_or_default();
            format!("Float{digits}{}", show_range(*min, *max, decimals.unwrap_or(0)))
        }
        Type::Bool => "Bool".into(),
        Type::LiteralBool(only) => only.to_string(),
        Type::Unit => "()".into(),
        Type::Literal(text) => format!("{text:?}"),
        Type::None => "none".into(),
        Type::Unknown => "Unknown".into(),
        Type::Optional(of) => match of.as_ref() {
            Type::Union(_) => format!("({})?", inner(of)),
            _ => format!("{}?", inner(of)),
        },
        Type::Union(members) => all(members, " | "),
        Type::List { item, min: 0, max: None } => format!("[{}]", inner(item)),
        Type::List { item, min, max } => {
            format!("[{}; {min}..{}]", inner(item), max.map(|m| format!("={m}")).unwrap_or_default())
        }
        Type::Map(k, v) => format!("{{{}: {}}}", inner(k), inner(v)),
        Type::Tuple(items) => format!("({})", all(items, ", ")),
        Type::Record(fields) => {
            let fields: Vec<String> = fields.iter().map(|(name, ty)| format!("{name}: {}", inner(ty))).collect();
            format!("({})", fields.join(", "))
        }
        Type::Struct(id) => program.structs[id.index()].name.clone(),
        Type::Enum(id) => program.enums[id.index()].name.clone(),
        Type::Range => "Range".into(),
        Type::Function(parameters, result) => {
            format!("({}) -> {}", all(parameters, ", "), inner(result))
        }
        Type::Prompt => "Prompt".into(),
        Type::Image => "Image".into(),
        Type::Json => "Json".into(),
        Type::Schema => "Schema".into(),
        Type::OneOf(_) => "Str from …".into(),
        Type::JsonAs(_) => "Json as …".into(),
        Type::Apply(id, arguments) => format!("{}<{}>", program.generics[id.index()], all(arguments, ", ")),
        Type::Never => "Never".into(),
        Type::Error | Type::Variable(_) => "_".into(),
    }
}

fn show_text(text: &TextType) -> String {
    if let Some(alias) = text.alias {
        return alias.into();
    }
    let mut out = String::from("Str");
    if let Some(pattern) = &text.pattern {
        out.push_str(&format!(" matching re\"{pattern}\""));
    }
    if let Some(until) = &text.until {
        out.push_str(&format!(" until {until:?}"));
    }
    if let Some(max) = text.chars_max {
        out.push_str(&format!(" max {max}"));
    }
    out
}

fn show_range(min: Option<i64>, max: Option<i64>, decimals: u8) -> String {
    let number = |n: i64| match decimals {
        0 => n.to_string(),
        d => format!("{:.*}", usize::from(d), n as f64 / 10f64.powi(i32::from(d))),
    };
    match (min, max) {
        (None, None) => String::new(),
        (Some(min), None) => format!(" in {}..", number(min)),
        (None, Some(max)) => format!(" in ..={}", number(max)),
        (Some(min), Some(max)) => format!(" in {}..={}", number(min), number(max)),
    }
}
