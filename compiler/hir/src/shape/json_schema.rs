//! A shape as JSON Schema (draft 2020-12), for `schema_of(T)`.

use sgl_protocol::{Field, Shape};

/// The schema of a type's values.
pub fn json_schema(shape: &Shape) -> String {
    match shape {
        Shape::Recursive { definitions, root } => {
            let definitions: Vec<String> =
                definitions.iter().enumerate().map(|(index, d)| format!("\"{index}\": {}", json_schema(d))).collect();
            format!("{{\"$defs\": {{{}}}, \"allOf\": [{}]}}", definitions.join(", "), json_schema(root))
        }
        Shape::Formed { shape, .. } => json_schema(shape),
        Shape::Ref(index) => format!("{{\"$ref\": \"#/$defs/{index}\"}}"),
        Shape::Text { pattern, chars_max, .. } => {
            let pattern = pattern.as_ref().map(|p| format!(", \"pattern\": {}", quoted(&format!("^(?:{p})$"))));
            let length = chars_max.map(|max| format!(", \"maxLength\": {max}"));
            format!("{{\"type\": \"string\"{}{}}}", pattern.unwrap_or_default(), length.unwrap_or_default())
        }
        Shape::Int { min, max } => bounded("integer", min.map(|n| n.to_string()), max.map(|n| n.to_string())),
        Shape::Float { decimals, min, max } => {
            let digits = usize::from(decimals.unwrap_or(0));
            let unit = |n: i64| format!("{:.digits$}", n as f64 / 10f64.powi(i32::from(decimals.unwrap_or(0))));
            bounded("number", min.map(unit), max.map(unit))
        }
        Shape::Bool => r#"{"type": "boolean"}"#.into(),
        Shape::LiteralBool(only) => format!(r#"{{"const": {only}}}"#),
        Shape::Null => r#"{"type": "null"}"#.into(),
        Shape::Literal(text) => format!("{{\"const\": {}}}", quoted(text)),
        Shape::Enum { names, .. } => {
            format!("{{\"enum\": [{}]}}", names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "))
        }
        Shape::List { item, min, max } => {
            let least = if *min > 0 { format!(", \"minItems\": {min}") } else { String::new() };
            let most = max.map(|max| format!(", \"maxItems\": {max}")).unwrap_or_default();
            format!("{{\"type\": \"array\", \"items\": {}{least}{most}}}", json_schema(item))
        }
        Shape::Tuple(items) => {
            let (count, all) = (items.len(), items.iter().map(json_schema).collect::<Vec<_>>().join(", "));
            format!("{{\"type\": \"array\", \"prefixItems\": [{all}], \"items\": false, \"minItems\": {count}}}")
        }
        Shape::Record { fields, .. } => object(fields),
        Shape::Map { key, value, .. } => {
            let names =
                if key.is_free_text() { String::new() } else { format!(", \"propertyNames\": {}", json_schema(key)) };
            format!("{{\"type\": \"object\"{names}, \"additionalProperties\": {}}}", json_schema(value))
        }
        Shape::Union(variants) => any_of(variants.iter().map(|v| json_schema(&v.shape))),
        Shape::Tagged { variants, .. } => any_of(variants.iter().map(|v| json_schema(&v.tagged_object()))),
        Shape::Schema(text) => text.clone(),
        Shape::Grammar(_) => r#"{"type": "string"}"#.into(),
        // An image is given by its path.
        Shape::Image => r#"{"type": "string"}"#.into(),
        Shape::Computed(_) => "true".into(),
    }
}

fn bounded(kind: &str, min: Option<String>, max: Option<String>) -> String {
    let min = min.map(|min| format!(", \"minimum\": {min}")).unwrap_or_default();
    let max = max.map(|max| format!(", \"maximum\": {max}")).unwrap_or_default();
    format!("{{\"type\": \"{kind}\"{min}{max}}}")
}

fn object(fields: &[Field]) -> String {
    let of = |field: &Field| format!("{}: {}", quoted(&field.name), json_schema(&field.shape));
    let properties: Vec<String> = fields.iter().map(of).collect();
    let required: Vec<String> = fields.iter().map(|field| quoted(&field.name)).collect();
    format!(
        "{{\"type\": \"object\", \"properties\": {{{}}}, \"required\": [{}], \"additionalProperties\": false}}",
        properties.join(", "),
        required.join(", ")
    )
}

fn any_of(all: impl Iterator<Item = String>) -> String {
    format!("{{\"anyOf\": [{}]}}", all.collect::<Vec<_>>().join(", "))
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if u32::from(c) < 32 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
