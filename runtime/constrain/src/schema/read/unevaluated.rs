//! `unevaluatedProperties` and `unevaluatedItems`: which keys and elements other keywords have looked at is known per way to
//! fit, so the ways are told apart, and each gets its own rest.

use super::super::language::LanguageId;
use super::arrays::items_keywords;
use super::*;

/// Ways that may be told apart.
const WAYS_MAX: usize = 256;

/// One way to fit a schema, and what it has looked at.
#[derive(Clone)]
struct Way {
    formula: FormulaId,
    keys: LanguageId,
    /// Elements before this place; `None` for all.
    items: Option<u32>,
    /// Elements that fit one of these.
    contained: Vec<FormulaId>,
}

impl Way {
    fn new(formula: FormulaId) -> Self {
        Self { formula, keys: Languages::NOTHING, items: Some(0), contained: Vec::new() }
    }
}

impl Compiler<'_> {
    /// The formula of a schema, with what its unevaluated keywords demand on top of the rest.
    pub(super) fn unevaluated(&mut self, source: &Source<'_>, whole: FormulaId) -> Result<FormulaId, Refusal> {
        let has = |keyword: &str| source.keywords.contains_key(keyword);
        let keyword = match (has("unevaluatedProperties"), has("unevaluatedItems")) {
            (false, false) => return Ok(whole),
            (true, _) => "unevaluatedProperties",
            _ => "unevaluatedItems",
        };
        let place = |refusal: Refusal| refusal.at(&source.pointer, keyword);
        let ways = self.ways_of_keywords(source, 0).map_err(place)?;
        let mut all = Vec::new();
        for way in ways {
            let mut parts = vec![way.formula];
            if has("unevaluatedProperties") {
                let member = self.subschema(source, &["unevaluatedProperties"])?;
                let keys = self.languages.without(Languages::ANY, way.keys).map_err(|error| place(error.into()))?;
                parts.push(self.literal(source, "unevaluatedProperties", Atom::Keys(Keys::Of(keys), member)));
            }
            if let (true, Some(from)) = (has("unevaluatedItems"), way.items) {
                let mut element = vec![self.subschema(source, &["unevaluatedItems"])?];
                element.extend(way.contained);
                let element = self.formulas.or(element);
                parts.push(self.literal(source, "unevaluatedItems", Atom::Items(from, None, element)));
            }
            all.push(self.formulas.and(parts));
        }
        let ways = self.formulas.or(all);
        Ok(self.formulas.both(whole, ways))
    }

    /// The ways to fit a schema at another place.
    fn ways(&mut self, id: PlaceId, depth: usize) -> Result<Vec<Way>, Refusal> {
        let place = self.document.place(id).clone();
        let formula = self.formula_of(id);
        let Value::Object(keywords) = place.value else { return Ok(vec![Way::new(formula)]) };
        if depth > 32 {
            return Err(crate::ConstrainError::TooLarge { what: "references for one value", limit: 32 }.into());
        }
        let source = Source { id, pointer: place.pointer.clone(), dialect: place.dialect, keywords };
        let mut ways = self.ways_of_keywords(&source, depth)?;
        for way in &mut ways {
            // The schema itself has more keywords than those that tell its ways apart.
            way.formula = self.formulas.both(formula, way.formula);
            if keywords.contains_key("unevaluatedProperties") {
                way.keys = Languages::ANY;
            }
            if keywords.contains_key("unevaluatedItems") {
                way.items = None;
            }
        }
        Ok(ways)
    }

    /// The ways to fit the keywords of a schema beside its unevaluated ones.
    fn ways_of_keywords(&mut self, source: &Source<'_>, depth: usize) -> Result<Vec<Way>, Refusal> {
        let mut ways = vec![self.looked_at(source)?];
        for (keyword, value) in source.keywords {
            let below = |this: &mut Self, keys: &[&str]| this.document.below(source.id, keys);
            let next = match keyword.as_str() {
                "$ref" | "$dynamicRef" | "$recursiveRef" => {
                    let reference = value.as_str().unwrap_or("");
                    let target = self.document.referred(source.id, keyword, reference)?;
                    self.ways(target, depth + 1)?
                }
                "allOf" => {
                    for index in 0..source.list(keyword, value)?.len() {
                        let id = below(self, &[keyword, &index.to_string()])?;
                        let next = self.ways(id, depth + 1)?;
                        ways = self.both_ways(&ways, &next)?;
                    }
                    continue;
                }
                "anyOf" | "oneOf" => self.ways_of_choice(source, keyword, value, depth)?,
                "if" => self.ways_of_condition(source, depth)?,
                "dependentSchemas" => {
                    for name in source.object(keyword, value)?.keys() {
                        let id = below(self, &[keyword, name])?;
                        let mut next = self.ways(id, depth + 1)?;
                        let present = self.required(name);
                        let absent = self.formulas.is(Atom::Keys(Keys::Name(name.as_str().into()), Formulas::FALSE));
                        let object = self.formulas.is(Atom::Type(Types::OBJECT));
                        let present = self.formulas.both(present, object);
                        for way in &mut next {
                            way.formula = self.formulas.both(way.formula, present);
                        }
                        next.push(Way::new(absent));
                        ways = self.both_ways(&ways, &next)?;
                    }
                    continue;
                }
                _ => continue,
            };
            ways = self.both_ways(&ways, &next)?;
        }
        Ok(ways)
    }

    /// What the schema's own keywords about members and elements look at.
    fn looked_at(&mut self, source: &Source<'_>) -> Result<Way, Refusal> {
        let mut way = Way::new(Formulas::TRUE);
        if let Some(value) = source.keywords.get("properties") {
            let names: Vec<&String> = source.object("properties", value)?.keys().collect();
            way.keys = self.languages.texts(&names)?;
        }
        if let Some(value) = source.keywords.get("patternProperties") {
            for pattern in source.object("patternProperties", value)?.keys() {
                let keys = self.search(pattern)?;
                way.keys = self.languages.either(way.keys, keys)?;
            }
        }
        if source.keywords.contains_key("additionalProperties") {
            way.keys = Languages::ANY;
        }
        let (first, more) = items_keywords(source);
        if let Some(keyword) = first {
            let count = source.list(keyword, &source.keywords[keyword])?.len();
            way.items = Some(u32::try_from(count).unwrap_or(u32::MAX));
        }
        if more.is_some() {
            way.items = None;
        }
        if source.keywords.contains_key("contains") && source.dialect >= Dialect::Draft2020 {
            way.contained.push(self.subschema(source, &["contains"])?);
        }
        Ok(way)
    }

    /// Each alternative fits or does not: all that fit have looked.
    fn ways_of_choice(
        &mut self,
        source: &Source<'_>,
        keyword: &str,
        value: &Value,
        depth: usize,
    ) -> Result<Vec<Way>, Refusal> {
        let mut ways = vec![(Way::new(Formulas::TRUE), 0)];
        for index in 0..source.list(keyword, value)?.len() {
            let id = self.document.below(source.id, &[keyword, &index.to_string()])?;
            let inner = self.ways(id, depth + 1)?;
            let formula = self.formula_of(id);
            let not = Way::new(self.formulas.not(formula));
            let mut next = Vec::new();
            for (way, fitting) in &ways {
                let without = self.both_ways(std::slice::from_ref(way), std::slice::from_ref(&not))?;
                next.extend(without.into_iter().map(|way| (way, *fitting)));
                if keyword == "anyOf" || *fitting == 0 {
                    let with = self.both_ways(std::slice::from_ref(way), &inner)?;
                    next.extend(with.into_iter().map(|way| (way, fitting + 1)));
                }
            }
            ways = next;
        }
        Ok(ways.into_iter().filter(|(_, fitting)| *fitting > 0).map(|(way, _)| way).collect())
    }

    fn ways_of_condition(&mut self, source: &Source<'_>, depth: usize) -> Result<Vec<Way>, Refusal> {
        let branch = |this: &mut Self, keyword: &str| {
            if !source.keywords.contains_key(keyword) {
                return Ok(vec![Way::new(Formulas::TRUE)]);
            }
            let id = this.document.below(source.id, &[keyword])?;
            this.ways(id, depth + 1)
        };
        let (fits, then, otherwise) = (branch(self, "if")?, branch(self, "then")?, branch(self, "else")?);
        let condition = self.subschema(source, &["if"])?;
        let not = [Way::new(self.formulas.not(condition))];
        let mut ways = self.both_ways(&fits, &then)?;
        ways.extend(self.both_ways(&not, &otherwise)?);
        Ok(ways)
    }

    fn both_ways(&mut self, left: &[Way], right: &[Way]) -> Result<Vec<Way>, Refusal> {
        let mut all = Vec::new();
        for a in left {
            for b in right {
                let formula = self.formulas.both(a.formula, b.formula);
                if formula == Formulas::FALSE {
                    continue;
                }
                let keys = self.languages.either(a.keys, b.keys)?;
                let items = a.items.and_then(|a| b.items.map(|b| a.max(b)));
                let contained = a.contained.iter().chain(&b.contained).copied().collect();
                all.push(Way { formula, keys, items, contained });
                self.spend(1)?;
            }
        }
        if all.len() > WAYS_MAX {
            return Err(crate::ConstrainError::TooLarge { what: "ways to fit", limit: WAYS_MAX }.into());
        }
        Ok(all)
    }
}
