//! Which crate may use which: the picture of the house, as a table.

use super::tree::{demand_none, root};
use std::fs;

/// Folder of a crate, and the crates of ours that it may use (at run time; tests may use more).
const LAYERS: &[(&str, &[&str])] = &[
    ("compiler/source", &[]),
    ("compiler/syntax", &["sgl_source"]),
    ("compiler/format", &["sgl_source", "sgl_syntax"]),
    ("compiler/hir", &["sgl_source", "sgl_syntax", "sgl_protocol", "sgl_constrain"]),
    ("compiler/analysis", &["sgl_source", "sgl_syntax", "sgl_protocol", "sgl_constrain"]),
    ("compiler/ir", &["sgl_source", "sgl_hir", "sgl_protocol", "sgl_constrain"]),
    ("compiler/plan", &["sgl_source", "sgl_ir", "sgl_protocol"]),
    ("compiler/codegen", &["sgl_source", "sgl_ir", "sgl_hir", "sgl_vm", "sgl_protocol"]),
    ("vm", &["sgl_protocol"]),
    ("runtime/protocol", &[]),
    ("runtime/constrain", &["sgl_protocol"]),
    ("runtime/tokenizer", &[]),
    ("runtime/model", &["sgl_kernels", "sgl_tokenizer"]),
    ("runtime/engine", &["sgl_protocol", "sgl_constrain", "sgl_tokenizer", "sgl_model", "sgl_kernels"]),
    ("runtime/tools", &[]),
    ("kernels", &[]),
    ("stdlib", &[]),
];

/// Crates that use everything, and that nothing but each other uses.
const TOPS: &[&str] = &["compiler/driver", "tests", "benches"];

fn dependencies(folder: &str) -> Vec<String> {
    let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("each crate has a manifest");
    manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| name.starts_with("sgl"))
        .map(str::to_string)
        .collect()
}

#[test]
fn each_crate_uses_only_what_its_layer_allows() {
    let mut violations = Vec::new();
    for (folder, allowed) in LAYERS {
        for used in dependencies(folder) {
            if !allowed.contains(&used.as_str()) {
                violations.push(format!("{folder} uses {used}; allowed: {allowed:?}"));
            }
        }
    }
    demand_none("the layers of the house", &violations);
}

#[test]
fn each_crate_of_the_workspace_has_a_layer() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace has a manifest");
    let members: Vec<&str> = manifest
        .lines()
        .skip_while(|line| !line.starts_with("members"))
        .skip(1)
        .take_while(|line| *line != "]")
        .flat_map(|line| line.split(','))
        .map(|member| member.trim().trim_matches('"'))
        .filter(|member| !member.is_empty())
        .collect();
    let known = |member: &str| TOPS.contains(&member) || LAYERS.iter().any(|(folder, _)| *folder == member);
    let unknown: Vec<String> = members.into_iter().filter(|m| !known(m)).map(str::to_string).collect();
    demand_none("crates without a layer", &unknown);
}
