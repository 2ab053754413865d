//! Several models behind one seam: each request goes to the model that it names.
//!
//! A transcript belongs to the program, not to a model: it is kept here as pieces, and a model gets those that it lacks
//! when it is asked. A fork is a fork in each model that has the transcript, so their caches are shared as before.

use crate::{Command, Event, Hint, LanguageModel, ModelError, Picture, RequestId, Role, SessionId, Usage};
use indexmap::IndexMap;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long one of several busy models may take before the next is looked at.
const TURN: Duration = Duration::from_millis(5);

/// A piece of a transcript.
#[derive(Clone, Debug)]
enum Piece {
    Open(Role),
    Text(String),
    Image(Picture),
    Close,
}

/// A transcript, and how much of it each model has; `None` where it was never opened.
#[derive(Clone, Debug)]
struct Transcript {
    pieces: Vec<Piece>,
    has: Vec<Option<usize>>,
    /// What the program said of its future.
    hints: Vec<Hint>,
}

/// Several models.
pub struct Fleet {
    models: Vec<Box<dyn LanguageModel>>,
    /// Which model a name stands for. Requests without a name go to the first model.
    names: IndexMap<String, usize>,
    transcripts: IndexMap<SessionId, Transcript>,
    requests: IndexMap<RequestId, (usize, SessionId)>,
    failed: VecDeque<Event>,
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Fleet {
    /// These models, of which the first is the default; `names` says which name stands for which.
    ///
    /// # Panics
    /// If there is no model, or a name stands for one that is not there.
    pub fn new(models: Vec<Box<dyn LanguageModel>>, names: Vec<(String, usize)>) -> Self {
        assert!(!models.is_empty(), "a fleet has a default");
        assert!(names.iter().all(|(_, index)| *index < models.len()), "each name stands for a model of the fleet");
        Self {
            models,
            names: names.into_iter().collect(),
            transcripts: IndexMap::new(),
            requests: IndexMap::new(),
            failed: VecDeque::new(),
        }
    }

    fn push(&mut self, session: SessionId, piece: Piece) {
        if let Some(transcript) = self.transcripts.get_mut(&session) {
            transcript.pieces.push(piece);
        }
    }

    /// Gives a model what it lacks of a transcript.
    fn bring(&mut self, index: usize, session: SessionId) {
        let Some(transcript) = self.transcripts.get_mut(&session) else { return };
        let model = &mut self.models[index];
        let from = transcript.has[index].unwrap_or_else(|| {
            model.submit(Command::Open { session });
            for hint in &transcript.hints {
                model.submit(Command::Hint { session, hint: hint.clone() });
            }
            0
        });
        for piece in &transcript.pieces[from..] {
            model.submit(match piece {
                Piece::Open(role) => Command::OpenRole { session, role: role.clone() },
                Piece::Text(text) => Command::Append { session, text: text.clone() },
                Piece::Image(picture) => Command::AppendImage { session, picture: picture.clone() },
                Piece::Close => Command::CloseRole { session },
            });
        }
        transcript.has[index] = Some(transcript.pieces.len());
    }

    /// The model that a request names, with the transcript brought to it.
    fn route(&mut self, name: Option<&String>, request: RequestId, session: SessionId) -> Option<usize> {
        let index = match name {
            None => 0,
            Some(name) => {
                let Some(index) = self.names.get(name).copied() else {
                    let error = ModelError::Invalid(format!("there is no model `{name}`"));
                    self.failed.push_back(Event::Failed { request, error });
                    return None;
                };
                index
            }
        };
        self.bring(index, session);
        self.requests.insert(request, (index, session));
        Some(index)
    }

    /// What an event of a model means for its transcript.
    fn heard(&mut self, event: &Event) {
        let request = match event {
            Event::Token { .. } => return,
            Event::Generated { request, .. } | Event::Scored { request, .. } | Event::Failed { request, .. } => request,
        };
        let Some((index, session)) = self.requests.shift_remove(request) else { return };
        if let (Event::Generated { result, .. }, Some(transcript)) = (event, self.transcripts.get_mut(&session)) {
            transcript.pieces.push(Piece::Text(result.text.clone()));
            transcript.has[index] = Some(transcript.pieces.len());
        }
    }
}

impl LanguageModel for Fleet {
    fn submit(&mut self, command: Command) {
        match command {
            Command::Open { session } => {
                let has = vec![None; self.models.len()];
                self.transcripts.insert(session, Transcript { pieces: Vec::new(), has, hints: Vec::new() });
            }
            Command::Fork { parent, child } => {
                let Some(transcript) = self.transcripts.get(&parent).cloned() else { return };
                for (model, has) in self.models.iter_mut().zip(&transcript.has) {
                    if has.is_some() {
                        model.submit(Command::Fork { parent, child });
                    }
                }
                self.transcripts.insert(child, transcript);
            }
            Command::Append { session, text } => self.push(session, Piece::Text(text)),
            Command::AppendImage { session, picture } => self.push(session, Piece::Image(picture)),
            Command::OpenRole { session, role } => self.push(session, Piece::Open(role)),
            Command::CloseRole { session } => self.push(session, Piece::Close),
            Command::Generate(hole) => {
                if let Some(index) = self.route(hole.model.as_ref(), hole.request, hole.session) {
                    self.models[index].submit(Command::Generate(hole));
                }
            }
            Command::Score(score) => {
                if let Some(index) = self.route(score.model.as_ref(), score.request, score.session) {
                    self.models[index].submit(Command::Score(score));
                }
            }
            Command::Cancel { request } => {
                if let Some((index, _)) = self.requests.get(&request) {
                    self.models[*index].submit(Command::Cancel { request });
                }
            }
            Command::Hint { session, hint } => {
                if hint == Hint::Next {
                    // Nothing will be asked of it, by which a model would learn what it holds.
                    self.bring(0, session);
                }
                let Some(transcript) = self.transcripts.get_mut(&session) else { return };
                for (model, has) in self.models.iter_mut().zip(&transcript.has) {
                    if has.is_some() {
                        model.submit(Command::Hint { session, hint: hint.clone() });
                    }
                }
                transcript.hints.retain(|other| std::mem::discriminant(other) != std::mem::discriminant(&hint));
                transcript.hints.push(hint);
            }
            Command::Close { session } => {
                let Some(transcript) = self.transcripts.shift_remove(&session) else { return };
                for (model, has) in self.models.iter_mut().zip(transcript.has) {
                    if has.is_some() {
                        model.submit(Command::Close { session });
                    }
                }
            }
        }
    }

    fn poll(&mut self, patience: Duration, events: &mut Vec<Event>) {
        events.extend(self.failed.drain(..));
        let started = Instant::now();
        while events.is_empty() && !self.requests.is_empty() {
            let mut busy: Vec<usize> = self.requests.values().map(|(index, _)| *index).collect();
            busy.sort_unstable();
            busy.dedup();
            let left = patience.saturating_sub(started.elapsed());
            let turn = if busy.len() == 1 { left } else { left.min(TURN) };
            for index in busy {
                let before = events.len();
                self.models[index].poll(turn, events);
                for event in &events[before..] {
                    self.heard(event);
                }
            }
            if started.elapsed() >= patience {
                return;
            }
        }
    }

    fn usage(&self) -> Usage {
        let mut all = Usage::default();
        self.models.iter().for_each(|model| all.add(model.usage()));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Generate, Sampling, Scripted, ScriptedAnswer, Shape};

    fn scripted(text: &str) -> Box<dyn LanguageModel> {
        let answers = (0..4).map(|_| ScriptedAnswer { hole: "*".into(), text: text.into() }).collect();
        Box::new(Scripted::new(answers, Box::new(|_| None)))
    }

    fn ask(fleet: &mut Fleet, number: u64, session: SessionId, model: Option<&str>) -> Event {
        fleet.submit(Command::Generate(Generate {
            request: RequestId(number),
            session,
            shape: Shape::free_text(),
            sampling: Sampling::default(),
            max_tokens: 8,
            stop: Vec::new(),
            follow: String::new(),
            top_logprobs: None,
            distribution: false,
            label: "x".into(),
            model: model.map(str::to_string),
        }));
        let mut events = Vec::new();
        for _ in 0..4 {
            fleet.poll(Duration::from_millis(50), &mut events);
            if let Some(last) = events.pop().filter(|event| !matches!(event, Event::Token { .. })) {
                return last;
            }
        }
        panic!("no answer came");
    }

    #[test]
    fn a_model_is_brought_what_another_wrote() {
        let mut fleet = Fleet::new(vec![scripted("one"), scripted("two")], vec![("other".into(), 1)]);
        let (session, child) = (SessionId(1), SessionId(2));
        fleet.submit(Command::Open { session });
        fleet.submit(Command::Append { session, text: "a ".into() });
        assert!(matches!(ask(&mut fleet, 1, session, None), Event::Generated { result, .. } if result.text == "one"));
        fleet.submit(Command::Fork { parent: session, child });
        let second = ask(&mut fleet, 2, child, Some("other"));
        // The scripted model counts the words that it was given: "a one".
        assert!(
            matches!(second, Event::Generated { result, .. } if result.text == "two" && result.usage.prompt_tokens == 2)
        );
        assert!(matches!(ask(&mut fleet, 3, child, Some("none")), Event::Failed { .. }));
        fleet.submit(Command::Close { session });
        fleet.submit(Command::Close { session: child });
    }
}
