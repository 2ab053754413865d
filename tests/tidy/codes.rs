//! Every diagnostic code has a program that shows it, in the corpus or in a test of the driver, and a page of its own.

use super::tree::{demand_none, files};
use sgl_source::Code;

fn is_test(path: &str) -> bool {
    path.starts_with("compiler/driver/tests/") || path == "compiler/driver/src/demand.rs"
}

#[test]
fn every_code_has_a_test() {
    let corpus = files("md").into_iter().filter(|(path, _)| path.starts_with("tests/corpus/"));
    let pages: String = corpus.map(|(_, text)| text).collect();
    // What is found only when a program runs, or when a limit is reached.
    let tests: String = files("rs").into_iter().filter(|(path, _)| is_test(path)).map(|(_, text)| text).collect();
    let missing: Vec<String> = Code::ALL
        .iter()
        .filter(|code| !pages.contains(&format!("[{code}]")) && !tests.contains(&format!("\"{code}\"")))
        .map(|code| format!("{code}: {}", code.title()))
        .collect();
    demand_none("codes that no test shows", &missing);
}

#[test]
fn every_code_is_reported_somewhere() {
    let sources: String = files("rs")
        .into_iter()
        .filter(|(path, _)| !path.ends_with("source/src/code.rs"))
        .map(|(_, text)| text)
        .collect();
    let unused: Vec<String> = Code::ALL
        .iter()
        .filter(|code| !sources.contains(&format!("Code::{code}")))
        .map(|code| format!("{code}: {}", code.title()))
        .collect();
    demand_none("codes that nothing reports", &unused);
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let folder = "docs/diagnostics/";
    let pages: Vec<String> = files("md")
        .into_iter()
        .filter_map(|(path, _)| Some(path.strip_prefix(folder)?.trim_end_matches(".md").to_string()))
        .filter(|name| name != "README")
        .collect();
    let mut wrong: Vec<String> = Code::ALL
        .iter()
        .filter(|code| !pages.contains(&code.to_string()))
        .map(|code| {
            format!(
                "write {folder}{code}.md: `# {code}: {}`, what it means, `## Example` with a program that shows this code \
                 and no other, `## How to mend it` with one that shows none",
                code.title()
            )
        })
        .collect();
    let known = |page: &str| Code::ALL.iter().any(|code| code.name() == page);
    wrong.extend(pages.iter().filter(|page| !known(page)).map(|page| format!("{folder}{page}.md is about no code")));
    demand_none("pages of diagnostics", &wrong);
}
