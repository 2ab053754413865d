//! `sglc eval` as a person calls it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::rig::{err, out, sglc};

const PROGRAM: &str = r#"enum Mood { good, bad }
struct Review { text: Str, mood: Mood, stars: Int in 1..=5 }

pub prompt classify(text: Str) -> Mood {
    user "Good or bad? ${text}"
    assistant "$[mood: Mood]"
    return mood
}

eval quality over jsonl("reviews.jsonl") as row: Review {
    metric accuracy = classify(row.text) == row.mood
    metric stars = row.stars
    require accuracy.lower95 >= 0.2
    require stars.mean > 4.5
}

eval table over csv("reviews.csv") seeds 2 as row: (text: Str, stars: Int?) {
    metric known = row.stars.is_some()
}
"#;

/// A folder with the program and ten rows, of which seven are good.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let row = |i: usize| {
        let mood = if i < 7 { "good" } else { "bad" };
        format!("{{\"text\": \"review {i}\", \"mood\": \"{mood}\", \"stars\": {}}}\n", i % 5 + 1)
    };
    fs::write(folder.path().join("reviews.jsonl"), (0..10).map(row).collect::<String>()).expect("written");
    fs::write(folder.path().join("reviews.csv"), "text,stars\n\"fine, really\",5\npoor,\n").expect("written");
    fs::write(folder.path().join("main.sgl"), PROGRAM).expect("written");
    fs::write(folder.path().join("good.txt"), "mood: good\n").expect("written");
    folder
}

#[test]
fn metrics_have_means_and_intervals_and_a_gate_that_fails_is_code_1() {
    let folder = folder();
    let run = sglc(folder.path(), &["eval", "main.sgl::quality", "--script", "good.txt"]);
    assert_eq!(run.status.code(), Some(1), "{}{}", out(&run), err(&run));
    let text = out(&run);
    assert!(text.starts_with("quality: 10 rows of reviews.jsonl, 1 seed\n"), "{text}");
    // Seven of ten: Wilson's interval.
    assert!(text.contains("0.700") && text.contains("0.397 … 0.892") && text.contains("Wilson"), "{text}");
    assert!(text.contains("holds  require accuracy.lower95 >= 0.2\n  FAILS  require stars.mean > 4.5\n"), "{text}");
    assert!(!folder.path().join(".sglc").exists(), "a complete eval leaves no journal");
}

#[test]
fn a_report_for_tools_is_an_object() {
    let folder = folder();
    let run = sglc(folder.path(), &["eval", "main.sgl::quality", "--script", "good.txt", "--json", "--limit", "4"]);
    let report: serde_json::Value = serde_json::from_str(&out(&run)).expect("JSON");
    assert_eq!((&report["rows"], &report["metrics"]["accuracy"]["mean"]), (&4.into(), &1.0.into()));
    assert_eq!(report["metrics"]["stars"]["method"], "bootstrap");
    assert_eq!(report["gates"][1]["holds"], false);
    assert_eq!(report["passed"], false);
}

#[test]
fn csv_is_read_by_the_type_of_the_row() {
    let folder = folder();
    let run = sglc(folder.path(), &["eval", "main.sgl::table"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", out(&run), err(&run));
    assert!(
        out(&run).contains("table: 2 rows of reviews.csv, 2 seeds") && out(&run).contains("0.500"),
        "{}",
        out(&run)
    );
    fs::write(folder.path().join("reviews.csv"), "text,star\na,5\n").expect("written");
    let wrong = sglc(folder.path(), &["eval", "main.sgl::table"]);
    assert!(err(&wrong).contains("line 2: there is no column `stars`; did you mean `star`?"), "{}", err(&wrong));
    fs::write(folder.path().join("reviews.csv"), "text,stars\na,five\n").expect("written");
    let wrong = sglc(folder.path(), &["eval", "main.sgl::table"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(err(&wrong).contains("reviews.csv, line 2: column `stars`"), "{}", err(&wrong));
}

#[test]
fn rows_that_do_not_fit_are_told_line_by_line() {
    let folder = folder();
    let rows = "{\"text\": \"a\", \"mood\": \"good\", \"stars\": 9}\n\n{\"text\": \"b\"}\nno json\n";
    fs::write(folder.path().join("reviews.jsonl"), rows).expect("written");
    let run = sglc(folder.path(), &["eval", "main.sgl::quality", "--script", "good.txt"]);
    assert_eq!(run.status.code(), Some(1));
    let text = err(&run);
    assert!(text.contains("reviews.jsonl, line 1: at `/stars`: expected"), "{text}");
    assert!(text.contains("reviews.jsonl, line 3: expected a key \"mood\""), "{text}");
    assert!(text.contains("reviews.jsonl, line 4: not JSON"), "{text}");
    fs::remove_file(folder.path().join("reviews.jsonl")).expect("removed");
    assert!(err(&sglc(folder.path(), &["eval", "main.sgl::quality"])).contains("can't read reviews.jsonl"));
}

#[test]
fn an_interrupted_eval_goes_on_where_it_was() {
    let folder = folder();
    // A model that fails on every row leaves its journal; nothing of it is asked again.
    let run = sglc(folder.path(), &["eval", "main.sgl::quality", "--script", "good.txt", "--jobs", "1"]);
    assert!(!out(&run).contains("from the journal"), "{}", out(&run));
    // An interruption: the data has a row that ends the process of writing.
    let journal = folder.path().join(".sglc");
    fs::create_dir_all(&journal).expect("made");
    let path = journal.join("main.quality.journal.jsonl");
    fs::write(&path, "{\"key\":\"cut o").expect("written");
    let again = sglc(folder.path(), &["eval", "main.sgl::quality", "--script", "good.txt"]);
    assert!(out(&again).contains("0.700"), "a line that was cut off is left out: {}", out(&again));
    assert!(!path.exists());
}

#[test]
fn a_row_on_which_the_program_fails_is_shown_and_is_code_1() {
    let folder = folder();
    fs::write(folder.path().join("bad.txt"), "mood: neither\n").expect("written");
    let run = sglc(folder.path(), &["eval", "main.sgl::quality", "--script", "bad.txt"]);
    assert_eq!(run.status.code(), Some(1));
    assert!(out(&run).contains("FAILED line 1, seed 0:") && out(&run).contains("does not fit"), "{}", out(&run));
    assert!(out(&run).contains("… and 7 more failed"), "{}", out(&run));
}

#[test]
fn what_is_asked_for_must_be_there() {
    let folder = folder();
    let near = sglc(folder.path(), &["eval", "main.sgl::qualty"]);
    assert_eq!(near.status.code(), Some(2));
    assert!(err(&near).contains("has no eval `qualty`; did you mean `quality`?"), "{}", err(&near));
    let replay = sglc(folder.path(), &["eval", "main.sgl::quality", "--replay"]);
    assert_eq!(replay.status.code(), Some(1));
    assert!(err(&replay).contains("there is no record main.quality.record.jsonl"), "{}", err(&replay));
}

/// The suite's evals on the scripted model: every row is read by its type and comes to a number. Their gates are for models.
#[test]
fn the_evals_of_the_suite_run_over_all_of_their_rows() {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/programs");
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("data")).expect("made");
    let script = "letter: B\nwork: 12 * 5 = 60. The answer is 60.\n";
    fs::write(folder.path().join("script.txt"), script).expect("written");
    for (name, rows, metric, mean) in
        [("mmlu", 30, "right", 8.0 / 30.0), ("hellaswag", 24, "right", 6.0 / 24.0), ("gsm8k", 20, "right", 2.0 / 20.0)]
    {
        for file in [format!("{name}.sgl"), format!("data/{name}.jsonl")] {
            fs::copy(programs.join(&file), folder.path().join(&file)).expect("the suite is there");
        }
        let run = sglc(folder.path(), &["eval", &format!("{name}.sgl"), "--script", "script.txt", "--json"]);
        let report: serde_json::Value = serde_json::from_str(&out(&run)).expect("JSON");
        assert_eq!(report["rows"], rows, "{report}");
        assert_eq!(report["failures"], serde_json::json!([]), "{report}");
        let found = report["metrics"][metric]["mean"].as_f64().expect("a number");
        assert!((found - mean).abs() < 1e-9, "{name}: {report}");
    }
}

/// A tool that is quick or takes longer than anybody waits, by its argument.
const NAP: &str = "read given\ncase \"$given\" in *long*) exec sleep 30;; esac\necho '\"rested\"'\n";
const NAPPING: &str = r#"tool nap(kind: Str) -> Str uses process
eval rest over jsonl("naps.jsonl") as row: (kind: Str) {
    metric rested = nap(row.kind) == "rested"
}
"#;

#[cfg(unix)]
#[test]
fn an_interruption_says_what_is_kept_and_how_to_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
    write("naps.jsonl", "{\"kind\": \"short\"}\n{\"kind\": \"long\"}\n");
    write("main.sgl", NAPPING);
    write("nap.sh", NAP);
    write("sgl.toml", "[tools.nap]\ncommand = [\"sh\", \"nap.sh\"]\n");
    let mut running = Command::new(env!("CARGO_BIN_EXE_sglc"))
        .args(["eval", "main.sgl::rest", "--allow", "process", "--jobs", "1"])
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let journal = folder.path().join(".sglc/main.rest.journal.jsonl");
    let is_kept = || fs::read_to_string(&journal).unwrap_or_default().lines().count() > 0;
    while !is_kept() && running.try_wait().expect("it can be looked at").is_none() {
        std::thread::yield_now();
    }
    Command::new("kill").args(["-INT", &running.id().to_string()]).status().expect("it can be interrupted");
    let ended = running.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(130), "{}", err(&ended));
    let told = err(&ended);
    assert!(told.contains("1 of 2 runs are finished and kept in .sglc/main.rest.journal.jsonl"), "{told}");
    assert!(told.contains("`sglc eval main.sgl::rest` with the same options goes on from there"), "{told}");
    write("nap.sh", &NAP.replace("exec sleep 30", "true"));
    let resumed = sglc(folder.path(), &["eval", "main.sgl::rest", "--allow", "process"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", err(&resumed));
    assert!(out(&resumed).contains("1 resumed") || out(&resumed).contains("2 rows"), "{}", out(&resumed));
}
