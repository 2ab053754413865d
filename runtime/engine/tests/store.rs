//! What one process computed, the next one finds, though the first was killed while it wrote; what is damaged is not used.

use sgl_engine::{CacheMetrics, Engine, EngineOptions, StoreOptions};
use sgl_protocol::{Command, Event, Generate, LanguageModel, RequestId, Sampling, SessionId, Shape};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

/// In the folder of a process that is to be killed: where it writes.
const KEPT: &str = "kept";

fn engine(folder: &Path) -> Engine {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/data/tiny_llama");
    let mut engine = Engine::load(&path, EngineOptions::default()).expect("the model is in the repository");
    let options = StoreOptions { folder: Some(folder.to_path_buf()), ..StoreOptions::default() };
    engine.open_store(&path, options).expect("the folder can be used");
    engine
}

/// A text that fills most of the tiny model's context of 64 tokens: three blocks.
fn prompt(engine: &Engine, beginning: &str) -> String {
    let mut text = beginning.to_string();
    let mut letters = ('a'..='z').cycle();
    while engine.count_tokens(&text) < 50 {
        text.extend(letters.next());
        text.push(' ');
    }
    text
}

/// What the model says after a text.
fn said(engine: &mut Engine, name: u64, text: &str) -> String {
    let (session, request) = (SessionId(name), RequestId(name));
    engine.submit(Command::Open { session });
    engine.submit(Command::Append { session, text: text.into() });
    engine.submit(Command::Generate(Generate {
        request,
        session,
        shape: Shape::free_text(),
        sampling: Sampling { temperature: 0.0, ..Sampling::default() },
        max_tokens: 8,
        stop: Vec::new(),
        follow: String::new(),
        top_logprobs: None,
        distribution: false,
        label: String::new(),
        model: None,
    }));
    let mut events = Vec::new();
    loop {
        engine.poll(Duration::from_secs(10), &mut events);
        for event in events.drain(..) {
            match event {
                Event::Generated { result, .. } => {
                    assert_eq!(engine.check_ownership(), Vec::<String>::new());
                    return result.text;
                }
                Event::Failed { error, .. } => panic!("{error}"),
                _ => {}
            }
        }
    }
}

fn fresh(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("sgl-engine-store-{name}-{}", std::process::id()));
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// What the cache did; the engine ends, and with it what it still had to write.
fn metrics(engine: Engine) -> CacheMetrics {
    let counts = engine.cache_metrics();
    drop(engine);
    counts
}

fn blocks(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_none()).collect()
}

#[test]
fn the_next_process_finds_what_was_computed() {
    let folder = fresh("next");
    let mut first = engine(&folder);
    let text = prompt(&first, "say: ");
    let expected = said(&mut first, 1, &text);
    assert_eq!(metrics(first).restored_tokens, 0);
    let mut second = engine(&folder);
    assert_eq!(said(&mut second, 1, &text), expected);
    let counts = metrics(second);
    // All whole blocks but for the last token, which is computed for what comes after it.
    assert!(counts.restored_tokens >= 48 && counts.cached_tokens >= 48, "{counts:?}");

    // One damaged block: it is dropped, the rest up to it is used, the text is the same.
    let damaged = blocks(&folder);
    let mut bytes = fs::read(&damaged[0]).expect("a block");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 64;
    fs::write(&damaged[0], bytes).expect("written");
    let mut third = engine(&folder);
    assert_eq!(said(&mut third, 1, &text), expected);
    let counts = metrics(third);
    assert!(counts.dropped_files == 1 && counts.restored_tokens < 48, "{counts:?}");
    fs::remove_dir_all(folder).ok();
}

/// Computes and writes; without end where it was started to be killed.
#[test]
fn a_process_that_writes() {
    let to_be_killed = Path::new(KEPT).is_dir();
    let folder = if to_be_killed { PathBuf::from(KEPT) } else { fresh("writes") };
    let mut engine = engine(&folder);
    for round in 0.. {
        let text = prompt(&engine, &format!("{}: ", round % 1_000));
        said(&mut engine, round, &text);
        if !to_be_killed && round == 3 {
            break;
        }
    }
    drop(engine);
    assert!(blocks(&folder).len() >= 12, "{:?}", blocks(&folder));
    fs::remove_dir_all(folder).ok();
}

#[test]
fn a_process_that_was_killed_while_it_wrote_leaves_nothing_wrong() {
    let home = fresh("killed");
    let folder = home.join(KEPT);
    fs::create_dir_all(&folder).expect("a folder");
    let mut child = Process::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "a_process_that_writes"])
        .current_dir(&home)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process");
    let started = Instant::now();
    while blocks(&folder).len() < 40 && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(1));
    }
    // On Unix this is `kill -9`.
    child.kill().expect("it runs");
    child.wait().expect("it has ended");
    let mut after = engine(&folder);
    let text = prompt(&after, "0: ");
    let here = said(&mut after, 1, &text);
    let counts = metrics(after);
    assert!(counts.restored_tokens >= 48 && counts.dropped_files == 0, "{counts:?}");
    let empty = fresh("empty");
    assert_eq!(said(&mut engine(&empty), 1, &text), here);
    fs::remove_dir_all(home).ok();
    fs::remove_dir_all(empty).ok();
}
