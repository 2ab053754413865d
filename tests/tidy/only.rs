//! Who may name what: knowledge that stays in one place.

use super::tree::{demand_none, files};

/// A word of code, and the folders that may hold it.
const ONLY: &[(&str, &[&str])] = &[
    ("cudarc::", &["kernels/src/cuda/"]),
    ("libloading::", &["kernels/src/cuda/"]),
    ("ariadne::", &["compiler/source/"]),
    ("logos::", &["compiler/syntax/"]),
    ("lalrpop_util::", &["compiler/syntax/"]),
    ("regex_automata::", &["runtime/constrain/"]),
    ("regex::", &["vm/"]),
    ("tokenizers::", &["runtime/tokenizer/"]),
    ("minijinja::", &["runtime/tokenizer/"]),
    ("safetensors::", &["runtime/model/"]),
    ("memmap2::", &["runtime/model/"]),
    ("postcard::", &["vm/"]),
    ("cranelift_codegen::", &["vm/src/native/"]),
    ("cranelift_jit::", &["vm/src/native/"]),
    ("clap::", &["compiler/driver/"]),
    ("ureq::", &["compiler/driver/", "runtime/tools/"]),
    ("rmcp::", &["runtime/tools/"]),
    ("tokio::", &["runtime/tools/"]),
    ("toml::", &["compiler/driver/"]),
    (
        "std::fs",
        &[
            "compiler/driver/",
            "runtime/model/",
            "runtime/engine/src/store",
            "runtime/engine/tests/",
            "runtime/tokenizer/",
            "runtime/tools/tests/",
            "compiler/syntax/tests/",
            "runtime/constrain/examples/",
            "compiler/format/tests/",
            "tests/",
            "benches/",
            "kernels/src/cuda/",
            "kernels/build.rs",
            "kernels/examples/compile_kernels.rs",
            "kernels/tests/",
        ],
    ),
    (
        "std::env::var",
        &[
            "compiler/driver/",
            "compiler/format/tests/",
            "runtime/constrain/examples/",
            "tests/",
            "benches/",
            "kernels/",
        ],
    ),
    ("SystemTime", &["compiler/driver/", "tests/", "benches/"]),
    (
        "std::process::Command",
        &[
            "compiler/driver/",
            "runtime/tools/",
            "tests/",
            "benches/",
            "runtime/model/examples/",
            "kernels/examples/",
            "kernels/tests/",
        ],
    ),
];

#[test]
fn what_one_place_knows_no_other_names() {
    let mut violations = Vec::new();
    for (path, text) in files("rs") {
        for (word, folders) in ONLY {
            let mentioned = text.lines().any(|line| line.contains(word) && !line.trim_start().starts_with("//"));
            let allowed = folders.iter().any(|folder| path.starts_with(folder)) || path.starts_with("tests/tidy/");
            if mentioned && !allowed {
                violations.push(format!("{path} names `{word}`; only {folders:?} may"));
            }
        }
    }
    demand_none("knowledge in one place", &violations);
}

#[test]
fn unsafe_code_is_only_where_devices_and_mapped_files_are() {
    let allowed = ["kernels/", "runtime/model/", "vm/src/native/", "tests/tidy/"];
    let violations: Vec<String> = files("rs")
        .into_iter()
        .filter(|(path, _)| !allowed.iter().any(|folder| path.starts_with(folder)))
        .filter(|(_, text)| text.contains("unsafe {") || text.contains("unsafe fn"))
        .map(|(path, _)| path)
        .collect();
    demand_none("unsafe code", &violations);
}
