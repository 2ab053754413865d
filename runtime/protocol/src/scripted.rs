//! A model that answers from a table, so that a program can be tested without weights.
//!
//! Answers are taken by hole name, each at most once, in the order of the table; an answer whose name is `*` fits any
//! hole. A hole without an answer gets the `fallback`'s. Every transcript is kept, so that a test can see what was
//! asked. Requests are answered in the order they were submitted.

use crate::{
    Command, Event, Finish, Generate, Generated, LanguageModel, ModelError, Score, Scored, SessionId, Shape, Usage,
};
use indexmap::IndexMap;
use std::collections::VecDeque;
use std::time::Duration;

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptedAnswer {
    /// The hole's name, or `*`.
    pub hole: String,
    /// What the model writes there.
    pub text: String,
}

/// Makes a text of a shape when the table has none.
pub type Fallback = Box<dyn Fn(&Shape) -> Option<String> + Send>;

/// The scripted model.
pub struct Scripted {
    answers: Vec<Option<ScriptedAnswer>>,
    fallback: Fallback,
    transcripts: IndexMap<SessionId, String>,
    waiting: VecDeque<Event>,
    log: Vec<String>,
    usage: Usage,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scripted").field("answers", &self.answers).finish_non_exhaustive()
    }
}

impl Scripted {
    /// A model with these answers, and `fallback` for holes that have none.
    pub fn new(answers: Vec<ScriptedAnswer>, fallback: Fallback) -> Self {
        Self {
            answers: answers.into_iter().map(Some).collect(),
            fallback,
            transcripts: IndexMap::new(),
            waiting: VecDeque::new(),
            log: Vec::new(),
            usage: Usage::default(),
        }
    }

    /// What was asked, one entry per request: the whole transcript, then the hole's name and its answer.
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// Adds an answer after those that are left.
    pub fn answer_next(&mut self, answer: ScriptedAnswer) {
        self.answers.retain(Option::is_some);
        self.answers.push(Some(answer));
    }

    /// Sessions that are still open.
    pub fn open_sessions(&self) -> usize {
        self.transcripts.len()
    }

    fn take_answer(&mut self, hole: &str) -> Option<String> {
        let fits = |answer: &ScriptedAnswer| answer.hole == hole || answer.hole == "*";
        let slot = self.answers.iter_mut().find(|slot| slot.as_ref().is_some_and(fits))?;
        slot.take().map(|answer| answer.text)
    }

    fn generate(&mut self, hole: &Generate) {
        let request = hole.request;
        let Some(transcript) = self.transcripts.get(&hole.session).cloned() else {
            let error = ModelError::UnknownSession(hole.session.0);
            self.waiting.push_back(Event::Failed { request, error });
            return;
        };
        let answer = self.take_answer(&hole.label).or_else(|| (self.fallback)(&hole.shape));
        let Some(text) = answer else {
            let error =
                ModelError::Script(format!("the script has no answer for hole `{}`; add a line for it", hole.label));
            self.waiting.push_back(Event::Failed { request, error });
            return;
        };
        self.log.push(format!("{transcript}$[{}] <- {text}", by(&hole.label, hole.model.as_ref())));
        if let Some(open) = self.transcripts.get_mut(&hole.session) {
            open.push_str(&text);
        }
        let words = |text: &str| text.split_whitespace().count() as u64;
        let usage = Usage {
            prompt_tokens: words(&transcript),
            cached_tokens: 0,
            forced_tokens: 0,
            generated_tokens: words(&text),
        };
        self.usage.add(usage);
        if !text.is_empty() {
            self.waiting.push_back(Event::Token { request, text: text.clone() });
        }
        let distribution = if hole.distribution { spread(&hole.shape, &text) } else { Vec::new() };
        self.waiting.push_back(Event::Generated {
            request,
            result: Generated {
                tokens: vec![(text.clone(), 0.0)],
                text,
                finish: Finish::Stop,
                truncated: false,
                logprob: 0.0,
                top_logprobs: Vec::new(),
                distribution,
                usage,
            },
        });
    }

    fn score(&mut self, score: &Score) {
        let request = score.request;
        let Some(transcript) = self.transcripts.get(&score.session).cloned() else {
            let error = ModelError::UnknownSession(score.session.0);
            self.waiting.push_back(Event::Failed { request, error });
            return;
        };
        let wanted = self.take_answer(&score.label).unwrap_or_else(|| score.options[0].clone());
        self.log.push(format!("{transcript}$[{}] <- {wanted}", by(&score.label, score.model.as_ref())));
        let logprobs: Vec<Vec<f32>> =
            score.options.iter().map(|o| vec![if *o == wanted { -0.1 } else { -3.0 }]).collect();
        let unconditional = if score.unconditional { vec![vec![-1.0]; score.options.len()] } else { Vec::new() };
        let result = Scored { logprobs, unconditional, usage: Usage::default() };
        self.waiting.push_back(Event::Scored { request, result });
    }
}

/// A hole's name, and the model that the program names for it.
fn by(label: &str, model: Option<&String>) -> String {
    model.map_or_else(|| label.to_string(), |model| format!("{label} by {model}"))
}

/// Nine tenths on the member that was answered, the rest evenly over the others.
fn spread(shape: &Shape, answer: &str) -> Vec<f64> {
    let members = shape.members().unwrap_or_default();
    let others = members.len().saturating_sub(1).max(1) as f64;
    let alone = members.len() == 1;
    let of = |member: &String| match (member == answer, alone) {
        (true, true) => 1.0,
        (true, false) => 0.9,
        (false, _) => 0.1 / others,
    };
    members.iter().map(of).collect()
}

impl LanguageModel for Scripted {
    fn submit(&mut self, command: Command) {
        match command {
            Command::Open { session } => {
                self.transcripts.insert(session, String::new());
            }
            Command::Fork { parent, child } => {
                let text = self.transcripts.get(&parent).cloned().unwrap_or_default();
                self.transcripts.insert(child, text);
            }
            Command::Append { session, text } => {
                if let Some(transcript) = self.transcripts.get_mut(&session) {
                    transcript.push_str(&text);
                }
            }
            Command::AppendImage { session, picture } => {
                if let Some(transcript) = self.transcripts.get_mut(&session) {
                    transcript.push_str(&picture.to_string());
                }
            }
            Command::OpenRole { session, role } => {
                if let Some(transcript) = self.transcripts.get_mut(&session) {
                    transcript.push_str(&format!("<{}>", role.name()));
                }
            }
            Command::CloseRole { session } => {
                if let Some(transcript) = self.transcripts.get_mut(&session) {
                    transcript.push_str("</>\n");
                }
            }
            Command::Generate(generate) => self.generate(&generate),
            Command::Score(score) => self.score(&score),
            Command::Cancel { request } => {
                let ours = |event: &Event| match event {
                    Event::Token { request: r, .. }
                    | Event::Generated { request: r, .. }
                    | Event::Scored { request: r, .. }
                    | Event::Failed { request: r, .. } => *r == request,
                };
                let before = self.waiting.len();
                self.waiting.retain(|event| !ours(event));
                if self.waiting.len() < before {
                    self.waiting.push_back(Event::Failed { request, error: ModelError::Cancelled });
                }
            }
            Command::Close { session } => {
                self.transcripts.shift_remove(&session);
            }
            Command::Hint { .. } => {}
        }
    }

    fn poll(&mut self, _patience: Duration, events: &mut Vec<Event>) {
        // One answer at a time, as a real engine would, so that joins that stop early do stop early.
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
