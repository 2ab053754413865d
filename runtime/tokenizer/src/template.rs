//! What a chat template writes around a turn.
//!
//! A template renders a whole conversation; an engine appends to a transcript. Both agree when a longer conversation
//! renders to the shorter one's text plus something. [`ChatTemplate::compile`] renders small conversations with
//! sentinels for contents and reads off, for each role and the role before it, what opens the turn and what closes it.
//! Where a template rewrites what it has already said, that turn is refused with both texts.

mod probe;
mod render;

use crate::limits::TEMPLATE_BYTES_MAX;
use probe::Turns;
use render::Renderer;

/// The roles that are tried on every template.
const ROLES: [&str; 5] = ["system", "user", "assistant", "tool", "developer"];

/// Why a template, or a turn in it, can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The source is too long to be a template.
    #[error("the chat template has {bytes} bytes, at most {TEMPLATE_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The source is not Jinja.
    #[error("the chat template is malformed: {detail}")]
    Malformed {
        /// What is wrong, and where.
        detail: String,
    },
    /// The template raises an error for this turn, and for all like it.
    #[error("the chat template refuses {}: {detail}", turn(role, previous.as_deref()))]
    Refused {
        /// Whose turn.
        role: String,
        /// Whose turn was before it.
        previous: Option<String>,
        /// What the template says.
        detail: String,
    },
    /// The template has no such role.
    #[error("the chat template has no role `{role}`; its roles are {}", known.join(", "))]
    UnknownRole {
        /// The role asked for.
        role: String,
        /// The roles that can be opened.
        known: Vec<String>,
    },
    /// The template rewrites the transcript when a turn is added.
    #[error(
        "the chat template rewrites what came before, so {} can't be appended: \
         {shorter:?} became {longer:?}", turn(role, previous.as_deref())
    )]
    NotAppendOnly {
        /// Whose turn was added.
        role: String,
        /// Whose turn was before it.
        previous: Option<String>,
        /// The text that should have stayed.
        shorter: String,
        /// The text with one more turn.
        longer: String,
    },
    /// The template leaves a turn's content out, or says it twice.
    #[error("the chat template does not show the content of {} once: {rendered:?}", turn(role, previous.as_deref()))]
    ContentNotShown {
        /// Whose turn.
        role: String,
        /// Whose turn was before it.
        previous: Option<String>,
        /// The text with that turn.
        rendered: String,
    },
    /// The text around a turn depends on more than the turn before it.
    #[error(
        "the chat template writes {} in two ways: {first:?} and {second:?}",
        turn(role, previous.as_deref())
    )]
    Inconsistent {
        /// Whose turn.
        role: String,
        /// Whose turn was before it.
        previous: Option<String>,
        /// One way: the text before the content, `…`, the text after it.
        first: String,
        /// The other.
        second: String,
    },
}

/// "a turn of `user` after `system`".
fn turn(role: &str, previous: Option<&str>) -> String {
    match previous {
        Some(previous) => format!("a turn of `{role}` after `{previous}`"),
        None => format!("a first turn of `{role}`"),
    }
}

/// The text around turns, read off a chat template.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    turns: Turns,
}

impl ChatTemplate {
    /// Reads a Jinja chat template. `bos` and `eos` are the texts of the tokens that it may name.
    ///
    /// The clock is not among the things a template can see: `strftime_now` is undefined, as on an old host, and
    /// templates fall back to a fixed date.
    ///
    /// Errors: a template that is not Jinja, or with which no conversation can be begun.
    pub fn compile(source: &str, bos: &str, eos: &str) -> Result<Self, TemplateError> {
        if source.len() > TEMPLATE_BYTES_MAX {
            return Err(TemplateError::TooLong { bytes: source.len() });
        }
        let renderer = Renderer::new(source, bos, eos)?;
        Ok(Self { turns: Turns::derive(&renderer)? })
    }

    /// What stands before the content of a turn of `role` that follows a turn of `previous`. For the first turn this
    /// includes the beginning of the text and the system prompt that the template inserts by itself.
    ///
    /// Errors: [`TemplateError::UnknownRole`], or why this template can't put `role` after `previous`.
    pub fn opening(&self, role: &str, previous: Option<&str>) -> Result<&str, TemplateError> {
        let at = self.place(role)?;
        match self.turns.opening(at, previous.map(|name| self.place(name)).transpose()?) {
            Err(TemplateError::Refused { .. }) if !self.turns.closes(at) => Err(self.unknown(role)),
            found => found,
        }
    }

    /// What stands after the content of a turn of `role`.
    ///
    /// Errors: [`TemplateError::UnknownRole`].
    pub fn closing(&self, role: &str) -> Result<&str, TemplateError> {
        let at = self.place(role)?;
        if self.turns.closes(at) { self.turns.closing(at) } else { Err(self.unknown(role)) }
    }

    /// The roles that can be opened somewhere in a conversation.
    pub fn roles(&self) -> Vec<&'static str> {
        (0..ROLES.len()).filter(|&role| self.turns.closes(role)).map(|role| ROLES[role]).collect()
    }

    fn place(&self, role: &str) -> Result<usize, TemplateError> {
        ROLES.iter().position(|&known| known == role).ok_or_else(|| self.unknown(role))
    }

    fn unknown(&self, role: &str) -> TemplateError {
        let known = self.roles().into_iter().map(str::to_owned).collect();
        TemplateError::UnknownRole { role: role.to_owned(), known }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SmolLM2's, as its GGUF file carries it.
    const SMOLLM2: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

    /// A system turn exists only inside the first user turn, and turns must alternate.
    const FOLDED_SYSTEM: &str = "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set said = '<<SYS>>' + messages[0]['content'] + '<</SYS>>' %}{% set turns = messages[1:] %}{% else %}{% set said = '' %}{% set turns = messages %}{% endif %}{% for m in turns %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% if m['role'] == 'user' %}[INST] {{ (said if loop.first else '') + m['content'].strip() }} [/INST]{% else %} {{ m['content'] }} {{ eos_token }}{% endif %}{% endfor %}";

    fn compiled(source: &str) -> ChatTemplate {
        ChatTemplate::compile(source, "<s>", "</s>").unwrap()
    }

    #[test]
    fn smollm2_inserts_its_system_prompt_only_before_a_first_turn_of_another_role() {
        let template = compiled(SMOLLM2);
        assert_eq!(template.opening("system", None).unwrap(), "<|im_start|>system\n");
        assert_eq!(
            template.opening("user", None).unwrap(),
            "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face\
             <|im_end|>\n<|im_start|>user\n"
        );
        assert_eq!(template.opening("user", Some("system")).unwrap(), "<|im_start|>user\n");
        assert_eq!(template.opening("assistant", Some("user")).unwrap(), "<|im_start|>assistant\n");
        assert_eq!(template.closing("assistant").unwrap(), "<|im_end|>\n");
    }

    #[test]
    fn an_unknown_role_names_the_ones_that_work() {
        let error = compiled(SMOLLM2).opening("narrator", None).unwrap_err().to_string();
        assert!(error.contains("`narrator`") && error.contains("system, user, assistant"), "{error}");
    }

    #[test]
    fn a_system_turn_that_is_folded_into_the_next_is_refused_and_the_rest_works() {
        let template = compiled(FOLDED_SYSTEM);
        assert_eq!(template.opening("user", None).unwrap(), "<s>[INST] ");
        assert_eq!(template.closing("user").unwrap(), " [/INST]");
        assert_eq!(template.opening("user", Some("assistant")).unwrap(), "[INST] ");
        assert_eq!(template.closing("assistant").unwrap(), " </s>");
        let error = template.opening("system", None).unwrap_err();
        assert!(matches!(error, TemplateError::ContentNotShown { .. }), "{error}");
    }

    #[test]
    fn a_turn_that_the_template_refuses_carries_its_words() {
        let error = compiled(FOLDED_SYSTEM).opening("user", Some("user")).unwrap_err();
        assert!(error.to_string().contains("roles must alternate"), "{error}");
    }

    #[test]
    fn a_template_that_rewrites_the_past_is_refused_there_and_only_there() {
        let template = compiled(
            "{% for m in messages %}<{{ m.role }}{% if not loop.last %} old{% endif %}>{{ m.content }}{% endfor %}",
        );
        assert_eq!(template.opening("user", None).unwrap(), "<user>");
        let error = template.opening("assistant", Some("user")).unwrap_err();
        let TemplateError::NotAppendOnly { shorter, longer, .. } = error else { panic!("{error}") };
        assert!(shorter.starts_with("<user>") && longer.starts_with("<user old>"));
    }

    #[test]
    fn a_template_that_is_not_jinja_or_never_ends_is_refused() {
        let unclosed = ChatTemplate::compile("{% for m in messages %}", "", "");
        assert!(matches!(unclosed, Err(TemplateError::Malformed { .. })));
        let endless = ChatTemplate::compile(
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
            "",
            "",
        );
        assert!(matches!(endless, Err(TemplateError::Refused { .. })));
    }

    #[test]
    fn blocks_are_trimmed_and_python_methods_work_as_in_transformers() {
        let template = compiled(
            "{%- for m in messages %}\n    {%- if m.content.strip() is string %}\n[{{ m['role'].upper() }}]{{ m.content | trim }};\n    {%- endif %}\n{%- endfor %}\n",
        );
        assert_eq!(template.opening("user", None).unwrap(), "[USER]");
        assert_eq!(template.closing("user").unwrap(), ";");
    }
}
