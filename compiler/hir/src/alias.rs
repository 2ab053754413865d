//! The named refinements of `Str`, and what each is.

use crate::types::{TextType, Type};

/// Name, pattern.
pub(crate) const ALIASES: &[(&str, &str)] = &[
    ("Line", r"[^\n\r]+"),
    ("Word", r"[^\s]+"),
    ("Sentence", r"[^.!?\s][^.!?\n\r]{0,300}[.!?]"),
    ("Date", r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"),
    ("Time", r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"),
    (
        "DateTime",
        r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])",
    ),
    ("Email", r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,8}"),
    ("Url", r"https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*)?"),
    ("IPv4", r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}"),
    ("Uuid", r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
];

/// The type of an alias.
pub(crate) fn find(name: &str) -> Option<Type> {
    if name == "Fault" {
        return Some(crate::body::guard::fault_type());
    }
    let (alias, pattern) = ALIASES.iter().find(|(alias, _)| *alias == name)?;
    // A line ends where the model ends it, so its newline is not part of the turn.
    let until = (*alias == "Line").then(|| "\n".to_string());
    Some(Type::Str(TextType { alias: Some(alias), pattern: Some((*pattern).to_string()), chars_max: None, until }))
}
