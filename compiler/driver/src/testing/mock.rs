//! Mocks: answers of a test, held to the same constraints as a model's.
//!
//! The answers for a hole are taken in the order of the test; the last one is given again and again. `"*"` answers any hole
//! that has none of its own, and `"select"` says what `select` chooses.

use super::fit::fit;
use crate::compile::Compiled;
use crate::demand;
use sgl_protocol::{
    Command, Event, Generate, LanguageModel, ModelError, RequestId, Score, Scripted, ScriptedAnswer, Usage,
};
use sgl_source::{Code, Diagnostic, Span, Spanned, did_you_mean};
use sgl_syntax::ast::{ItemKind, Mock, Name, TestItem};
use sgl_vm::image::{Hole, Image};
use std::collections::VecDeque;
use std::time::Duration;

/// The name that answers any hole.
const ANY: &str = "*";
/// The name under which `select` asks.
const SELECT: &str = "select";

/// Judges the tests of a program: mocks of holes that they do not reach, answers that do not fit, names given twice.
pub fn check(compiled: &Compiled, image: &Image) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut names: Vec<(&str, Span)> = Vec::new();
    let items = compiled.root.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Test(test) => Some(test),
        _ => None,
    });
    for (item, test) in items.zip(&image.tests) {
        let holes: Vec<&Hole> =
            demand::holes(image, test.function).into_iter().map(|hole| &image.holes[hole as usize]).collect();
        let tools = demand::tools(image, test.function);
        let mut named = test.tools.iter();
        for mock in &item.mocks {
            match mock {
                Mock::Hole { hole, answer } => found.extend(judge(item, hole, answer, &holes, image)),
                Mock::Tool { tool, .. } => {
                    let reached = named.next().is_some_and(|(tool, _)| tools.contains(tool));
                    found.extend((!reached).then(|| not_called(item, tool)));
                }
            }
        }
        match names.iter().find(|(name, _)| *name == item.name.value) {
            Some((name, first)) => found.push(
                Diagnostic::error(
                    Code::E0804,
                    format!("two tests are called {name:?}"),
                    item.name.span,
                    "the second one",
                )
                .with_label(*first, "the first one")
                .with_help("say in the name what this one is about"),
            ),
            None => names.push((&item.name.value, item.name.span)),
        }
    }
    found
}

/// E0801 for a tool.
fn not_called(test: &TestItem, tool: &[Name]) -> Diagnostic {
    let name = tool.last().map_or("", |name| name.value.as_str());
    let span = tool.iter().map(|name| name.span).reduce(Span::to).unwrap_or(test.name.span);
    let message = format!("the test {:?} does not call the tool `{name}`", test.name.value);
    Diagnostic::error(Code::E0801, message, span, "nothing calls this").with_help("leave it out")
}

fn judge(
    test: &TestItem,
    name: &Spanned<String>,
    answer: &Spanned<String>,
    holes: &[&Hole],
    image: &Image,
) -> Option<Diagnostic> {
    if name.value == ANY || name.value == SELECT {
        return None;
    }
    let named: Vec<&&Hole> = holes.iter().filter(|hole| hole.label == name.value).collect();
    if named.is_empty() {
        let labels = holes.iter().map(|hole| hole.label.as_str()).filter(|label| *label != "_");
        let near = did_you_mean(&name.value, labels.clone());
        let mut all: Vec<&str> = labels.collect();
        all.sort_unstable();
        all.dedup();
        let help = match near {
            _ if image.tools.iter().any(|tool| tool.name == name.value) => {
                format!("for the tool write `{} => …`, without quotes, and what it gives", name.value)
            }
            Some(near) => format!("did you mean `{near}`?"),
            None if all.is_empty() => "the test reaches no hole that has a name".to_string(),
            None => format!("the holes that it reaches are `{}`", all.join("`, `")),
        };
        let message = format!("the test {:?} reaches no hole `{}`", test.name.value, name.value);
        return Some(Diagnostic::error(Code::E0801, message, name.span, "nothing asks for this").with_help(help));
    }
    let misfits: Vec<_> = named.iter().map(|hole| fit(&hole.shape, &answer.value)).collect();
    if misfits.iter().any(Result::is_ok) {
        return None;
    }
    let (hole, misfit) = named.iter().zip(misfits).find_map(|(hole, fit)| Some((hole, fit.err()?)))?;
    // Where nothing is escaped the byte of the text is a byte of the source.
    let plain = answer.span.end - answer.span.start == u32::try_from(answer.value.len()).ok()? + 2;
    let place = if plain {
        let start = answer.span.start as usize + 1 + misfit.at;
        Span::new(answer.span.file, start, (start + 1).min(answer.span.end as usize))
    } else {
        answer.span
    };
    let found = Diagnostic::error(
        Code::E0802,
        format!("the answer for `{}` does not fit its hole", name.value),
        place,
        format!("here it leaves the constraint: expected {}", misfit.expected),
    );
    let at = Span { file: sgl_source::FileId(hole.at.file), start: hole.at.start, end: hole.at.end };
    Some(found.with_label(at, "the hole").with_help("write what a model could write there"))
}

/// A model that gives the answers of a test, and refuses those that no model could give.
#[derive(Debug)]
pub struct Mocked {
    inner: Scripted,
    mocks: Vec<(String, VecDeque<String>)>,
    refused: VecDeque<Event>,
    /// Whether `select` takes its first option where nobody says which.
    takes_first: bool,
}

impl Mocked {
    /// A model with these answers by hole.
    pub fn new(mocks: &[(String, String)]) -> Self {
        let mut by_hole: Vec<(String, VecDeque<String>)> = Vec::new();
        for (hole, answer) in mocks {
            match by_hole.iter_mut().find(|(name, _)| name == hole) {
                Some((_, answers)) => answers.push_back(answer.clone()),
                None => by_hole.push((hole.clone(), VecDeque::from([answer.clone()]))),
            }
        }
        let inner = Scripted::new(Vec::new(), Box::new(|_| None));
        Self { inner, mocks: by_hole, refused: VecDeque::new(), takes_first: false }
    }

    /// The same, but `select` takes its first option where nobody says which, as in `sglc run --script`: over rows of data
    /// there is no answer that stands for all.
    #[must_use]
    pub fn taking_first(self) -> Self {
        Self { takes_first: true, ..self }
    }

    /// The next answer for a hole.
    fn next(&mut self, hole: &str) -> Option<String> {
        let own = self.mocks.iter().position(|(name, _)| name == hole);
        let index = own.or_else(|| self.mocks.iter().position(|(name, _)| name == ANY))?;
        let answers = &mut self.mocks[index].1;
        if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
    }

    fn refuse(&mut self, request: RequestId, why: String) {
        self.refused.push_back(Event::Failed { request, error: ModelError::Script(why) });
    }

    fn generate(&mut self, asked: Generate) {
        let hole = asked.label.clone();
        let Some(text) = self.next(&hole) else {
            return self
                .refuse(asked.request, format!("the test has no answer for hole `{hole}`; add `\"{hole}\" => \"…\"`"));
        };
        if let Err(misfit) = fit(&asked.shape, &text) {
            let (before, after) = text.split_at(misfit.at);
            let why = format!(
                "the answer for hole `{hole}` does not fit: it leaves the constraint after {before:?} at {after:?}; \
                 expected {}",
                misfit.expected
            );
            return self.refuse(asked.request, why);
        }
        self.inner.answer_next(ScriptedAnswer { hole, text });
        self.inner.submit(Command::Generate(asked));
    }

    fn score(&mut self, asked: Score) {
        let first = if self.takes_first { asked.options.first().cloned() } else { None };
        let Some(text) = self.next(&asked.label).or(first) else {
            let why = format!("the test does not say what `select` chooses; add `\"{SELECT}\" => \"…\"`");
            return self.refuse(asked.request, why);
        };
        if !asked.options.contains(&text) {
            let options = asked.options.join("\", \"");
            return self
                .refuse(asked.request, format!("{text:?} is none of what `select` chooses from: \"{options}\""));
        }
        self.inner.answer_next(ScriptedAnswer { hole: asked.label.clone(), text });
        self.inner.submit(Command::Score(asked));
    }
}

impl LanguageModel for Mocked {
    fn submit(&mut self, command: Command) {
        match command {
            Command::Generate(asked) => self.generate(asked),
            Command::Score(asked) => self.score(asked),
            other => self.inner.submit(other),
        }
    }

    fn poll(&mut self, patience: Duration, events: &mut Vec<Event>) {
        match self.refused.pop_front() {
            Some(event) => events.push(event),
            None => self.inner.poll(patience, events),
        }
    }

    fn usage(&self) -> Usage {
        self.inner.usage()
    }
}
