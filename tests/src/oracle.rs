//! What must hold of every program, whoever wrote it: it compiles, its image survives being written, its passes and the
//! formatter keep what it does.

use crate::generate::{Generated, noise};
use sgl_format::Refusal;
use sgl_protocol::{ScriptedAnswer, Shape};
use sgl_source::FileId;
use sgl_source::render::{self, Colour};
use sgl_vm::image::Image;
use sgl_vm::{Limits, Outside, RunOptions, Silent, Value};
use sglc::compile::{Compiled, compile};
use sglc::scripted_tools::ScriptedTools;
use sglc::sources::Memory;
use std::path::Path;

/// Instructions that a random program may take.
const STEPS_MAX: u64 = 200_000;

/// Checks a random program in all ways; its layout is spoilt with `seed` first.
///
/// # Errors
/// What does not hold.
pub fn check(generated: &Generated, seed: u64) -> Result<(), String> {
    let compiled = right(&generated.text)?;
    let done = outcome(image(&compiled)?, &generated.answers)?;
    image_survives(image(&compiled)?)?;
    let tested = sglc::testing::results(&compiled);
    passes_keep(compiled, &generated.answers, (&done, &tested))?;
    let spoilt = noise::spoil(&generated.text, seed);
    let formatted = formatted(&spoilt).map_err(|reason| format!("{reason}\n--- spoilt\n{spoilt}"))?;
    if formatted != self::formatted(&formatted)? {
        return Err(format!("a second time changes the formatted text again\n--- spoilt\n{spoilt}"));
    }
    let again = right(&formatted).map_err(|reason| format!("formatted: {reason}"))?;
    let after = outcome(image(&again)?, &generated.answers)?;
    same("formatting changes what the program does", &done, &after)?;
    // Places differ between layouts.
    let verdicts = |told: &str| {
        told.lines().filter(|l| l.starts_with("ok ") || l.starts_with("FAIL ")).collect::<Vec<_>>().join("\n")
    };
    same("formatting changes what its tests say", &verdicts(&tested), &verdicts(&sglc::testing::results(&again)))
}

/// The compiled program, which has no errors.
fn right(text: &str) -> Result<Compiled, String> {
    let compiled = compile(&Memory(vec![("test.sgl".into(), text.into())]), "test.sgl")?;
    match compiled.diagnostics.iter().find(|d| d.is_error()) {
        Some(error) => {
            Err(format!("a program that is right is refused:\n{}", render::text(&compiled.files, error, Colour::Off)))
        }
        None => Ok(compiled),
    }
}

fn image(compiled: &Compiled) -> Result<&Image, String> {
    compiled.image.as_ref().ok_or_else(|| "no image, and no error".to_string())
}

fn formatted(text: &str) -> Result<String, String> {
    sgl_format::format(FileId(0), text).map_err(|refusal| match refusal {
        Refusal::Syntax(errors) => format!("the formatter can't read it: {}", errors[0].message),
        Refusal::Unsafe(reason) => reason,
    })
}

/// Result or fault, and every request: what a run is, seen from outside.
fn outcome(image: &Image, answers: &[ScriptedAnswer]) -> Result<(String, String), String> {
    let faults = sgl_vm::verify(image);
    if !faults.is_empty() {
        return Err(format!("the image is not sound: {faults:?}"));
    }
    let entry = image.entries.iter().find(|e| e.name == "main").ok_or("there is no entry `main`")?;
    let mut model = sglc::scripted::model(answers.to_vec());
    let mut tools = ScriptedTools::default();
    let options = RunOptions { limits: Limits { steps: STEPS_MAX, ..Limits::default() }, ..RunOptions::default() };
    let arguments = entry.parameters.iter().map(|parameter| photo(&parameter.shape, image).map(Some));
    let arguments = arguments.collect::<Result<_, _>>()?;
    let outside = &mut Outside { model: &mut model, host: &mut tools, observer: &mut Silent };
    let ended = sgl_vm::run_with(image, entry, arguments, outside, &options);
    if model.open_sessions() > 0 {
        return Err(format!("{} sessions were left open", model.open_sessions()));
    }
    // Places differ between layouts; what happened does not.
    let result = match ended {
        Ok(value) => sgl_vm::json_of_value(&value, image).to_string(),
        Err(trap) => format!("fault: {}", trap.message),
    };
    Ok((result, model.log().iter().chain(tools.log()).cloned().collect::<Vec<_>>().join("\n")))
}

/// The one argument that random programs take: a picture of one dot.
fn photo(shape: &Shape, image: &Image) -> Result<Value, String> {
    let address = serde_json::json!("data:image/gif;base64,R0lGODlhLi4u");
    let read = |text: &str| sglc::pictures::read(Path::new(""), text);
    sgl_vm::value_of_json_with(&address, shape, image, &read)
}

fn image_survives(image: &Image) -> Result<(), String> {
    let bytes = sgl_vm::encode(image);
    let read = sgl_vm::decode(&bytes).map_err(|error| format!("the image can't be read again: {error}"))?;
    if read == *image && sgl_vm::encode(&read) == bytes {
        Ok(())
    } else {
        Err("the image that is read is another".into())
    }
}

fn passes_keep(
    compiled: Compiled,
    answers: &[ScriptedAnswer],
    (done, tested): (&(String, String), &String),
) -> Result<(), String> {
    let hir = compiled.hir.as_ref().ok_or("an image without a program")?;
    let plain = sgl_ir::lower(hir);
    let faults = sgl_ir::verify(&plain);
    if !faults.is_empty() {
        return Err(format!("the plan before its passes is not sound: {}", faults.join("; ")));
    }
    let plain = sgl_codegen::emit(&plain, &compiled.files).map_err(|diagnostic| diagnostic.message.clone())?;
    same("passes change what the program does", &outcome(&plain, answers)?, done)?;
    same(
        "passes change what its tests say",
        &sglc::testing::results(&Compiled { image: Some(plain), ..compiled }),
        tested,
    )
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, before: &T, after: &T) -> Result<(), String> {
    if before == after {
        return Ok(());
    }
    Err(format!("{what}\n--- before\n{before:#?}\n--- after\n{after:#?}"))
}
