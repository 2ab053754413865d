//! Words and names that have no place here.

use super::tree::{demand_none, files};

/// Words that mark unfinished or thoughtless code. Spelt in two halves, so that this file passes its own rule.
fn banned() -> Vec<String> {
    [
        ("FIX", "ME"),
        ("TO", "DO"),
        ("XX", "X:"),
        ("dbg", "!("),
        ("todo", "!("),
        ("unimplemented", "!("),
        ("#[ig", "nore"),
    ]
    .map(|(a, b)| format!("{a}{b}"))
    .to_vec()
}

/// File names that say nothing.
const NAMES: &[&str] = &["utils.rs", "util.rs", "helpers.rs", "misc.rs", "common.rs", "mod.rs"];

#[test]
fn no_unfinished_marks() {
    let banned = banned();
    let mut violations = Vec::new();
    for extension in ["rs", "lalrpop", "sgl", "py", "sh"] {
        for (path, text) in files(extension) {
            for (number, line) in text.lines().enumerate() {
                if let Some(word) = banned.iter().find(|word| line.contains(word.as_str())) {
                    violations.push(format!("{path}:{}: `{word}`", number + 1));
                }
            }
        }
    }
    demand_none("unfinished marks", &violations);
}

#[test]
fn file_names_say_something() {
    let violations: Vec<String> = files("rs")
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| NAMES.contains(&path.rsplit('/').next().unwrap_or_default()))
        .collect();
    demand_none("file names that say nothing", &violations);
}
