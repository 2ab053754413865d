//! An entry's parameters as flags of the command line, and their values.

use crate::pictures;
use clap::{Arg, ArgMatches, Command};
use sgl_protocol::Shape;
use sgl_vm::Value;
use sgl_vm::image::{Entry, EntryParameter, Image};
use std::path::Path;

/// The command with one flag per parameter. A parameter whose flag `sglc run` has itself is given by `--input` only.
pub fn with_parameters(mut command: Command, entry: &Entry) -> Command {
    for parameter in &entry.parameters {
        let taken = command.get_arguments().any(|arg| arg.get_long() == Some(&flag_name(parameter)));
        if taken {
            continue;
        }
        let mut help = parameter.doc.clone();
        if parameter.default.is_some() {
            help = if help.is_empty() { "optional".to_string() } else { format!("{help} (optional)") };
        }
        command = command.arg(
            Arg::new(format!("parameter {}", parameter.name))
                .long(flag_name(parameter))
                .value_name(describe(&parameter.shape))
                .help(help)
                .help_heading("The program's parameters")
                .allow_hyphen_values(true),
        );
    }
    command
}

fn flag_name(parameter: &EntryParameter) -> String {
    parameter.name.trim_start_matches('_').replace('_', "-")
}

/// Values of the parameters, in order: from flags, else from the JSON object, else `None` for the default.
pub fn values(
    image: &Image,
    entry: &Entry,
    matches: &ArgMatches,
    input: Option<&serde_json::Value>,
) -> Result<Vec<Option<Value>>, String> {
    let object = match input {
        None => None,
        Some(serde_json::Value::Object(object)) => Some(object),
        Some(other) => {
            return Err(format!("`--input` must be a JSON object with the parameters, found {other}"));
        }
    };
    if let Some(object) = object {
        let names: Vec<&str> = entry.parameters.iter().map(|p| p.name.as_str()).collect();
        for key in object.keys() {
            if !names.contains(&key.as_str()) {
                let hint = crate::report::hint(key, names.iter().copied());
                return Err(format!("`{}` has no parameter `{key}`{hint}", entry.name));
            }
        }
    }
    let picture = |text: &str| pictures::read(Path::new(""), text);
    entry
        .parameters
        .iter()
        .map(|parameter| {
            let id = format!("parameter {}", parameter.name);
            let flag = matches.try_get_one::<String>(&id).ok().flatten();
            let given = object.and_then(|object| object.get(&parameter.name));
            let value = match (flag, given) {
                (Some(text), _) => Some(sgl_vm::value_of_flag_with(text, &parameter.shape, image, &picture)),
                (None, Some(json)) => Some(sgl_vm::value_of_json_with(json, &parameter.shape, image, &picture)),
                (None, None) if parameter.default.is_some() => None,
                (None, None) => {
                    return Err(format!(
                        "the parameter `{}` is missing\n  help: add `--{} <{}>`",
                        parameter.name,
                        flag_name(parameter),
                        describe(&parameter.shape)
                    ));
                }
            };
            value.transpose().map_err(|error| format!("the parameter `{}`: {error}", parameter.name))
        })
        .collect()
}

/// A shape in a word or two, for help.
pub fn describe(shape: &Shape) -> String {
    match shape {
        Shape::Text { .. } => "TEXT".to_string(),
        Shape::Int { min: Some(min), max: Some(max) } => format!("{min}..={max}"),
        Shape::Int { .. } => "INTEGER".to_string(),
        Shape::Float { .. } => "NUMBER".to_string(),
        Shape::Bool => "true|false".to_string(),
        Shape::LiteralBool(only) => only.to_string(),
        Shape::Image => "IMAGE FILE".to_string(),
        Shape::Null => "null".to_string(),
        Shape::Literal(text) => text.clone(),
        Shape::Enum { names, .. } => names.join("|"),
        Shape::Union(variants) => variants.iter().map(|variant| describe(&variant.shape)).collect::<Vec<_>>().join("|"),
        Shape::List { .. } | Shape::Tuple(_) => "JSON LIST".to_string(),
        Shape::Record { .. } | Shape::Map { .. } | Shape::Tagged { .. } => "JSON OBJECT".to_string(),
        Shape::Recursive { .. } | Shape::Ref(_) | Shape::Schema(_) | Shape::Computed(_) => "JSON".to_string(),
        Shape::Formed { shape, .. } => describe(shape),
        Shape::Grammar(_) => "TEXT".to_string(),
    }
}
