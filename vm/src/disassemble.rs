//! An image as text.

use crate::image::Image;

/// Tables and code, one entry or instruction per line.
pub fn disassemble(image: &Image) -> String {
    let mut out = String::new();
    for (index, record) in image.records.iter().enumerate() {
        out.push_str(&format!("record {index} {} ({})\n", record.name, record.fields.join(", ")));
    }
    for (index, declared) in image.enums.iter().enumerate() {
        let variants: Vec<String> =
            declared.variants.iter().map(|v| format!("{}/{}", v.name, v.fields.len())).collect();
        out.push_str(&format!("enum {index} {} ({})\n", declared.name, variants.join(", ")));
    }
    for (index, text) in image.texts.iter().enumerate() {
        out.push_str(&format!("text {index} {text:?}\n"));
    }
    for (index, hole) in image.holes.iter().enumerate() {
        let max = hole.max_tokens.map(|n| format!(" max_tokens={n}")).unwrap_or_default();
        out.push_str(&format!("hole {index} {}{max} {:?}\n", hole.label, hole.shape));
    }
    for entry in &image.entries {
        out.push_str(&format!("entry {} = function {}\n", entry.name, entry.function));
    }
    for (index, function) in image.functions.iter().enumerate() {
        out.push_str(&format!(
            "\nfunction {index} {} parameters={} registers={}\n",
            function.name, function.parameters, function.registers
        ));
        for (at, op) in function.code.iter().enumerate() {
            out.push_str(&format!("  {at:>4} {op:?}\n"));
        }
    }
    out
}
