//! Keywords about objects.

use super::*;

impl Compiler<'_> {
    pub(super) fn objects(
        &mut self,
        source: &Source<'_>,
        parts: &mut Vec<FormulaId>,
        order: &mut Vec<Named>,
    ) -> Result<(), Refusal> {
        self.properties(source, parts, order)?;
        let count = source.bounds("minProperties", "maxProperties")?;
        let keyword = if count.min > 0 { "minProperties" } else { "maxProperties" };
        parts.push(self.literal(source, keyword, Atom::Members(count)));
        if source.keywords.contains_key("propertyNames") {
            let names = self.property_names(source)?;
            parts.push(names);
        }
        for keyword in ["dependencies", "dependentRequired", "dependentSchemas"] {
            if let Some(value) = source.keywords.get(keyword) {
                let dependent = source.object(keyword, value)?;
                for (name, value) in dependent {
                    parts.push(self.dependency(source, keyword, name, value, order)?);
                }
            }
        }
        if let Some(value) = source.keywords.get("required")
            && !value.is_boolean()
        {
            for name in source.names("required", value)? {
                parts.push(self.required(&name));
                order.push(Named::Name(name));
            }
        }
        Ok(())
    }

    fn properties(
        &mut self,
        source: &Source<'_>,
        parts: &mut Vec<FormulaId>,
        order: &mut Vec<Named>,
    ) -> Result<(), Refusal> {
        let mut declared: Vec<&str> = Vec::new();
        if let Some(value) = source.keywords.get("properties") {
            for (name, schema) in source.object("properties", value)? {
                let member = self.subschema(source, &["properties", name])?;
                parts.push(self.literal(source, "properties", Atom::Keys(Keys::Name(name.as_str().into()), member)));
                // Draft 3 says it at the member.
                if schema.get("required") == Some(&Value::Bool(true)) {
                    parts.push(self.required(name));
                }
                order.push(Named::Name(name.as_str().into()));
                declared.push(name);
            }
        }
        let mut covered = Vec::new();
        if let Some(value) = source.keywords.get("patternProperties") {
            for pattern in source.object("patternProperties", value)?.keys() {
                let member = self.subschema(source, &["patternProperties", pattern])?;
                let place = |refusal: Refusal| refusal.at(&source.pointer, "patternProperties");
                let keys = self.search(pattern).map_err(place)?;
                parts.push(self.literal(source, "patternProperties", Atom::Keys(Keys::Of(keys), member)));
                covered.push(keys);
            }
        }
        if source.keywords.contains_key("additionalProperties") {
            let member = self.subschema(source, &["additionalProperties"])?;
            if member != Formulas::TRUE {
                let place =
                    |error: crate::ConstrainError| Refusal::from(error).at(&source.pointer, "additionalProperties");
                covered.push(self.languages.texts(&declared).map_err(place)?);
                let mut others = Languages::ANY;
                for keys in covered {
                    others = self.languages.without(others, keys).map_err(place)?;
                }
                parts.push(self.literal(source, "additionalProperties", Atom::Keys(Keys::Of(others), member)));
            }
        }
        Ok(())
    }

    /// Keys that as strings do not fit may not be.
    fn property_names(&mut self, source: &Source<'_>) -> Result<FormulaId, Refusal> {
        let names = self.subschema(source, &["propertyNames"])?;
        let place = |refusal: Refusal| refusal.at(&source.pointer, "propertyNames");
        let terms = self.texts_of(names).map_err(place)?;
        let mut allowed = Languages::NOTHING;
        for term in terms {
            let language = self.bounded_language(&term).map_err(place)?;
            allowed = self.languages.either(allowed, language)?;
        }
        let others = self.languages.without(Languages::ANY, allowed)?;
        Ok(self.literal(source, "propertyNames", Atom::Keys(Keys::Of(others), Formulas::FALSE)))
    }

    /// If there is a member of the name, then the names, or the schema, too.
    fn dependency(
        &mut self,
        source: &Source<'_>,
        keyword: &str,
        name: &str,
        value: &Value,
        order: &mut Vec<Named>,
    ) -> Result<FormulaId, Refusal> {
        let demanded = match value {
            Value::String(only) if keyword == "dependencies" => self.required(only),
            Value::Array(_) if keyword != "dependentSchemas" => {
                let mut parts = Vec::new();
                for needed in source.names(keyword, value)? {
                    parts.push(self.required(&needed));
                    order.push(Named::Name(needed));
                }
                self.formulas.and(parts)
            }
            _ if keyword != "dependentRequired" => {
                order.push(Named::Place(self.document.below(source.id, &[keyword, name])?));
                self.subschema(source, &[keyword, name])?
            }
            _ => return Err(source.invalid(keyword, "it is no list of names")),
        };
        let absent = self.formulas.is(Atom::Keys(Keys::Name(name.into()), Formulas::FALSE));
        Ok(self.formulas.or(vec![absent, demanded]))
    }
}
