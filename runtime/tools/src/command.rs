//! Tools that are programs: JSON on the standard input, JSON on the standard output.

use crate::limits::{ANSWER_BYTES_MAX, ERROR_BYTES_MAX};
use crate::toolbox::Stop;
use serde_json::{Map, Value};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// Starts the program; what it gives goes to `reply`. Gives back how to end it.
pub(crate) fn start(
    line: &[String],
    folder: Option<&Path>,
    arguments: &Map<String, Value>,
    reply: impl FnOnce(Result<Value, String>) + Send + 'static,
) -> Option<Stop> {
    let Some((program, rest)) = line.split_first() else {
        reply(Err("its command is empty".into()));
        return None;
    };
    let mut command = Command::new(program);
    folder.into_iter().for_each(|folder| {
        command.current_dir(folder);
    });
    let spawned = command.args(rest).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            reply(Err(format!("can't start `{program}`: {error}")));
            return None;
        }
    };
    let input = Value::Object(arguments.clone()).to_string();
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let child = Arc::new(Mutex::new(child));
    let shared = Arc::clone(&child);
    let program = program.clone();
    std::thread::spawn(move || {
        let (stdin, stdout, stderr) = pipes;
        // A program that reads nothing is fine.
        let writer = std::thread::spawn(move || stdin.map(|mut pipe| pipe.write_all(input.as_bytes())));
        let errors = std::thread::spawn(move || read(stderr));
        let output = read(stdout);
        drop(writer.join());
        let errors = errors.join().unwrap_or_default();
        reply(outcome(&program, &shared, &output, &errors));
    });
    Some(Box::new(move || end(&child)))
}

fn read(pipe: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // What was read before an error is what there is.
        pipe.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut bytes).unwrap_or_default();
    }
    bytes
}

fn outcome(program: &str, child: &Mutex<Child>, output: &[u8], errors: &[u8]) -> Result<Value, String> {
    let status = child.lock().unwrap_or_else(PoisonError::into_inner).wait();
    let status = status.map_err(|error| format!("`{program}`: {error}"))?;
    if !status.success() {
        let said = String::from_utf8_lossy(errors).trim().to_string();
        let said: String = said.chars().take(ERROR_BYTES_MAX).collect();
        return Err(if said.is_empty() { format!("`{program}` ended with {status}") } else { said });
    }
    if output.len() as u64 > ANSWER_BYTES_MAX {
        return Err(format!("`{program}` gave more than {ANSWER_BYTES_MAX} bytes"));
    }
    serde_json::from_slice(output).map_err(|error| format!("`{program}` gave no JSON: {error}"))
}

fn end(child: &Mutex<Child>) {
    // A program that has ended can't be killed, which is as well. One that is being waited for holds the lock, and has
    // closed its output.
    if let Ok(mut child) = child.try_lock() {
        child.kill().unwrap_or_default();
    }
}
