//! Statements of pure code.

use super::types::Ty;
use super::{Generator, Variable};

impl Generator {
    /// Statements, each on its line; what they bind is in scope afterwards.
    pub(super) fn block_of_code(&mut self, depth: u32) -> String {
        let mut out = String::new();
        for _ in 0..1 + self.random.below(3) {
            if self.fuel == 0 {
                break;
            }
            self.fuel -= 1;
            out.push_str(&self.code(depth));
            out.push('\n');
        }
        out
    }

    /// One statement.
    pub(super) fn code(&mut self, depth: u32) -> String {
        let Some(deeper) = depth.checked_sub(1) else { return self.binding() };
        if self.pure && self.chance(30) {
            return self.turns_of_code(deeper);
        }
        if self.pure && self.chance(20) {
            return self.change().unwrap_or_else(|| self.binding());
        }
        match self.random.below(9) {
            0..=3 => self.binding(),
            4 => self.assignment().unwrap_or_else(|| self.binding()),
            5 => {
                let condition = self.value(&Ty::Bool, 2);
                let then = self.inner(deeper);
                let rest = match self.random.below(3) {
                    0 => String::new(),
                    1 => format!(" else {{\n{}}}", self.inner(deeper)),
                    _ => format!(" else if {} {{\n{}}} else {{ }}", self.value(&Ty::Bool, 1), self.inner(deeper)),
                };
                format!("if {condition} {{\n{then}}}{rest}")
            }
            6 => {
                let (name, item) = (self.name("e"), self.element(1));
                let list = if item == Ty::Int && self.chance(50) {
                    format!("0..={}", self.random.below(4))
                } else {
                    self.value(&Ty::List(Box::new(item.clone())), 2)
                };
                let body = self.scoped(false, |g| {
                    g.bind(&name, &item, false);
                    g.block_of_code(deeper)
                });
                let leave = if self.chance(20) {
                    format!("if {} {{ break }}\n", self.value(&Ty::Bool, 1))
                } else {
                    String::new()
                };
                format!("for {name} in {list} {{\n{leave}{body}}}")
            }
            7 => {
                let name = self.name("n");
                let most = 1 + self.random.below(4);
                let body = self.inner(deeper);
                format!("var {name} = 0\nwhile {name} < {most} {{\n{name} += 1\n{body}}}")
            }
            _ => {
                // A literal's type is itself, and fits no other literal.
                let of = format!("({} + \"\")", self.value(&Ty::Str, 1));
                let (a, b) = (self.inner(deeper), self.inner(deeper));
                format!("match {of} {{\n\"a\" | \"b\" => {{\n{a}}}\n_ => {{\n{b}}}\n}}")
            }
        }
    }

    fn inner(&mut self, depth: u32) -> String {
        self.scoped(false, |g| g.block_of_code(depth))
    }

    /// `let` or `var`, or both parts of a pair.
    fn binding(&mut self) -> String {
        let ty = self.ty(2);
        let value = self.value(&ty, 3);
        if let Ty::Pair(a, b) = &ty
            && self.chance(40)
        {
            let (first, second) = (self.name("v"), self.name("v"));
            let text = format!("let ({first}, {second}): {} = {value}", self.written(&ty));
            self.bind(&first, a, false);
            self.bind(&second, b, false);
            return text;
        }
        let name = self.name("v");
        let mutable = self.chance(40);
        let word = if mutable { "var" } else { "let" };
        let text = format!("{word} {name}: {} = {value}", self.written(&ty));
        self.bind(&name, &ty, mutable);
        text
    }

    fn assignment(&mut self) -> Option<String> {
        let own: Vec<Variable> = self.scope[self.own_scope..].iter().filter(|v| v.mutable).cloned().collect();
        if own.is_empty() {
            return None;
        }
        let target = self.pick(&own);
        let value = self.value(&target.ty, 2);
        Some(match &target.ty {
            Ty::Int if self.chance(50) => format!("{} += {value}", target.name),
            Ty::List(item) if self.chance(30) => {
                let item = self.value(item, 2);
                format!("if not {0}.is_empty() {{ {0}[0] = {item} }}", target.name)
            }
            Ty::Map(item) if self.chance(50) => format!("{}[\"m\"] = {}", target.name, self.value(item, 2)),
            _ => format!("{} = {value}", target.name),
        })
    }
}
