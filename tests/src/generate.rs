//! Random programs that are right: they check, and what they do is fixed by their seed and the answers that come with them.
//!
//! Every expression is made for a type that is wanted, from what is in scope, so that it fits by construction. Faults of the
//! run (an overflow, an index) are rare and legal; loops are bounded. [`noise`] then spoils the layout.

mod code;
mod forms;
mod mocks;
pub mod noise;
mod pure;
mod turns;
mod types;
mod values;

use crate::random::Random;
use sgl_protocol::ScriptedAnswer;
use std::collections::BTreeSet;
use types::{Enum, Struct, Ty};

/// A program and what the model answers.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The text of its one file; the entry is `main`.
    pub text: String,
    /// Answers by hole; holes without one get the shortest text.
    pub answers: Vec<ScriptedAnswer>,
}

/// The program of a seed.
pub fn program(seed: u64) -> Generated {
    let mut generator = Generator::new(seed);
    let mut items = Vec::new();
    for _ in 0..1 + generator.random.below(2) {
        items.push(generator.enumeration());
    }
    for _ in 0..1 + generator.random.below(2) {
        items.push(generator.structure());
    }
    for _ in 0..generator.random.below(3) {
        items.push(generator.constant());
    }
    for _ in 0..generator.random.below(3) {
        items.push(generator.function());
    }
    for _ in 0..generator.random.below(3) {
        items.push(generator.tool());
    }
    let prompts = generator.random.below(3);
    for _ in 0..prompts {
        items.push(generator.prompt());
    }
    if prompts > 0 {
        items.push(generator.test());
    }
    items.push(if prompts > 0 || generator.chance(60) { generator.main_prompt() } else { generator.main_function() });
    Generated { text: items.join("\n"), answers: generator.answers }
}

/// A program of pure functions only, with JSON, and with numbers that overflow now and then; its entry `main` calls all that it does.
pub fn functions(seed: u64) -> String {
    let mut generator = Generator::new(seed);
    generator.pure = true;
    let mut items = vec![generator.enumeration(), generator.structure()];
    for _ in 0..2 + generator.random.below(3) {
        items.push(if generator.chance(40) { generator.recursive() } else { generator.function() });
    }
    generator.fuel = 12;
    let body = generator.block_of_code(3);
    let (ty, value) = generator.all_in_scope();
    items.push(format!("fn body() -> {ty} {{\n{body}return {value}\n}}"));
    items.push(format!("pub fn main() -> {ty} {{ return body() }}"));
    items.join("\n")
}

/// Something that can be called.
#[derive(Clone, Debug)]
struct Callable {
    name: String,
    parameters: Vec<Ty>,
    result: Ty,
    /// `None` for a pure function; otherwise whether it writes turns.
    turns: Option<bool>,
    /// Whether it reaches a tool that does.
    uses: bool,
}

/// A name in scope.
#[derive(Clone, Debug)]
struct Variable {
    name: String,
    ty: Ty,
    /// Whether it is a `var`.
    mutable: bool,
}

struct Generator {
    random: Random,
    enums: Vec<Enum>,
    structs: Vec<Struct>,
    callables: Vec<Callable>,
    scope: Vec<Variable>,
    /// Variables from here on may be assigned: those before are outside the branch or closure.
    own_scope: usize,
    names: usize,
    /// Whether prompts may be called here.
    in_prompt: bool,
    /// Whether the prompt that is written has turns.
    turns: bool,
    answers: Vec<ScriptedAnswer>,
    /// An answer for every hole.
    mocks: Vec<ScriptedAnswer>,
    /// Tools: they are no part of `callables`, as only prompts call them.
    tools: Vec<Callable>,
    /// Names of those that are called.
    called: BTreeSet<String>,
    /// Whether the prompt that is written reaches a tool that reaches the world.
    uses: bool,
    /// Whether the prompt that is written has a parameter `photo`.
    has_photo: bool,
    /// Statements that may still be made: bounds the program.
    fuel: usize,
    /// Whether all is pure code: then some numbers are as large as an `Int` can be, and there is JSON.
    pure: bool,
}

impl Generator {
    fn new(seed: u64) -> Self {
        Self {
            random: Random(seed),
            enums: Vec::new(),
            structs: Vec::new(),
            callables: Vec::new(),
            scope: Vec::new(),
            own_scope: 0,
            names: 0,
            in_prompt: false,
            turns: false,
            answers: Vec::new(),
            mocks: Vec::new(),
            tools: Vec::new(),
            called: BTreeSet::new(),
            uses: false,
            has_photo: false,
            fuel: 0,
            pure: false,
        }
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.random.below(100) < percent
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.random.below(of.len())].clone()
    }

    /// A new name.
    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    fn bind(&mut self, name: &str, ty: &Ty, mutable: bool) {
        self.scope.push(Variable { name: name.to_string(), ty: ty.clone(), mutable });
    }

    /// Makes something in a scope of its own; what is outside can't be assigned if it is `apart`.
    fn scoped<T>(&mut self, apart: bool, make: impl FnOnce(&mut Self) -> T) -> T {
        let (length, own) = (self.scope.len(), self.own_scope);
        if apart {
            self.own_scope = length;
        }
        let made = make(self);
        self.scope.truncate(length);
        self.own_scope = own;
        made
    }

    fn constant(&mut self) -> String {
        let ty = self.ty(1);
        let name = self.name("LIMIT_");
        let value = self.leaf(&ty);
        let item = format!("const {name}: {} = {value}", self.written(&ty));
        self.bind(&name, &ty, false);
        item
    }

    fn parameters(&mut self) -> (String, Vec<Ty>) {
        let mut texts = Vec::new();
        let mut types = Vec::new();
        for _ in 0..self.random.below(3) {
            let ty = self.ty(1);
            let name = self.name("p");
            texts.push(format!("{name}: {}", self.written(&ty)));
            self.bind(&name, &ty, false);
            types.push(ty);
        }
        (texts.join(", "), types)
    }

    fn function(&mut self) -> String {
        self.scoped(true, |g| {
            let name = g.name("f");
            let (parameters, types) = g.parameters();
            let result = g.ty(2);
            g.fuel = 5;
            let body = g.block_of_code(2);
            let value = g.scoped(false, |g| g.value(&result, 3));
            let text = format!("fn {name}({parameters}) -> {} {{\n{body}return {value}\n}}", g.written(&result));
            (text, Callable { name, parameters: types, result, turns: None, uses: false })
        })
        .store(self)
    }

    fn prompt(&mut self) -> String {
        self.scoped(true, |g| {
            let name = g.name("ask");
            let (parameters, types) = g.parameters();
            let result = g.ty(1);
            g.turns = g.chance(75);
            g.fuel = 4;
            g.in_prompt = true;
            let body = g.transcript(2);
            let value = g.value(&result, 2);
            g.in_prompt = false;
            let uses = std::mem::take(&mut g.uses);
            let written = format!("{}{}", g.written(&result), if uses { " uses net" } else { "" });
            let text = format!("prompt {name}({parameters}) -> {written} {{\n{body}return {value}\n}}");
            (text, Callable { name, parameters: types, result, turns: Some(g.turns), uses })
        })
        .store(self)
    }

    fn main_prompt(&mut self) -> String {
        self.turns = self.chance(75);
        self.has_photo = self.turns && self.chance(25);
        self.in_prompt = true;
        self.fuel = 10;
        let body = self.transcript(3);
        let (ty, value) = self.all_in_scope();
        let parameter = if std::mem::take(&mut self.has_photo) { "photo: Image" } else { "" };
        let uses = if std::mem::take(&mut self.uses) { " uses net" } else { "" };
        format!("pub prompt main({parameter}) -> {ty}{uses} {{\n{body}return {value}\n}}")
    }

    fn main_function(&mut self) -> String {
        self.fuel = 10;
        let body = self.block_of_code(3);
        let (ty, value) = self.all_in_scope();
        format!("pub fn main() -> {ty} {{\n{body}return {value}\n}}")
    }

    /// A record of what is in scope, so that a difference anywhere shows in the result.
    fn all_in_scope(&mut self) -> (String, String) {
        let all: Vec<Variable> = self.scope.iter().rev().take(5).cloned().collect();
        if all.is_empty() {
            return ("Int".into(), self.value(&Ty::Int, 3));
        }
        let types: Vec<String> =
            all.iter().map(|v| format!("{}_: {}", v.name.to_lowercase(), self.written(&v.ty))).collect();
        let values: Vec<String> = all.iter().map(|v| format!("{}_: {}", v.name.to_lowercase(), v.name)).collect();
        (format!("({})", types.join(", ")), format!("({})", values.join(", ")))
    }
}

/// What a scope made: the text, and what can be called from now on.
trait Store {
    fn store(self, generator: &mut Generator) -> String;
}

impl Store for (String, Callable) {
    fn store(self, generator: &mut Generator) -> String {
        generator.callables.push(self.1);
        self.0
    }
}
