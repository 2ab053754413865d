//! Which tests: files, folders, and a part of their names.

use crate::arguments::{DiagnosticFormat, TestArguments};
use crate::compile::{self, Compiled};
use crate::report;
use crate::sources::Disk;
use sgl_vm::image::Test;
use std::fs;
use std::path::Path;

/// Folders that hold no programs of the user.
const SKIPPED: &[&str] = &["target", "node_modules"];

/// A file and its tests that were asked for.
#[derive(Debug)]
pub(super) struct Module {
    /// The file as the user named it.
    pub(super) file: String,
    pub(super) compiled: Compiled,
    pub(super) tests: Vec<Test>,
    /// Whether some of its tests were left out.
    pub(super) filtered: bool,
}

/// Everything that is to be run.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) modules: Vec<Module>,
    /// Whether every file is right.
    pub(super) sound: bool,
}

impl Suite {
    /// Each test with the index of its module, in the order of the files.
    pub(super) fn tests(&self) -> impl Iterator<Item = (usize, &Test)> {
        self.modules.iter().enumerate().flat_map(|(index, module)| module.tests.iter().map(move |test| (index, test)))
    }
}

/// The `.sgl` files that paths name: files as they are, folders with all that is below them, sorted.
pub(super) fn files(paths: &[String]) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let here = [".".to_string()];
    for path in if paths.is_empty() { &here[..] } else { paths } {
        let meta = fs::metadata(path).map_err(|error| format!("can't read {path}: {error}"))?;
        if meta.is_dir() {
            let mut below = Vec::new();
            collect(Path::new(path), &mut below).map_err(|error| format!("can't read {path}: {error}"))?;
            below.sort();
            found.extend(below);
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_string();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) && !name.starts_with('.') {
                collect(&path, found)?;
            }
        } else if name.ends_with(".sgl") {
            let shown = path.to_string_lossy();
            found.push(shown.strip_prefix("./").unwrap_or(&shown).to_string());
        }
    }
    Ok(())
}

/// Compiles the files; what is wrong with them is reported here. Warnings are `sglc check`'s.
pub(super) fn suite(files: &[String], arguments: &TestArguments) -> Suite {
    let mut suite = Suite { modules: Vec::new(), sound: true };
    for file in files {
        let compiled = match compile::compile(&Disk, file) {
            Ok(compiled) => compiled,
            Err(message) => {
                report::error(&message);
                suite.sound = false;
                continue;
            }
        };
        let errors: Vec<_> = compiled.diagnostics.iter().filter(|d| d.is_error()).cloned().collect();
        if report::diagnostics(&compiled.files, &errors, DiagnosticFormat::Text) {
            suite.sound = false;
            continue;
        }
        let Some(image) = &compiled.image else { continue };
        let wanted = |test: &&Test| arguments.filter.as_ref().is_none_or(|filter| test.name.contains(filter));
        let tests: Vec<Test> = image.tests.iter().filter(wanted).cloned().collect();
        let filtered = tests.len() < image.tests.len();
        suite.modules.push(Module { file: file.clone(), compiled, tests, filtered });
    }
    suite
}
