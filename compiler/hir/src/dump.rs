//! A checked program as text: signatures, locals with their types, and bodies.

use crate::program::{Effect, Program};
use crate::show;

/// The program, one definition after the other.
pub fn dump(program: &Program) -> String {
    let mut out = String::new();
    for declared in &program.structs {
        let fields: Vec<String> =
            declared.fields.iter().map(|f| format!("{}: {}", f.generated, show(program, &f.ty))).collect();
        out.push_str(&format!("struct {} {{ {} }}\n", declared.name, fields.join(", ")));
    }
    for declared in &program.enums {
        let variants: Vec<String> = declared
            .variants
            .iter()
            .map(|v| match v.fields.len() {
                0 => v.generated.clone(),
                _ => {
                    let fields: Vec<String> = v.fields.iter().map(|f| show(program, &f.ty)).collect();
                    format!("{}({})", v.generated, fields.join(", "))
                }
            })
            .collect();
        out.push_str(&format!("enum {} {{ {} }}\n", declared.name, variants.join(", ")));
    }
    for constant in &program.constants {
        out.push_str(&format!("const {}: {} = f{}\n", constant.name, show(program, &constant.ty), constant.function.0));
    }
    for (index, function) in program.functions.iter().enumerate() {
        let parameters: Vec<String> = function
            .parameters
            .iter()
            .map(|p| {
                let local = &function.locals[p.local.index()];
                format!("{}: {}", local.name, show(program, &local.ty))
            })
            .collect();
        let word = match function.effect {
            Effect::Pure => "fn",
            Effect::Prompt => "prompt",
            Effect::Tool => "tool",
        };
        let result = show(program, &function.result);
        out.push_str(&format!("\nf{index} {word} {}({}) -> {result}\n", function.name, parameters.join(", ")));
        for local in function.locals.iter().skip(function.parameters.len()) {
            let word = if local.mutable { "var" } else { "let" };
            out.push_str(&format!("  {word} {}: {}\n", local.name, show(program, &local.ty)));
        }
    }
    out
}
