//! What is shared while a schema is compiled: the document, formulas, languages, and what is already known.

use super::SchemaOptions;
use super::document::{Document, PlaceId};
use super::error::{Refusal, SchemaError};
use super::formula::{Atom, Formula, FormulaId, Formulas, Types};
use super::language::{LanguageId, Languages};
use super::read::{Named, Reading};
use super::shape::Shape;
use crate::error::ConstrainError;
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;
use std::rc::Rc;

/// Steps that one schema may take: about a second.
const WORK_MAX: usize = 30_000_000;
/// References and alternatives in one another, all for the same value.
const EXPANSION_DEPTH_MAX: usize = 200;

pub(super) struct Compiler<'a> {
    pub(super) document: Document<'a>,
    pub(super) options: &'a SchemaOptions,
    pub(super) formulas: Formulas,
    pub(super) languages: Languages,
    pub(super) readings: FxHashMap<PlaceId, Reading>,
    /// Where a literal was first said, and with which keyword.
    pub(super) origins: FxHashMap<FormulaId, (Rc<str>, &'static str)>,
    /// Sets of numbers whose members have neighbours that doubles do not tell from others.
    pub(super) delicate: FxHashSet<LanguageId>,
    expanded: FxHashMap<FormulaId, FormulaId>,
    /// Schemas that are being expanded: to meet one again is a circle.
    expanding: Vec<PlaceId>,
    pub(super) shapes: FxHashMap<FormulaId, Rc<Shape>>,
    /// Formulas that were found to have no value.
    pub(super) empty: FxHashSet<FormulaId>,
    /// Formulas that were found to have one.
    pub(super) not_empty: FxHashSet<FormulaId>,
    /// Formulas that are being looked at for whether they are empty, and the work done before.
    pub(super) looking: Vec<FormulaId>,
    pub(super) looked_from: usize,
    /// Where all problems are wanted: those found so far. A schema with one counts as fitting everything.
    pub(super) problems: Option<Vec<SchemaError>>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(schema: &'a Value, options: &'a SchemaOptions) -> Result<Self, Refusal> {
        Ok(Self {
            document: Document::new(schema, options.dialect)?,
            options,
            formulas: Formulas::new(),
            languages: Languages::new()?,
            readings: FxHashMap::default(),
            origins: FxHashMap::default(),
            delicate: FxHashSet::default(),
            expanded: FxHashMap::default(),
            expanding: Vec::new(),
            shapes: FxHashMap::default(),
            empty: FxHashSet::default(),
            not_empty: FxHashSet::default(),
            looking: Vec::new(),
            looked_from: 0,
            problems: None,
        })
    }

    /// Takes so many steps, unless they are too many.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Refusal> {
        self.formulas.spend(steps);
        if self.formulas.work() > WORK_MAX {
            return Err(ConstrainError::TooLarge { what: "steps to compile the schema", limit: WORK_MAX }.into());
        }
        Ok(())
    }

    /// The formula with every schema that is about the same value read, so that only literals are left.
    pub(super) fn expand(&mut self, id: FormulaId) -> Result<FormulaId, Refusal> {
        if let Some(known) = self.expanded.get(&id) {
            return Ok(*known);
        }
        self.spend(1)?;
        let expanded = match self.formulas.get(id).clone() {
            Formula::True | Formula::False | Formula::Is(_) | Formula::Not(_) => id,
            Formula::And(parts) => {
                let parts = parts.iter().map(|part| self.expand(*part)).collect::<Result<_, _>>()?;
                self.formulas.and(parts)
            }
            Formula::Or(parts) => {
                let parts = parts.iter().map(|part| self.expand(*part)).collect::<Result<_, _>>()?;
                self.formulas.or(parts)
            }
            Formula::Place(place) => self.expand_place(place)?,
            Formula::NotPlace(place) => {
                let expanded = self.expand_place(place)?;
                self.formulas.not(expanded)
            }
        };
        self.expanded.insert(id, expanded);
        Ok(expanded)
    }

    fn expand_place(&mut self, place: PlaceId) -> Result<FormulaId, Refusal> {
        let pointer = self.document.place(place).pointer.clone();
        if self.expanding.contains(&place) {
            return Err(Refusal::invalid(&pointer, "$ref", "it refers to itself for the same value"));
        }
        if self.expanding.len() >= EXPANSION_DEPTH_MAX {
            let error = ConstrainError::TooLarge { what: "schemas in one another", limit: EXPANSION_DEPTH_MAX };
            return Err(Refusal::from(error).at(&pointer, "$ref"));
        }
        self.expanding.push(place);
        let keyword = main_keyword(self.document.place(place).value);
        let read = self.read(place).map_err(|refusal| refusal.at(&pointer, keyword));
        let expanded = read.and_then(|reading| self.expand(reading.formula));
        self.expanding.pop();
        match (expanded, &mut self.problems) {
            (Err(refusal), Some(problems)) => {
                let problem = refusal.into_error();
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
                Ok(Formulas::TRUE)
            }
            (expanded, _) => expanded,
        }
    }

    /// The shape of a formula. A refusal without a place gets that of the first schema in it; where all problems are wanted
    /// it is one of them.
    pub(super) fn shape_or_problem(&mut self, id: FormulaId) -> Result<Rc<Shape>, Refusal> {
        let refusal = match self.shape(id) {
            Ok(shape) => return Ok(shape),
            Err(refusal) => self.placed(id, refusal),
        };
        match &mut self.problems {
            None => Err(refusal),
            Some(problems) => {
                problems.push(refusal.into_error());
                self.shape(Formulas::TRUE)
            }
        }
    }

    /// The refusal at the place of the first schema in the formula, if it had none.
    fn placed(&self, id: FormulaId, refusal: Refusal) -> Refusal {
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            match self.formulas.get(id) {
                Formula::Place(place) | Formula::NotPlace(place) => {
                    let place = self.document.place(*place);
                    return refusal.at(&place.pointer, main_keyword(place.value));
                }
                Formula::And(parts) | Formula::Or(parts) => stack.extend(parts.iter().rev().copied()),
                _ => {}
            }
        }
        refusal
    }

    /// What the formula demands of values of one type.
    pub(super) fn restricted(&mut self, id: FormulaId, types: Types) -> Result<FormulaId, Refusal> {
        self.spend(1)?;
        let held = |holds: bool| if holds { Formulas::TRUE } else { Formulas::FALSE };
        Ok(match self.formulas.get(id).clone() {
            Formula::True | Formula::False => id,
            Formula::Is(Atom::Type(some)) => held(some.holds(types)),
            Formula::Is(atom) if atom.types().holds(types) => id,
            Formula::Is(_) => Formulas::TRUE,
            Formula::Not(atom) if atom.types().holds(types) => id,
            Formula::Not(_) => Formulas::FALSE,
            Formula::And(parts) => {
                let mut kept = Vec::new();
                for part in &parts {
                    let part = self.restricted(*part, types)?;
                    if part == Formulas::FALSE {
                        return Ok(part);
                    }
                    kept.push(part);
                }
                self.formulas.and(kept)
            }
            Formula::Or(parts) => {
                let mut kept = Vec::new();
                for part in &parts {
                    let part = self.restricted(*part, types)?;
                    if part == Formulas::TRUE {
                        return Ok(part);
                    }
                    kept.push(part);
                }
                self.formulas.or(kept)
            }
            Formula::Place(_) | Formula::NotPlace(_) => unreachable!("places are expanded before"),
        })
    }

    /// Exactly one of them: each without those that are not known to exclude it.
    pub(super) fn one_of(&mut self, parts: &[FormulaId]) -> Result<FormulaId, Refusal> {
        let mut excluding = vec![Vec::new(); parts.len()];
        for (i, a) in parts.iter().enumerate() {
            for (j, b) in parts.iter().enumerate().skip(i + 1) {
                self.spend(10)?;
                let both = self.formulas.both(*a, *b);
                if !self.surely_empty(both, 4) {
                    excluding[i].push(*b);
                    excluding[j].push(*a);
                }
            }
        }
        let mut ways = Vec::new();
        for (part, others) in parts.iter().zip(excluding) {
            let mut all = vec![*part];
            all.extend(others.into_iter().map(|other| self.formulas.not(other)));
            ways.push(self.formulas.and(all));
        }
        Ok(self.formulas.or(ways))
    }

    /// The names of members that the formula knows, in the order of the schema.
    pub(super) fn names(&mut self, id: FormulaId) -> Result<Vec<Rc<str>>, Refusal> {
        let mut walk = Names { seen: FxHashSet::default(), places: FxHashSet::default(), names: Vec::new() };
        self.collect_names(id, &mut walk)?;
        Ok(walk.names)
    }

    fn collect_names(&mut self, id: FormulaId, walk: &mut Names) -> Result<(), Refusal> {
        self.spend(1)?;
        match self.formulas.get(id).clone() {
            Formula::True | Formula::False => {}
            Formula::And(parts) | Formula::Or(parts) => {
                for part in &parts {
                    self.collect_names(*part, walk)?;
                }
            }
            Formula::Is(Atom::Keys(super::formula::Keys::Name(name), _))
            | Formula::Not(Atom::Keys(super::formula::Keys::Name(name), _)) => walk.add(&Rc::from(&*name)),
            Formula::Is(_) | Formula::Not(_) => {}
            Formula::Place(place) | Formula::NotPlace(place) => self.collect_names_of(place, walk)?,
        }
        Ok(())
    }

    fn collect_names_of(&mut self, place: PlaceId, walk: &mut Names) -> Result<(), Refusal> {
        if !walk.places.insert(place) {
            return Ok(());
        }
        let reading = self.read(place)?;
        for named in &reading.order {
            match named {
                Named::Name(name) => walk.add(name),
                Named::Place(place) => self.collect_names_of(*place, walk)?,
            }
        }
        // Those of `const` and `enum`.
        self.collect_names(reading.formula, walk)
    }
}

/// The keyword that makes most of a schema, for a reason that is no one keyword's.
pub(super) fn main_keyword(schema: &Value) -> &'static str {
    const KEYWORDS: &[&str] = &[
        "oneOf",
        "anyOf",
        "allOf",
        "not",
        "if",
        "$ref",
        "patternProperties",
        "properties",
        "items",
        "contains",
        "pattern",
        "const",
        "enum",
        "type",
    ];
    KEYWORDS.iter().find(|keyword| schema.get(keyword).is_some()).copied().unwrap_or("type")
}

struct Names {
    seen: FxHashSet<Rc<str>>,
    places: FxHashSet<PlaceId>,
    names: Vec<Rc<str>>,
}

impl Names {
    fn add(&mut self, name: &Rc<str>) {
        if self.seen.insert(name.clone()) {
            self.names.push(name.clone());
        }
    }
}
