//! Every CUDA kernel compiles for every architecture that it may meet, with NVRTC's package from the registry and no GPU.

use sgl_kernels::cuda::{SOURCES, compile, search_first};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A100, RTX 40, H100.
const ARCHITECTURES: &[&str] = &["sm_80", "sm_89", "sm_90a"];

fn libraries() -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/nvrtc_wheel.py");
    let output = Command::new("python3").arg(script).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

#[test]
fn every_kernel_compiles_for_every_architecture() {
    search_first(libraries());
    std::thread::scope(|scope| {
        for architecture in ARCHITECTURES {
            scope.spawn(move || {
                for source in SOURCES {
                    match compile(source, architecture) {
                        Ok(code) => assert_eq!(&code[1..4], b"ELF", "{} for {architecture}", source.name),
                        Err(error) => panic!("for {architecture}: {error}"),
                    }
                }
            });
        }
    });
}

/// The texts of all `.cu` files below a folder.
fn kernel_files(folder: &Path, texts: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            kernel_files(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "cu") {
            let text = std::fs::read_to_string(&path).expect("a text");
            texts.push((path, text));
        }
    }
}

#[test]
fn no_kernel_file_is_left_out() {
    let mut files = Vec::new();
    kernel_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() > SOURCES.len(), "the prelude, and one file at least of each source");
    for (path, text) in files {
        let compiled = SOURCES.iter().any(|source| source.full_text().contains(text.as_str()));
        assert!(compiled, "{} is part of no source", path.display());
    }
}
