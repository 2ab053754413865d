//! The places of a schema document: pointers, identifiers, anchors, and what references mean.

use super::dialect::Dialect;
use super::error::Refusal;
use super::uri;
use rustc_hash::FxHashMap;
use serde_json::Value;
use std::rc::Rc;

/// A schema in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PlaceId(u32);

/// Where a schema stands.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    /// JSON pointer from the document's root.
    pub(super) pointer: Rc<str>,
    pub(super) value: &'a Value,
    /// The URI that references are resolved against.
    base: Rc<str>,
    pub(super) dialect: Dialect,
    /// Whether its own identifier and dialect are already in `base` and `dialect`.
    entered: bool,
}

/// Values nested deeper than this are not looked at.
const NESTING_MAX: usize = 256;

/// A schema document.
#[derive(Debug)]
pub(super) struct Document<'a> {
    places: Vec<Place<'a>>,
    ids: FxHashMap<Rc<str>, PlaceId>,
    /// Schemas with an identifier, by their URI.
    resources: FxHashMap<String, Place<'a>>,
    /// Schemas with an anchor, by URI and fragment.
    anchors: FxHashMap<String, Place<'a>>,
    /// Dynamic anchors, by name: how many there are.
    dynamic: FxHashMap<String, usize>,
}

impl<'a> Document<'a> {
    pub(super) fn new(root: &'a Value, dialect: Dialect) -> Result<Self, Refusal> {
        let mut document = Self {
            places: Vec::new(),
            ids: FxHashMap::default(),
            resources: FxHashMap::default(),
            anchors: FxHashMap::default(),
            dynamic: FxHashMap::default(),
        };
        let whole = Place { pointer: "".into(), value: root, base: "".into(), dialect, entered: false };
        document.resources.insert(String::new(), whole.clone());
        document.index(whole, 0)?;
        Ok(document)
    }

    pub(super) fn place(&self, id: PlaceId) -> &Place<'a> {
        &self.places[id.0 as usize]
    }

    pub(super) fn root(&mut self) -> Result<PlaceId, Refusal> {
        let whole = self.resources[""].clone();
        let place = entered(whole)?;
        Ok(self.keep(place))
    }

    fn keep(&mut self, place: Place<'a>) -> PlaceId {
        if let Some(id) = self.ids.get(&place.pointer) {
            return *id;
        }
        let id = PlaceId(u32::try_from(self.places.len()).expect("a document has fewer places"));
        self.ids.insert(place.pointer.clone(), id);
        self.places.push(place);
        id
    }

    /// The schema under some keys of another: `["properties", "a"]`.
    pub(super) fn below(&mut self, id: PlaceId, keys: &[&str]) -> Result<PlaceId, Refusal> {
        let mut place = self.place(id).clone();
        for key in keys {
            place = child(&place, key).expect("the caller has seen the value");
        }
        let place = entered(place)?;
        Ok(self.keep(place))
    }

    /// Notes identifiers and anchors of a schema and of those in it.
    fn index(&mut self, place: Place<'a>, depth: usize) -> Result<(), Refusal> {
        if depth > NESTING_MAX {
            let message = format!("values are nested more than {NESTING_MAX} deep");
            return Err(Refusal::placed(super::SchemaFault::TooLarge, &place.pointer, "", message));
        }
        let Value::Object(keywords) = place.value else { return Ok(()) };
        let place = entered(place)?;
        let alone = place.dialect.reference_stands_alone() && keywords.contains_key("$ref");
        if !alone {
            if let Some(id) = keywords.get(place.dialect.id_keyword()).and_then(Value::as_str) {
                let (resource, fragment) = uri::split(id);
                if !resource.is_empty() {
                    self.resources.entry(place.base.to_string()).or_insert_with(|| place.clone());
                }
                if let Some(fragment) = fragment.filter(|fragment| !fragment.is_empty()) {
                    self.anchors.insert(format!("{}#{fragment}", place.base), place.clone());
                }
            }
            for keyword in ["$anchor", "$dynamicAnchor"] {
                if let Some(anchor) = keywords.get(keyword).and_then(Value::as_str) {
                    self.anchors.insert(format!("{}#{anchor}", place.base), place.clone());
                    if keyword == "$dynamicAnchor" {
                        *self.dynamic.entry(anchor.into()).or_default() += 1;
                    }
                }
            }
            if keywords.get("$recursiveAnchor") == Some(&Value::Bool(true)) {
                *self.dynamic.entry("$recursive".into()).or_default() += 1;
            }
        }
        for (keyword, value) in keywords {
            let below = child(&place, keyword).expect("it is one of the keywords");
            match (keyword.as_str(), value) {
                ("enum" | "const" | "default" | "examples" | "example", _) => {}
                (
                    "properties" | "patternProperties" | "definitions" | "$defs" | "dependentSchemas" | "dependencies",
                    Value::Object(named),
                ) => {
                    for name in named.keys() {
                        self.index(child(&below, name).expect("it is one of the names"), depth + 1)?;
                    }
                }
                (_, Value::Array(listed)) => {
                    for index in 0..listed.len() {
                        self.index(child(&below, &index.to_string()).expect("it is one of them"), depth + 1)?;
                    }
                }
                _ => self.index(below, depth + 1)?,
            }
        }
        Ok(())
    }

    /// The schema that a reference means. `dynamic` anchors are resolved as plain ones if there is but one of the name.
    pub(super) fn referred(&mut self, from: PlaceId, keyword: &str, reference: &str) -> Result<PlaceId, Refusal> {
        let here = self.place(from).clone();
        let whole = uri::resolve(&here.base, reference);
        let (resource, fragment) = uri::split(&whole);
        let fragment = fragment.unwrap_or("");
        let Some(root) = self.resource(resource) else {
            let message =
                format!("`{reference}` is another document, `{resource}`; only references inside of one are followed");
            return Err(Refusal::unsupported(&here.pointer, keyword, message));
        };
        let missing = || Refusal::invalid(&here.pointer, keyword, format!("nothing is at `{reference}`"));
        let decoded = uri::decoded(fragment).ok_or_else(missing)?;
        if decoded.is_empty() || decoded.starts_with('/') {
            let mut place = root;
            for token in decoded.split('/').skip(1) {
                let key = token.replace("~1", "/").replace("~0", "~");
                place = child(&entered(place)?, &key).ok_or_else(missing)?;
            }
            let place = entered(place)?;
            return Ok(self.keep(place));
        }
        let place = self.anchors.get(&format!("{resource}#{decoded}"));
        let place =
            place.or_else(|| self.anchors.get(&format!("{}#{decoded}", root.base))).ok_or_else(missing)?.clone();
        Ok(self.keep(place))
    }

    fn resource(&self, uri: &str) -> Option<Place<'a>> {
        let known = self.resources.get(uri).or_else(|| self.resources.get(uri.trim_end_matches('/')));
        if known.is_some() {
            return known.cloned();
        }
        // The document itself, named as its own root names it.
        let whole = self.resources.get("")?;
        let own = entered(whole.clone()).ok()?;
        (&*own.base == uri).then(|| whole.clone())
    }

    /// Whether a dynamic reference can mean only one place: no two dynamic anchors have the name.
    pub(super) fn is_static(&self, reference: &str) -> bool {
        let name = uri::split(reference).1.unwrap_or("");
        self.dynamic.get(name).is_none_or(|count| *count <= 1)
    }

    /// Whether `$recursiveRef` can mean only the root of its own resource.
    pub(super) fn recursion_is_static(&self) -> bool {
        let inner = self.resources.values().filter(|place| !place.pointer.is_empty()).count();
        inner == 0 || !self.dynamic.contains_key("$recursive")
    }
}

/// The place with the base and the dialect that its own keywords set.
fn entered(mut place: Place<'_>) -> Result<Place<'_>, Refusal> {
    if std::mem::replace(&mut place.entered, true) {
        return Ok(place);
    }
    if let Some(dialect) = Dialect::said_by(place.value, &place.pointer)? {
        place.dialect = dialect;
    }
    let alone = place.dialect.reference_stands_alone() && place.value.get("$ref").is_some();
    if let Some(id) = place.value.get(place.dialect.id_keyword()).and_then(Value::as_str).filter(|_| !alone) {
        let resolved = uri::resolve(&place.base, id);
        place.base = uri::split(&resolved).0.into();
    }
    Ok(place)
}

/// The value under a key or at a place of an array.
fn child<'a>(place: &Place<'a>, key: &str) -> Option<Place<'a>> {
    let value = match place.value {
        Value::Object(keywords) => keywords.get(key)?,
        Value::Array(listed) => listed.get(key.parse::<usize>().ok()?)?,
        _ => return None,
    };
    let pointer = format!("{}/{}", place.pointer, key.replace('~', "~0").replace('/', "~1"));
    Some(Place { pointer: pointer.into(), value, base: place.base.clone(), dialect: place.dialect, entered: false })
}
