//! The types of a random program.

use super::Generator;
use super::forms::{Form, Said};

/// A type that values are made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ty {
    Int,
    Float,
    Bool,
    Str,
    List(Box<Ty>),
    Maybe(Box<Ty>),
    Pair(Box<Ty>, Box<Ty>),
    Record(Vec<(String, Ty)>),
    Map(Box<Ty>),
    Struct(usize),
    Enum(usize),
    /// Any JSON; only in pure code.
    Json,
}

impl Ty {
    /// Whether something in it may be `none`: what such a value is written as has a type of its own only where one is wanted.
    pub(super) fn has_maybe(&self) -> bool {
        match self {
            Self::Maybe(_) => true,
            Self::List(inner) | Self::Map(inner) => inner.has_maybe(),
            Self::Pair(a, b) => a.has_maybe() || b.has_maybe(),
            Self::Record(fields) => fields.iter().any(|(_, ty)| ty.has_maybe()),
            Self::Int | Self::Float | Self::Bool | Self::Str | Self::Struct(_) | Self::Enum(_) | Self::Json => false,
        }
    }
}

/// A struct of the program. Its fields are bounded, so that a hole can have it.
#[derive(Clone, Debug)]
pub(super) struct Struct {
    pub(super) name: String,
    pub(super) fields: Vec<(String, Bounded)>,
    pub(super) form: Form,
}

/// An enum of the program.
#[derive(Clone, Debug)]
pub(super) struct Enum {
    pub(super) name: String,
    /// Names, and the payload if there is one.
    pub(super) variants: Vec<(String, Vec<(String, Ty)>)>,
}

/// A type that a model can write: as it is written, what it is without its bounds, and how values are made.
#[derive(Clone, Debug)]
pub(super) struct Bounded {
    pub(super) text: String,
    pub(super) ty: Ty,
    pub(super) kind: Kind,
}

/// What a bounded type is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Int(i64, i64),
    Decimals,
    Bool,
    LiteralBool(bool),
    Choice(Vec<&'static str>),
    Text(usize),
    Enum(usize),
    Struct(usize),
    List(Box<Bounded>),
    Maybe(Box<Bounded>),
    Record(Vec<(String, Bounded)>),
}

const WORDS: &[&str] = &["red", "green", "blue", "yes", "no"];

impl Generator {
    /// A random type; composed ones only while `depth` lasts.
    pub(super) fn ty(&mut self, depth: u32) -> Ty {
        let composed = if depth == 0 { 0 } else { 7 };
        if self.pure && self.chance(12) {
            return Ty::Json;
        }
        match self.random.below(6 + composed) {
            0 | 1 => Ty::Int,
            2 => Ty::Float,
            3 => Ty::Bool,
            4 | 5 => Ty::Str,
            6 | 7 => Ty::List(Box::new(self.element(depth - 1))),
            8 => match self.ty(depth - 1) {
                Ty::Maybe(inner) => Ty::Maybe(inner),
                inner => Ty::Maybe(Box::new(inner)),
            },
            9 => Ty::Pair(Box::new(self.ty(depth - 1)), Box::new(self.ty(depth - 1))),
            10 => Ty::Map(Box::new(self.element(depth - 1))),
            11 if !self.structs.is_empty() => Ty::Struct(self.random.below(self.structs.len())),
            12 if !self.enums.is_empty() => Ty::Enum(self.random.below(self.enums.len())),
            _ => Ty::Record(vec![("a".into(), self.ty(depth - 1)), ("b".into(), self.ty(depth - 1))]),
        }
    }

    /// A type of elements: never optional, because a list that is not annotated takes the type of what is in it.
    pub(super) fn element(&mut self, depth: u32) -> Ty {
        match self.ty(depth) {
            Ty::Maybe(inner) => *inner,
            Ty::Pair(..) | Ty::Record(_) => Ty::Str,
            other => other,
        }
    }

    /// A type as written.
    pub(super) fn written(&self, ty: &Ty) -> String {
        match ty {
            Ty::Int => "Int".into(),
            Ty::Float => "Float".into(),
            Ty::Bool => "Bool".into(),
            Ty::Str => "Str".into(),
            Ty::List(item) => format!("[{}]", self.written(item)),
            Ty::Maybe(inner) => format!("{}?", self.written(inner)),
            Ty::Pair(a, b) => format!("({}, {})", self.written(a), self.written(b)),
            Ty::Record(fields) => {
                let fields: Vec<String> = fields.iter().map(|(n, t)| format!("{n}: {}", self.written(t))).collect();
                format!("({})", fields.join(", "))
            }
            Ty::Map(value) => format!("{{Str: {}}}", self.written(value)),
            Ty::Json => "Json".into(),
            Ty::Struct(index) => self.structs[*index].name.clone(),
            Ty::Enum(index) => self.enums[*index].name.clone(),
        }
    }

    pub(super) fn enumeration(&mut self) -> String {
        let name = self.name("Kind");
        let payloads = self.chance(40);
        let mut variants = Vec::new();
        for _ in 0..2 + self.random.below(2) {
            let variant = self.name(if payloads { "Case" } else { "kind" });
            let mut fields = Vec::new();
            for _ in 0..if payloads { self.random.below(3) } else { 0 } {
                fields.push((self.name("x"), self.ty(1)));
            }
            variants.push((variant, fields));
        }
        let written: Vec<String> = variants
            .iter()
            .map(|(name, fields)| {
                let fields: Vec<String> = fields.iter().map(|(n, t)| format!("{n}: {}", self.written(t))).collect();
                if fields.is_empty() { name.clone() } else { format!("{name}({})", fields.join(", ")) }
            })
            .collect();
        let separator = if self.chance(50) { ", " } else { "\n" };
        let has_payload = variants.iter().any(|(_, fields)| !fields.is_empty());
        let form = if has_payload { self.form() } else { Form::OneLine };
        let text = format!("enum {name} {{{separator}{}{separator}}}", written.join(separator)).replace("{,", "{");
        let text = format!("{}{text}", form.attribute());
        self.enums.push(Enum { name, variants });
        text
    }

    pub(super) fn structure(&mut self) -> String {
        let name = self.name("Thing");
        let mut fields = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            let depth = u32::from(self.chance(30));
            fields.push((self.name("x"), self.bounded(depth)));
        }
        let form = self.form();
        let docs = self.chance(30);
        let separator = if docs || self.chance(50) { "\n" } else { ", " };
        let written: Vec<String> = fields
            .iter()
            .map(|(n, b)| format!("{}{n}: {}", if docs { "/// what it is\n" } else { "" }, b.text))
            .collect();
        let text = format!("{}struct {name} {{{}\n}}", form.attribute(), written.join(separator));
        self.structs.push(Struct { name, fields, form });
        text
    }

    fn form(&mut self) -> Form {
        self.pick(&[Form::OneLine, Form::OneLine, Form::OneLine, Form::Pretty, Form::Yaml, Form::Yaml])
    }

    /// The form that a hole of a type has, if the type says one: lists, records and the like have that of what they hold.
    pub(super) fn form_of(&self, kind: &Kind) -> Option<Form> {
        match kind {
            Kind::Struct(index) => Some(self.structs[*index].form),
            Kind::List(inner) | Kind::Maybe(inner) => self.form_of(&inner.kind),
            Kind::Record(fields) => {
                let all: Vec<Form> = fields.iter().filter_map(|(_, bounded)| self.form_of(&bounded.kind)).collect();
                let first = all.first().copied()?;
                Some(if all.iter().all(|form| *form == first) { first } else { Form::OneLine })
            }
            _ => None,
        }
    }

    /// A type that a model can write.
    pub(super) fn bounded(&mut self, depth: u32) -> Bounded {
        let composed = if depth == 0 { 0 } else { 4 };
        match self.random.below(6 + composed) {
            0 => {
                let (low, span) = (self.random.below(12) as i64 - 3, self.random.below(10) as i64);
                let text = format!("Int in {low}..={}", low + span);
                Bounded { text, ty: Ty::Int, kind: Kind::Int(low, low + span) }
            }
            1 if self.chance(30) => {
                let only = self.chance(50);
                Bounded { text: only.to_string(), ty: Ty::Bool, kind: Kind::LiteralBool(only) }
            }
            1 => Bounded { text: "Bool".into(), ty: Ty::Bool, kind: Kind::Bool },
            2 => Bounded { text: "Float(1) in 0.0..=1.0".into(), ty: Ty::Float, kind: Kind::Decimals },
            3 => {
                let words = WORDS[..2 + self.random.below(3)].to_vec();
                let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                Bounded { text: quoted.join(" | "), ty: Ty::Str, kind: Kind::Choice(words) }
            }
            4 => {
                let longest = 3 + self.random.below(4);
                Bounded { text: format!("Str max {longest}"), ty: Ty::Str, kind: Kind::Text(longest) }
            }
            5 => match self.enums.iter().position(|e| e.variants.iter().all(|(_, fields)| fields.is_empty())) {
                Some(index) => {
                    Bounded { text: self.enums[index].name.clone(), ty: Ty::Enum(index), kind: Kind::Enum(index) }
                }
                None => Bounded { text: "Bool".into(), ty: Ty::Bool, kind: Kind::Bool },
            },
            6 if !self.structs.is_empty() => {
                let index = self.random.below(self.structs.len());
                Bounded { text: self.structs[index].name.clone(), ty: Ty::Struct(index), kind: Kind::Struct(index) }
            }
            7 => {
                // A text may be `null`, and then can't be told from none.
                let inner = match self.bounded(0) {
                    Bounded { kind: Kind::Text(_), .. } => {
                        Bounded { text: "Bool".into(), ty: Ty::Bool, kind: Kind::Bool }
                    }
                    other => other,
                };
                let ty = Ty::Maybe(Box::new(inner.ty.clone()));
                // `?` binds to the last word of a refinement otherwise.
                Bounded { text: format!("({})?", inner.text), ty, kind: Kind::Maybe(Box::new(inner)) }
            }
            8 => {
                let fields = vec![("a".to_string(), self.bounded(0)), ("b".to_string(), self.bounded(0))];
                let text: Vec<String> = fields.iter().map(|(n, b)| format!("{n}: {}", b.text)).collect();
                let ty = Ty::Record(fields.iter().map(|(n, b)| (n.clone(), b.ty.clone())).collect());
                Bounded { text: format!("({})", text.join(", ")), ty, kind: Kind::Record(fields) }
            }
            _ => {
                let inner = self.bounded(0);
                let ty = Ty::List(Box::new(inner.ty.clone()));
                Bounded { text: format!("[{}; 1..=3]", inner.text), ty, kind: Kind::List(Box::new(inner)) }
            }
        }
    }

    /// A value of a bounded type: as the model says it, and as the program does.
    pub(super) fn sample(&mut self, kind: &Kind) -> (Said, String) {
        match kind {
            Kind::Int(low, high) => {
                let value = (low + self.random.below((high - low + 1) as usize) as i64).to_string();
                (Said::Plain(value.clone()), value)
            }
            Kind::Decimals => {
                let value = format!("0.{}", self.random.below(10));
                (Said::Plain(value.clone()), value)
            }
            Kind::Bool => {
                let value = self.chance(50).to_string();
                (Said::Plain(value.clone()), value)
            }
            Kind::LiteralBool(only) => (Said::Plain(only.to_string()), only.to_string()),
            Kind::Choice(words) => {
                let word = self.pick(words);
                (Said::Name(word.into()), format!("\"{word}\""))
            }
            Kind::Text(longest) => {
                let word: String = "abcdefgh"[..1 + self.random.below(*longest)].to_string();
                (Said::Text(word.clone()), format!("\"{word}\""))
            }
            Kind::Enum(index) => {
                let Enum { name, variants } = self.enums[*index].clone();
                let variant = self.pick(&variants).0;
                (Said::Name(variant.clone()), format!("{name}.{variant}"))
            }
            Kind::Struct(index) => {
                let Struct { name, fields, .. } = self.structs[*index].clone();
                let (said, code) = self.samples(&fields);
                (said, format!("{name}({code})"))
            }
            Kind::Record(fields) => {
                let (said, code) = self.samples(fields);
                (said, format!("({code})"))
            }
            Kind::Maybe(_) if self.chance(30) => (Said::Plain("null".into()), "none".into()),
            Kind::Maybe(inner) => self.sample(&inner.kind),
            Kind::List(inner) => {
                let all: Vec<_> = (0..1 + self.random.below(3)).map(|_| self.sample(&inner.kind)).collect();
                let (said, code): (Vec<_>, Vec<_>) = all.into_iter().unzip();
                (Said::List(said), format!("[{}]", code.join(", ")))
            }
        }
    }

    fn samples(&mut self, fields: &[(String, Bounded)]) -> (Said, String) {
        let mut said = Vec::new();
        let mut code = Vec::new();
        for (name, bounded) in fields {
            let (s, c) = self.sample(&bounded.kind);
            said.push((name.clone(), s));
            code.push(format!("{name}: {c}"));
        }
        (Said::Object(said), code.join(", "))
    }
}
