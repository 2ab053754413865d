//! A chat template, rendered as the `transformers` library renders it.

use super::TemplateError;
use crate::limits::TEMPLATE_FUEL;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, Value, context};
use minijinja_contrib::pycompat::unknown_method_callback;

/// The name of the one template in the environment; without an extension, so nothing is escaped.
const NAME: &str = "chat_template";

/// A compiled template and the tokens it may name.
pub(super) struct Renderer {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

impl Renderer {
    pub(super) fn new(source: &str, bos: &str, eos: &str) -> Result<Self, TemplateError> {
        let malformed = |error: Error| TemplateError::Malformed { detail: told(&error) };
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(malformed)?);
        environment.set_fuel(Some(TEMPLATE_FUEL));
        environment.set_unknown_method_callback(unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_template_owned(NAME, source.to_owned()).map_err(malformed)?;
        Ok(Self { environment, bos: bos.to_owned(), eos: eos.to_owned() })
    }

    /// The text of a conversation of (role, content), or the template's complaint.
    pub(super) fn render(&self, turns: &[(&str, String)]) -> Result<String, String> {
        let messages: Vec<Value> = turns.iter().map(|(role, content)| context! { role => *role, content }).collect();
        let conversation = context! {
            messages,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
            add_generation_prompt => false,
            tools => (),
            documents => (),
        };
        let template = self.environment.get_template(NAME).map_err(|error| told(&error))?;
        template.render(conversation).map_err(|error| told(&error))
    }
}

/// What a template calls to refuse a conversation.
fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// The error in one line.
fn told(error: &Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.line() {
        Some(line) => format!("{what} (line {line} of the template)"),
        None => what,
    }
}
