//! `sglc explain`: the page of a diagnostic; of a program, its plan or its constraints.

use crate::arguments::ExplainArguments;
use crate::constraints::describe;
use crate::tokens::Tokens;
use crate::{Outcome, report};
use sgl_source::{Code, did_you_mean};

/// The pages of `docs/diagnostics` by code; `build.rs` collects them.
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Prints a page, or all codes.
pub(super) fn run(arguments: &ExplainArguments) -> Outcome {
    if arguments.constraints {
        return constraints(arguments.code.as_deref().unwrap_or_default(), &arguments.model);
    }
    if let Some(program) = arguments.code.as_deref().filter(|what| super::plan::is_program(what)) {
        return super::plan::run(program, arguments);
    }
    if arguments.list {
        for code in Code::ALL {
            report::result(&format!("{code}  {}", code.title()));
        }
        return Outcome::Fine;
    }
    let wanted = arguments.code.clone().unwrap_or_default().trim_matches(['[', ']']).to_uppercase();
    match PAGES.iter().find(|(code, _)| *code == wanted) {
        Some((_, page)) => {
            report::result(page.trim_end());
            Outcome::Fine
        }
        None => {
            report::error(&unknown(&wanted));
            report::note("`sglc explain --list` shows every code");
            Outcome::Usage
        }
    }
}

/// Prints what each hole of a program may hold, in numbers.
fn constraints(program: &str, model: &str) -> Outcome {
    let (image, holes) = match crate::constraints::program(program) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    match Tokens::of(model) {
        Ok(tokens) => {
            let all: Vec<String> = holes.iter().map(|hole| describe(&image.holes[*hole as usize], &tokens)).collect();
            report::result(all.join("\n").trim_end());
            Outcome::Fine
        }
        Err(error) => {
            report::error(&format!("{error:#}"));
            Outcome::Failed
        }
    }
}

/// What is said of a code that does not exist: the nearest, or those about the same thing.
fn unknown(wanted: &str) -> String {
    let family: Vec<&str> = Code::ALL.iter().map(|c| c.name()).filter(|c| wanted.starts_with(&c[..3])).collect();
    let near = did_you_mean(wanted, family.iter().copied()).or_else(|| by_word(wanted));
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    format!("there is no diagnostic `{wanted}`{hint}")
}

/// The first code whose title has the word: `sglc explain escape`.
fn by_word(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let found = Code::ALL.iter().find(|code| word.len() > 2 && code.title().to_lowercase().contains(&word))?;
    Some(found.name())
}
