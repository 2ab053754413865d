//! Types, as the checker knows them.
//!
//! Structs and enums are nominal, everything else is structural. A refinement is part of its type: `Int in 1..=5` is
//! `Int { min: Some(1), max: Some(5) }`, `Date` is a `Str` with a pattern.

use crate::program::{EnumId, GenericId, StructId};

/// A type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Text.
    Str(TextType),
    /// An integer between inclusive bounds.
    Int {
        /// Least.
        min: Option<i64>,
        /// Greatest.
        max: Option<i64>,
    },
    /// A number. With `decimals`, bounds are in units of the last digit.
    Float {
        /// Digits after the point.
        decimals: Option<u8>,
        /// Least.
        min: Option<i64>,
        /// Greatest.
        max: Option<i64>,
    },
    /// `true` or `false`.
    Bool,
    /// `true` alone, or `false` alone.
    LiteralBool(bool),
    /// `()`.
    Unit,
    /// `"a"`: a `Str` that is this text.
    Literal(String),
    /// The type of `none` alone.
    None,
    /// The type of `Unknown` alone.
    Unknown,
    /// `T?`. Never nested.
    Optional(Box<Type>),
    /// `A | B`: at least two members, none of them a union, no two equal.
    Union(Vec<Type>),
    /// `[T; min..=max]`
    List {
        /// Each element.
        item: Box<Type>,
        /// Fewest.
        min: u32,
        /// Most.
        max: Option<u32>,
    },
    /// `{Str: T}`
    Map(Box<Type>, Box<Type>),
    /// `(A, B)`
    Tuple(Vec<Type>),
    /// `(a: A, b: B)`
    Record(Vec<(String, Type)>),
    /// A struct.
    Struct(StructId),
    /// An enum.
    Enum(EnumId),
    /// `a..b`, of integers.
    Range,
    /// A closure or function.
    Function(Vec<Type>, Box<Type>),
    /// A transcript.
    Prompt,
    /// An image.
    Image,
    /// Any JSON.
    Json,
    /// A JSON Schema.
    Schema,
    /// In a hole: `Str from xs`, whose list is the hole's computed part of this number. Its values are `Str`.
    OneOf(u8),
    /// In a hole: `Json as s`, whose schema is the hole's computed part of this number. Its values are `Json`.
    JsonAs(u8),
    /// Of expressions that do not end, such as `return`.
    Never,
    /// A fault was reported here; it fits everything, so that no echo follows.
    Error,
    /// A generic struct or enum, some of whose arguments are not known yet; none is left in a checked program.
    Apply(GenericId, Vec<Type>),
    /// Not known yet; none is left in a checked program.
    Variable(u32),
}

/// What narrows a `Str`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TextType {
    /// The alias it was written as (`Line`, `Date`), for messages.
    pub alias: Option<&'static str>,
    /// The whole text matches this regular expression.
    pub pattern: Option<String>,
    /// Most characters.
    pub chars_max: Option<u32>,
    /// Ends before this delimiter.
    pub until: Option<String>,
}

impl Type {
    /// Any text.
    pub fn text() -> Self {
        Self::Str(TextType::default())
    }

    /// Any integer.
    pub fn int() -> Self {
        Self::Int { min: None, max: None }
    }

    /// Any number.
    pub fn float() -> Self {
        Self::Float { decimals: None, min: None, max: None }
    }

    /// A list of any length.
    pub fn list(item: Self) -> Self {
        Self::List { item: Box::new(item), min: 0, max: None }
    }

    /// The type of a value of this type, once the hole that it is written in is filled.
    #[must_use]
    pub fn filled(&self) -> Self {
        let all = |types: &[Self]| types.iter().map(Self::filled).collect();
        match self {
            Self::OneOf(_) => Self::text(),
            Self::JsonAs(_) => Self::Json,
            Self::Optional(of) => of.filled().optional(),
            Self::Union(members) => crate::resolve::union(all(members)),
            Self::List { item, min, max } => Self::List { item: Box::new(item.filled()), min: *min, max: *max },
            Self::Map(k, v) => Self::Map(Box::new(k.filled()), Box::new(v.filled())),
            Self::Tuple(items) => Self::Tuple(all(items)),
            Self::Record(fields) => Self::Record(fields.iter().map(|(name, ty)| (name.clone(), ty.filled())).collect()),
            other => other.clone(),
        }
    }

    /// `self?`, without nesting.
    #[must_use]
    pub fn optional(self) -> Self {
        match self {
            Self::Optional(_) | Self::None | Self::Error => self,
            other => Self::Optional(Box::new(other)),
        }
    }
}
