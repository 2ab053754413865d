//! The tree of what a call goes through.

use crate::binding::Binding;
use serde::{Serialize, Serializer};
use sgl_protocol::Shape;
use sgl_source::Span;
use std::collections::BTreeSet;

/// What a call of an entry goes through.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EntryPlan {
    /// Its name.
    pub name: String,
    /// Its parameters, and when each is known.
    pub parameters: Vec<(String, Binding)>,
    /// Its transcript.
    pub steps: Vec<Step>,
}

/// How often something happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Width {
    /// So often.
    Times(u64),
    /// As often as the run shows; the name stands for it.
    Symbol(String),
}

impl Serialize for Width {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Times(count) => serializer.serialize_u64(*count),
            Self::Symbol(name) => serializer.serialize_str(name),
        }
    }
}

/// How branches become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Join {
    /// All, in order; also what waits for one task.
    All,
    /// The first so many.
    First,
    /// The first.
    Race,
    /// The most frequent.
    Vote,
    /// The greatest.
    Best,
    /// Those ended when a condition holds.
    Until,
    /// All, and their text goes on in the transcript.
    Concat,
}

/// One branch, or what all branches of a kind do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Branch {
    /// Its name, if it has one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it goes through.
    pub steps: Vec<Step>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

/// The symbol for the tokens of a splice.
pub(crate) fn symbol(of: &str, computed: bool) -> String {
    match (of, computed) {
        ("", _) => "text".to_string(),
        (of, true) => format!("from({of})"),
        (of, false) => of.to_string(),
    }
}

/// One thing that a transcript goes through.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Step {
    /// A turn.
    Turn {
        /// Whose.
        role: String,
        #[serde(skip)]
        /// Where it begins.
        span: Span,
        /// What stands in it.
        steps: Vec<Step>,
    },
    /// Text that stands in the program.
    Text {
        /// The text.
        text: String,
        #[serde(skip)]
        /// Where.
        span: Span,
    },
    /// A value as text.
    Splice {
        /// What it comes from.
        of: String,
        /// Whether it is computed of that: how long it is does not follow.
        #[serde(skip_serializing_if = "is_false")]
        computed: bool,
        /// When it is known.
        binding: Binding,
        /// The text itself, if it is known now.
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// The repeats within which it differs.
        #[serde(skip)]
        varies: BTreeSet<u32>,
        #[serde(skip)]
        /// Where.
        span: Span,
    },
    /// What a model writes.
    Hole {
        /// Its name, or `_`.
        label: String,
        /// What it may hold.
        shape: Shape,
        /// The model that fills it, if it is not the run's own.
        #[serde(skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        /// Most tokens, if the program says.
        max_tokens: Option<u32>,
        #[serde(skip)]
        /// Whether it is the likeliest text, so that equal transcripts go on alike.
        likeliest: bool,
        #[serde(skip)]
        /// Where.
        span: Span,
    },
    /// A choice among texts by their probability.
    Select {
        /// Its name, or `_`.
        label: String,
        /// Among how many.
        among: Width,
        #[serde(skip)]
        /// Where.
        span: Span,
    },
    /// A call of a tool, which waits for the world.
    Tool {
        /// Its name.
        name: String,
    },
    /// Branches, each on a transcript of its own.
    Branches {
        /// What makes them: `fork`, `scratch`, the name of a prompt.
        by: String,
        /// Whether they begin where this transcript is; else with an empty one.
        forked: bool,
        /// How many of each.
        width: Width,
        #[serde(skip)]
        /// Where.
        span: Span,
        /// The repeat that they are; facts that vary with it differ from branch to branch.
        #[serde(skip)]
        repeat: u32,
        /// How they end.
        join: Join,
        /// What they go through.
        branches: Vec<Branch>,
    },
    /// The same again and again, on this transcript.
    Repeat {
        /// How often.
        times: Width,
        /// Which repeat it is.
        #[serde(skip)]
        repeat: u32,
        /// What each turn goes through.
        steps: Vec<Step>,
    },
    /// What is tried again after a fault, or may spend only so much.
    Guarded {
        /// How often it may be tried again.
        retries: Width,
        /// Most tokens that may be written in it.
        #[serde(skip_serializing_if = "Option::is_none")]
        tokens_max: Option<u64>,
        /// What is guarded.
        steps: Vec<Step>,
    },
    /// One or the other.
    Choice {
        /// When it is known which.
        binding: Binding,
        /// If so.
        then: Vec<Step>,
        /// If not.
        otherwise: Vec<Step>,
    },
    /// A call of a prompt that is open already: recursion.
    Again {
        /// Which.
        name: String,
    },
}
