//! `sglc build`: a program as one file that runs without its source.

use crate::arguments::{BuildArguments, DiagnosticFormat};
use crate::packaged::{hex, key_of_file};
use crate::{Outcome, compile, constraints, report};
use std::fs;

/// Compiles, packs and writes.
pub(super) fn run(arguments: &BuildArguments) -> Outcome {
    let compiled = match compile::from_disk(&arguments.file) {
        Ok(compiled) => compiled,
        Err(outcome) => return outcome,
    };
    let failed = report::diagnostics(&compiled.files, &compiled.diagnostics, DiagnosticFormat::Text);
    let Some(image) = compiled.image.as_ref().filter(|_| !failed) else { return Outcome::Failed };
    if image.entries.is_empty() {
        report::diagnostics(&compiled.files, &[super::run::no_entry(&arguments.file)], DiagnosticFormat::Text);
        return Outcome::Failed;
    }
    let program = |file| {
        // A project file may hold what is nobody's business, and no message of a run is about it.
        let name = compiled.files.name(file);
        if name.ends_with(".toml") { String::new() } else { compiled.files.text(file).to_string() }
    };
    let sources: Vec<String> =
        if arguments.strip { Vec::new() } else { compiled.files.ids().take(image.files.len()).map(program).collect() };
    let models: Vec<String> = arguments.constraints.iter().map(|model| compiled.project.model(model)).collect();
    let carried = match constraints::carried(image, &models) {
        Ok(carried) => carried,
        Err(error) => {
            report::failure(&error);
            return Outcome::Failed;
        }
    };
    let packed = arguments.sign.as_deref().map(key_of_file).transpose().and_then(|secret| {
        let bytes = sgl_vm::pack_with(image, &sources, &carried, secret.as_ref()).map_err(|error| error.to_string())?;
        let output = arguments.output.clone().unwrap_or_else(|| beside(&arguments.file));
        fs::write(&output, &bytes).map_err(|error| format!("can't write {output}: {error}"))?;
        let package = sgl_vm::unpack(&bytes).map_err(|error| error.to_string())?;
        let signed = package.signer.map_or(String::new(), |signer| format!(", signed by {}", hex(&signer)));
        let entries: Vec<&str> = image.entries.iter().map(|entry| entry.name.as_str()).collect();
        Ok(format!(
            "{output}: {} bytes, {}{signed}\n  run it: sglc run {output}::{}",
            bytes.len(),
            hex(&package.hash),
            entries[0]
        ))
    });
    match packed {
        Ok(done) => {
            report::note(&done);
            Outcome::Fine
        }
        Err(message) => {
            report::error(&message);
            Outcome::Failed
        }
    }
}

/// The name of the image of a program.
fn beside(file: &str) -> String {
    format!("{}.sglb", file.strip_suffix(".sgl").unwrap_or(file))
}
