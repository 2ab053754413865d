//! What an edit changes of what a program sends and can cost, as text and as JSON.

use crate::compile::Compiled;
use crate::constraints::written;
use serde_json::{Value, json};
use sgl_plan::diff::{Change, Constraint, Side, Signature};
use sgl_plan::{cost, plan};
use sgl_protocol::Shape;
use std::fmt::Write;

/// The entries of a program as they are compared.
///
/// # Errors
/// A program without such an entry, or one that writes out to too much.
pub fn sides(compiled: &Compiled, entry: Option<&str>, tokens: &dyn sgl_plan::Tokens) -> Result<Vec<Side>, String> {
    let ir = compiled.ir.as_ref().ok_or("the program is wrong")?;
    let mut sides = Vec::new();
    for found in ir.entries.iter().filter(|found| entry.is_none_or(|entry| entry == found.name)) {
        let plan = plan(ir, found, &[]).map_err(|_| format!("`{}` calls too much to be written out", found.name))?;
        let parameters = found.parameters.iter().map(|(name, _, shape, _)| (name.clone(), shape.clone())).collect();
        let signature = Signature { parameters, result: found.result.clone() };
        sides.push(Side { cost: cost(&plan, tokens), plan, uses: found.uses.clone(), signature });
    }
    match entry {
        Some(entry) if sides.is_empty() => Err(format!("there is no entry `{entry}`")),
        _ => Ok(sides),
    }
}

/// What changed, for programs.
pub fn described(found: &[(String, Vec<Change>)]) -> String {
    let entries: Vec<Value> =
        found.iter().map(|(entry, changes)| json!({ "entry": entry, "changes": changes })).collect();
    serde_json::to_string_pretty(&json!({ "entries": entries })).unwrap_or_default()
}

/// What changed, for people.
pub fn text(found: &[(String, Vec<Change>)]) -> String {
    let mut text = String::new();
    for (entry, changes) in found {
        let _ = writeln!(text, "{entry}");
        changes.iter().for_each(|change| line(&mut text, change));
    }
    text
}

fn line(text: &mut String, change: &Change) {
    let _ = match change {
        Change::EntryAdded => writeln!(text, "  entry     is new"),
        Change::EntryRemoved => writeln!(text, "  entry     is gone"),
        Change::Sent { before, after } => {
            let signed = before.iter().map(|line| ('-', line)).chain(after.iter().map(|line| ('+', line)));
            for (index, (sign, (shown, tokens))) in signed.enumerate() {
                let head = if index == 0 { "sends" } else { "" };
                let tokens = tokens.map(|count| format!("  ({count} tokens)")).unwrap_or_default();
                let _ = writeln!(text, "  {head:<9} {sign} {shown}{tokens}");
            }
            Ok(())
        }
        Change::Prefix { before, after, kept } => {
            writeln!(
                text,
                "  prefix    every call shared {before} tokens and shares {after}; {kept} of them are the same"
            )
        }
        Change::Constraint { hole, before, after } => {
            writeln!(text, "  hole      {hole}: {} -> {}", constraint(before), constraint(after))
        }
        Change::Effects { lost, gained } => {
            let signed = lost.iter().map(|what| format!("-{what}")).chain(gained.iter().map(|what| format!("+{what}")));
            writeln!(text, "  effects   {}", signed.collect::<Vec<_>>().join(" "))
        }
        Change::Bound { of, before, after } => writeln!(text, "  bound     {of}: {before} -> {after}"),
        Change::Signature { before, after } => {
            writeln!(text, "  signature {}\n         -> {}", signature(before), signature(after))
        }
    };
}

fn constraint(constraint: &Constraint) -> String {
    let most = constraint.max_tokens.map(|most| format!(", at most {most} tokens")).unwrap_or_default();
    format!("{}{most}", shape(&constraint.shape))
}

fn shape(shape: &Shape) -> String {
    if shape.is_free_text() { "any text".into() } else { written(shape) }
}

fn signature(Signature { parameters, result }: &Signature) -> String {
    let parameters: Vec<String> = parameters.iter().map(|(name, given)| format!("{name}: {}", shape(given))).collect();
    let result = result.as_ref().map(|given| format!(" -> {}", shape(given))).unwrap_or_default();
    format!("({}){result}", parameters.join(", "))
}
