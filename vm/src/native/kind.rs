//! What is known of a register before the code runs: a guess that the code checks wherever it reads memory.

/// What a register holds. Kinds inside lists and records are what was seen or follows from the code; reading checks them.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Nothing came here.
    Never,
    /// An integer in a register.
    Int,
    /// A number in a register.
    Float,
    /// 0 or 1 in a register.
    Bool,
    /// A pointer to a text.
    Str,
    /// A pointer to elements of a kind.
    List(Box<Kind>),
    /// A pointer to pairs of a key and a value.
    Map(Box<Kind>, Box<Kind>),
    /// A pointer to parts.
    Tuple(Vec<Kind>),
    /// A pointer to fields of a record type.
    Record(u32),
    /// A variant of an enum: two words.
    Variant(u32),
    /// Start and end, never in memory.
    Range,
    /// A pointer to what a function captured.
    Closure(u32),
    /// `none`, or what is inside: two words.
    Maybe(Box<Kind>),
    /// A pointer to a key and a value inside a map that a loop goes over, never in memory itself.
    Pair(Box<Kind>, Box<Kind>),
    /// A loop's place in a list, map or range: what it goes over, and where it is.
    Iterator(Box<Kind>),
    /// Any value: two words.
    Any,
}

/// How deep kinds inside kinds are told apart.
const DEPTH_MAX: u32 = 3;

impl Kind {
    pub(super) fn list(item: Self) -> Self {
        Self::List(Box::new(item.contained()))
    }

    pub(super) fn maybe(inner: Self) -> Self {
        match inner.contained() {
            Self::Any => Self::Any,
            Self::Maybe(inner) => Self::Maybe(inner),
            inner => Self::Maybe(Box::new(inner)),
        }
    }

    /// The kind of the same value inside another.
    pub(super) fn contained(self) -> Self {
        match self {
            Self::Range | Self::Pair(..) | Self::Iterator(_) => Self::Any,
            other => other,
        }
    }

    /// Without the `none`.
    pub(super) fn some(&self) -> &Self {
        match self {
            Self::Maybe(inner) => inner,
            other => other,
        }
    }

    /// What holds of values of both kinds.
    pub(super) fn join(&self, other: &Self) -> Self {
        self.join_at(other, DEPTH_MAX)
    }

    fn join_at(&self, other: &Self, depth: u32) -> Self {
        let Some(deeper) = depth.checked_sub(1) else {
            return if self == other { self.clone() } else { Self::Any };
        };
        match (self, other) {
            (Self::Never, kind) | (kind, Self::Never) => kind.clone(),
            (a, b) if a == b => a.clone(),
            (Self::List(a), Self::List(b)) => Self::List(Box::new(a.join_at(b, deeper))),
            (Self::Map(k, v), Self::Map(l, w)) => {
                Self::Map(Box::new(k.join_at(l, deeper)), Box::new(v.join_at(w, deeper)))
            }
            (Self::Pair(k, v), Self::Pair(l, w)) => {
                Self::Pair(Box::new(k.join_at(l, deeper)), Box::new(v.join_at(w, deeper)))
            }
            (Self::Tuple(a), Self::Tuple(b)) if a.len() == b.len() => {
                Self::Tuple(a.iter().zip(b).map(|(a, b)| a.join_at(b, deeper)).collect())
            }
            (Self::Maybe(a), Self::Maybe(b)) => Self::maybe(a.join_at(b, deeper)),
            (Self::Maybe(a), b) | (b, Self::Maybe(a)) => Self::maybe(a.join_at(b, deeper)),
            (Self::Iterator(a), Self::Iterator(b)) => Self::Iterator(Box::new(a.join_at(b, deeper))),
            _ => Self::Any,
        }
    }

    /// Cut where it would be deeper than kinds are told apart, so that inference ends.
    pub(super) fn bounded(self, depth: u32) -> Self {
        let Some(deeper) = depth.checked_sub(1) else {
            return match self {
                Self::List(_) | Self::Map(..) | Self::Tuple(_) | Self::Maybe(_) => Self::Any,
                other => other,
            };
        };
        let cut = |kind: Box<Self>| Box::new(kind.bounded(deeper));
        match self {
            Self::List(item) => Self::List(cut(item)),
            Self::Map(key, value) => Self::Map(cut(key), cut(value)),
            Self::Pair(key, value) => Self::Pair(cut(key), cut(value)),
            Self::Tuple(items) => Self::Tuple(items.into_iter().map(|item| item.bounded(deeper)).collect()),
            Self::Maybe(inner) => Self::maybe(inner.bounded(deeper)),
            Self::Iterator(over) => Self::Iterator(Box::new(over.bounded(depth))),
            other => other,
        }
    }

    /// Whether values of this kind are one pointer to something counted.
    pub(super) fn is_pointer(&self) -> bool {
        matches!(self, Self::Str | Self::List(_) | Self::Map(..) | Self::Tuple(_) | Self::Record(_) | Self::Closure(_))
    }

    /// Whether values of this kind hold something that is counted.
    pub(super) fn is_counted(&self) -> bool {
        match self {
            Self::Int | Self::Float | Self::Bool | Self::Range | Self::Pair(..) => false,
            Self::Maybe(inner) => inner.is_counted(),
            Self::Iterator(over) => **over != Self::Range,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_go_up_and_end() {
        let kinds = [
            Kind::Never,
            Kind::Int,
            Kind::Float,
            Kind::Str,
            Kind::list(Kind::Never),
            Kind::list(Kind::Int),
            Kind::maybe(Kind::Never),
            Kind::maybe(Kind::Int),
            Kind::Tuple(vec![Kind::Int, Kind::Str]),
            Kind::Record(1),
            Kind::Any,
        ];
        for a in &kinds {
            for b in &kinds {
                let joined = a.join(b);
                assert_eq!(joined, b.join(a), "{a:?} {b:?}");
                assert_eq!(joined.join(a), joined, "{a:?} {b:?}");
            }
        }
        assert_eq!(Kind::maybe(Kind::Never).join(&Kind::Int), Kind::maybe(Kind::Int));
        assert_eq!(Kind::list(Kind::Int).join(&Kind::list(Kind::Float)), Kind::list(Kind::Any));
    }
}
