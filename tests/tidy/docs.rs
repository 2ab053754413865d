//! Every file says what it is, every folder has a page, links lead somewhere, and no file is dead.

use super::tree::{demand_none, files, root};
use std::fs;
use std::path::Path;

/// Folders at the top, each with a page.
const TOP: &[&str] =
    &["compiler", "vm", "runtime", "kernels", "stdlib", "examples", "tests", "benches", "editors", "docs"];

#[test]
fn every_file_opens_with_its_idea() {
    let violations: Vec<String> = files("rs")
        .into_iter()
        .chain(files("sgl"))
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| path)
        .collect();
    demand_none("files without a `//!` header", &violations);
}

#[test]
fn every_top_folder_has_a_page() {
    let missing: Vec<String> = TOP
        .iter()
        .filter(|folder| !root().join(folder).join("README.md").is_file())
        .map(|folder| format!("{folder}/README.md"))
        .collect();
    demand_none("missing pages", &missing);
}

#[test]
fn relative_links_lead_somewhere() {
    let mut broken = Vec::new();
    for (path, text) in files("md") {
        if path.starts_with("tests/corpus/") {
            continue;
        }
        let folder = root().join(&path).parent().map(Path::to_path_buf).unwrap_or_default();
        for piece in text.split("](").skip(1) {
            let Some(target) = piece.split(')').next() else { continue };
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.contains(' ') {
                continue;
            }
            if !folder.join(target).exists() {
                broken.push(format!("{path} links to {target}"));
            }
        }
    }
    demand_none("broken links", &broken);
}

#[test]
fn no_source_file_is_dead() {
    let mut dead = Vec::new();
    for (path, _) in files("rs") {
        let Some((folder, name)) = path.rsplit_once('/') else { continue };
        let root_file = ["lib.rs", "main.rs", "build.rs"].contains(&name);
        if !path.contains("/src/") || root_file {
            continue;
        }
        let module = name.trim_end_matches(".rs");
        let parents = if folder.ends_with("/src") {
            vec![format!("{folder}/lib.rs"), format!("{folder}/main.rs")]
        } else {
            vec![format!("{folder}.rs")]
        };
        let declared = parents.iter().any(|parent| {
            let text = fs::read_to_string(root().join(parent)).unwrap_or_default();
            text.lines().any(|line| line.trim_end().ends_with(&format!("mod {module};")))
        });
        if !declared {
            dead.push(path);
        }
    }
    demand_none("files that no module declares", &dead);
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
    let ci = fs::read_to_string(root().join(".ci/run")).expect("there is a CI script");
    let command = "cargo test --workspace";
    assert!(readme.contains(command), "README.md does not show `{command}`");
    assert!(ci.contains(command), ".ci/run does not call `{command}`");
}
