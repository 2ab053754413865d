//! Statements of prompts: turns, holes, forks, scratches, calls.

use super::forms::Form;
use super::types::{Bounded, Kind, Ty};
use super::{Callable, Generator};
use sgl_protocol::ScriptedAnswer;

/// Text of a prompt, as it stands between quotes.
const PROSE: &[&str] = &["Say it. ", "{\\\"json\\\": []} ", "Ä 😀 ", "line\\nline ", "cost: \\$5 ", "// no comment "];

impl Generator {
    /// The statements of a prompt or branch.
    pub(super) fn transcript(&mut self, depth: u32) -> String {
        let mut out = String::new();
        for _ in 0..2 + self.random.below(3) {
            if self.fuel == 0 {
                break;
            }
            self.fuel -= 1;
            out.push_str(&self.step(depth));
            out.push('\n');
        }
        out
    }

    fn step(&mut self, depth: u32) -> String {
        let Some(deeper) = depth.checked_sub(1) else { return self.turn() };
        match self.random.below(15) {
            0..=3 => self.turn(),
            4 => self.code(1),
            5 => self.each_fork(deeper),
            6 => self.count_fork(deeper),
            7 => self.named_fork(deeper),
            8 => {
                let (ty, name) = (self.ty(1), self.name("s"));
                let body = self.branch(&ty, deeper);
                self.let_as(&name, &ty, &format!("scratch {body}"))
            }
            9 => self.prompt_call(),
            14 => self.tool_call(),
            10 => {
                let condition = self.value(&Ty::Bool, 2);
                let (then, otherwise) =
                    (self.scoped(false, |g| g.transcript(deeper)), self.scoped(false, |g| g.transcript(deeper)));
                format!("if {condition} {{\n{then}}} else {{\n{otherwise}}}")
            }
            11 => {
                let name = self.name("e");
                let body = self.scoped(false, |g| {
                    g.bind(&name, &Ty::Int, false);
                    g.transcript(deeper)
                });
                format!("for {name} in 0..{} {{\n{body}}}", 1 + self.random.below(2))
            }
            12 => {
                // What is bound inside stays inside.
                let body = self.scoped(false, |g| g.transcript(deeper));
                format!("with (temperature: 0.5, max_tokens: 40) {{\n{body}}}")
            }
            _ => {
                let (ty, name, copy) = (self.ty(1), self.name("s"), self.name("t"));
                let body = self.branch(&ty, deeper);
                format!("let {copy} = transcript\n{}", self.let_as(&name, &ty, &format!("on {copy} {body}")))
            }
        }
    }

    fn let_as(&mut self, name: &str, ty: &Ty, value: &str) -> String {
        let text = format!("let {name}: {} = {value}", self.written(ty));
        self.bind(name, ty, false);
        text
    }

    /// A turn, or plain text in a prompt without turns.
    pub(super) fn turn(&mut self) -> String {
        if !self.turns {
            return self.text(true);
        }
        match self.random.below(7) {
            6 if self.has_photo => format!("user {{\nemit photo\n{}\n}}", self.text(false)),
            0 => format!("system {}", self.text(false)),
            1 | 2 => format!("user {}", self.text(false)),
            3 => {
                let (a, b) = (self.text(false), self.text(true));
                format!("assistant {{\n{a}\n{b}\n}}")
            }
            _ => format!("assistant {}", self.text(true)),
        }
    }

    /// A text statement: prose, splices, and holes if they may stand here.
    fn text(&mut self, holes: bool) -> String {
        let mut out = String::from("\"");
        for _ in 0..1 + self.random.below(3) {
            out.push_str(self.pick(PROSE));
            if self.chance(50) {
                let ty = self.ty(1);
                let value = self.leaf(&ty);
                // A text of several lines can't stand in a text of one.
                if !value.contains('\n') {
                    out.push_str(&format!("${{{value}}}"));
                }
            }
            if self.turns && self.has_photo && self.chance(15) {
                out.push_str("${photo}");
            }
            if holes && self.chance(60) {
                let bounded = self.bounded(1);
                out.push_str(&self.hole(&bounded));
                out.push_str("; ");
            }
        }
        out.push('"');
        out
    }

    fn hole(&mut self, bounded: &Bounded) -> String {
        let name = self.name("h");
        let form = self.form_of(&bounded.kind).unwrap_or(Form::OneLine);
        let mock = self.sample(&bounded.kind).0.alone(form);
        self.mocks.push(ScriptedAnswer { hole: name.clone(), text: mock });
        for _ in 0..self.random.below(4) {
            let text = self.sample(&bounded.kind).0.alone(form);
            self.answers.push(ScriptedAnswer { hole: name.clone(), text });
        }
        // A list keeps the bounds of its elements: what is pushed to it would have to fit them.
        if !matches!(bounded.kind, Kind::List(_)) {
            self.bind(&name, &bounded.ty, false);
        }
        let options = ["", ", temperature: 0", ", max_tokens: 60", ", top_p: 0.9, seed: 7"];
        format!("$[{name}: {}{}]", bounded.text, self.pick(&options))
    }

    /// `{ …; yield v }`
    fn branch(&mut self, ty: &Ty, depth: u32) -> String {
        self.scoped(true, |g| {
            let body = g.transcript(depth);
            format!("{{\n{body}yield {}\n}}", g.value(ty, 2))
        })
    }

    fn each_fork(&mut self, depth: u32) -> String {
        let (item, ty) = (self.ty(0), self.ty(1));
        let (each, name) = (self.name("b"), self.name("s"));
        let list = self.leaf(&Ty::List(Box::new(item.clone())));
        let body = self.scoped(true, |g| {
            g.bind(&each, &item, false);
            g.branch(&ty, depth)
        });
        let join = self.pick(&["", " join all", " join first(2)", " join concat"]);
        let join = if join == " join concat" && !self.turns { "" } else { join };
        self.let_as(&name, &Ty::List(Box::new(ty)), &format!("fork {each} in {list} {body}{join}"))
    }

    fn count_fork(&mut self, depth: u32) -> String {
        let (ty, name) = (self.ty(0), self.name("s"));
        let body = self.branch(&ty, depth);
        let count = 1 + self.random.below(3);
        let (join, result) = match self.random.below(4) {
            0 => (String::new(), Ty::List(Box::new(ty))),
            1 => (" join race".to_string(), ty),
            2 => {
                let value = self.name("c");
                let score = self.scoped(true, |g| {
                    g.bind(&value, &ty, false);
                    g.value(&Ty::Int, 2)
                });
                (format!(" join best({value} => {score})"), ty)
            }
            _ => (format!(" join first({count})"), Ty::List(Box::new(ty))),
        };
        self.let_as(&name, &result, &format!("fork {count} {body}{join}"))
    }

    fn named_fork(&mut self, depth: u32) -> String {
        let (a, b, name) = (self.ty(1), self.ty(1), self.name("s"));
        let (first, second) = (self.branch(&a, depth), self.branch(&b, depth));
        let ty = Ty::Record(vec![("a".into(), a), ("b".into(), b)]);
        self.let_as(&name, &ty, &format!("fork {{\na => {first}\nb => {second}\n}}"))
    }

    /// A call of a prompt: fresh, in a scratch, or written here.
    fn prompt_call(&mut self) -> String {
        let turns = self.turns;
        let prompts: Vec<Callable> = self.callables.iter().filter(|c| c.turns.is_some()).cloned().collect();
        if prompts.is_empty() {
            return self.turn();
        }
        let callable = self.pick(&prompts);
        let arguments = self.arguments(&callable, 2);
        self.uses |= callable.uses;
        let same = callable.turns == Some(turns);
        let how = if same { self.pick(&["", "inline ", "scratch "]) } else { "" };
        let name = self.name("s");
        self.let_as(&name, &callable.result, &format!("{how}{}({arguments})", callable.name))
    }
}
