//! A plan as lines that can be compared: one per turn, run of constant tokens, splice, hole, and per thing that repeats or branches.

use super::Constraint;
use crate::binding::Binding;
use crate::cost::Tokens;
use crate::step::{EntryPlan, Step, Width};
use std::collections::BTreeSet;

/// What a line is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Text that is known now.
    Text(String),
    /// A hole.
    Hole(Constraint),
    /// Anything else, in words without names of the program's own.
    Other(String),
}

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) kind: Kind,
    depth: usize,
    /// What it is called in the program; not compared.
    pub(super) name: String,
    /// For people.
    pub(super) shown: String,
    /// How many tokens it is, where that is known.
    pub(super) tokens: Option<u64>,
    /// Whether it is the same in every call.
    pub(super) shared: bool,
}

impl Line {
    pub(super) fn same_as(&self, other: &Self) -> bool {
        (&self.kind, self.depth) == (&other.kind, other.depth)
    }

    /// What it is about, whatever a hole may hold.
    pub(super) fn without_constraint(&self) -> (Option<&Kind>, usize) {
        match &self.kind {
            Kind::Hole(_) => (None, self.depth),
            other => (Some(other), self.depth),
        }
    }
}

/// The lines of a plan.
pub(super) fn lines(plan: &EntryPlan, tokens: &dyn Tokens) -> Vec<Line> {
    let parameters = plan.parameters.iter().map(|(name, _)| name.as_str()).collect();
    let mut writer = Writer { tokens, parameters, lines: Vec::new(), depth: 0, role: None };
    writer.steps(&plan.steps);
    writer.lines
}

/// Tools that are called and models that are named in these steps.
pub(super) fn reached(steps: &[Step], all: &mut BTreeSet<String>) {
    for step in steps {
        match step {
            Step::Tool { name } => {
                all.insert(format!("tool {name}"));
            }
            Step::Hole { model: Some(model), .. } => {
                all.insert(format!("model {model}"));
            }
            Step::Turn { steps, .. } | Step::Repeat { steps, .. } | Step::Guarded { steps, .. } => reached(steps, all),
            Step::Branches { branches, .. } => branches.iter().for_each(|branch| reached(&branch.steps, all)),
            Step::Choice { then, otherwise, .. } => {
                reached(then, all);
                reached(otherwise, all);
            }
            Step::Hole { .. } | Step::Text { .. } | Step::Splice { .. } | Step::Select { .. } | Step::Again { .. } => {}
        }
    }
}

struct Writer<'a> {
    tokens: &'a dyn Tokens,
    parameters: Vec<&'a str>,
    lines: Vec<Line>,
    depth: usize,
    role: Option<String>,
}

impl Writer<'_> {
    fn steps(&mut self, steps: &[Step]) {
        let mut run: Option<(String, Binding)> = None;
        for step in steps {
            // Pieces that are known are one run, however the program writes them.
            if let Step::Text { text, .. } | Step::Splice { text: Some(text), .. } = step {
                let binding = if let Step::Splice { binding, .. } = step { *binding } else { Binding::Const };
                let (whole, latest) = run.get_or_insert_with(|| (String::new(), Binding::Const));
                whole.push_str(text);
                *latest = binding.max(*latest);
                continue;
            }
            self.end(run.take());
            self.step(step);
        }
        self.end(run);
    }

    fn end(&mut self, run: Option<(String, Binding)>) {
        let Some((text, binding)) = run.filter(|(text, _)| !text.is_empty()) else { return };
        let tokens = self.tokens.text(&text);
        let shown = format!("{text:?}");
        self.push(Kind::Text(text), "", shown, Some(tokens), binding <= Binding::Batch);
    }

    fn push(&mut self, kind: Kind, name: &str, shown: String, tokens: Option<u64>, shared: bool) {
        self.lines.push(Line { kind, depth: self.depth, name: name.into(), shown, tokens, shared });
    }

    fn other(&mut self, about: String, shown: String) {
        self.push(Kind::Other(about), "", shown, None, false);
    }

    fn deeper(&mut self, steps: &[Step]) {
        self.depth += 1;
        self.steps(steps);
        self.depth -= 1;
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Turn { role, steps, .. } => {
                let opening = self.tokens.opening(role, self.role.as_deref());
                self.role = Some(role.clone());
                let kind = Kind::Other(format!("turn {role}"));
                self.push(kind, "", format!("{role}:"), Some(opening), true);
                self.deeper(steps);
                // The end of the turn is part of what is shared, and is not shown.
                let closing = self.tokens.closing(role);
                self.push(Kind::Other(format!("end of {role}")), "", String::new(), Some(closing), true);
            }
            Step::Text { .. } | Step::Splice { text: Some(_), .. } => {}
            Step::Splice { of, binding, text: None, .. } => {
                // A parameter is known by its place, and what is generated by where it is written.
                let which = self.parameters.iter().position(|name| name == of);
                let about = format!("splice {} {which:?}", binding.name());
                let shared = *binding <= Binding::Batch;
                self.push(Kind::Other(about), of, format!("${{{of}}}"), None, shared);
            }
            Step::Hole { label, shape, max_tokens, .. } => {
                let constraint = Constraint { shape: shape.clone(), max_tokens: *max_tokens };
                self.push(Kind::Hole(constraint), label, format!("$[{label}]"), None, false);
            }
            Step::Select { label, among, .. } => {
                self.other(format!("select {}", self.width(among)), format!("$[{label}: select]"));
            }
            Step::Tool { name } => self.other(format!("tool {name}"), format!("tool {name}")),
            Step::Branches { by, forked, width, join, branches, .. } => {
                let about = format!("branches {forked} {} {join:?}", self.width(width));
                let from = if *forked { "from here" } else { "begun anew" };
                self.other(about, format!("{by} ×{}, {from}", shown(width)));
                let role = self.role.clone();
                for branch in branches {
                    self.role = if *forked { role.clone() } else { None };
                    self.deeper(&branch.steps);
                }
                self.role = role;
            }
            Step::Repeat { times, steps, .. } => {
                self.other(format!("repeat {}", self.width(times)), format!("repeat ×{}", shown(times)));
                self.deeper(steps);
            }
            Step::Guarded { retries, tokens_max, steps } => {
                let about = format!("guarded {} {tokens_max:?}", self.width(retries));
                let most = tokens_max.map(|most| format!(", at most {most} tokens")).unwrap_or_default();
                self.other(about, format!("guarded, {} retries{most}", shown(retries)));
                self.deeper(steps);
            }
            Step::Choice { binding, then, otherwise } => {
                self.other(format!("if {}", binding.name()), format!("if, known at {}", binding.name()));
                self.deeper(then);
                if !otherwise.is_empty() {
                    self.other("else".into(), "else".into());
                    self.deeper(otherwise);
                }
            }
            Step::Again { name } => self.other("again".into(), format!("{name} again, recursively")),
        }
    }

    /// A width without the program's names: a parameter by its place.
    fn width(&self, width: &Width) -> String {
        match width {
            Width::Times(count) => count.to_string(),
            Width::Symbol(name) => {
                let which = self.parameters.iter().position(|parameter| name.trim_matches('|') == *parameter);
                which.map_or("n".to_string(), |which| format!("|{which}|"))
            }
        }
    }
}

fn shown(width: &Width) -> String {
    match width {
        Width::Times(count) => count.to_string(),
        Width::Symbol(name) => name.clone(),
    }
}
