//! The pages of `docs/diagnostics`: each shows a program that its code is about, and one that is mended.

use crate::page::{self, Case};
use crate::stage;
use sgl_constrain::Automaton;
use sgl_source::{Code, Diagnostic, FileId};
use sgl_vm::image::Hole;
use sglc::compile::compile;
use sglc::sources::Memory;

/// Codes that only a program too large for a page shows, or that are of a command or of the project
/// and not of a text.
const WITHOUT_EXAMPLE: &[Code] = &[
    Code::E0107,
    Code::E0413,
    Code::E0601,
    Code::E0901,
    Code::E0902,
    Code::E0903,
    Code::E0904,
    Code::E0905,
    Code::E0906,
];

/// Checks a page against what the compiler does.
///
/// # Errors
/// What is not as the page says.
pub fn check(code: Code, text: &str) -> Result<(), String> {
    let title = format!("# {code}: {}", code.title());
    if text.lines().next() != Some(&title) {
        return Err(format!("the page must begin with `{title}`"));
    }
    let cases = page::cases(text);
    if cases.is_empty() && WITHOUT_EXAMPLE.contains(&code) {
        return Ok(());
    }
    let [example, mended] = cases.as_slice() else {
        return Err("the page needs the headings `Example` and `How to mend it`, each with a program".into());
    };
    shows(code, example)?;
    can_be_fixed(code, example)?;
    is_mended(mended)
}

/// The example has this code, and nothing else: a cause, not its echoes.
fn shows(code: Code, case: &Case) -> Result<(), String> {
    let found = found(case);
    let others: Vec<&str> = found.iter().map(String::as_str).filter(|name| *name != code.name()).collect();
    if found.is_empty() || !others.is_empty() {
        return Err(format!("the example shows {found:?}, not {code} alone"));
    }
    Ok(())
}

/// What is safe to apply leaves a program that is right and no longer shows the code.
fn can_be_fixed(code: Code, case: &Case) -> Result<(), String> {
    let compiled = stage::compiled(case);
    let text = stage::fixed(&compiled);
    if text == *compiled.files.text(FileId(0)).as_ref() {
        return Ok(());
    }
    let files = Memory(vec![(stage::FILE.to_string(), text.clone())]);
    let after = compile(&files, stage::FILE)?.diagnostics;
    if after.iter().any(|d| d.is_error() || d.code == code) {
        return Err(format!("the fix does not mend it; after it the program is\n{text}"));
    }
    Ok(())
}

fn is_mended(case: &Case) -> Result<(), String> {
    let found = found(case);
    if found.is_empty() { Ok(()) } else { Err(format!("the mended program still shows {found:?}")) }
}

/// Codes that the compiler reports; for a program that is right, those that its tokens or its run come to.
fn found(case: &Case) -> Vec<String> {
    let compiled = stage::compiled(case);
    let names = |all: &[Diagnostic]| all.iter().map(|d| d.code.to_string()).collect::<Vec<_>>();
    let Some(image) = compiled.image.as_ref().filter(|image| !image.entries.is_empty()) else {
        return names(&compiled.diagnostics);
    };
    let mut all = names(&compiled.diagnostics);
    // One token per byte: the most that a tokenizer can need.
    let need = |hole: &Hole| {
        let shortest = Automaton::of_shape(&hole.shape).ok().and_then(|automaton| automaton.shortest());
        Ok(u32::try_from(shortest.map_or(0, |text| text.len())).unwrap_or(u32::MAX))
    };
    for entry in &image.entries {
        all.extend(names(&sglc::demand::check(image, entry.function, need, 256, None)));
    }
    let endless = all.iter().any(|code| code == "W0401" || code == "W0403");
    if !endless {
        let printed = stage::run(case, &compiled).0;
        all.extend(
            ["E0701", "E0702"].into_iter().filter(|code| printed.contains(&format!("[{code}]"))).map(String::from),
        );
    }
    all
}
