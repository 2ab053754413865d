//! Random schemas: every keyword, nested a few levels, often contradictory.

use super::sample::Random;
use serde_json::{Map, Value, json};

const NAMES: &[&str] = &["a", "b", "kind", "name", "x-1"];
const TEXTS: &[&str] = &["a", "b", "cat", "dog", "a1"];
const PATTERNS: &[&str] = &["^a", "[0-9]$", "^[a-z]{1,4}$", "b", "^x-", "^(?!a)", r"^\d{2,3}$", "^$|c"];
const FORMATS: &[&str] = &["date", "ipv4", "uuid", "email", "time", "hostname", "uri"];

/// A schema with definitions that may call each other.
pub(crate) fn schema(random: &mut Random) -> Value {
    let mut whole = part(random, 3);
    if let Value::Object(keywords) = &mut whole {
        let definitions: Map<String, Value> =
            ["d1", "d2"].map(|name| (name.to_string(), part(random, 2))).into_iter().collect();
        keywords.insert("$defs".into(), Value::Object(definitions));
    }
    whole
}

fn part(random: &mut Random, depth: usize) -> Value {
    if depth == 0 || random.chance(8) {
        return leaf(random);
    }
    let mut keywords = Map::new();
    match random.below(10) {
        0..=3 => object(random, depth, &mut keywords),
        4..=5 => array(random, depth, &mut keywords),
        6 => return leaf(random),
        7 => {
            keywords.insert("$ref".into(), json!(format!("#/$defs/{}", random.pick(&["d1", "d2"]))));
        }
        _ => {}
    }
    if random.chance(35) {
        logic(random, depth, &mut keywords);
    }
    Value::Object(keywords)
}

fn leaf(random: &mut Random) -> Value {
    match random.below(12) {
        0 => json!(true),
        1 => json!({"type": "boolean"}),
        2 => json!({"type": ["null", "integer"]}),
        3 => json!({"const": random.pick(&[json!(1), json!("a"), json!(null), json!([1]), json!({"a": 1})])}),
        4 => json!({"enum": ["a", "b", 1, 2.5, null]}),
        5 => json!({"type": "integer", "minimum": random.below(20) as i64 - 10, "maximum": random.below(200)}),
        6 => json!({"type": "number", "exclusiveMinimum": random.below(5), "maximum": 7.25}),
        7 => json!({"type": "integer", "multipleOf": 1 + random.below(7)}),
        8 => json!({"type": "string", "minLength": random.below(3), "maxLength": 2 + random.below(6)}),
        9 => json!({"type": "string", "pattern": random.pick(PATTERNS)}),
        10 => json!({"type": "string", "format": random.pick(FORMATS)}),
        _ => json!({"type": "string", "enum": [random.pick(TEXTS), random.pick(TEXTS)]}),
    }
}

fn names(random: &mut Random) -> Vec<&'static str> {
    NAMES.iter().copied().filter(|_| random.chance(30)).collect()
}

fn object(random: &mut Random, depth: usize, keywords: &mut Map<String, Value>) {
    if random.chance(80) {
        keywords.insert("type".into(), json!("object"));
    }
    let mut properties = Map::new();
    for name in NAMES {
        if random.chance(50) {
            properties.insert((*name).into(), part(random, depth - 1));
        }
    }
    keywords.insert("properties".into(), Value::Object(properties));
    if random.chance(50) {
        keywords.insert("required".into(), json!(names(random)));
    }
    if random.chance(40) {
        keywords.insert("additionalProperties".into(), if random.chance(60) { json!(false) } else { leaf(random) });
    }
    if random.chance(20) {
        keywords.insert("patternProperties".into(), json!({*random.pick(PATTERNS): leaf(random)}));
    }
    if random.chance(12) {
        keywords.insert("propertyNames".into(), json!({"maxLength": 1 + random.below(5)}));
    }
    if random.chance(12) {
        keywords.insert("maxProperties".into(), json!(1 + random.below(4)));
    }
    if random.chance(12) {
        keywords.insert("minProperties".into(), json!(random.below(3)));
    }
    if random.chance(12) {
        keywords.insert("dependentRequired".into(), json!({*random.pick(NAMES): names(random)}));
    }
    if random.chance(10) {
        keywords.insert("dependentSchemas".into(), json!({*random.pick(NAMES): part(random, depth - 1)}));
    }
    if random.chance(8) {
        keywords.insert("unevaluatedProperties".into(), json!(false));
    }
}

fn array(random: &mut Random, depth: usize, keywords: &mut Map<String, Value>) {
    if random.chance(80) {
        keywords.insert("type".into(), json!("array"));
    }
    if random.chance(70) {
        keywords.insert("items".into(), part(random, depth - 1));
    }
    if random.chance(30) {
        let first: Vec<Value> = (0..1 + random.below(2)).map(|_| part(random, depth - 1)).collect();
        keywords.insert("prefixItems".into(), json!(first));
    }
    if random.chance(30) {
        keywords.insert("minItems".into(), json!(random.below(3)));
    }
    if random.chance(30) {
        keywords.insert("maxItems".into(), json!(1 + random.below(4)));
    }
    if random.chance(20) {
        keywords.insert("contains".into(), leaf(random));
        if random.chance(40) {
            keywords.insert("minContains".into(), json!(random.below(3)));
        }
        if random.chance(40) {
            keywords.insert("maxContains".into(), json!(1 + random.below(2)));
        }
    }
    if random.chance(15) {
        keywords.insert("uniqueItems".into(), json!(true));
        keywords.insert("items".into(), json!({"enum": [1, 2, "x", null]}));
    }
    if random.chance(8) {
        keywords.insert("unevaluatedItems".into(), json!(false));
    }
}

fn logic(random: &mut Random, depth: usize, keywords: &mut Map<String, Value>) {
    let list = |random: &mut Random| {
        let count = 2 + random.below(2);
        Value::Array((0..count).map(|_| part(random, depth - 1)).collect())
    };
    match random.below(7) {
        0 => keywords.insert("allOf".into(), list(random)),
        1 | 2 => keywords.insert("anyOf".into(), list(random)),
        3 | 4 => keywords.insert("oneOf".into(), list(random)),
        5 => keywords.insert("not".into(), part(random, depth - 1)),
        _ => {
            keywords.insert("then".into(), part(random, depth - 1));
            keywords.insert("else".into(), part(random, depth - 1));
            keywords.insert("if".into(), part(random, depth - 1))
        }
    };
}
