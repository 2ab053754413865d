//! The image of each program of the suite: bytes, time to read and verify it, and until its entry asks its first question.

use crate::median;
use sgl_protocol::Scripted;
use sgl_vm::{Limits, RunOptions, Silent};
use sglc::compile::compile;
use sglc::sources::Disk;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

/// Rounds per figure.
const ROUNDS: usize = 15;

/// Prints a line per program.
pub(crate) fn run() -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut programs: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    programs.retain(|path| path.extension().is_some_and(|e| e == "sgl"));
    programs.sort();
    println!("program                         bytes  read and verify ms  and start ms");
    for path in programs {
        line(&path)?;
    }
    Ok(())
}

fn line(path: &Path) -> Result<(), String> {
    let compiled = compile(&Disk, &path.to_string_lossy())?;
    let image = compiled.image.ok_or_else(|| format!("{} is wrong", path.display()))?;
    let texts: Vec<String> =
        compiled.files.ids().take(image.files.len()).map(|file| compiled.files.text(file).to_string()).collect();
    let bytes = sgl_vm::pack(&image, &texts, Some(&[1; 32])).map_err(|error| error.to_string())?;
    let read = median::seconds(ROUNDS, || drop(black_box(sgl_vm::unpack(&bytes))));
    // So few steps that a run is little more than its start.
    let options = RunOptions { limits: Limits { steps: 100, ..Limits::default() }, ..RunOptions::default() };
    let start = median::seconds(ROUNDS, || {
        let Ok(package) = sgl_vm::unpack(&bytes) else { return };
        let mut model = Scripted::new(Vec::new(), Box::new(|_| Some(String::new())));
        for entry in package.image.entries.iter().take(1) {
            let nothing = entry.parameters.iter().map(|_| None).collect();
            drop(black_box(sgl_vm::run(&package.image, entry, nothing, &mut model, &options, &mut Silent)));
        }
    });
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_string();
    println!("{name:<28} {:>8} {:>19.2} {:>13.2}", bytes.len(), read * 1e3, start * 1e3);
    Ok(())
}
