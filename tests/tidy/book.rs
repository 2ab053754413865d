//! The book is whole: every page of `docs/` is in its summary, no link leaves it, and the page on the standard library is what
//! the library's sources say. `UPDATE=1` writes that page and the list of diagnostics.

use super::tree::{demand_none, files, root};
use std::fs;

/// The line of the summary under which the pages of diagnostics are listed.
const DIAGNOSTICS: &str = "- [Diagnostics](diagnostics/README.md)\n";

const LIBRARY_HEADER: &str = "# The standard library\n\n\
    `import std.text`, then `text.before(\"a=b\", \"=\")`. The library is written in the language itself and is part of the binary. \
    A `fn` is pure; a `prompt` asks a model, and is called plainly for a transcript of its own, with `scratch` to ask about what was \
    said so far, with `inline` to write into it. What numbers, texts, lists and maps do by themselves are \
    [methods](language.md#pure-code).\n\n\
    This page is made from the sources, `stdlib/*.sgl`; every item has an example with its exact output in `tests/corpus/std`.\n";

/// Pages below `docs/`, from there, with their text.
fn pages() -> Vec<(String, String)> {
    let all = files("md").into_iter();
    all.filter_map(|(path, text)| Some((path.strip_prefix("docs/")?.to_string(), text))).collect()
}

fn update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

#[test]
fn every_page_is_in_the_summary() {
    let path = root().join("docs/SUMMARY.md");
    let mut summary = fs::read_to_string(&path).expect("the book has a summary");
    let of_codes = |(page, text): &(String, String)| {
        let code = page.strip_prefix("diagnostics/").filter(|name| *name != "README.md")?;
        let title = text.lines().next()?.strip_prefix("# ")?;
        Some(format!("  - [{title}](diagnostics/{code})\n"))
    };
    let list: String = pages().iter().filter_map(of_codes).collect();
    let (before, after) = summary.split_once(DIAGNOSTICS).expect("the summary has the diagnostics");
    let rest = after.find("\n\n").map_or("", |end| &after[end..]);
    let wanted = format!("{before}{DIAGNOSTICS}{}{rest}", list.trim_end());
    if update() && wanted != summary {
        fs::write(&path, &wanted).expect("the summary is writable");
        summary = wanted;
    }
    let missing: Vec<String> = pages()
        .into_iter()
        .filter(|(page, _)| page != "SUMMARY.md" && !summary.contains(&format!("]({page})")))
        .map(|(page, _)| format!("docs/{page}"))
        .collect();
    demand_none("pages that docs/SUMMARY.md does not list (UPDATE=1 lists diagnostics)", &missing);
}

#[test]
fn no_link_leaves_the_book() {
    let mut violations = Vec::new();
    for (page, text) in pages() {
        let depth = page.matches('/').count();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.matches("../").count() > depth {
                violations.push(format!("docs/{page}: {target}"));
            }
        }
    }
    demand_none("links out of docs/, which the book does not have; name the file without a link", &violations);
}

#[test]
fn the_page_on_the_library_is_what_its_sources_say() {
    let sources = files("sgl").into_iter();
    let modules = sources
        .filter_map(|(path, text)| Some((path.strip_prefix("stdlib/")?.strip_suffix(".sgl")?.to_string(), text)));
    let wanted = modules.fold(LIBRARY_HEADER.to_string(), |page, (name, text)| page + &section(&name, &text));
    let path = root().join("docs/library.md");
    if update() {
        fs::write(&path, &wanted).expect("the page is writable");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/library.md is not what stdlib/*.sgl says (UPDATE=1 writes it)");
}

/// A module: what its header says, then each public item.
fn section(name: &str, text: &str) -> String {
    let header: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let title = format!("std.{name}: ");
    let header = header.join("\n").replacen(&title, "", 1);
    let mut out = format!("\n## std.{name}\n\n{}\n\n", capitalized(&header));
    let mut doc = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some(said) = line.strip_prefix("///") {
            doc.push(said.trim());
        } else {
            if line.starts_with("pub ") {
                out.push_str(&format!("- `{}`  \n  {}\n", signature(&text[at + "pub ".len()..]), doc.join(" ")));
            }
            doc.clear();
        }
        at += line.len();
    }
    out
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// The item up to its body, on one line; of a struct or an enum all of it.
fn signature(text: &str) -> String {
    let whole = text.starts_with("struct") || text.starts_with("enum");
    let (mut depth, mut end) = (0_i32, text.len());
    for (at, c) in text.char_indices() {
        let before = text[..at].trim_end();
        match c {
            // A map type stands behind an arrow or a colon, a body does not.
            '{' if !whole && depth == 0 && !before.ends_with("->") && !before.ends_with(':') => {
                end = at;
                break;
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth -= 1;
                if whole && depth == 0 && c == '}' {
                    end = at + 1;
                    break;
                }
            }
            '\n' if text.starts_with("const") => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    let lines: Vec<&str> = text[..end].lines().map(str::trim).filter(|line| !line.starts_with("///")).collect();
    // Fields on lines of their own have no commas between them.
    let between = if whole { ", " } else { " " };
    let joined = lines.join(between).replace("{, ", "{ ").replace(",, ", ", ").replace(", }", " }");
    joined.trim().replace("( ", "(").replace(", )", ")").trim_start_matches("fn ").to_string()
}
