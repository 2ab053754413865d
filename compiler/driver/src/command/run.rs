//! `sglc run`: a program's transcript to the terminal, its result to the standard output.
//!
//! The command line is read twice: first only for the program's name, then, when the program is compiled and its
//! entry known, with one flag per parameter of the entry.

use crate::arguments::{DiagnosticFormat, RunArguments, finish};
use crate::compile::Compiled;
use crate::sources::Disk;
use crate::{Outcome, compile, execute, flags, packaged, report};
use clap::{Arg, ArgAction, Args, FromArgMatches};
use sgl_source::{Code, Diagnostic, FileId, Span};
use sgl_vm::image::Entry;
use std::ffi::OsString;

/// Compiles and runs.
pub(super) fn run(arguments: &[OsString]) -> Outcome {
    let own = RunArguments::augment_args(clap::Command::new("sglc run").max_term_width(100));
    let Some(program) = program_name(&own, arguments) else {
        return usage(own, arguments);
    };
    let (file, entry_name) = match program.split_once("::") {
        Some((file, entry)) => (file.to_string(), Some(entry.to_string())),
        None => (program, None),
    };
    let is_image = packaged::is_image(&file);
    if !is_image && value_of(arguments, "--trust").is_some() {
        report::error(&format!("`--trust` is for images, and {file} is none: `sglc build` makes one"));
        return Outcome::Failed;
    }
    let loaded = if is_image { unpacked(arguments, &file) } else { compile::compile(&Disk, &file) };
    let compiled = match loaded {
        Ok(compiled) => compiled,
        Err(message) => {
            report::error(&message);
            return Outcome::Failed;
        }
    };
    if report::diagnostics(&compiled.files, &compiled.diagnostics, DiagnosticFormat::Text) {
        return Outcome::Failed;
    }
    if compiled.image.as_ref().is_some_and(|image| image.entries.is_empty()) {
        report::diagnostics(&compiled.files, &[no_entry(&file)], DiagnosticFormat::Text);
        return Outcome::Failed;
    }
    let entry = match choose_entry(&compiled, &file, entry_name.as_deref()) {
        Ok(entry) => entry,
        Err(message) => {
            report::error(&message);
            return Outcome::Failed;
        }
    };
    let mut command = own.about(entry.doc.clone()).bin_name("sglc run");
    command = flags::with_parameters(command, entry);
    let line = std::iter::once(OsString::from("sglc run")).chain(arguments.iter().cloned());
    let matches = match command.try_get_matches_from_mut(line) {
        Ok(matches) => matches,
        Err(error) => return finish(&error),
    };
    let options = match RunArguments::from_arg_matches(&matches) {
        Ok(options) => options,
        Err(error) => return finish(&error.format(&mut command)),
    };
    execute::execute(&compiled, entry, &matches, &options)
}

/// Help, or the message that the program is missing.
fn usage(own: clap::Command, arguments: &[OsString]) -> Outcome {
    let line = std::iter::once(OsString::from("sglc run")).chain(arguments.iter().cloned());
    match own.bin_name("sglc run").try_get_matches_from(line) {
        Ok(_) => Outcome::Usage,
        Err(error) => finish(&error),
    }
}

/// The first argument that is neither a flag nor a flag's value. A flag that is not ours takes a value.
fn program_name(own: &clap::Command, arguments: &[OsString]) -> Option<String> {
    let lone = |flag: &str| {
        let ours = own.get_arguments().find(|arg: &&Arg| {
            let longs = arg.get_long_and_visible_aliases().unwrap_or_default();
            longs.iter().any(|long| flag == format!("--{long}"))
                || arg.get_short().is_some_and(|short| flag == format!("-{short}"))
        });
        ours.map_or(flag == "--help" || flag == "-h", |arg| matches!(arg.get_action(), ArgAction::SetTrue))
    };
    let mut rest = arguments.iter().map(|argument| argument.to_string_lossy());
    while let Some(argument) = rest.next() {
        if !argument.starts_with('-') {
            return Some(argument.to_string());
        }
        if !lone(&argument) && !argument.contains('=') {
            rest.next();
        }
    }
    None
}

/// A program that comes as an image, if it is signed as the command line wants it.
fn unpacked(arguments: &[OsString], file: &str) -> Result<Compiled, String> {
    let (package, _) = packaged::read(file)?;
    if let Some(key) = value_of(arguments, "--trust") {
        packaged::trust(file, &package, &key)?;
    }
    Ok(packaged::compiled(file, package))
}

/// The value of a flag that takes one, before the entry's own flags are known.
fn value_of(arguments: &[OsString], flag: &str) -> Option<String> {
    let mut rest = arguments.iter().map(|argument| argument.to_string_lossy());
    while let Some(argument) = rest.next() {
        if argument == flag {
            return rest.next().map(|value| value.to_string());
        }
        if let Some(value) = argument.strip_prefix(flag).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value.to_string());
        }
    }
    None
}

/// Why a program can't be run by itself.
pub(super) fn no_entry(file: &str) -> Diagnostic {
    let span = Span::new(FileId(0), 0, 0);
    Diagnostic::error(Code::E0413, format!("{file} has no entry"), span, "nothing in this file is `pub`")
        .with_help("write `pub prompt main() { … }`, or put `pub` before a prompt")
}

/// The named entry, or `main`, or the only one.
fn choose_entry<'a>(compiled: &'a Compiled, file: &str, name: Option<&str>) -> Result<&'a Entry, String> {
    let entries = compiled.image.as_ref().map_or(&[][..], |image| &image.entries);
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let listed = names.iter().map(|name| format!("{file}::{name}")).collect::<Vec<_>>().join(", ");
    let Some(wanted) = name else {
        let main = entries.iter().find(|entry| entry.name == "main");
        return match (main, entries) {
            (Some(main), _) => Ok(main),
            (None, [only]) => Ok(only),
            (None, _) => Err(format!("{file} has several entries; choose one: {listed}")),
        };
    };
    entries.iter().find(|entry| entry.name == wanted).ok_or_else(|| {
        let hint = report::hint(wanted, names.iter().copied());
        format!("{file} has no entry `{wanted}`{hint}\n  its entries: {listed}")
    })
}
