//! What a model writes, as a tree, and how the forms lay it out: written apart from the compiler, so that each checks the other.

/// What a model writes for a value.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// A number, `true`, `null`.
    Plain(String),
    /// A text.
    Text(String),
    /// The name of a variant, or a literal text.
    Name(String),
    List(Vec<Said>),
    Object(Vec<(String, Said)>),
}

/// A form of a type of a random program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    OneLine,
    Pretty,
    Yaml,
}

impl Form {
    /// `@form(…)` before the type, if it is needed.
    pub(super) fn attribute(self) -> &'static str {
        match self {
            Self::OneLine => "",
            Self::Pretty => "@form(pretty)\n",
            Self::Yaml => "@form(yaml)\n",
        }
    }
}

impl Said {
    /// The text of a hole.
    pub(super) fn alone(&self, form: Form) -> String {
        match self {
            Self::Text(text) | Self::Name(text) => text.clone(),
            other => other.inside(form, 0),
        }
    }

    fn inside(&self, form: Form, indent: usize) -> String {
        let pad = |levels: usize| " ".repeat(indent + 2 * levels);
        match (self, form) {
            (Self::Plain(text), _) => text.clone(),
            // All names of random programs but these are plain words.
            (Self::Name(name), Form::Yaml) if !["yes", "no"].contains(&name.as_str()) => name.clone(),
            (Self::Text(text) | Self::Name(text), _) => format!("\"{text}\""),
            (Self::List(items), _) if items.is_empty() => "[]".into(),
            (Self::Object(fields), _) if fields.is_empty() => "{}".into(),
            (Self::List(items), Form::OneLine) => {
                format!("[{}]", join(items.iter().map(|item| item.inside(form, 0)), ", "))
            }
            (Self::Object(fields), Form::OneLine) => {
                let field = |(key, value): &(String, Self)| format!("\"{key}\": {}", value.inside(form, 0));
                format!("{{{}}}", join(fields.iter().map(field), ", "))
            }
            (Self::List(items), Form::Pretty) => {
                let items = items.iter().map(|item| format!("{}{}", pad(1), item.inside(form, indent + 2)));
                format!("[\n{}\n{}]", join(items, ",\n"), pad(0))
            }
            (Self::Object(fields), Form::Pretty) => {
                let fields = fields
                    .iter()
                    .map(|(key, value)| format!("{}\"{key}\": {}", pad(1), value.inside(form, indent + 2)));
                format!("{{\n{}\n{}}}", join(fields, ",\n"), pad(0))
            }
            (Self::List(items), Form::Yaml) => {
                let items = items.iter().map(|item| format!("- {}", item.inside(form, indent + 2)));
                join(items, &format!("\n{}", pad(0)))
            }
            (Self::Object(fields), Form::Yaml) => {
                let field = |(key, value): &(String, Self)| {
                    let before = if value.has_lines() { format!("\n{}", pad(1)) } else { " ".into() };
                    format!("{key}:{before}{}", value.inside(form, indent + 2))
                };
                join(fields.iter().map(field), &format!("\n{}", pad(0)))
            }
        }
    }

    fn has_lines(&self) -> bool {
        match self {
            Self::List(items) => !items.is_empty(),
            Self::Object(fields) => !fields.is_empty(),
            Self::Plain(_) | Self::Text(_) | Self::Name(_) => false,
        }
    }
}

fn join(parts: impl Iterator<Item = String>, between: &str) -> String {
    parts.collect::<Vec<_>>().join(between)
}
