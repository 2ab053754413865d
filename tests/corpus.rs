//! Runs the corpus: every heading with a program is a test. `UPDATE=1` rewrites what is expected. The pages of
//! `docs/diagnostics` are tests, too.
#![expect(clippy::print_stdout, reason = "says which pages were rewritten")]

use libtest_mimic::{Arguments, Failed, Trial};
use sgl_source::{Code, lines};
use sgl_tests::explained;
use sgl_tests::page::{self, Case};
use sgl_tests::stage;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut pages = Vec::new();
    collect(&root, &mut pages);
    // The lessons of the tour and their solutions are tests like any page.
    let tour = root.join("../../docs/tour");
    collect(&tour, &mut pages);
    pages.sort();
    if std::env::var_os("UPDATE").is_some() {
        pages.iter().for_each(|path| update(path));
    }
    let mut trials = Vec::new();
    for path in &pages {
        let text = fs::read_to_string(path).expect("a page is readable");
        let short = path.strip_prefix(&root).or(path.strip_prefix(&tour)).expect("below its folder");
        let short = short.display().to_string();
        for case in page::cases(&text) {
            let name = format!("{short}: {}", case.name);
            trials.push(Trial::test(name, move || check(&case)));
        }
    }
    for code in Code::ALL {
        let path = root.join(format!("../../docs/diagnostics/{code}.md"));
        // That there is one is a rule of the tree.
        let Ok(text) = fs::read_to_string(path) else { continue };
        trials.push(Trial::test(format!("docs/diagnostics/{code}.md"), move || {
            explained::check(*code, &text).map_err(Failed::from)
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the corpus is readable") {
        let path = entry.expect("the corpus is readable").path();
        if path.is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|e| e == "md") {
            pages.push(path);
        }
    }
}

fn check(case: &Case) -> Result<(), Failed> {
    let compiled = stage::compiled(case);
    let mut products = 0;
    for fence in &case.fences {
        let Some(found) = stage::product(case, &compiled, &fence.name) else { continue };
        products += 1;
        if found != fence.text {
            return Err(format!(
                "fence `{}` differs (UPDATE=1 rewrites it)\n--- expected\n{}--- found\n{found}",
                fence.name, fence.text
            )
            .into());
        }
    }
    stage::check_image(case, &compiled)?;
    let marks = marks(case);
    for mark in &marks {
        mark_is_met(mark, &compiled)?;
    }
    let explained = marks.len() + case.fence("diagnostics").map_or(0, |_| compiled.diagnostics.len());
    if compiled.diagnostics.len() > explained {
        return Err(format!("diagnostics that no mark or fence expects:\n{}", stage::diagnostics(&compiled)).into());
    }
    if products + marks.len() == 0 {
        return Err("the test expects nothing: add a fence or a `//~` mark".into());
    }
    Ok(())
}

/// `//~ E0304: text` on the line of the diagnostic.
struct Mark {
    line: usize,
    code: String,
    text: String,
}

fn marks(case: &Case) -> Vec<Mark> {
    let program = case.fence("sgl").map_or("", |fence| fence.text.as_str());
    let mut marks = Vec::new();
    for (index, line) in program.lines().enumerate() {
        for mark in line.split("//~").skip(1) {
            let (code, text) = mark.split_once(':').unwrap_or((mark, ""));
            marks.push(Mark { line: index + 1, code: code.trim().into(), text: text.trim().into() });
        }
    }
    marks
}

fn mark_is_met(mark: &Mark, compiled: &sglc::compile::Compiled) -> Result<(), Failed> {
    let met = compiled.diagnostics.iter().any(|d| {
        let text = compiled.files.text(d.span().file);
        lines::position(text, d.span().start as usize).line == mark.line
            && d.code.name() == mark.code
            && (d.message.contains(&mark.text) || d.labels.iter().any(|l| l.text.contains(&mark.text)))
    });
    if met {
        return Ok(());
    }
    Err(format!(
        "no {} with `{}` on line {}; there is:\n{}",
        mark.code,
        mark.text,
        mark.line,
        stage::diagnostics(compiled)
    )
    .into())
}

fn update(path: &Path) {
    let text = fs::read_to_string(path).expect("a page is readable");
    let mut replacements = Vec::new();
    for case in page::cases(&text) {
        let compiled = stage::compiled(&case);
        for fence in &case.fences {
            if let Some(found) = stage::product(&case, &compiled, &fence.name)
                && found != fence.text
            {
                replacements.push((fence.range.clone(), found));
            }
        }
    }
    if !replacements.is_empty() {
        println!("rewrote {} fences of {}", replacements.len(), path.display());
        fs::write(path, page::rewrite(&text, replacements)).expect("a page is writable");
    }
}
