//! `sglc fix`: applies what is safe, over and over until nothing is left, and never makes a program worse.

use crate::arguments::FixArguments;
use crate::sources::{Disk, Sources};
use crate::{Outcome, compile, report, sources};
use sgl_source::{Diagnostic, FileId, Fix, edits};
use similar::TextDiff;

/// Most rounds: what one fix uncovers, the next mends.
const ROUNDS_MAX: usize = 20;

/// Mends each file on its own.
pub(super) fn run(arguments: &FixArguments) -> Outcome {
    let mut outcome = Outcome::Fine;
    for file in &arguments.files {
        match mend(&Disk, file) {
            Ok(mended) => {
                if !tell(file, &mended, arguments.dry_run) {
                    outcome = Outcome::Failed;
                }
            }
            Err(message) => {
                report::error(&message);
                outcome = Outcome::Failed;
            }
        }
    }
    outcome
}

/// Writes or shows what changed. Says whether the program is right after it.
fn tell(file: &str, mended: &Mended, dry_run: bool) -> bool {
    let count = mended.done.len();
    if dry_run {
        if mended.after != mended.before {
            let diff = TextDiff::from_lines(&mended.before, &mended.after);
            report::result(diff.unified_diff().header(file, file).to_string().trim_end());
        }
    } else if mended.after != mended.before
        && let Err(message) = sources::write(file, &mended.after)
    {
        report::error(&message);
        return false;
    }
    for done in &mended.done {
        report::note(&format!("  {done}"));
    }
    let verb = if dry_run { "would be applied" } else { "applied" };
    let left = match mended.left {
        0 => "nothing is left".to_string(),
        left => format!("{left} left, which `sglc check {file}` shows"),
    };
    report::note(&format!("{file}: {count} fix{} {verb}, {left}", if count == 1 { "" } else { "es" }));
    mended.errors == 0
}

/// A text before and after its fixes.
#[derive(Debug)]
pub(super) struct Mended {
    before: String,
    after: String,
    /// What was done, with the code that asked for it.
    done: Vec<String>,
    /// Diagnostics that remain, and how many of them are errors.
    left: usize,
    errors: usize,
}

/// Applies safe fixes until none is left that helps.
pub(super) fn mend(sources: &dyn Sources, file: &str) -> Result<Mended, String> {
    let before = sources.read(file)?;
    let mut state = State { sources, file, text: before.clone(), refused: Vec::new(), done: Vec::new() };
    let mut found = state.check(&before)?;
    for _ in 0..ROUNDS_MAX {
        match state.round(&found)? {
            Some(next) => found = next,
            None => break,
        }
    }
    let errors = found.iter().filter(|d| d.is_error()).count();
    Ok(Mended { before, after: state.text, done: state.done, left: found.len(), errors })
}

struct State<'a> {
    sources: &'a dyn Sources,
    file: &'a str,
    text: String,
    /// Fixes that made things worse, by title and replacements.
    refused: Vec<Fix>,
    done: Vec<String>,
}

impl State<'_> {
    fn check(&self, text: &str) -> Result<Vec<Diagnostic>, String> {
        let edited = Edited { sources: self.sources, file: self.file, text };
        Ok(compile::compile(&edited, self.file)?.diagnostics)
    }

    /// One round: everything that goes together, and where that makes things worse, one after the other.
    fn round(&mut self, found: &[Diagnostic]) -> Result<Option<Vec<Diagnostic>>, String> {
        let fixes: Vec<&Fix> =
            found.iter().flat_map(|d| d.fixes.first()).filter(|fix| !self.refused.contains(fix)).collect();
        let together = edits::compatible(fixes, FileId(0));
        if together.is_empty() {
            return Ok(None);
        }
        if let Some(next) = self.attempt(found, &together)? {
            return Ok(Some(next));
        }
        for fix in together {
            if let Some(next) = self.attempt(found, &[fix])? {
                return Ok(Some(next));
            }
            self.refused.push(fix.clone());
        }
        Ok(None)
    }

    /// Applies fixes if the program is no worse after them.
    fn attempt(&mut self, found: &[Diagnostic], fixes: &[&Fix]) -> Result<Option<Vec<Diagnostic>>, String> {
        let text = edits::applied(&self.text, fixes);
        let after = self.check(&text)?;
        if text == self.text || worse(found, &after) {
            return Ok(None);
        }
        for fix in fixes {
            let code = found.iter().find(|d| d.fixes.contains(fix)).map(|d| d.code.name()).unwrap_or_default();
            self.done.push(format!("{code}: {}", fix.title));
        }
        self.text = text;
        Ok(Some(after))
    }
}

/// Whether a text that parsed does not parse any more, or there are more errors.
fn worse(before: &[Diagnostic], after: &[Diagnostic]) -> bool {
    let unread =
        |all: &[Diagnostic]| all.iter().any(|d| d.code.name().starts_with("E00") || d.code.name().starts_with("E01"));
    let errors = |all: &[Diagnostic]| all.iter().filter(|d| d.is_error()).count();
    (unread(after) && !unread(before)) || errors(after) > errors(before)
}

/// The sources with one text replaced.
struct Edited<'a> {
    sources: &'a dyn Sources,
    file: &'a str,
    text: &'a str,
}

impl Sources for Edited<'_> {
    fn read(&self, name: &str) -> Result<String, String> {
        if name == self.file { Ok(self.text.to_string()) } else { self.sources.read(name) }
    }

    fn siblings(&self, name: &str) -> Vec<String> {
        self.sources.siblings(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Memory;

    fn mended(program: &str) -> Mended {
        mend(&Memory(vec![("main.sgl".into(), program.into())]), "main.sgl").expect("it can be read")
    }

    #[test]
    fn what_is_safe_is_done_and_the_rest_is_left() {
        let found = mended("pub fn f() -> Int {\n    let count = 3\n    return 1\n}\n");
        assert_eq!(found.after, "pub fn f() -> Int {\n    let _count = 3\n    return 1\n}\n");
        assert_eq!((found.left, found.errors), (0, 0));
        let wrong = mended("pub fn f() -> Int { return \"a\" }\n");
        assert_eq!((wrong.after == wrong.before, wrong.errors), (true, 1));
    }
}
