//! Records: what a model answered and what tools gave, kept beside the source by what was asked.
//!
//! A request's key is a hash of the transcript before it, of its constraint, and of its options; the seed is not in it, so
//! that equal requests of several branches are answered in their order. A record is a line of JSON. A replay needs no
//! weights, and a request that was never recorded is an error that says what has changed since.

mod calls;

pub use calls::{Call, RecordingTools, ReplayTools};

use indexmap::IndexMap;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use sgl_protocol::{
    Command, Event, Generate, Generated, LanguageModel, ModelError, RequestId, Score, Scored, SessionId, Usage,
};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::time::Duration;

/// The version of the form of records.
const VERSION: u32 = 1;

/// The first line of a file of records.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    sglc_record: u32,
    /// The model that answered.
    model: String,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The test that asked.
    pub test: String,
    /// The hole.
    pub hole: String,
    #[serde(flatten)]
    asked: Asked,
    answer: Answer,
}

/// What was asked, as hashes of its parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Asked {
    transcript: String,
    constraint: String,
    options: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Generated(Generated),
    Scored(Scored),
}

/// What is kept in a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    /// Of models.
    pub answers: Vec<Record>,
    /// Of tools.
    pub calls: Vec<Call>,
}

impl Records {
    /// Adds others behind these.
    pub fn extend(&mut self, others: Self) {
        self.answers.extend(others.answers);
        self.calls.extend(others.calls);
    }

    /// Keeps those of the tests that `keep` says.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.answers.retain(|record| keep(&record.test));
        self.calls.retain(|call| keep(&call.test));
    }
}

/// Records as the text of a file.
pub fn write(model: &str, records: &Records) -> String {
    let line = |value: serde_json::Value| format!("{value}\n");
    let header = Header { sglc_record: VERSION, model: model.to_string() };
    let as_json = "records are plain data";
    let mut out = line(serde_json::to_value(header).expect(as_json));
    for record in &records.answers {
        out.push_str(&line(serde_json::to_value(record).expect(as_json)));
    }
    for call in &records.calls {
        out.push_str(&line(serde_json::to_value(call).expect(as_json)));
    }
    out
}

/// The records in the text of a file; the error names the line.
pub fn read(text: &str) -> Result<Records, String> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let header: Header = match lines.next() {
        Some((_, line)) => serde_json::from_str(line).map_err(|_| "line 1 is not the head of a record".to_string())?,
        None => return Err("it is empty".to_string()),
    };
    if header.sglc_record != VERSION {
        return Err(format!("it has version {}; this sglc reads version {VERSION}", header.sglc_record));
    }
    let mut records = Records::default();
    for (at, line) in lines {
        let wrong = |error: serde_json::Error| format!("line {} is no record: {error}", at + 1);
        let value: serde_json::Value = serde_json::from_str(line).map_err(wrong)?;
        if value.get("tool").is_some() {
            records.calls.push(serde_json::from_value(value).map_err(wrong)?);
        } else {
            records.answers.push(serde_json::from_value(value).map_err(wrong)?);
        }
    }
    Ok(records)
}

/// The transcripts of all sessions, as this module hashes them.
#[derive(Debug, Default)]
struct Transcripts {
    texts: FxHashMap<SessionId, String>,
}

impl Transcripts {
    fn follow(&mut self, command: &Command) {
        match command {
            Command::Open { session } => {
                self.texts.insert(*session, String::new());
            }
            Command::Fork { parent, child } => {
                let text = self.texts.get(parent).cloned().unwrap_or_default();
                self.texts.insert(*child, text);
            }
            Command::Append { session, text } => self.append(*session, text),
            Command::AppendImage { session, picture } => {
                self.append(*session, &format!("\u{4}{}\u{5}", picture.hash()));
            }
            // Control characters, so that no text looks like the edge of a turn.
            Command::OpenRole { session, role } => self.append(*session, &format!("\u{1}{}\u{2}", role.name())),
            Command::CloseRole { session } => self.append(*session, "\u{3}"),
            Command::Close { session } => {
                self.texts.remove(session);
            }
            Command::Generate(_) | Command::Score(_) | Command::Cancel { .. } | Command::Hint { .. } => {}
        }
    }

    fn append(&mut self, session: SessionId, text: &str) {
        self.texts.entry(session).or_default().push_str(text);
    }

    fn generation(&self, asked: &Generate) -> Asked {
        let sampling = sgl_protocol::Sampling { seed: 0, ..asked.sampling.clone() };
        let options = serde_json::json!([
            sampling,
            asked.max_tokens,
            asked.stop,
            asked.follow,
            asked.top_logprobs,
            asked.distribution
        ]);
        self.asked(asked.session, &serde_json::json!(asked.shape), &options)
    }

    fn scoring(&self, asked: &Score) -> Asked {
        self.asked(asked.session, &serde_json::json!(asked.options), &serde_json::json!(asked.unconditional))
    }

    fn asked(&self, session: SessionId, constraint: &serde_json::Value, options: &serde_json::Value) -> Asked {
        Asked {
            transcript: hash(self.texts.get(&session).map_or("", String::as_str)),
            constraint: hash(&constraint.to_string()),
            options: hash(&options.to_string()),
        }
    }
}

/// The first 16 bytes of SHA-256, as hexadecimal digits.
pub(crate) fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A model whose answers are kept.
pub struct Recording<'m> {
    inner: &'m mut dyn LanguageModel,
    test: String,
    transcripts: Transcripts,
    under_way: FxHashMap<RequestId, (SessionId, String, Asked)>,
    records: Vec<Record>,
}

impl std::fmt::Debug for Recording<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").field("records", &self.records).finish_non_exhaustive()
    }
}

impl<'m> Recording<'m> {
    /// Keeps what `inner` answers while the test runs.
    pub fn new(inner: &'m mut dyn LanguageModel, test: &str) -> Self {
        let (transcripts, under_way, records) = Default::default();
        Self { inner, test: test.to_string(), transcripts, under_way, records }
    }

    /// What was answered, in order.
    pub fn into_records(self) -> Vec<Record> {
        self.records
    }

    fn keep(&mut self, request: RequestId, answer: Answer) {
        let Some((session, hole, asked)) = self.under_way.remove(&request) else { return };
        if let Answer::Generated(generated) = &answer {
            self.transcripts.append(session, &generated.text);
        }
        self.records.push(Record { test: self.test.clone(), hole, asked, answer });
    }
}

impl LanguageModel for Recording<'_> {
    fn submit(&mut self, command: Command) {
        self.transcripts.follow(&command);
        match &command {
            Command::Generate(asked) => {
                let entry = (asked.session, asked.label.clone(), self.transcripts.generation(asked));
                self.under_way.insert(asked.request, entry);
            }
            Command::Score(asked) => {
                let entry = (asked.session, asked.label.clone(), self.transcripts.scoring(asked));
                self.under_way.insert(asked.request, entry);
            }
            _ => {}
        }
        self.inner.submit(command);
    }

    fn poll(&mut self, patience: Duration, events: &mut Vec<Event>) {
        let before = events.len();
        self.inner.poll(patience, events);
        for event in events[before..].iter().cloned() {
            match event {
                Event::Generated { request, result } => self.keep(request, Answer::Generated(result)),
                Event::Scored { request, result } => self.keep(request, Answer::Scored(result)),
                Event::Failed { request, .. } => {
                    self.under_way.remove(&request);
                }
                Event::Token { .. } => {}
            }
        }
    }

    fn usage(&self) -> Usage {
        self.inner.usage()
    }
}

/// A model that answers from records.
#[derive(Debug)]
pub struct Replay {
    records: IndexMap<Asked, (String, VecDeque<Answer>)>,
    transcripts: Transcripts,
    waiting: VecDeque<Event>,
    usage: Usage,
}

impl Replay {
    /// A model with these records.
    pub fn new(records: &[Record]) -> Self {
        let mut by_request: IndexMap<Asked, (String, VecDeque<Answer>)> = IndexMap::new();
        for record in records {
            let entry =
                by_request.entry(record.asked.clone()).or_insert_with(|| (record.hole.clone(), VecDeque::new()));
            entry.1.push_back(record.answer.clone());
        }
        Self {
            records: by_request,
            transcripts: Transcripts::default(),
            waiting: VecDeque::new(),
            usage: Usage::default(),
        }
    }

    /// The next answer to a request: equal requests share the last one that is left.
    fn next(&mut self, asked: &Asked) -> Option<Answer> {
        let (_, answers) = self.records.get_mut(asked)?;
        if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
    }

    /// Why there is no record of a request.
    fn missing(&self, hole: &str, asked: &Asked) -> String {
        let of_hole: Vec<&Asked> =
            self.records.iter().filter(|(_, (name, _))| name == hole).map(|(asked, _)| asked).collect();
        let differs = |found: &Asked| {
            let parts = [
                (found.transcript != asked.transcript, "the transcript before it"),
                (found.constraint != asked.constraint, "its constraint"),
                (found.options != asked.options, "its options"),
            ];
            parts.into_iter().filter(|(differs, _)| *differs).map(|(_, name)| name).collect::<Vec<_>>()
        };
        match of_hole.into_iter().map(differs).min_by_key(Vec::len) {
            None => format!("hole `{hole}` was never recorded; `--record` asks the model"),
            Some(changed) => {
                let verb = if changed.len() == 1 && !changed[0].ends_with('s') { "is" } else { "are" };
                let changed = changed.join(" and ");
                format!(
                    "the record of hole `{hole}` is stale: {changed} {verb} not what was recorded; `--record` asks anew"
                )
            }
        }
    }

    fn answer(&mut self, request: RequestId, session: SessionId, hole: &str, asked: &Asked) {
        match self.next(asked) {
            Some(Answer::Generated(result)) => {
                self.transcripts.append(session, &result.text);
                self.usage.add(result.usage);
                if !result.text.is_empty() {
                    self.waiting.push_back(Event::Token { request, text: result.text.clone() });
                }
                self.waiting.push_back(Event::Generated { request, result });
            }
            Some(Answer::Scored(result)) => {
                self.usage.add(result.usage);
                self.waiting.push_back(Event::Scored { request, result });
            }
            None => {
                let error = ModelError::Script(self.missing(hole, asked));
                self.waiting.push_back(Event::Failed { request, error });
            }
        }
    }
}

impl LanguageModel for Replay {
    fn submit(&mut self, command: Command) {
        self.transcripts.follow(&command);
        match command {
            Command::Generate(asked) => {
                let key = self.transcripts.generation(&asked);
                self.answer(asked.request, asked.session, &asked.label, &key);
            }
            Command::Score(asked) => {
                let key = self.transcripts.scoring(&asked);
                self.answer(asked.request, asked.session, &asked.label, &key);
            }
            Command::Cancel { request } => {
                let of = |event: &Event| match event {
                    Event::Token { request: r, .. }
                    | Event::Generated { request: r, .. }
                    | Event::Scored { request: r, .. }
                    | Event::Failed { request: r, .. } => *r == request,
                };
                self.waiting.retain(|event| !of(event));
            }
            _ => {}
        }
    }

    fn poll(&mut self, _patience: Duration, events: &mut Vec<Event>) {
        // One answer at a time, as an engine gives them.
        while let Some(event) = self.waiting.pop_front() {
            let more = matches!(event, Event::Token { .. });
            events.push(event);
            if !more {
                return;
            }
        }
    }

    fn usage(&self) -> Usage {
        self.usage
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::{Compiled, compile};
    use crate::scripted;
    use crate::sources::Memory;
    use sgl_vm::{RunOptions, Silent};

    const PROGRAM: &str = "pub prompt main() -> [Int] {\n    user \"A number?\"\n    return fork 2 {\n        \
        assistant \"$[n: Int in 1..=9]\"\n        yield n\n    }\n}\n";

    fn compiled(text: &str) -> Compiled {
        compile(&Memory(vec![("main.sgl".into(), text.into())]), "main.sgl").expect("it can be read")
    }

    fn run(compiled: &Compiled, model: &mut dyn LanguageModel) -> Result<String, String> {
        let image = compiled.image.as_ref().expect("a sound program");
        let options = RunOptions::default();
        let value = sgl_vm::run(image, &image.entries[0], Vec::new(), model, &options, &mut Silent);
        value.map(|value| sgl_vm::json_of_value(&value, image).to_string()).map_err(|trap| trap.message)
    }

    #[test]
    fn a_replay_gives_what_was_recorded_and_says_what_is_stale() {
        let program = compiled(PROGRAM);
        let answers = scripted::parse("n: 3\nn: 7\n").expect("well-formed");
        let mut model = scripted::model(answers);
        let mut recording = Recording::new(&mut model, "t");
        assert_eq!(run(&program, &mut recording), Ok("[3,7]".to_string()));
        let kept = Records { answers: recording.into_records(), calls: Vec::new() };
        let records = read(&write("scripted", &kept)).expect("what was written").answers;
        assert_eq!(records.len(), 2);
        assert_eq!(run(&program, &mut Replay::new(&records)), Ok("[3,7]".to_string()));
        let stale = |from: &str, to: &str| {
            run(&compiled(&PROGRAM.replace(from, to)), &mut Replay::new(&records)).expect_err("nothing fits")
        };
        assert!(stale("A number?", "A digit?").contains("stale: the transcript before it is not"));
        assert!(stale("1..=9", "1..=8").contains("stale: its constraint is not"));
        assert!(stale("]\"\n", ", temperature: 0]\"\n").contains("stale: its options are not"));
        let renamed = PROGRAM.replace("$[n:", "$[m:").replace("yield n", "yield m");
        assert!(run(&compiled(&renamed), &mut Replay::new(&[])).expect_err("nothing").contains("never recorded"));
    }

    #[test]
    fn a_damaged_record_is_told_by_its_line() {
        assert!(read("").expect_err("empty").contains("empty"));
        assert!(read("{}\n").expect_err("no head").contains("line 1"));
        let text = write("m", &Records::default()) + "not json\n";
        assert!(read(&text).expect_err("a bad line").contains("line 2"));
    }
}
