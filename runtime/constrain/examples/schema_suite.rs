//! Measures how much of public suites of JSON Schema is enforced, against the suites' own verdicts.
//!
//! `schema_suite draft FOLDER`: a folder of the JSON-Schema-Test-Suite. `schema_suite bench FOLDER [PART]`: a folder of
//! MaskBench files. `REFUSED=words` prints the files refused for a reason with these words, `WRONG=1` all wrong answers.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]

use indexmap::IndexMap;
use serde_json::Value;
use sgl_constrain::schema::{Dialect, Schema, SchemaError, SchemaOptions};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Tally {
    schemas: usize,
    compiled: usize,
    valid: usize,
    valid_accepted: usize,
    invalid: usize,
    invalid_accepted: usize,
    schemas_passing: usize,
    disagreements: usize,
    refusals: IndexMap<String, usize>,
    times: Vec<Duration>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, folder, ..] = arguments.as_slice() else {
        eprintln!("schema_suite draft|bench FOLDER [PART]");
        return;
    };
    let part = arguments.get(2).map_or("", String::as_str);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("the folder is there").flatten().map(|e| e.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "json") && path.to_string_lossy().contains(part));
    files.sort();
    let mut tally = Tally::default();
    for file in &files {
        let Ok(value) = serde_json::from_str::<Value>(&fs::read_to_string(file).expect("the file is readable")) else {
            continue;
        };
        match mode.as_str() {
            "draft" => {
                let dialect = dialect_of(folder);
                for case in value.as_array().into_iter().flatten() {
                    let tests: Vec<(&Value, bool, String)> = case["tests"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|test| (&test["data"], test["valid"] == true, format!("{}", test["description"])))
                        .collect();
                    let name = format!("{}: {}", name(file), case["description"]);
                    judge(&mut tally, &name, &case["schema"], &tests, dialect);
                }
            }
            _ => {
                let tests: Vec<(&Value, bool, String)> = value["tests"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|test| (&test["data"], test["valid"] == true, format!("{}", test["description"])))
                    .collect();
                judge(&mut tally, &name(file), &value["schema"], &tests, Dialect::Unsaid);
            }
        }
    }
    report(&mut tally);
}

fn dialect_of(folder: &str) -> Dialect {
    for (name, dialect) in [
        ("draft4", Dialect::Draft4),
        ("draft6", Dialect::Draft6),
        ("draft7", Dialect::Draft7),
        ("draft2019", Dialect::Draft2019),
    ] {
        if folder.contains(name) {
            return dialect;
        }
    }
    Dialect::Draft2020
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().to_string()
}

fn judge(tally: &mut Tally, name: &str, schema: &Value, tests: &[(&Value, bool, String)], dialect: Dialect) {
    tally.schemas += 1;
    let begun = Instant::now();
    let lenient = std::env::var("LENIENT").is_ok();
    let formats = std::env::var("FORMATS").map_or(true, |on| on != "0");
    let compiled = Schema::new(schema, SchemaOptions { dialect, lenient, formats, ..SchemaOptions::default() });
    let time = begun.elapsed();
    tally.times.push(time);
    if time > Duration::from_millis(1500) {
        println!("slow: {name}: {time:?}");
    }
    let show = std::env::var("WRONG").is_ok();
    match compiled {
        Ok(compiled) => {
            tally.compiled += 1;
            let mut passing = true;
            for (data, valid, description) in tests {
                let text = compiled.write(data);
                // A number that had to be written another way is not the same text: `1.0` for an integer.
                let same = |text: &String| serde_json::from_str::<Value>(text).is_ok_and(|value| value == **data);
                let accepted = text.as_ref().is_some_and(|text| *valid || same(text));
                if let Some(text) = text.filter(|text| text.len() < 400 && std::env::var("REFERENCE").is_ok())
                    && !compiled.grammar().accepts(text.as_bytes())
                {
                    tally.disagreements += 1;
                    println!("grammar refuses: {name}: {description}: {text}");
                }
                if *valid {
                    tally.valid += 1;
                    tally.valid_accepted += usize::from(accepted);
                    passing &= accepted;
                    if !accepted && show {
                        println!("refused: {name}: {description}: {}", short(&data.to_string()));
                    }
                } else {
                    tally.invalid += 1;
                    tally.invalid_accepted += usize::from(accepted);
                    passing &= !accepted;
                    if accepted {
                        println!("WRONG: {name}: {description}: {}", short(&data.to_string()));
                    }
                }
            }
            tally.schemas_passing += usize::from(passing);
        }
        Err(error) => {
            if let Ok(words) = std::env::var("REFUSED")
                && error.to_string().contains(&words)
            {
                println!("{name}: {error}");
            }
            *tally.refusals.entry(kind(&error)).or_default() += 1;
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(300).collect()
}

/// The reason without names and numbers of the schema.
fn kind(error: &SchemaError) -> String {
    let mut message = String::new();
    let mut quoted = false;
    for c in error.message.chars() {
        if c == '`' {
            quoted = !quoted;
        } else if !quoted {
            message.push(c);
        }
    }
    format!("{:?} {}: {}", error.fault, error.keyword, short(&message))
}

fn report(tally: &mut Tally) {
    println!(
        "schemas {}, compiled {} ({:.1} %), passing every test {} ({:.1} %)",
        tally.schemas,
        tally.compiled,
        100.0 * tally.compiled as f64 / tally.schemas as f64,
        tally.schemas_passing,
        100.0 * tally.schemas_passing as f64 / tally.schemas as f64,
    );
    println!("valid values accepted {} of {}", tally.valid_accepted, tally.valid);
    println!("invalid values accepted {} of {}", tally.invalid_accepted, tally.invalid);
    println!("values that the written text and the grammar disagree on: {}", tally.disagreements);
    tally.times.sort();
    let at = |share: f64| tally.times[((tally.times.len() - 1) as f64 * share) as usize];
    println!("time: median {:?}, 90 % {:?}, 99 % {:?}, worst {:?}", at(0.5), at(0.9), at(0.99), at(1.0));
    tally.refusals.sort_by(|_, a, _, b| b.cmp(a));
    for (reason, count) in tally.refusals.iter().take(60) {
        println!("{count:6}  {reason}");
    }
}
