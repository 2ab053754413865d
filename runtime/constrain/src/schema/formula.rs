//! What a schema demands of one value, as a formula: kept once, in negation normal form, so that equal demands are the same.
//!
//! A literal about one type of values says nothing about others: `Text` holds for every number. Its negation says that the
//! value *is* a string and breaks it.

use super::document::PlaceId;
use super::language::{LanguageId, Languages};
use rustc_hash::FxHashMap;

/// A formula that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FormulaId(u32);

/// Types of values, as bits; the two booleans are types of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Types(pub(super) u8);

impl Types {
    pub(super) const NULL: Self = Self(1);
    pub(super) const FALSE: Self = Self(2);
    pub(super) const TRUE: Self = Self(4);
    pub(super) const NUMBER: Self = Self(8);
    pub(super) const STRING: Self = Self(16);
    pub(super) const ARRAY: Self = Self(32);
    pub(super) const OBJECT: Self = Self(64);
    pub(super) const ALL: Self = Self(127);
    pub(super) const EACH: [Self; 7] =
        [Self::NULL, Self::FALSE, Self::TRUE, Self::NUMBER, Self::STRING, Self::ARRAY, Self::OBJECT];

    pub(super) fn holds(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Keys that a literal is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Keys {
    /// One name.
    Name(Box<str>),
    /// All names of a language.
    Of(LanguageId),
}

/// A count from `min` to `max`; without `max` there is no most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Count {
    pub(super) min: u32,
    pub(super) max: Option<u32>,
}

impl Count {
    pub(super) fn least(min: u32) -> Self {
        Self { min, max: None }
    }

    pub(super) fn most(max: u32) -> Self {
        Self { min: 0, max: Some(max) }
    }

    pub(super) fn both(self, other: Self) -> Self {
        let max = match (self.max, other.max) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self { min: self.min.max(other.min), max }
    }

    pub(super) fn is_empty(self) -> bool {
        self.max.is_some_and(|max| max < self.min)
    }

    /// What is left after one; `None` if there may be none.
    pub(super) fn after_one(self) -> Option<Self> {
        if self.max == Some(0) {
            return None;
        }
        Some(Self { min: self.min.saturating_sub(1), max: self.max.map(|max| max - 1) })
    }
}

/// A demand on one value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Atom {
    /// It has one of these types.
    Type(Types),
    /// As a number it is one of these.
    Number(LanguageId),
    /// As a string it is one of these.
    Text(LanguageId),
    /// As a string it has so many characters.
    Length(Count),
    /// As an object it holds, under every key that is meant, a value of the formula.
    Keys(Keys, FormulaId),
    /// As an object it has so many members.
    Members(Count),
    /// As an array it holds, at every place from the first number to before the second, an element of the formula.
    Items(u32, Option<u32>, FormulaId),
    /// As an array it has so many elements.
    Elements(Count),
    /// As an array it has so many elements of the formula.
    Contains(FormulaId, Count),
    /// As an array it has no two equal elements, and none of these.
    Unique(Box<[String]>),
}

impl Atom {
    /// The types that it says something about; all for `Type`.
    pub(super) fn types(&self) -> Types {
        match self {
            Self::Type(_) => Types::ALL,
            Self::Number(_) => Types::NUMBER,
            Self::Text(_) | Self::Length(_) => Types::STRING,
            Self::Keys(..) | Self::Members(_) => Types::OBJECT,
            Self::Items(..) | Self::Elements(_) | Self::Contains(..) | Self::Unique(_) => Types::ARRAY,
        }
    }
}

/// A formula.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Formula {
    True,
    False,
    And(Box<[FormulaId]>),
    Or(Box<[FormulaId]>),
    /// A schema of the document, read when it is needed.
    Place(PlaceId),
    NotPlace(PlaceId),
    Is(Atom),
    Not(Atom),
}

/// All formulas of a schema.
#[derive(Debug)]
pub(super) struct Formulas {
    kept: Vec<Formula>,
    ids: FxHashMap<Formula, FormulaId>,
    negations: FxHashMap<FormulaId, FormulaId>,
    /// Parts touched so far: bounds time.
    work: usize,
}

impl Formulas {
    pub(super) const TRUE: FormulaId = FormulaId(0);
    pub(super) const FALSE: FormulaId = FormulaId(1);

    pub(super) fn new() -> Self {
        let mut new = Self { kept: Vec::new(), ids: FxHashMap::default(), negations: FxHashMap::default(), work: 0 };
        new.keep(Formula::True);
        new.keep(Formula::False);
        new
    }

    pub(super) fn get(&self, id: FormulaId) -> &Formula {
        &self.kept[id.0 as usize]
    }

    /// Steps taken so far.
    pub(super) fn work(&self) -> usize {
        self.work
    }

    pub(super) fn spend(&mut self, steps: usize) {
        self.work += steps;
    }

    fn keep(&mut self, formula: Formula) -> FormulaId {
        if let Some(id) = self.ids.get(&formula) {
            return *id;
        }
        let id = FormulaId(u32::try_from(self.kept.len()).expect("work is bounded"));
        self.kept.push(formula.clone());
        self.ids.insert(formula, id);
        id
    }

    pub(super) fn place(&mut self, place: PlaceId) -> FormulaId {
        self.keep(Formula::Place(place))
    }

    /// A literal, in its simplest form.
    pub(super) fn is(&mut self, atom: Atom) -> FormulaId {
        self.work += 1;
        match &atom {
            Atom::Type(Types::ALL) | Atom::Keys(_, Self::TRUE) | Atom::Items(_, _, Self::TRUE) => return Self::TRUE,
            Atom::Number(Languages::NUMBERS) | Atom::Text(Languages::ANY) => return Self::TRUE,
            Atom::Keys(Keys::Of(Languages::NOTHING), _) => return Self::TRUE,
            Atom::Type(Types(0)) => return Self::FALSE,
            Atom::Length(count) | Atom::Members(count) | Atom::Elements(count) => {
                if *count == Count::least(0) {
                    return Self::TRUE;
                }
                if count.is_empty() {
                    let types = Types(Types::ALL.0 & !atom.types().0);
                    return self.keep(Formula::Is(Atom::Type(types)));
                }
            }
            Atom::Contains(_, count) if *count == Count::least(0) => return Self::TRUE,
            Atom::Contains(_, count) if count.is_empty() => {
                return self.keep(Formula::Is(Atom::Type(Types(Types::ALL.0 & !Types::ARRAY.0))));
            }
            Atom::Contains(Self::TRUE, count) => return self.is(Atom::Elements(*count)),
            Atom::Contains(Self::FALSE, count) if count.min == 0 => return Self::TRUE,
            Atom::Items(from, Some(to), _) if from >= to => return Self::TRUE,
            Atom::Items(from, None, Self::FALSE) => return self.is(Atom::Elements(Count::most(*from))),
            _ => {}
        }
        self.keep(Formula::Is(atom))
    }

    /// The negation of a literal.
    fn is_not(&mut self, atom: &Atom) -> FormulaId {
        let outside = |count: Count| {
            let below = count.min.checked_sub(1).map(Count::most);
            let above = count.max.and_then(|max| max.checked_add(1)).map(Count::least);
            below.into_iter().chain(above)
        };
        // The counts of a type of value, outside of the bounds.
        let counted = |this: &mut Self, count: Count, make: &dyn Fn(Count) -> Atom| {
            let typed = this.is(Atom::Type(atom.types()));
            let ways: Vec<FormulaId> = outside(count).map(|count| this.is(make(count))).collect();
            let ways = this.or(ways);
            this.and(vec![typed, ways])
        };
        match atom {
            Atom::Type(types) => self.is(Atom::Type(Types(Types::ALL.0 & !types.0))),
            Atom::Length(count) => counted(self, *count, &Atom::Length),
            Atom::Members(count) => counted(self, *count, &Atom::Members),
            Atom::Elements(count) => counted(self, *count, &Atom::Elements),
            Atom::Contains(value, count) => counted(self, *count, &|count| Atom::Contains(*value, count)),
            _ => self.keep(Formula::Not(atom.clone())),
        }
    }

    /// What does not fit the formula.
    pub(super) fn not(&mut self, id: FormulaId) -> FormulaId {
        if let Some(known) = self.negations.get(&id) {
            return *known;
        }
        self.work += 1;
        let negation = match self.get(id).clone() {
            Formula::True => Self::FALSE,
            Formula::False => Self::TRUE,
            Formula::And(parts) => {
                let parts = parts.iter().map(|part| self.not(*part)).collect();
                self.or(parts)
            }
            Formula::Or(parts) => {
                let parts = parts.iter().map(|part| self.not(*part)).collect();
                self.and(parts)
            }
            Formula::Place(place) => self.keep(Formula::NotPlace(place)),
            Formula::NotPlace(place) => self.keep(Formula::Place(place)),
            Formula::Is(atom) => self.is_not(&atom),
            Formula::Not(atom) => self.is(atom),
        };
        self.negations.insert(id, negation);
        self.negations.insert(negation, id);
        negation
    }

    pub(super) fn and(&mut self, parts: Vec<FormulaId>) -> FormulaId {
        self.join(parts, true)
    }

    pub(super) fn or(&mut self, parts: Vec<FormulaId>) -> FormulaId {
        self.join(parts, false)
    }

    pub(super) fn both(&mut self, a: FormulaId, b: FormulaId) -> FormulaId {
        match (a, b) {
            (Self::TRUE, other) | (other, Self::TRUE) => other,
            (Self::FALSE, _) | (_, Self::FALSE) => Self::FALSE,
            _ if a == b => a,
            _ => self.and(vec![a, b]),
        }
    }

    fn join(&mut self, parts: Vec<FormulaId>, all: bool) -> FormulaId {
        let (neutral, ruling) = if all { (Self::TRUE, Self::FALSE) } else { (Self::FALSE, Self::TRUE) };
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match self.get(part) {
                Formula::And(inner) if all => flat.extend(inner.iter().copied()),
                Formula::Or(inner) if !all => flat.extend(inner.iter().copied()),
                _ => flat.push(part),
            }
        }
        self.work += flat.len() + 1;
        flat.retain(|part| *part != neutral);
        flat.sort_unstable();
        flat.dedup();
        if flat.contains(&ruling) {
            return ruling;
        }
        self.merge_types(&mut flat, all);
        if flat.contains(&ruling) {
            return ruling;
        }
        flat.retain(|part| *part != neutral);
        let contradicts = |part: &FormulaId| {
            self.negations.get(part).is_some_and(|negation| negation < part && flat.binary_search(negation).is_ok())
        };
        if flat.iter().any(contradicts) {
            return ruling;
        }
        match flat.as_slice() {
            [] => neutral,
            [only] => *only,
            _ if all => self.keep(Formula::And(flat.into())),
            _ => self.keep(Formula::Or(flat.into())),
        }
    }

    /// Several literals about types are one.
    fn merge_types(&mut self, flat: &mut Vec<FormulaId>, all: bool) {
        let types_of = |this: &Self, part: FormulaId| match this.get(part) {
            Formula::Is(Atom::Type(types)) => Some(*types),
            _ => None,
        };
        let found: Vec<Types> = flat.iter().filter_map(|part| types_of(self, *part)).collect();
        if found.len() < 2 {
            return;
        }
        flat.retain(|part| types_of(self, *part).is_none());
        let merged = found.iter().fold(if all { 127 } else { 0 }, |sum, t| if all { sum & t.0 } else { sum | t.0 });
        flat.push(self.is(Atom::Type(Types(merged))));
        flat.sort_unstable();
    }
}
