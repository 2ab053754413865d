//! When a text is known.

use serde::Serialize;
use std::collections::BTreeSet;

/// The moment at which a value is known, the earliest first. What is known before a moment is the same for all that comes after it,
/// and so can be shared by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Binding {
    /// It stands in the program.
    #[default]
    Const,
    /// It is computed of what stands there.
    Build,
    /// It is known when a model is chosen: what its chat template writes around turns.
    Deploy,
    /// A parameter that a caller says to hold fixed over many calls.
    Batch,
    /// A parameter.
    Call,
    /// A model or a tool answers it.
    Generated,
}

impl Binding {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Const => "const",
            Self::Build => "build",
            Self::Deploy => "deploy",
            Self::Batch => "batch",
            Self::Call => "call",
            Self::Generated => "generated",
        }
    }
}

/// What is known of a value itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Known {
    /// Nothing.
    #[default]
    Nothing,
    /// An `Int`.
    Int(i64),
    /// A `Float`.
    Float(f64),
    /// A `Str`.
    Text(String),
    /// A list or range of so many elements.
    Length(u64),
}

/// What is known of a value before the run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fact {
    pub(crate) binding: Binding,
    /// The repeats within which it differs from turn to turn.
    pub(crate) varies: BTreeSet<u32>,
    pub(crate) known: Known,
    /// What it comes from: a parameter, a hole.
    pub(crate) origin: String,
    /// Whether it is computed of that, and no part of it: how long its text is does not follow.
    pub(crate) computed: bool,
}

impl Fact {
    /// A value that stands in the program.
    pub(crate) fn constant(known: Known) -> Self {
        Self { known, ..Self::default() }
    }

    /// A value that is known at a moment.
    pub(crate) fn of(binding: Binding, origin: &str) -> Self {
        Self { binding, origin: origin.to_string(), ..Self::default() }
    }

    /// A value that depends on both.
    pub(crate) fn join(&self, other: &Self) -> Self {
        let later = if other.binding > self.binding || self.origin.is_empty() { other } else { self };
        Self {
            binding: self.binding.max(other.binding),
            varies: self.varies.union(&other.varies).copied().collect(),
            known: if self.known == other.known { self.known.clone() } else { Known::Nothing },
            origin: later.origin.clone(),
            computed: self.computed
                || other.computed
                || !self.origin.is_empty() && !other.origin.is_empty() && self.origin != other.origin,
        }
    }

    /// A value that is computed of this one.
    pub(crate) fn computed(self) -> Self {
        Self { binding: self.binding.max(Binding::Build), known: Known::Nothing, computed: true, ..self }
    }

    /// The same in a repeat, where it differs from turn to turn.
    pub(crate) fn within(mut self, repeat: u32) -> Self {
        self.varies.insert(repeat);
        self
    }
}
