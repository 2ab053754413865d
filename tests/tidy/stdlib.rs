//! Every module of the standard library is embedded and listed, and every public item has a doc and an example.

use super::tree::{demand_none, files, root};
use std::fs;

fn modules() -> Vec<(String, String)> {
    let all = files("sgl").into_iter();
    all.filter_map(|(path, text)| Some((path.strip_prefix("stdlib/")?.strip_suffix(".sgl")?.to_string(), text)))
        .collect()
}

#[test]
fn every_module_is_embedded_and_listed() {
    let page = fs::read_to_string(root().join("stdlib/README.md")).expect("there is a page");
    let embedded = fs::read_to_string(root().join("stdlib/src/lib.rs")).expect("there is a list");
    let mut violations = Vec::new();
    for (module, _) in modules() {
        if !page.contains(&format!("`std.{module}`")) {
            violations.push(format!("stdlib/README.md does not list std.{module}"));
        }
        if !embedded.contains(&format!("\"std.{module}\"")) {
            violations.push(format!("stdlib/src/lib.rs does not embed std.{module}"));
        }
    }
    demand_none("modules that nobody can find", &violations);
}

#[test]
fn every_public_item_has_a_doc_and_an_example() {
    let pages = files("md").into_iter().filter(|(path, _)| path.starts_with("tests/corpus/std/"));
    let examples: String = pages.map(|(_, text)| text).collect();
    let mut violations = Vec::new();
    for (module, text) in modules() {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(item) = line.strip_prefix("pub ") else { continue };
            let word = item.split_whitespace().nth(1).unwrap_or_default();
            let name: String = word.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !at.checked_sub(1).is_some_and(|above| lines[above].starts_with("///")) {
                violations.push(format!("stdlib/{module}.sgl:{}: `{name}` has no doc comment", at + 1));
            }
            if !examples.contains(&format!("{module}.{name}")) {
                violations.push(format!("tests/corpus/std shows no `{module}.{name}`"));
            }
        }
    }
    demand_none("items of the standard library without a doc or an example", &violations);
}
