//! What a hole may hold, as text: the one description that every layer reads.
//!
//! The compiler derives a [`Shape`] from a type, `constrain` makes an automaton of it, the VM parses and prints values
//! by it. The text is canonical: one key order, `", "` and `": "` as separators, minimal escapes, so that every value
//! has exactly one spelling. [`Shape::Formed`] is the same over several lines.

mod depth;

use crate::form::Form;
use serde::{Deserialize, Serialize};

/// The set of texts that a value of some type may have.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Shape {
    /// Text, whole or as a JSON string inside a structure.
    Text {
        /// A regular expression (the syntax of the `regex` crate, Unicode on) that the whole text matches.
        pattern: Option<String>,
        /// Most Unicode scalar values that the text may have.
        chars_max: Option<u32>,
        /// The text ends before this delimiter, which belongs neither to the value nor to the transcript.
        until: Option<String>,
    },
    /// A decimal integer: no leading zeros, no `+`, no `-0`. Bounds are inclusive.
    Int {
        /// Least value.
        min: Option<i64>,
        /// Greatest value.
        max: Option<i64>,
    },
    /// A decimal number. With `decimals: Some(n)` exactly `n` digits after the point (no point when `n` is 0); bounds
    /// are inclusive and counted in units of `10^-n`. Without `decimals`: an optional fraction of at most 17 digits,
    /// and no bounds.
    Float {
        /// Digits after the point.
        decimals: Option<u8>,
        /// Least value, in units of the last digit.
        min: Option<i64>,
        /// Greatest value, in units of the last digit.
        max: Option<i64>,
    },
    /// `true` or `false`.
    Bool,
    /// `true` alone, or `false` alone.
    LiteralBool(bool),
    /// `null`.
    Null,
    /// Exactly this text (inside a structure: as a JSON string).
    Literal(String),
    /// The name of one of these; the value is its index. Inside a structure the name is a JSON string.
    Enum {
        /// The nominal type's name, for messages.
        name: String,
        /// The generated names, in declaration order.
        names: Vec<String>,
    },
    /// A JSON array.
    List {
        /// Each element.
        #[serde(deserialize_with = "depth::read")]
        item: Box<Shape>,
        /// Fewest elements.
        min: u32,
        /// Most elements; `None` is unbounded.
        max: Option<u32>,
    },
    /// A JSON array of fixed length, each place with its own shape.
    Tuple(#[serde(deserialize_with = "depth::read")] Vec<Shape>),
    /// A JSON object with these keys in this order.
    Record {
        /// The nominal type's name; empty for an anonymous record.
        name: String,
        /// Keys and what they hold, in order.
        fields: Vec<Field>,
    },
    /// A JSON object with any keys: `{"k": v, …}`. Of a key that is written twice, the later value counts.
    Map {
        /// Each key; a shape whose texts inside a structure are JSON strings.
        #[serde(deserialize_with = "depth::read")]
        key: Box<Shape>,
        /// Each value.
        #[serde(deserialize_with = "depth::read")]
        value: Box<Shape>,
        /// Fewest entries.
        min: u32,
        /// Most entries; `None` is unbounded.
        max: Option<u32>,
    },
    /// One of several alternatives whose texts are disjoint; the value is that of the alternative.
    Union(Vec<Variant>),
    /// A JSON object whose first key, [`TAG`], says which alternative it is; [`Variant::tagged`] says what follows.
    Tagged {
        /// The enum's name; empty for a union of types, whose value is that of the alternative.
        name: String,
        /// The alternatives, each with its tag as name.
        variants: Vec<Variant>,
    },
    /// Shapes that refer to each other, and the one that is meant.
    Recursive {
        /// What [`Shape::Ref`] inside of `definitions` and `root` refers to, by position.
        #[serde(deserialize_with = "depth::read")]
        definitions: Vec<Shape>,
        /// The whole.
        #[serde(deserialize_with = "depth::read")]
        root: Box<Shape>,
    },
    /// One of the definitions of the nearest [`Shape::Recursive`] around.
    Ref(u32),
    /// JSON that a JSON Schema describes; the schema as text. `"true"` is any JSON.
    Schema(String),
    /// Text that a grammar describes, in Lark's notation.
    Grammar(String),
    /// What a program computes when it reaches the hole, by position; never part of a request.
    Computed(u8),
    /// An image: an argument, never part of a request.
    Image,
    /// A shape whose structures are laid out over several lines; the outermost of a hole.
    Formed {
        /// How.
        form: Form,
        /// Of what.
        #[serde(deserialize_with = "depth::read")]
        shape: Box<Shape>,
    },
}

/// The key that says which alternative of a [`Shape::Tagged`] an object is.
pub const TAG: &str = "type";

/// The key that holds an alternative of a [`Shape::Tagged`] that has no keys of its own.
pub const TAGGED_VALUE: &str = "value";

/// One key of a [`Shape::Record`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Field {
    /// The key as generated.
    pub name: String,
    /// What it holds.
    #[serde(deserialize_with = "depth::read")]
    pub shape: Shape,
}

/// One alternative of a [`Shape::Union`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Variant {
    /// The type's name, for messages.
    pub name: String,
    /// Its texts.
    #[serde(deserialize_with = "depth::read")]
    pub shape: Shape,
}

/// What stands after the tag of an alternative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tagged<'a> {
    /// The keys of the alternative itself, which is a record.
    Fields(&'a [Field]),
    /// [`TAGGED_VALUE`] with the whole alternative.
    Value(&'a Shape),
    /// Nothing: the tag says it all (`none`, `Unknown`).
    Nothing,
}

impl Variant {
    /// As an alternative of a [`Shape::Tagged`]: what stands after the tag.
    pub fn tagged(&self) -> Tagged<'_> {
        match &self.shape {
            Shape::Record { fields, .. } if fields.iter().all(|field| field.name != TAG) => Tagged::Fields(fields),
            Shape::Null => Tagged::Nothing,
            Shape::Literal(text) if text == "unknown" && self.name == "Unknown" => Tagged::Nothing,
            whole => Tagged::Value(whole),
        }
    }

    /// As an alternative of a [`Shape::Tagged`]: the whole object, tag first.
    pub fn tagged_object(&self) -> Shape {
        let mut fields = vec![Field { name: TAG.into(), shape: Shape::Literal(self.name.clone()) }];
        match self.tagged() {
            Tagged::Fields(own) => fields.extend_from_slice(own),
            Tagged::Value(shape) => fields.push(Field { name: TAGGED_VALUE.into(), shape: shape.clone() }),
            Tagged::Nothing => {}
        }
        Shape::Record { name: String::new(), fields }
    }
}

impl Shape {
    /// Free text: to the end of the turn or the token budget.
    pub const fn free_text() -> Self {
        Self::Text { pattern: None, chars_max: None, until: None }
    }

    /// The shapes that this one is made of, one level down.
    pub fn parts(&self) -> Vec<&Self> {
        match self {
            Self::List { item, .. } => vec![item],
            Self::Formed { shape, .. } => vec![shape],
            Self::Map { key, value, .. } => vec![key, value],
            Self::Tuple(items) => items.iter().collect(),
            Self::Record { fields, .. } => fields.iter().map(|field| &field.shape).collect(),
            Self::Union(variants) | Self::Tagged { variants, .. } => variants.iter().map(|v| &v.shape).collect(),
            Self::Recursive { definitions, root } => definitions.iter().chain([root.as_ref()]).collect(),
            Self::Text { .. }
            | Self::Int { .. }
            | Self::Float { .. }
            | Self::Bool
            | Self::Null
            | Self::Literal(_)
            | Self::Enum { .. }
            | Self::Ref(_)
            | Self::Schema(_)
            | Self::Grammar(_)
            | Self::LiteralBool(_)
            | Self::Image
            | Self::Computed(_) => Vec::new(),
        }
    }

    /// Whether this shape or one in it is so.
    pub fn any(&self, is: &dyn Fn(&Self) -> bool) -> bool {
        is(self) || self.parts().into_iter().any(|part| part.any(is))
    }

    /// The shape with everything that is computed put in; `None` if a part is missing.
    pub fn computed(&self, parts: &[Self]) -> Option<Self> {
        let inner = |shape: &Self| shape.computed(parts).map(Box::new);
        let field = |field: &Field| Some(Field { name: field.name.clone(), shape: field.shape.computed(parts)? });
        let variant = |v: &Variant| Some(Variant { name: v.name.clone(), shape: v.shape.computed(parts)? });
        Some(match self {
            Self::Computed(index) => parts.get(usize::from(*index))?.clone(),
            Self::List { item, min, max } => Self::List { item: inner(item)?, min: *min, max: *max },
            Self::Formed { form, shape } => Self::Formed { form: *form, shape: inner(shape)? },
            Self::Tuple(items) => Self::Tuple(items.iter().map(|i| i.computed(parts)).collect::<Option<_>>()?),
            Self::Record { name, fields } => {
                Self::Record { name: name.clone(), fields: fields.iter().map(field).collect::<Option<_>>()? }
            }
            Self::Map { key, value, min, max } => {
                Self::Map { key: inner(key)?, value: inner(value)?, min: *min, max: *max }
            }
            Self::Union(variants) => Self::Union(variants.iter().map(variant).collect::<Option<_>>()?),
            Self::Tagged { name, variants } => {
                Self::Tagged { name: name.clone(), variants: variants.iter().map(variant).collect::<Option<_>>()? }
            }
            Self::Recursive { definitions, root } => {
                let definitions = definitions.iter().map(|d| d.computed(parts)).collect::<Option<_>>()?;
                Self::Recursive { definitions, root: inner(root)? }
            }
            Self::Text { .. }
            | Self::Int { .. }
            | Self::Float { .. }
            | Self::Bool
            | Self::Null
            | Self::Literal(_)
            | Self::Enum { .. }
            | Self::Ref(_)
            | Self::Schema(_)
            | Self::LiteralBool(_)
            | Self::Image
            | Self::Grammar(_) => self.clone(),
        })
    }

    /// Whether any text at all is allowed, so that no mask is needed.
    pub fn is_free_text(&self) -> bool {
        matches!(self, Self::Text { pattern: None, chars_max: None, until: _ })
    }

    /// Whether the shape is a finite set of short names, so that its members can be listed.
    pub fn members(&self) -> Option<Vec<String>> {
        match self {
            Self::Bool => Some(vec!["true".into(), "false".into()]),
            Self::LiteralBool(only) => Some(vec![only.to_string()]),
            Self::Null => Some(vec!["null".into()]),
            Self::Literal(text) => Some(vec![text.clone()]),
            Self::Enum { names, .. } => Some(names.clone()),
            Self::Union(variants) => {
                let mut all = Vec::new();
                for variant in variants {
                    all.extend(variant.shape.members()?);
                }
                Some(all)
            }
            Self::Text { .. }
            | Self::Int { .. }
            | Self::Float { .. }
            | Self::List { .. }
            | Self::Tuple(_)
            | Self::Record { .. }
            | Self::Map { .. }
            | Self::Tagged { .. }
            | Self::Formed { .. }
            | Self::Recursive { .. }
            | Self::Ref(_)
            | Self::Schema(_)
            | Self::Grammar(_)
            | Self::Image
            | Self::Computed(_) => None,
        }
    }
}
