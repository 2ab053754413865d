//! Whether any text fits a shape: by its structure where that decides, else by its automaton.
//!
//! A compiler asks this of every hole. Nearly all are records, lists and choices of a few leaves, whose answer follows from those of
//! their parts; a leaf with a pattern or a delimiter is looked at once and remembered.

use crate::error::ConstrainError;
use crate::grammar::Grammar;
use rustc_hash::FxHashMap;
use sgl_protocol::Shape;

/// Most parts of a shape that is decided by its structure; beyond it a limit of the automaton may decide.
const PARTS_MAX: u32 = 256;
/// Most bytes of its texts.
const TEXT_BYTES_MAX: usize = 1 << 14;

/// What was found of the leaves so far, by leaf and whether it stands alone.
#[derive(Debug, Default)]
pub struct Possible {
    leaves: FxHashMap<(Shape, bool), Option<bool>>,
}

/// What is left of the bounds.
struct Budget {
    parts: u32,
    bytes: usize,
}

impl Possible {
    /// Whether any text fits, whatever the vocabulary.
    ///
    /// # Errors
    /// Those of [`Grammar::of_shape`] and [`Grammar::is_possible`].
    pub fn fits_any(&mut self, shape: &Shape) -> Result<bool, ConstrainError> {
        let mut budget = Budget { parts: PARTS_MAX, bytes: TEXT_BYTES_MAX };
        match self.evident(shape, true, &mut budget) {
            Some(answer) => Ok(answer),
            None => by_automaton(shape),
        }
    }

    /// What the structure says; `None` where it does not decide.
    fn evident(&mut self, shape: &Shape, top: bool, budget: &mut Budget) -> Option<bool> {
        budget.parts = budget.parts.checked_sub(1)?;
        match shape {
            Shape::Text { pattern: None, until: None, .. } | Shape::Bool | Shape::Null => Some(true),
            Shape::Text { .. } => self.leaf(shape, top),
            Shape::Int { min, max } => Some(min.unwrap_or(i64::MIN) <= max.unwrap_or(i64::MAX)),
            Shape::Float { decimals: Some(0..=18), min: Some(min), max: Some(max) } => Some(min <= max),
            Shape::Float { decimals: None, .. } => Some(true),
            Shape::Float { .. } => self.leaf(shape, top),
            Shape::Literal(text) => budget.texts(text.len()).then_some(true),
            Shape::Enum { names, .. } => {
                (!names.is_empty() && budget.texts(names.iter().map(String::len).sum())).then_some(true)
            }
            Shape::List { item, min, max } => {
                let item = self.evident(item, false, budget)?;
                Some(max.is_none_or(|max| *min <= max) && (*min == 0 || item))
            }
            Shape::Tuple(items) => self.all(items.iter(), budget),
            Shape::Formed { shape, .. } => self.evident(shape, top, budget),
            Shape::Record { fields, .. } => {
                if !budget.texts(fields.iter().map(|field| field.name.len()).sum()) {
                    return None;
                }
                self.all(fields.iter().map(|field| &field.shape), budget)
            }
            Shape::Union(variants) => {
                let mut any = false;
                for variant in variants {
                    any |= self.evident(&variant.shape, top, budget)?;
                }
                Some(any)
            }
            _ => None,
        }
    }

    fn all<'a>(&mut self, parts: impl Iterator<Item = &'a Shape>, budget: &mut Budget) -> Option<bool> {
        let mut all = true;
        for part in parts {
            all &= self.evident(part, false, budget)?;
        }
        Some(all)
    }

    /// A leaf by its automaton, the first time.
    fn leaf(&mut self, shape: &Shape, top: bool) -> Option<bool> {
        let key = (shape.clone(), top);
        if let Some(known) = self.leaves.get(&key) {
            return *known;
        }
        let found = if top { by_automaton(shape) } else { by_automaton(&Shape::Tuple(vec![shape.clone()])) }.ok();
        self.leaves.insert(key, found);
        found
    }
}

impl Budget {
    /// Takes so many bytes of text; whether they are left.
    fn texts(&mut self, bytes: usize) -> bool {
        match self.bytes.checked_sub(bytes) {
            Some(left) => {
                self.bytes = left;
                true
            }
            None => false,
        }
    }
}

/// The slow way, which always decides.
fn by_automaton(shape: &Shape) -> Result<bool, ConstrainError> {
    Grammar::of_shape(shape)?.is_possible()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sgl_protocol::{Field, Variant};

    /// A small random shape, many of them impossible.
    fn random(seed: &mut u64, depth: u32) -> Shape {
        let mut draw = |bound: u64| {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*seed >> 33) % bound
        };
        let kind = draw(if depth == 0 { 9 } else { 13 });
        let (a, b) = (draw(4), draw(4));
        let (low, high) = (i64::try_from(a).unwrap(), i64::try_from(b).unwrap());
        let (few, many) = (u32::try_from(a).unwrap(), u32::try_from(b).unwrap());
        match kind {
            0 => Shape::Text { pattern: None, chars_max: (a > 0).then_some(many), until: None },
            1 => {
                let pattern = ["[a-c]+", r"[^\s\S]", r"[^\n]{1,9}", r"a|[^\s\S]"][usize::try_from(a).unwrap()];
                Shape::Text { pattern: Some(pattern.into()), chars_max: (b > 1).then_some(many), until: None }
            }
            2 => {
                let pattern = (a > 1).then(|| ",+".to_string());
                Shape::Text { pattern, chars_max: (b > 1).then_some(many), until: Some(",".into()) }
            }
            3 => Shape::Int { min: (a > 0).then_some(low), max: (b > 0).then_some(high) },
            4 => Shape::Float { decimals: Some(2), min: Some(low * 50), max: Some(high * 70) },
            5 => Shape::Float { decimals: (a > 1).then_some(1), min: None, max: None },
            6 => [Shape::Bool, Shape::Null][usize::from(a > 1)].clone(),
            7 => Shape::Literal(["", "x", "a \"b\"", "é"][usize::try_from(a).unwrap()].into()),
            8 => Shape::Enum { name: String::new(), names: (0..=a).map(|n| format!("n{n}")).collect() },
            9 => Shape::List { item: Box::new(random(seed, depth - 1)), min: few, max: (b != 2).then_some(many) },
            10 => Shape::Tuple((0..a).map(|_| random(seed, depth - 1)).collect()),
            11 => {
                let field = |n: u64, shape| Field { name: format!("f{n}"), shape };
                let fields = (0..a).map(|n| field(n, random(seed, depth - 1))).collect();
                Shape::Record { name: String::new(), fields }
            }
            _ => {
                let variant = |n: u64, shape| Variant { name: format!("v{n}"), shape };
                Shape::Union((0..=a).map(|n| variant(n, random(seed, depth - 1))).collect())
            }
        }
    }

    #[test]
    fn the_structure_says_what_the_automaton_says() {
        let (mut possible, mut seed, mut decided, mut impossible) = (Possible::default(), 7, 0, 0);
        for _ in 0..3_000 {
            let shape = random(&mut seed, 2);
            let mut budget = Budget { parts: PARTS_MAX, bytes: TEXT_BYTES_MAX };
            let Some(answer) = possible.evident(&shape, true, &mut budget) else { continue };
            assert_eq!(by_automaton(&shape), Ok(answer), "{shape:?}");
            decided += 1;
            impossible += u32::from(!answer);
        }
        assert!(decided > 2_000 && impossible > 100, "{decided} decided, {impossible} impossible");
    }

    #[test]
    fn what_the_structure_leaves_open_is_asked_of_the_automaton() {
        let many = Shape::Tuple(vec![Shape::Bool; 300]);
        assert_eq!(Possible::default().fits_any(&many), Ok(true));
        let contradiction = Shape::List { item: Box::new(Shape::Bool), min: 2, max: Some(1) };
        assert_eq!(Possible::default().fits_any(&Shape::Tuple(vec![contradiction; 300])), Ok(false));
    }
}
