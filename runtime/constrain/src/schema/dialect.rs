//! Which draft of JSON Schema a document speaks.

use super::error::Refusal;
use serde_json::Value;

/// A draft. Where none is said, all that any draft from 4 on says is understood, in the newest sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Draft 4.
    Draft4,
    /// Draft 6.
    Draft6,
    /// Draft 7.
    Draft7,
    /// Draft 2019-09.
    Draft2019,
    /// Draft 2020-12.
    Draft2020,
    /// None is said.
    Unsaid,
}

impl Dialect {
    /// What `$schema` of a schema says, if it has one.
    pub(super) fn said_by(schema: &Value, pointer: &str) -> Result<Option<Self>, Refusal> {
        let Some(uri) = schema.get("$schema") else { return Ok(None) };
        let Some(uri) = uri.as_str() else { return Err(Refusal::invalid(pointer, "$schema", "it is no string")) };
        let name = uri.trim().trim_end_matches('#').trim_end_matches('/');
        let name = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(name);
        Ok(Some(match name.strip_prefix("json-schema.org/").unwrap_or("") {
            "draft-04/schema" | "draft-04" => Self::Draft4,
            "draft-06/schema" | "draft-06" => Self::Draft6,
            "draft-07/schema" | "draft-07" => Self::Draft7,
            "draft/2019-09/schema" => Self::Draft2019,
            "draft/2020-12/schema" => Self::Draft2020,
            "schema" => Self::Unsaid,
            _ => {
                let message =
                    format!("the dialect `{uri}` is not known; known are drafts 4, 6, 7, 2019-09 and 2020-12");
                return Err(Refusal::unsupported(pointer, "$schema", message));
            }
        }))
    }

    /// Whether a `$ref` stands alone, so that other keywords beside it mean nothing.
    pub(super) fn reference_stands_alone(self) -> bool {
        self <= Self::Draft7
    }

    /// The keyword that names a schema.
    pub(super) fn id_keyword(self) -> &'static str {
        if self == Self::Draft4 { "id" } else { "$id" }
    }
}
