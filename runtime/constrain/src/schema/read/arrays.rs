//! Keywords about arrays.

use super::*;

impl Compiler<'_> {
    pub(super) fn arrays(&mut self, source: &Source<'_>, parts: &mut Vec<FormulaId>) -> Result<(), Refusal> {
        let count = source.bounds("minItems", "maxItems")?;
        parts.push(self.literal(source, "minItems", Atom::Elements(count)));
        self.items(source, parts)?;
        self.contains(source, parts)?;
        match source.keywords.get("uniqueItems") {
            Some(Value::Bool(true)) => {
                parts.push(self.literal(source, "uniqueItems", Atom::Unique(Box::new([]))));
            }
            Some(Value::Bool(false)) | None => {}
            Some(_) => return Err(source.invalid("uniqueItems", "it is no boolean")),
        }
        Ok(())
    }

    fn items(&mut self, source: &Source<'_>, parts: &mut Vec<FormulaId>) -> Result<(), Refusal> {
        let (first, more) = items_keywords(source);
        let mut from = 0;
        if let Some(keyword) = first {
            let listed = source.list(keyword, &source.keywords[keyword])?;
            for index in 0..listed.len() {
                let element = self.subschema(source, &[keyword, &index.to_string()])?;
                parts.push(self.literal(source, "prefixItems", Atom::Items(from, Some(from + 1), element)));
                from += 1;
            }
        }
        if let Some(keyword) = more {
            let element = self.subschema(source, &[keyword])?;
            parts.push(self.literal(source, "items", Atom::Items(from, None, element)));
        }
        Ok(())
    }

    fn contains(&mut self, source: &Source<'_>, parts: &mut Vec<FormulaId>) -> Result<(), Refusal> {
        if !source.keywords.contains_key("contains") {
            return Ok(());
        }
        let element = self.subschema(source, &["contains"])?;
        let count = Count { min: source.count("minContains")?.unwrap_or(1), max: source.count("maxContains")? };
        parts.push(self.literal(source, "contains", Atom::Contains(element, count)));
        Ok(())
    }
}

/// The keyword that lists the first elements, and the one for all others.
pub(super) fn items_keywords<'a>(source: &Source<'_>) -> (Option<&'a str>, Option<&'a str>) {
    let has = |keyword: &str| source.keywords.contains_key(keyword);
    if has("prefixItems") {
        return (Some("prefixItems"), has("items").then_some("items"));
    }
    match source.keywords.get("items") {
        // Before 2020-12 a list under `items` was what `prefixItems` is now.
        Some(Value::Array(_)) => (Some("items"), has("additionalItems").then_some("additionalItems")),
        Some(_) => (None, Some("items")),
        None => (None, None),
    }
}
