//! Objects as plans: named members in the order of the schema, then others. A plan forks only where what a member is decides
//! what others may be; everything else stands in a line.

use super::compiler::Compiler;
use super::error::Refusal;
use super::formula::{Atom, Count, Formula, FormulaId, Formulas, Keys};
use super::language::{LanguageId, Languages};
use super::step::Way;
use crate::error::ConstrainError;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// A named member.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: Rc<str>,
    pub(super) value: FormulaId,
    pub(super) required: bool,
}

/// What may come from some place of an object on.
#[derive(Clone, Debug)]
pub(super) enum ObjectState {
    /// Members that decide nothing, then another state.
    Run { named: Vec<Entry>, next: usize },
    /// One member that decides: the state without it, and those with each kind of value.
    Fork { name: Rc<str>, skip: Option<usize>, take: Vec<(FormulaId, usize)> },
    /// All that is left: members, then any number of others, each with a key of a language.
    Rest { named: Vec<Entry>, others: Vec<(LanguageId, FormulaId)>, count: Count },
    /// Others that decide.
    Others { ends: bool, take: Vec<(LanguageId, FormulaId, usize)> },
}

/// The states of an object; the first is the start.
#[derive(Clone, Debug)]
pub(super) struct ObjectPlan {
    pub(super) states: Vec<ObjectState>,
}

/// States of one object.
const STATES_MAX: usize = 8_000;
/// Kinds of keys that may be told apart.
const CLASSES_MAX: usize = 64;

impl Compiler<'_> {
    /// The plan of a formula about objects, with its named members in this order.
    pub(super) fn object_plan(&mut self, demand: FormulaId, names: Vec<Rc<str>>) -> Result<ObjectPlan, Refusal> {
        let classes = self.key_classes(demand, &names)?;
        let mut planner =
            Planner { names, classes, states: Vec::new(), known: FxHashMap::default(), queue: Vec::new() };
        planner.state(0, demand);
        while let Some((index, at, demand)) = planner.queue.pop() {
            let state = self.object_state(&mut planner, at, demand)?;
            planner.states[index] = Some(state);
            if planner.states.len() > STATES_MAX {
                return Err(ConstrainError::TooLarge { what: "states of an object", limit: STATES_MAX }.into());
            }
        }
        Ok(ObjectPlan { states: planner.states.into_iter().flatten().collect() })
    }

    fn object_state(&mut self, planner: &mut Planner, at: usize, demand: FormulaId) -> Result<ObjectState, Refusal> {
        let line = self.line(demand);
        self.spend(line.parts)?;
        if line.deciding == Formulas::TRUE {
            return self.rest(planner, at, &line);
        }
        let named = self.mentioned(line.deciding)?;
        let decides = |this: &Self, name: &str| {
            named.count || named.names.contains(name) || named.languages.iter().any(|l| this.languages.holds(*l, name))
        };
        let mut entries = Vec::new();
        let mut next = at;
        while next < planner.names.len() && !decides(self, &planner.names[next]) {
            self.spend(1)?;
            let name = planner.names[next].clone();
            let (value, required) = self.in_line(&line, &name);
            if value != Formulas::FALSE || required {
                entries.push(Entry { name, value, required });
            }
            next += 1;
        }
        if !entries.is_empty() {
            let next = planner.state(next, demand);
            return Ok(ObjectState::Run { named: entries, next });
        }
        let Some(name) = planner.names.get(next).cloned() else {
            return self.others(planner, next, demand);
        };
        let skip = self.without_name(demand, &name)?;
        let skip = (skip != Formulas::FALSE).then(|| planner.state(next + 1, skip));
        let mut take = Vec::new();
        for way in self.with_key(demand, &KeyOrClass::Name(&name))? {
            if !self.surely_empty(way.value, 1) {
                take.push((way.value, planner.state(next + 1, way.rest)));
            }
        }
        Ok(ObjectState::Fork { name, skip, take })
    }

    /// All that is left where nothing decides.
    fn rest(&mut self, planner: &Planner, at: usize, line: &Line) -> Result<ObjectState, Refusal> {
        let mut named = Vec::new();
        for name in &planner.names[at.min(planner.names.len())..] {
            let (value, required) = self.in_line(line, name);
            if value != Formulas::FALSE || required {
                named.push(Entry { name: name.clone(), value, required });
            }
        }
        let mut others = Vec::new();
        for class in &planner.classes {
            let mut value = Vec::new();
            for (language, member) in &line.wide {
                if self.languages.both(*class, *language)? != Languages::NOTHING {
                    value.push(*member);
                }
            }
            let value = self.formulas.and(value);
            if value != Formulas::FALSE {
                others.push((*class, value));
            }
        }
        let mut count = line.count;
        let required = u32::try_from(named.iter().filter(|entry| entry.required).count()).unwrap_or(u32::MAX);
        if required >= count.min {
            count.min = 0;
        }
        if count.min > 1 && !others.is_empty() {
            return Err(self.repeated_keys(count, "minProperties"));
        }
        Ok(ObjectState::Rest { named, others, count })
    }

    fn repeated_keys(&mut self, count: Count, keyword: &'static str) -> Refusal {
        let literal = self.formulas.is(Atom::Members(count));
        let (pointer, keyword) = self.origins.get(&literal).cloned().unwrap_or(("".into(), keyword));
        let message = "at least two members without names: that their keys differ can't be enforced";
        Refusal::unsupported(&pointer, keyword, message)
    }

    /// Others after all names, where they decide.
    fn others(&mut self, planner: &mut Planner, at: usize, demand: FormulaId) -> Result<ObjectState, Refusal> {
        let mut take = Vec::new();
        for class in planner.classes.clone() {
            for way in self.with_key(demand, &KeyOrClass::Class(class))? {
                if !self.surely_empty(way.value, 1) {
                    take.push((class, way.value, planner.state(at, way.rest)));
                }
            }
        }
        Ok(ObjectState::Others { ends: self.may_end(demand), take })
    }

    /// Keys without names, in classes whose keys fit the same languages.
    fn key_classes(&mut self, demand: FormulaId, names: &[Rc<str>]) -> Result<Vec<LanguageId>, Refusal> {
        let mut classes = vec![Languages::ANY];
        let mut languages = self.mentioned(demand)?.languages;
        languages.sort_unstable();
        languages.dedup();
        for language in languages {
            let mut finer = Vec::new();
            for class in classes {
                self.spend(10)?;
                finer.push(self.languages.both(class, language)?);
                finer.push(self.languages.without(class, language)?);
            }
            finer.retain(|class| *class != Languages::NOTHING);
            if finer.len() > CLASSES_MAX {
                return Err(ConstrainError::TooLarge { what: "kinds of keys", limit: CLASSES_MAX }.into());
            }
            classes = finer;
        }
        let named = self.languages.texts(names)?;
        let mut unnamed = Vec::new();
        for class in classes {
            unnamed.push(self.languages.without(class, named)?);
        }
        unnamed.retain(|class| *class != Languages::NOTHING);
        Ok(unnamed)
    }

    /// The parts of a formula that decide nothing, apart from those that do.
    fn line(&mut self, demand: FormulaId) -> Line {
        let parts = match self.formulas.get(demand) {
            Formula::And(parts) => parts.to_vec(),
            _ => vec![demand],
        };
        let mut line = Line {
            values: FxHashMap::default(),
            wide: Vec::new(),
            count: Count::least(0),
            deciding: Formulas::TRUE,
            parts: parts.len(),
        };
        let (mut deciding, mut counts) = (Vec::new(), Vec::new());
        for part in parts {
            match self.formulas.get(part).clone() {
                Formula::True => {}
                Formula::Is(Atom::Keys(Keys::Name(name), value)) => {
                    line.values.entry(name).or_default().0.push(value);
                }
                Formula::Is(Atom::Keys(Keys::Of(language), value)) => line.wide.push((language, value)),
                Formula::Is(Atom::Members(count)) => {
                    line.count = line.count.both(count);
                    counts.push(part);
                }
                Formula::Not(Atom::Keys(Keys::Name(name), value)) => {
                    let value = self.formulas.not(value);
                    let entry = line.values.entry(name).or_default();
                    entry.0.push(value);
                    entry.1 = true;
                }
                _ => deciding.push(part),
            }
        }
        if !deciding.is_empty() {
            deciding.extend(counts);
        }
        line.deciding = self.formulas.and(deciding);
        line
    }

    /// What a named member must fit, as far as it decides nothing, and whether it must be there.
    fn in_line(&mut self, line: &Line, name: &str) -> (FormulaId, bool) {
        let (mut values, required) = line.values.get(name).cloned().unwrap_or_default();
        values.extend(line.wide.iter().filter(|(l, _)| self.languages.holds(*l, name)).map(|(_, value)| *value));
        (self.formulas.and(values), required)
    }

    /// The names and languages of keys that a formula is about.
    fn mentioned(&mut self, demand: FormulaId) -> Result<Mentioned, Refusal> {
        let mut found = Mentioned::default();
        let mut stack = vec![demand];
        while let Some(id) = stack.pop() {
            self.spend(1)?;
            match self.formulas.get(id) {
                Formula::And(parts) | Formula::Or(parts) => stack.extend(parts.iter().copied()),
                Formula::Is(Atom::Keys(keys, _)) | Formula::Not(Atom::Keys(keys, _)) => match keys {
                    Keys::Name(name) => {
                        found.names.insert(name.clone());
                    }
                    Keys::Of(language) => found.languages.push(*language),
                },
                Formula::Is(Atom::Members(_)) => found.count = true,
                _ => {}
            }
        }
        Ok(found)
    }

    /// What is left to demand if there is no member of the name.
    fn without_name(&mut self, demand: FormulaId, name: &str) -> Result<FormulaId, Refusal> {
        self.spend(1)?;
        Ok(match self.formulas.get(demand).clone() {
            Formula::Is(Atom::Keys(Keys::Name(own), _)) if &*own == name => Formulas::TRUE,
            Formula::Not(Atom::Keys(Keys::Name(own), _)) if &*own == name => Formulas::FALSE,
            Formula::And(parts) => {
                let parts = parts.iter().map(|part| self.without_name(*part, name)).collect::<Result<_, _>>()?;
                self.formulas.and(parts)
            }
            Formula::Or(parts) => {
                let parts = parts.iter().map(|part| self.without_name(*part, name)).collect::<Result<_, _>>()?;
                self.formulas.or(parts)
            }
            _ => demand,
        })
    }

    /// The ways to go on with a member under the key.
    fn with_key(&mut self, demand: FormulaId, key: &KeyOrClass<'_>) -> Result<Vec<Way>, Refusal> {
        self.spend(1)?;
        Ok(match self.formulas.get(demand).clone() {
            Formula::False => Vec::new(),
            Formula::And(parts) => {
                let ways = parts.iter().map(|part| self.with_key(*part, key)).collect::<Result<_, _>>()?;
                self.all_ways(ways)?
            }
            Formula::Or(parts) => {
                let ways = parts.iter().map(|part| self.with_key(*part, key)).collect::<Result<_, _>>()?;
                self.any_ways(ways)?
            }
            Formula::Is(Atom::Keys(keys, value)) if self.is_about(&keys, key)? => {
                // A name comes once; keys of a language may come again.
                let rest = if matches!(keys, Keys::Name(_)) { Formulas::TRUE } else { demand };
                vec![Way { value, rest }]
            }
            Formula::Not(Atom::Keys(keys, value)) if self.is_about(&keys, key)? => {
                let not = self.formulas.not(value);
                let found = Way { value: not, rest: Formulas::TRUE };
                match (&keys, key) {
                    (Keys::Name(_), _) => vec![found],
                    // The same key might come again and take back what was found, unless any value under it will do:
                    // so it is the last of those that the demand is about.
                    (_, KeyOrClass::Class(_)) if value != Formulas::FALSE => {
                        let no_more = self.formulas.is(Atom::Keys(keys, Formulas::FALSE));
                        vec![Way { value: not, rest: no_more }, Way { value: Formulas::TRUE, rest: demand }]
                    }
                    _ => vec![found, Way { value, rest: demand }],
                }
            }
            Formula::Is(Atom::Members(count)) => {
                let last = matches!(key, KeyOrClass::Class(_));
                if last && count.min > 1 {
                    return Err(self.repeated_keys(count, "minProperties"));
                }
                let Some(count) = count.after_one() else { return Ok(Vec::new()) };
                vec![Way::past(self.formulas.is(Atom::Members(count)))]
            }
            _ => vec![Way::past(demand)],
        })
    }

    fn is_about(&mut self, keys: &Keys, key: &KeyOrClass<'_>) -> Result<bool, Refusal> {
        Ok(match (keys, key) {
            (Keys::Name(own), KeyOrClass::Name(name)) => **own == **name,
            (Keys::Of(language), KeyOrClass::Name(name)) => self.languages.holds(*language, name),
            (Keys::Name(_), KeyOrClass::Class(_)) => false,
            (Keys::Of(language), KeyOrClass::Class(class)) => {
                self.languages.both(*language, *class)? != Languages::NOTHING
            }
        })
    }

    /// Whether nothing more need come.
    fn may_end(&self, demand: FormulaId) -> bool {
        match self.formulas.get(demand) {
            Formula::And(parts) => parts.iter().all(|part| self.may_end(*part)),
            Formula::Or(parts) => parts.iter().any(|part| self.may_end(*part)),
            Formula::Is(Atom::Members(count)) => count.min == 0,
            Formula::Not(_) | Formula::False => false,
            _ => true,
        }
    }
}

enum KeyOrClass<'a> {
    Name(&'a str),
    Class(LanguageId),
}

/// A formula about objects, its parts sorted.
struct Line {
    /// Per name: what its member must fit, and whether it must be there.
    values: FxHashMap<Box<str>, (Vec<FormulaId>, bool)>,
    /// What members must fit whose keys belong to a language.
    wide: Vec<(LanguageId, FormulaId)>,
    count: Count,
    /// The parts that decide, the count among them if there are any.
    deciding: FormulaId,
    parts: usize,
}

#[derive(Default)]
struct Mentioned {
    names: rustc_hash::FxHashSet<Box<str>>,
    languages: Vec<LanguageId>,
    count: bool,
}

struct Planner {
    names: Vec<Rc<str>>,
    classes: Vec<LanguageId>,
    states: Vec<Option<ObjectState>>,
    known: FxHashMap<(usize, FormulaId), usize>,
    queue: Vec<(usize, usize, FormulaId)>,
}

impl Planner {
    fn state(&mut self, at: usize, demand: FormulaId) -> usize {
        *self.known.entry((at, demand)).or_insert_with(|| {
            self.states.push(None);
            self.queue.push((self.states.len() - 1, at, demand));
            self.states.len() - 1
        })
    }
}
