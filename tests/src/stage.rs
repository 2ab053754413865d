//! The products of a program, as text, by the name of their fence.

use crate::page::Case;
use crate::planned;
use sgl_format::Refusal;
use sgl_source::render::{self, Colour};
use sgl_source::{FileId, edits};
use sgl_vm::image::Image;
use sgl_vm::{Outside, RunOptions, Silent};
use sglc::arguments::Stage;
use sglc::compile::{Compiled, compile};
use sglc::scripted_tools::ScriptedTools;
use sglc::sources::Memory;

/// The name that a test's program has.
pub const FILE: &str = "test.sgl";

/// Compiles the test's program; fences `sgl NAME` are further files.
pub fn compiled(case: &Case) -> Compiled {
    let mut files = Memory::default();
    for fence in &case.fences {
        if fence.name == "sgl" {
            files.0.push((FILE.to_string(), fence.text.clone()));
        } else if let Some(name) = fence.name.strip_prefix("sgl ") {
            files.0.push((name.to_string(), fence.text.clone()));
        }
    }
    compile(&files, FILE).expect("the test has a program")
}

/// The product that the fence `name` is about, or `None` for a fence that is no product.
pub fn product(case: &Case, compiled: &Compiled, name: &str) -> Option<String> {
    let dumped = |stage| Some(compiled.dump(stage).unwrap_or_else(|| "(not reached)\n".to_string()));
    let text = match name {
        "tokens" => dumped(Stage::Tokens),
        "ast" => dumped(Stage::Ast),
        "hir" => dumped(Stage::Hir),
        "ir" => dumped(Stage::Ir),
        "image" => dumped(Stage::Image),
        "format" => Some(formatted(case)),
        "diagnostics" => Some(diagnostics(compiled)),
        "fixed" => Some(fixed(compiled)),
        "tests" => Some(sglc::testing::results(compiled)),
        name if name.starts_with("ir ") => planned::after(compiled, &name[3..]),
        "diff" => Some(planned::diff(case, compiled)),
        "plan" => Some(planned::tree(compiled)),
        "output" => Some(run(case, compiled).0),
        "requests" => Some(run(case, compiled).1),
        _ => None,
    }?;
    Some(if text.is_empty() || text.ends_with('\n') { text } else { format!("{text}\n") })
}

/// What must hold of every program that is right: its image is sound and survives being written, and the plan before its
/// passes gives the same result and asks the same.
///
/// # Errors
/// What does not hold.
pub fn check_image(case: &Case, compiled: &Compiled) -> Result<(), String> {
    let (Some(image), Some(hir)) = (&compiled.image, &compiled.hir) else { return Ok(()) };
    let read = sgl_vm::decode(&sgl_vm::encode(image)).map_err(|error| error.to_string())?;
    if read != *image {
        return Err("the image that is read is not the one that was written".into());
    }
    let plain = sgl_ir::lower(hir);
    let faults = sgl_ir::verify(&plain);
    if !faults.is_empty() {
        return Err(format!("the plan before its passes is not sound: {}", faults.join("; ")));
    }
    let plain = sgl_codegen::emit(&plain, &compiled.files).map_err(|diagnostic| diagnostic.message.clone())?;
    if case.fence("output").or(case.fence("requests")).is_none() {
        // A page about diagnostics: its program may run for ever.
        return Ok(());
    }
    let (before, after) = (run_image(case, compiled, &plain), run_image(case, compiled, image));
    let stored =
        sgl_vm::decode(&sgl_vm::encode(image)).map_err(|error| format!("the image is not read again: {error}"))?;
    let from_image = run_image(case, compiled, &stored);
    if from_image != after {
        return Err(format!("the image does something else\n--- image\n{}{}", from_image.0, from_image.1));
    }
    if before == after {
        return Ok(());
    }
    Err(format!(
        "passes change what the program does\n--- before\n{}{}--- after\n{}{}",
        before.0, before.1, after.0, after.1
    ))
}

/// What must hold of every program that parses: its formatted text is the same program and stands as formatted.
///
/// # Errors
/// What does not hold.
pub fn check_format(case: &Case) -> Result<(), String> {
    let text = case.fence("sgl").map_or("", |fence| fence.text.as_str());
    let once = match sgl_format::format(FileId(0), text) {
        Ok(once) => once,
        Err(Refusal::Syntax(_)) => return Ok(()),
        Err(Refusal::Unsafe(reason)) => return Err(reason),
    };
    let tree = |text: &str| sgl_syntax::dump::module(&sgl_syntax::parse(FileId(0), text).module);
    if tree(text) != tree(&once) {
        return Err(format!("formatting changes the tree\n{once}"));
    }
    match sgl_format::format(FileId(0), &once) {
        Ok(twice) if twice == once => Ok(()),
        other => Err(format!("a second time changes the formatted text again\n--- once\n{once}--- twice\n{other:?}")),
    }
}

/// The program in the one style.
fn formatted(case: &Case) -> String {
    let text = case.fence("sgl").map_or("", |fence| fence.text.as_str());
    match sgl_format::format(FileId(0), text) {
        Ok(done) => done,
        Err(Refusal::Syntax(_)) => "(it has errors)\n".to_string(),
        Err(Refusal::Unsafe(reason)) => format!("(a fault of the formatter: {reason})\n"),
    }
}

/// The program after the fixes that are safe.
pub fn fixed(compiled: &Compiled) -> String {
    let root = FileId(0);
    let fixes = compiled.diagnostics.iter().flat_map(|d| d.fixes.first());
    edits::applied(compiled.files.text(root), &edits::compatible(fixes, root))
}

/// All diagnostics, as a person sees them.
pub fn diagnostics(compiled: &Compiled) -> String {
    let texts = compiled.diagnostics.iter().map(|d| render::text(&compiled.files, d, Colour::Off));
    texts.collect::<Vec<_>>().join("\n")
}

/// The result as JSON or the trap, and what was asked of the model.
pub fn run(case: &Case, compiled: &Compiled) -> (String, String) {
    match &compiled.image {
        Some(image) => run_image(case, compiled, image),
        None => ("(the program is wrong)\n".into(), String::new()),
    }
}

fn run_image(case: &Case, compiled: &Compiled, image: &Image) -> (String, String) {
    let script = case.fence("model").map(|fence| sglc::scripted::parse(&fence.text));
    let answers = match script.transpose() {
        Ok(answers) => answers.unwrap_or_default(),
        Err(error) => return (format!("(the script is wrong: {error})\n"), String::new()),
    };
    let tools = case.fence("model").map(|fence| ScriptedTools::parse(&fence.text)).transpose();
    let mut host = match tools {
        Ok(tools) => tools.map(|(tools, _)| tools).unwrap_or_default(),
        Err(error) => return (format!("(the script is wrong: {error})\n"), String::new()),
    };
    let input = case.fence("input").map(|f| serde_json::from_str(&f.text).expect("the input is JSON"));
    let mut model = sglc::scripted::model(answers);
    let outcome = sglc::execute::run_entry_with(
        image,
        &image.entries[0],
        input.as_ref(),
        &mut Outside { model: &mut model, host: &mut host, observer: &mut Silent },
        &RunOptions::default(),
    );
    let calls = host.log().iter().map(|call| format!("called {call}"));
    let mut requests = model.log().iter().cloned().chain(calls).collect::<Vec<_>>().join("\n");
    if model.open_sessions() > 0 {
        requests.push_str(&format!("\n({} sessions were left open)", model.open_sessions()));
    }
    let output = match outcome {
        Ok(json) => format!("{json:#}\n"),
        Err(failure) => sglc::execute::describe(compiled, &failure, Colour::Off),
    };
    (output, format!("{requests}\n"))
}
