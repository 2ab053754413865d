//! Every diagnostic code has a program that shows it: in the corpus, or in a test of the driver.

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
