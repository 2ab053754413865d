//! The scripted model as a command-line option and for tests: a table of answers, the rest made up.
//!
//! A script is lines `hole: text`, where `\n` is a newline; `*` is any hole; `#` begins a comment. Holes that it does
//! not name get the shortest text of their type.

use sgl_constrain::{Automaton, Grammar};
use sgl_protocol::{Scripted, ScriptedAnswer, Shape};

/// Reads a script. The error names the line.
pub fn parse(text: &str) -> Result<Vec<ScriptedAnswer>, String> {
    let mut answers = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let Some((hole, answer)) = line.split_once(':') else {
            return Err(format!("line {}: expected `hole: text`, found `{line}`", number + 1));
        };
        let text = answer.strip_prefix(' ').unwrap_or(answer).replace("\\n", "\n");
        answers.push(ScriptedAnswer { hole: hole.trim().to_string(), text });
    }
    Ok(answers)
}

/// A scripted model that makes up what the table does not have.
pub fn model(answers: Vec<ScriptedAnswer>) -> Scripted {
    Scripted::new(answers, Box::new(shortest))
}

/// The shortest text of a shape; `text` for free text, which may be empty.
pub fn shortest(shape: &Shape) -> Option<String> {
    if shape.is_free_text() {
        return Some("text".to_string());
    }
    match Automaton::of_shape(shape) {
        Ok(automaton) => automaton.shortest(),
        // What is no automaton is recursive or large.
        Err(_) => Grammar::of_shape(shape).ok()?.shortest(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_lines_of_holes_and_texts() {
        let answers = parse("# a comment\nmood: positive\nwork: a\\nb: c\n").expect("well-formed");
        let pairs: Vec<_> = answers.iter().map(|a| (a.hole.as_str(), a.text.as_str())).collect();
        assert_eq!(pairs, [("mood", "positive"), ("work", "a\nb: c")]);
        assert!(parse("no colon").is_err());
    }
}
