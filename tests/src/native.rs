//! Runs in both tiers, compared to the last byte: as code, and interpreted.

use sgl_vm::image::{Entry, Image};
use sgl_vm::{Limits, RunOptions, Silent, Tier, Trap, Value};
use sglc::compile::compile;
use sglc::sources::Memory;

/// Steps that a run may take.
const STEPS_MAX: u64 = 2_000_000;

/// What came of a run in both tiers.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The result or fault, in full.
    pub outcome: String,
    /// Whether it was a fault.
    pub trapped: bool,
    /// Functions of which code was made.
    pub functions: usize,
}

/// Runs an entry of a program in both tiers; what came of it, or how they differ.
///
/// # Errors
/// The program is wrong, or its tiers differ.
pub fn same_on_source(text: &str, entry: &str, input: &serde_json::Value) -> Result<Ran, String> {
    let compiled = compile(&Memory(vec![("test.sgl".into(), text.into())]), "test.sgl")?;
    if let Some(error) = compiled.diagnostics.iter().find(|d| d.is_error()) {
        return Err(error.message.clone());
    }
    let image = compiled.image.ok_or("no image, and no error")?;
    let entry = image.entries.iter().find(|e| e.name == entry).ok_or("no such entry")?;
    let arguments = entry
        .parameters
        .iter()
        .map(|p| input.get(&p.name).map(|json| sgl_vm::value_of_json(json, &p.shape, &image)).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    same_in_both_tiers(&image, entry, &arguments)
}

/// Runs an entry as a run from outside does; how many functions it made code of.
///
/// # Errors
/// The program is wrong, or the run ends with a fault.
pub fn functions_made(text: &str, entry: &str) -> Result<usize, String> {
    let compiled = compile(&Memory(vec![("test.sgl".into(), text.into())]), "test.sgl")?;
    let image = compiled.image.ok_or("the program is wrong")?;
    let entry = image.entries.iter().find(|e| e.name == entry).ok_or("no such entry")?;
    run(&image, entry, &[], u64::MAX, Tier::Warm)?;
    Ok(image.native.made().0)
}

/// Runs an entry in both tiers, with all the steps it needs and with fewer.
///
/// # Errors
/// How they differ.
pub fn same_in_both_tiers(image: &Image, entry: &Entry, arguments: &[Option<Value>]) -> Result<Ran, String> {
    let mut whole = Err(String::new());
    for steps in [STEPS_MAX, 10, 100, 1_000] {
        let interpreted = run(image, entry, arguments, steps, Tier::Never);
        for tier in [Tier::Always, Tier::Warm] {
            let native = run(image, entry, arguments, steps, tier);
            if native != interpreted {
                return Err(format!(
                    "with {steps} steps {tier:?}\n--- interpreted\n{interpreted:?}\n--- native\n{native:?}"
                ));
            }
        }
        if steps == STEPS_MAX {
            whole = interpreted;
        }
    }
    let trapped = whole.is_err();
    let outcome = whole.unwrap_or_else(|fault| fault);
    Ok(Ran { outcome, trapped, functions: image.native.made().0 })
}

fn run(image: &Image, entry: &Entry, arguments: &[Option<Value>], steps: u64, native: Tier) -> Result<String, String> {
    let mut model = sglc::scripted::model(Vec::new());
    let limits = Limits { steps, elements: 100_000, ..Limits::default() };
    let options = RunOptions { limits, native, ..RunOptions::default() };
    match sgl_vm::run(image, entry, arguments.to_vec(), &mut model, &options, &mut Silent) {
        Ok(value) => Ok(sgl_vm::json_of_value(&value, image).to_string()),
        Err(Trap { message, help, place, stack, .. }) => Err(format!("{message} {help:?} {place:?} {stack:?}")),
    }
}
