//! What only pure code is made of: JSON, loops over maps and texts, elements that are set by place, and calls that call themselves.
//! Some of it faults, as programs do.

use super::types::Ty;
use super::{Callable, Generator, Variable};

/// JSON as texts: all its kinds, inside each other.
const DOCUMENTS: &[&str] = &[
    "null",
    "-7",
    "2.5",
    "true",
    "\\\"é\\\"",
    "[]",
    "[1, [2, \\\"a\\\"], {\\\"k\\\": 3}]",
    "{\\\"k\\\": 1, \\\"l\\\": [4, null, 0.5], \\\"m\\\": {\\\"k\\\": \\\"x\\\"}}",
    "{\\\"l\\\": true, \\\"k\\\": \\\"a text of some length\\\"}",
    "no json",
];

impl Generator {
    /// A loop, or elements that are set.
    pub(super) fn turns_of_code(&mut self, depth: u32) -> String {
        let (first, second) = (self.name("e"), self.name("e"));
        let (over, bound): (String, Vec<(String, Ty)>) = match self.random.below(8) {
            0 | 1 => {
                let item = self.element(1);
                let map = self.value(&Ty::Map(Box::new(item.clone())), 2);
                (format!("({first}, {second}) in {map}"), vec![(first, Ty::Str), (second, item)])
            }
            2 => {
                let map = self.object(2);
                (format!("({first}, {second}) in {map}"), vec![(first, Ty::Str), (second, Ty::Json)])
            }
            3 => (format!("{first} in {}", self.array(2)), vec![(first, Ty::Json)]),
            // The sum is a `Str`: one of a few texts can't be looped over.
            4 => (format!("{first} in ({} + \"\")", self.value(&Ty::Str, 2)), vec![(first, Ty::Str)]),
            5 => {
                let item = self.element(1);
                let list = self.value(&Ty::List(Box::new(item.clone())), 2);
                (format!("({first}, {second}) in {list}.enumerate()"), vec![(first, Ty::Int), (second, item)])
            }
            6 => {
                let list = self.variable(|ty| matches!(ty, Ty::List(_))).map_or("[1, 2]".into(), |v| v.name);
                (format!("{first} in 0..{list}.len()"), vec![(first, Ty::Int)])
            }
            _ => {
                // A pair as a whole.
                let item = self.element(0);
                let map = self.value(&Ty::Map(Box::new(item.clone())), 1);
                let pair = Ty::Pair(Box::new(Ty::Str), Box::new(item));
                (format!("{first} in {map}"), vec![(first, pair)])
            }
        };
        let body = self.scoped(false, |g| {
            bound.iter().for_each(|(name, ty)| g.bind(name, ty, false));
            let mut body = String::new();
            for _ in 0..1 + g.random.below(2) {
                if let Some(text) = g.change() {
                    body.push_str(&text);
                    body.push('\n');
                }
            }
            if g.chance(20) {
                let leave = if g.chance(50) { "break" } else { "continue" };
                body.push_str(&format!("if {} {{ {leave} }}\n", g.value(&Ty::Bool, 1)));
            }
            body + &g.block_of_code(depth)
        });
        format!("for {over} {{\n{body}}}")
    }

    /// Something that a variable grows by, or a part of it that is set.
    pub(super) fn change(&mut self) -> Option<String> {
        let own: Vec<Variable> = self.scope[self.own_scope..].iter().filter(|v| v.mutable).cloned().collect();
        if own.is_empty() {
            return None;
        }
        let Variable { name, ty, .. } = self.pick(&own);
        Some(match &ty {
            Ty::Int => format!("{name} = {name} {} {}", self.pick(&["+", "-", "*"]), self.value(&Ty::Int, 1)),
            Ty::Float => format!("{name} = {name} * 0.5 + {}", self.value(&Ty::Float, 1)),
            Ty::Bool => format!("{name} = {name} != {}", self.value(&Ty::Bool, 1)),
            Ty::Str => format!("{name} = ({name} + {}).slice(0, 12)", self.value(&Ty::Str, 1)),
            Ty::List(item) => match self.random.below(4) {
                0 => format!("{name} = {name}.push({})", self.value(item, 1)),
                1 => format!("{name}[{}] = {}", self.value(&Ty::Int, 1), self.value(item, 1)),
                2 => format!("if {name}.len() > 1 {{ {name}[1] = {name}[0] }}"),
                _ => format!("if not {name}.is_empty() {{ {name}[-1] = {} }}", self.value(item, 1)),
            },
            Ty::Map(item) => format!("{name}[{}] = {}", self.value(&Ty::Str, 1), self.value(item, 1)),
            other => format!("{name} = {}", self.value(other, 1)),
        })
    }

    fn variable(&mut self, wanted: impl Fn(&Ty) -> bool) -> Option<Variable> {
        let fitting: Vec<Variable> = self.scope.iter().filter(|v| wanted(&v.ty)).cloned().collect();
        if fitting.is_empty() { None } else { Some(self.pick(&fitting)) }
    }

    /// An expression that is some JSON.
    pub(super) fn json(&mut self, depth: u32) -> String {
        let document = self.pick(DOCUMENTS);
        let read = format!("(\"{document}\".read_json() ?? 7.to_json())");
        let Some(deeper) = depth.checked_sub(1) else { return read };
        match self.random.below(7) {
            0 => {
                let ty = self.ty(1);
                let value = self.value(&ty, deeper);
                if matches!(ty, Ty::Maybe(_) | Ty::Json) { read } else { format!("{value}.to_json()") }
            }
            1 => format!("({}.get(\"{}\") ?? {read})", self.value(&Ty::Json, deeper), self.pick(&["k", "l", "m"])),
            2 => format!("({}.at({}) ?? {read})", self.value(&Ty::Json, deeper), self.random.below(3)),
            3 => format!("({}.read_json() ?? {read})", self.value(&Ty::Str, deeper)),
            _ => read,
        }
    }

    fn array(&mut self, depth: u32) -> String {
        let json = self.value(&Ty::Json, depth);
        let default = self.pick(&["[]", "[1.to_json(), \"a\".to_json()]"]);
        format!("({json}.as_list() ?? {default})")
    }

    fn object(&mut self, depth: u32) -> String {
        let json = self.value(&Ty::Json, depth);
        let default = self.pick(&["[:]", "[\"k\": 1.to_json()]"]);
        format!("({json}.as_map() ?? {default})")
    }

    /// An expression of the type that pure code is tried with; none if there is none for it.
    pub(super) fn tried(&mut self, ty: &Ty, depth: u32) -> Option<String> {
        Some(match ty {
            Ty::Json => self.json(depth),
            Ty::Int => self.tried_int(depth),
            Ty::Float => {
                let (a, b, json) = (self.value(ty, depth), self.value(ty, depth), self.value(&Ty::Json, depth));
                match self.random.below(5) {
                    0 => format!("({json}.as_float() ?? {a})"),
                    1 => format!("({a} % {b})"),
                    2 => format!("({a} / {b})"),
                    3 => format!("{a}.clamp(-1.5, 100.0)"),
                    _ => format!("{a}.min({b}).max(0.25)"),
                }
            }
            Ty::Bool => self.tried_bool(depth),
            Ty::Str => {
                let (a, json) = (self.value(ty, depth), self.value(&Ty::Json, depth));
                match self.random.below(7) {
                    0 => format!("({json}.as_str() ?? {a})"),
                    1 => format!("{json}.text()"),
                    2 => format!("{a}.slice({}, {})", self.random.below(3), self.random.below(6)),
                    3 => format!("({a} + \"xyz\").chars()[{}]", self.random.below(4)),
                    4 => format!("{a}.repeat({})", self.random.below(3)),
                    5 => format!("({a}.split({}).last() ?? \"\")", self.pick(&["\"a\"", "\" \"", "\"\""])),
                    _ => format!("({json}.keys().first() ?? {a}).lower()"),
                }
            }
            Ty::Maybe(inner) => match (&**inner, self.random.below(2)) {
                (Ty::Int, 0) => format!("{}.as_int()", self.value(&Ty::Json, depth)),
                (Ty::Bool, 0) => format!("{}.as_bool()", self.value(&Ty::Json, depth)),
                (Ty::Str, 0) => format!("{}.as_str()", self.value(&Ty::Json, depth)),
                (Ty::Float, 0) => format!("{}.as_float()", self.value(&Ty::Json, depth)),
                (_, 1) => {
                    format!("{}.get({})", self.value(&Ty::Map(inner.clone()), depth), self.value(&Ty::Str, depth))
                }
                _ => return None,
            },
            Ty::List(item) => {
                let list = self.value(ty, depth);
                match (&**item, self.random.below(4)) {
                    (Ty::Json, _) => self.array(depth),
                    (Ty::Str, 0) => format!("{}.keys()", self.value(&Ty::Json, depth)),
                    (Ty::Str, 1) => format!("{}.chars()", self.value(&Ty::Str, depth)),
                    (_, 0) => format!("{}.values()", self.value(&Ty::Map(item.clone()), depth)),
                    (_, 1) => format!("[{list}, {list}].flatten()"),
                    (_, 2) => format!("{list}.unique()"),
                    _ => format!("{list}.drop({})", self.random.below(3)),
                }
            }
            Ty::Map(_) => format!("{}.remove({})", self.value(ty, depth), self.value(&Ty::Str, depth)),
            _ => return None,
        })
    }

    fn tried_int(&mut self, depth: u32) -> String {
        let (a, b) = (self.value(&Ty::Int, depth), self.value(&Ty::Int, depth));
        let json = self.value(&Ty::Json, depth);
        match self.random.below(10) {
            0 => format!("({json}.as_int() ?? {a})"),
            1 => format!("{json}.as_int().or({a})"),
            2 => format!("{json}.len()"),
            // The sum keeps a constant from being one, which would be refused when it is compiled.
            3 => format!("({a} / ({b} + {json}.len() - 1))"),
            4 => format!("({a} % ({b} + {json}.len() - 1))"),
            5 => format!("{a}.clamp(-5, 9)"),
            6 => format!("(-({a}))"),
            7 => format!("({}.find({}) ?? {a})", self.value(&Ty::Str, depth), self.leaf(&Ty::Str)),
            8 => {
                let list = self.value(&Ty::List(Box::new(Ty::Int)), depth);
                format!("({list}.index_of({a}) ?? {list}.len())")
            }
            _ => match self.variable(|ty| *ty == Ty::List(Box::new(Ty::Int))) {
                Some(list) => format!("{}[{b}]", list.name),
                None => format!("({a} + {b} - 1)"),
            },
        }
    }

    fn tried_bool(&mut self, depth: u32) -> String {
        let json = self.value(&Ty::Json, depth);
        let (a, b) = (self.value(&Ty::Str, depth), self.value(&Ty::Str, depth));
        let maybe = Ty::Maybe(Box::new(self.element(0)));
        match self.random.below(8) {
            0 => format!("{json}.is_null()"),
            1 => format!("({json}.as_bool() ?? {})", self.value(&Ty::Bool, depth)),
            2 => format!("({a} < {b})"),
            3 => format!("({a} == {b})"),
            4 => format!("({} <= {})", self.value(&Ty::Float, depth), self.value(&Ty::Float, depth)),
            5 => format!("({json}.as_int() == none)"),
            6 => {
                let binding = self.variable(|ty| *ty == maybe).map(|v| v.name);
                binding.map_or_else(|| format!("({json}.as_list() != none)"), |name| format!("({name} != none)"))
            }
            _ => {
                let map = self.value(&Ty::Map(Box::new(Ty::Int)), depth);
                format!("({a} in {map} or {map}.contains({b}))")
            }
        }
    }

    /// A function that calls itself, on smaller numbers or on the parts of some JSON.
    pub(super) fn recursive(&mut self) -> String {
        let name = self.name("r");
        let result = self.element(1);
        let (parameter, so_far) = (self.name("p"), self.name("p"));
        let over_json = self.chance(50);
        let first = if over_json { Ty::Json } else { Ty::Int };
        let text = self.scoped(true, |g| {
            g.bind(&parameter, &first, false);
            g.bind(&so_far, &result, false);
            g.fuel = 3;
            let written = g.written(&result);
            let last = g.value(&result, 2);
            let step = g.scoped(false, |g| {
                let acc = g.name("v");
                g.bind(&acc, &result, true);
                let change = g.change().unwrap_or_default();
                let calls = if over_json {
                    let (item, key) = (g.name("e"), g.name("e"));
                    format!(
                        "for {item} in {parameter}.as_list() ?? [] {{ {acc} = {name}({item}, {acc}) }}\n\
                         for ({key}, {item}) in {parameter}.as_map() ?? [:] {{ {acc} = {name}({item}, {acc}) }}"
                    )
                } else {
                    format!("{acc} = {name}({parameter} - 1, {acc})")
                };
                format!("var {acc}: {written} = {so_far}\n{calls}\n{change}\n{}return {acc}", g.block_of_code(1))
            });
            let ends = if over_json { format!("{parameter}.len() == 0") } else { format!("{parameter} <= 0") };
            format!(
                "fn {name}({parameter}: {}, {so_far}: {written}) -> {written} {{\nif {ends} {{ return {last} }}\n{step}\n}}",
                g.written(&first)
            )
        });
        // A call of it goes as deep as its argument says, which the generator keeps small, but for one that is too deep.
        let caller = self.name("f");
        let start = match (over_json, self.random.below(12)) {
            (true, _) => self.scoped(true, |g| g.json(2)),
            (false, 0) => "1500".to_string(),
            (false, deep) => deep.to_string(),
        };
        let value = self.scoped(true, |g| g.value(&result, 1));
        let calls = format!("fn {caller}() -> {} {{ return {name}({start}, {value}) }}", self.written(&result));
        self.callables.push(Callable { name: caller, parameters: Vec::new(), result, turns: None, uses: false });
        format!("{text}\n{calls}")
    }
}
