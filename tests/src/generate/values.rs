//! Expressions of a wanted type.

use super::types::{Enum, Kind, Struct, Ty};
use super::{Callable, Generator};

/// Pieces of text as they stand between quotes.
const PIECES: &[&str] =
    &["a", "é", "😀", "\\n", "\\\"", "\\$", "\\u{1F600}", "{\\\"k\\\": 1}", " ", "//", "[x]", "Hello"];

impl Generator {
    /// An expression of the type. Parenthesised where its place could pull it apart.
    pub(super) fn value(&mut self, ty: &Ty, depth: u32) -> String {
        let Some(deeper) = depth.checked_sub(1) else { return self.leaf(ty) };
        match self.random.below(12) {
            0 | 1 => self.leaf(ty),
            2 => {
                let (c, a, b) = (self.value(&Ty::Bool, deeper), self.value(ty, deeper), self.value(ty, deeper));
                format!("(if {c} {{ {a} }} else {{ {b} }})")
            }
            3 => {
                let of = self.value(&Ty::Int, deeper);
                let (a, b, c) = (self.value(ty, deeper), self.leaf(ty), self.value(ty, deeper));
                // The sum is any `Int`, whatever the range of its first part: a literal outside that range would be a fault.
                format!("(match ({of} + 0) {{ 0 => {a}, 1 | 2 => {b}, _ => {c} }})")
            }
            4 => self.match_of_enum(ty, deeper),
            5 => self.call(ty, deeper).unwrap_or_else(|| self.leaf(ty)),
            6 => {
                let list = self.value(&Ty::List(Box::new(ty.clone())), deeper);
                let default = self.leaf(ty);
                if ty.has_maybe() { default } else { format!("({list}.first() ?? {default})") }
            }
            7 => self.part_of_something(ty).unwrap_or_else(|| self.leaf(ty)),
            _ if self.pure && self.chance(40) => match self.tried(ty, deeper) {
                Some(value) => value,
                None => self.specific(ty, deeper),
            },
            _ => self.specific(ty, deeper),
        }
    }

    /// A variable or literal of the type.
    pub(super) fn leaf(&mut self, ty: &Ty) -> String {
        let fitting: Vec<String> = self.scope.iter().filter(|v| v.ty == *ty).map(|v| v.name.clone()).collect();
        if !fitting.is_empty() && self.chance(75) {
            return self.pick(&fitting);
        }
        self.literal(ty)
    }

    fn literal(&mut self, ty: &Ty) -> String {
        match ty {
            Ty::Int if self.pure && self.chance(5) => format!("{}", i64::MAX - self.random.below(3) as i64),
            Ty::Int if self.chance(20) => format!("(-{})", self.random.below(9)),
            Ty::Int => self.random.below(20).to_string(),
            Ty::Float => format!("{}.{}", self.random.below(9), self.random.below(100)),
            Ty::Bool => self.chance(50).to_string(),
            Ty::Str if self.chance(15) => "r\"raw\\n\"".to_string(),
            Ty::Str => {
                let pieces: Vec<&str> = (0..self.random.below(4)).map(|_| self.pick(PIECES)).collect();
                if self.chance(10) {
                    return format!("\"\"\"\n{}\n   x\n\"\"\"", pieces.concat());
                }
                format!("\"{}\"", pieces.concat())
            }
            Ty::List(item) => {
                let items: Vec<String> = (0..1 + self.random.below(3)).map(|_| self.leaf(item)).collect();
                format!("[{}{}]", items.join(", "), if self.chance(10) { "," } else { "" })
            }
            Ty::Maybe(inner) => self.leaf(inner),
            Ty::Pair(a, b) => format!("({}, {})", self.leaf(a), self.leaf(b)),
            Ty::Record(fields) => {
                let fields: Vec<String> = fields.iter().map(|(n, t)| format!("{n}: {}", self.leaf(t))).collect();
                format!("({})", fields.join(", "))
            }
            Ty::Json => self.json(0),
            Ty::Map(value) => format!("[\"k\": {}, \"l\": {}]", self.leaf(value), self.leaf(value)),
            Ty::Struct(index) => {
                let Struct { name, fields, .. } = self.structs[*index].clone();
                let fields: Vec<String> =
                    fields.iter().map(|(n, b)| format!("{n}: {}", self.sample(&b.kind).1)).collect();
                format!("{name}({})", fields.join(", "))
            }
            Ty::Enum(index) => {
                let Enum { name, variants } = self.enums[*index].clone();
                let (variant, fields) = self.pick(&variants);
                let fields: Vec<String> = fields.iter().map(|(n, t)| format!("{n}: {}", self.leaf(t))).collect();
                if fields.is_empty() {
                    format!("{name}.{variant}")
                } else {
                    format!("{name}.{variant}({})", fields.join(", "))
                }
            }
        }
    }

    fn match_of_enum(&mut self, ty: &Ty, depth: u32) -> String {
        if self.enums.is_empty() {
            return self.leaf(ty);
        }
        let index = self.random.below(self.enums.len());
        let of = self.value(&Ty::Enum(index), depth);
        let variants = self.enums[index].variants.clone();
        let mut arms = Vec::new();
        for (variant, fields) in &variants {
            let names: Vec<String> = fields.iter().map(|_| self.name("m")).collect();
            let body = self.scoped(true, |g| {
                for (name, (_, ty)) in names.iter().zip(fields) {
                    g.bind(name, ty, false);
                }
                g.value(ty, depth)
            });
            let pattern = if names.is_empty() { variant.clone() } else { format!("{variant}({})", names.join(", ")) };
            arms.push(format!("{pattern} => {body}"));
        }
        format!("(match {of} {{ {} }})", arms.join(if self.chance(50) { ", " } else { "\n" }))
    }

    pub(super) fn call(&mut self, ty: &Ty, depth: u32) -> Option<String> {
        let fitting: Vec<Callable> =
            self.callables.iter().filter(|c| c.result == *ty && c.turns.is_none()).cloned().collect();
        if fitting.is_empty() {
            return None;
        }
        let callable = self.pick(&fitting);
        Some(format!("{}({})", callable.name, self.arguments(&callable, depth)))
    }

    pub(super) fn arguments(&mut self, callable: &Callable, depth: u32) -> String {
        let arguments: Vec<String> = callable.parameters.iter().map(|ty| self.value(ty, depth)).collect();
        arguments.join(", ")
    }

    /// A field or element of a variable.
    fn part_of_something(&mut self, ty: &Ty) -> Option<String> {
        let mut found = Vec::new();
        for variable in &self.scope {
            let name = &variable.name;
            match &variable.ty {
                Ty::Struct(index) => found.extend(
                    self.structs[*index]
                        .fields
                        .iter()
                        // A list keeps the bounds of its elements.
                        .filter(|(_, b)| b.ty == *ty && !matches!(b.kind, Kind::List(_)))
                        .map(|(f, _)| format!("{name}.{f}")),
                ),
                Ty::Record(fields) => {
                    found.extend(fields.iter().filter(|(_, t)| t == ty).map(|(f, _)| format!("{name}.{f}")));
                }
                Ty::Map(value) if Ty::Maybe(value.clone()) == *ty => found.push(format!("{name}.get(\"k\")")),
                Ty::List(item) if **item == *ty => found.push(format!("{name}[0]")),
                _ => {}
            }
        }
        if found.is_empty() { None } else { Some(self.pick(&found)) }
    }

    /// A closure of one parameter.
    fn closure(&mut self, parameter: &Ty, result: &Ty, depth: u32) -> String {
        let name = self.name("c");
        let body = self.scoped(true, |g| {
            g.bind(&name, parameter, false);
            g.value(result, depth)
        });
        if self.chance(15) { format!("{name} => {{ return {body} }}") } else { format!("{name} => {body}") }
    }

    /// An expression that only this type has.
    fn specific(&mut self, ty: &Ty, depth: u32) -> String {
        match ty {
            Ty::Int => self.int(depth),
            Ty::Float => {
                let (a, b) = (self.value(ty, depth), self.value(ty, depth));
                match self.random.below(4) {
                    0 => format!("({a} + {b})"),
                    1 => format!("({a} - {b} * 0.5)"),
                    2 => format!("{}.to_float()", self.value(&Ty::Int, depth)),
                    _ => format!("({a}.abs().sqrt() / 2.0)"),
                }
            }
            Ty::Bool => self.bool(depth),
            Ty::Str => self.str(depth),
            Ty::List(item) => self.list(ty, item, depth),
            Ty::Maybe(inner) => {
                let list = self.value(&Ty::List(inner.clone()), depth);
                match self.random.below(4) {
                    0 => format!("{list}.last()"),
                    1 => format!("{list}.get({})", self.random.below(4)),
                    2 => format!("{list}.find({})", self.closure(inner, &Ty::Bool, depth)),
                    _ => self.value(inner, depth),
                }
            }
            Ty::Map(value) => {
                format!("{}.insert({}, {})", self.leaf(ty), self.value(&Ty::Str, depth), self.value(value, depth))
            }
            Ty::Pair(a, b) => format!("({}, {})", self.value(a, depth), self.value(b, depth)),
            Ty::Record(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(n, t)| format!("{n}: {}", self.value(t, depth))).collect();
                format!("({})", fields.join(", "))
            }
            Ty::Json => self.json(depth),
            Ty::Struct(_) | Ty::Enum(_) => self.leaf(ty),
        }
    }

    fn int(&mut self, depth: u32) -> String {
        let (a, b) = (self.value(&Ty::Int, depth), self.value(&Ty::Int, depth));
        let ints = Ty::List(Box::new(Ty::Int));
        match self.random.below(12) {
            0 => format!("({a} + {b})"),
            1 => format!("({a} - {b})"),
            2 => format!("({a} * {b} % 1000)"),
            3 => format!("({a} / {})", 1 + self.random.below(5)),
            4 => format!("{a}.abs()"),
            5 => format!("{a}.max({b})"),
            6 => format!("{}.len()", self.value(&Ty::Str, depth)),
            7 => format!("{}.sum()", self.value(&ints, depth)),
            8 => format!("{}.count({})", self.value(&ints, depth), self.closure(&Ty::Int, &Ty::Bool, depth)),
            9 => format!("({}.to_int() ?? {a})", self.value(&Ty::Str, depth)),
            10 => {
                let (acc, item) = (self.name("c"), self.name("c"));
                let list = self.value(&ints, depth);
                let body = self.scoped(true, |g| {
                    g.bind(&acc, &Ty::Int, false);
                    g.bind(&item, &Ty::Int, false);
                    g.value(&Ty::Int, depth)
                });
                format!("{list}.fold({a}, ({acc}, {item}) => {body})")
            }
            _ => format!("{}.round()", self.leaf(&Ty::Float)),
        }
    }

    fn bool(&mut self, depth: u32) -> String {
        let (a, b) = (self.value(&Ty::Int, depth), self.value(&Ty::Int, depth));
        let (p, q) = (self.value(&Ty::Bool, depth), self.value(&Ty::Bool, depth));
        match self.random.below(9) {
            0 => format!("({a} < {b})"),
            1 => format!("({a} == {b})"),
            2 => format!("(not {p})"),
            3 => format!("({p} and {q})"),
            4 => format!("({p} or {q} and {a} >= {b})"),
            5 => format!("({} in {})", a, self.value(&Ty::List(Box::new(Ty::Int)), depth)),
            6 => format!("({} != {})", self.value(&Ty::Str, depth), self.value(&Ty::Str, depth)),
            7 => format!("{}.starts_with({})", self.value(&Ty::Str, depth), self.leaf(&Ty::Str)),
            _ => {
                let list = self.value(&Ty::List(Box::new(Ty::Str)), depth);
                format!("{list}.any({})", self.closure(&Ty::Str, &Ty::Bool, depth))
            }
        }
    }

    fn str(&mut self, depth: u32) -> String {
        let other = self.ty(1);
        let (a, b, any) = (self.value(&Ty::Str, depth), self.leaf(&Ty::Str), self.value(&other, depth));
        let strs = Ty::List(Box::new(Ty::Str));
        match self.random.below(8) {
            0 => format!("{a}.upper().trim()"),
            1 => format!("{a}.replace({b}, \"-\")"),
            2 => format!("{}.join({b})", self.value(&strs, depth)),
            3 => format!("({a} + {b})"),
            4 => format!("{}.to_str()", if matches!(other, Ty::Maybe(_)) { a } else { any }),
            5 => format!("{}.json()", if matches!(other, Ty::Maybe(_)) { a } else { any }),
            6 => format!("\"\"\"\n  pre ${{{any}}}\n    post {{}}\n  \"\"\""),
            _ => format!("\"<${{{a}}}|${{ {any} }}>\""),
        }
    }

    fn list(&mut self, ty: &Ty, item: &Ty, depth: u32) -> String {
        let list = self.value(ty, depth);
        match self.random.below(9) {
            0 => {
                let source = self.ty(0);
                let from = self.value(&Ty::List(Box::new(source.clone())), depth);
                format!("{from}.map({})", self.closure(&source, item, depth))
            }
            1 => format!("{list}.filter({})", self.closure(item, &Ty::Bool, depth)),
            2 => format!("{list}.push({})", self.value(item, depth)),
            3 => format!("{list}.reverse().take({})", self.random.below(4)),
            4 => format!("({list} + {})", self.value(ty, depth)),
            5 if matches!(item, Ty::Int | Ty::Str | Ty::Float) => format!("{list}.sort()"),
            6 if *item == Ty::Int => format!("(0..{}).to_list()", self.random.below(5)),
            7 => {
                let name = self.name("c");
                let from = self.value(&Ty::List(Box::new(Ty::Int)), depth);
                let (element, condition) = self.scoped(true, |g| {
                    g.bind(&name, &Ty::Int, false);
                    (g.value(item, depth), g.value(&Ty::Bool, depth))
                });
                format!("[{element} for {name} in {from} if {condition}]")
            }
            _ => format!("{list}.sort_by({})", self.closure(item, &Ty::Int, depth)),
        }
    }
}
