//! Each kind of tool against something real: a shell, a small HTTP server.

mod small;

use serde_json::{Map, json};
use sgl_tools::{Binding, Failure, Toolbox};
use small::{LONG, call, server};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

fn shell(script: &str) -> Binding {
    Binding::Command { line: ["sh", "-c", script].map(str::to_string).to_vec(), folder: None }
}

#[test]
fn a_command_gets_its_arguments_and_gives_json() {
    let echoed = call(&shell("cat"), json!({"query": "a \"b\""}), LONG);
    assert_eq!(echoed, Ok(json!({"query": "a \"b\""})));
    assert_eq!(call(&shell("echo 42"), json!({}), LONG), Ok(json!(42)));
}

#[test]
fn a_command_runs_in_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("answer.json"), "[1]").expect("written");
    let line = vec!["cat".to_string(), "answer.json".to_string()];
    let binding = Binding::Command { line, folder: Some(folder.path().to_path_buf()) };
    assert_eq!(call(&binding, json!({}), LONG), Ok(json!([1])));
}

#[test]
fn a_command_that_fails_says_why() {
    let failed = |script: &str| match call(&shell(script), json!({}), LONG) {
        Err(Failure::Failed(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(failed("echo 'no such word' >&2; exit 3"), "no such word");
    assert!(failed("exit 3").contains("exit status: 3"));
    assert!(failed("echo hello").contains("gave no JSON"));
    let missing = Binding::Command { line: vec!["no-such-program-here".into()], folder: None };
    let Err(Failure::Failed(why)) = call(&missing, json!({}), LONG) else { panic!("it can't start") };
    assert!(why.contains("can't start"), "{why}");
}

#[test]
fn a_command_that_takes_too_long_is_ended() {
    let limit = Duration::from_millis(150);
    let started = Instant::now();
    assert_eq!(call(&shell("exec sleep 30"), json!({}), limit), Err(Failure::Late(limit)));
    assert!(started.elapsed() < Duration::from_secs(15));
}

#[test]
fn a_call_that_is_cancelled_gives_no_answer() {
    let mut tools = Toolbox::default();
    tools.start(7, &shell("exec sleep 30"), Map::new(), None);
    tools.cancel(7);
    let mut answers = Vec::new();
    tools.poll(Duration::from_millis(100), &mut answers);
    assert!(answers.is_empty(), "{answers:?}");
}

#[test]
fn an_endpoint_gets_json_and_gives_json() {
    let url = server(|body| (200, "", json!({"got": body["query"]}).to_string()));
    let binding = Binding::Endpoint { url, headers: BTreeMap::new() };
    assert_eq!(call(&binding, json!({"query": "x"}), LONG), Ok(json!({"got": "x"})));
}

#[test]
fn an_endpoint_that_fails_says_why() {
    let url = server(|_| (503, "", "too busy".into()));
    let binding = Binding::Endpoint { url, headers: BTreeMap::new() };
    let Err(Failure::Failed(why)) = call(&binding, json!({}), LONG) else { panic!("it fails") };
    assert!(why.contains("answered 503: too busy"), "{why}");
    let nobody = Binding::Endpoint { url: "http://127.0.0.1:9/".into(), headers: BTreeMap::new() };
    assert!(matches!(call(&nobody, json!({}), LONG), Err(Failure::Failed(_))));
}
