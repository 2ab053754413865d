//! JSON Schemas against an independent validator: what the grammar has is valid, and what is valid and written in its layout
//! it has.

#[path = "schema/random_schema.rs"]
mod random_schema;
#[path = "schema/sample.rs"]
mod sample;

use sample::{Random, Sampler};
use serde_json::{Value, json};
use sgl_constrain::schema::{Schema, SchemaLayout, SchemaOptions, problems};
use sgl_constrain::{TokenMasks, Vocabulary};
use std::sync::Arc;

/// Texts of a schema's grammar; each must be valid JSON that the validator accepts.
fn check_samples(name: &str, document: &Value, schema: &Schema, count: usize, random: &mut Random) -> usize {
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(document)
        .unwrap_or_else(|error| panic!("{name}: {error}: {document}"));
    let sampler = Sampler::new(schema.grammar());
    let mut checked = 0;
    for _ in 0..count {
        let Some(text) = sampler.text(random) else { continue };
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}: {text}"));
        assert!(validator.is_valid(&value), "{name}: {text} is not valid under {document}");
        checked += 1;
    }
    checked
}

/// Hand-written schemas as they are met in the wild, each with values that fit and values that do not.
fn wild() -> Vec<(String, Value, Vec<Value>, Vec<Value>)> {
    let cases: Vec<Value> = serde_json::from_str(include_str!("schema/wild.json")).expect("the file is JSON");
    let list = |case: &Value, key: &str| case[key].as_array().cloned().unwrap_or_default();
    cases
        .iter()
        .map(|case| (case["name"].to_string(), case["schema"].clone(), list(case, "valid"), list(case, "invalid")))
        .collect()
}

#[test]
fn wild_schemas_take_what_is_valid_and_nothing_else() {
    let mut random = Random(1);
    let layouts = [SchemaLayout::OneLine, SchemaLayout::Compact, SchemaLayout::Pretty(2), SchemaLayout::Flexible(2)];
    for (name, document, valid, invalid) in wild() {
        for layout in layouts {
            let options = SchemaOptions { layout, ..SchemaOptions::default() };
            let schema = Schema::new(&document, options).unwrap_or_else(|error| panic!("{name}: {error}"));
            for value in &valid {
                let text = schema.write(value).unwrap_or_else(|| panic!("{name}: {value} fits"));
                assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), value, "{name}");
                assert!(schema.grammar().accepts(text.as_bytes()), "{name}: {text}");
            }
            for value in &invalid {
                assert_eq!(schema.write(value), None, "{name}: {value} does not fit");
            }
            check_samples(&name, &document, &schema, 30, &mut random);
        }
    }
}

#[test]
fn the_grammar_of_a_random_schema_has_what_is_valid() {
    // Values from one schema, judged by another and by the validator.
    let mut random = Random(9);
    let mut agreed = [0, 0];
    for round in 0..400 {
        let documents = [random_schema::schema(&mut random), random_schema::schema(&mut random)];
        let [Ok(one), Ok(two)] = documents.each_ref().map(|d| Schema::new(d, SchemaOptions::default())) else {
            continue;
        };
        let validator = jsonschema::options().should_validate_formats(true).build(&documents[0]).unwrap();
        let samplers = [Sampler::new(one.grammar()), Sampler::new(two.grammar())];
        for turn in 0..6 {
            let Some(text) = samplers[turn % 2].text(&mut random) else { continue };
            let value: Value = serde_json::from_str(&text).unwrap();
            let written = one.write(&value);
            let (fits, valid) = (written.is_some(), validator.is_valid(&value));
            assert_eq!(fits, valid, "round {round}: {value} under {}", documents[0]);
            if let Some(written) = written.filter(|written| written.len() < 120) {
                assert!(one.grammar().accepts(written.as_bytes()), "round {round}: {written} under {}", documents[0]);
            }
            agreed[usize::from(valid)] += 1;
        }
    }
    assert!(agreed[0] > 100 && agreed[1] > 300, "{agreed:?}");
}

#[test]
fn whatever_a_random_schema_lets_through_is_valid() {
    let mut random = Random(4);
    let (mut compiled, mut checked, mut tried) = (0, 0, 0);
    while tried < 1_000 {
        tried += 1;
        let document = random_schema::schema(&mut random);
        let Ok(schema) = Schema::new(&document, SchemaOptions::default()) else { continue };
        compiled += 1;
        checked += check_samples(&format!("schema {tried}"), &document, &schema, 24, &mut random);
    }
    assert!(compiled >= 500 && checked >= 10_000, "{compiled} schemas, {checked} values");
}

/// Every single byte, and some longer tokens.
fn vocabulary() -> Arc<Vocabulary> {
    let mut tokens: Vec<Option<Box<[u8]>>> = vec![None];
    tokens.extend((0..=255u8).map(|byte| Some(vec![byte].into_boxed_slice())));
    tokens.extend(
        ["{\"", "\": ", "\", \"", "\"}", "[]", "}}", "]}", "12", " \"", "true"].map(|t| Some(t.as_bytes().into())),
    );
    Arc::new(Vocabulary::new(tokens))
}

#[test]
fn the_masks_of_a_schema_follow_its_values() {
    let vocabulary = vocabulary();
    for (name, document, valid, invalid) in wild() {
        let schema = Schema::new(&document, SchemaOptions::default()).unwrap();
        let masks = TokenMasks::of_grammar(schema.grammar(), &vocabulary).unwrap_or_else(|e| panic!("{name}: {e}"));
        for value in &valid {
            let text = schema.write(value).unwrap();
            assert!(masks.accepts(text.as_bytes()), "{name}: {text}");
        }
        for value in &invalid {
            let text = value.to_string().replace("\":", "\": ").replace(',', ", ");
            assert!(!masks.accepts(text.as_bytes()), "{name}: {text}");
        }
    }
}

/// Schemas that are made to take long.
fn bombs() -> Vec<(&'static str, Value)> {
    let list = |count: usize, make: &dyn Fn(usize) -> Value| Value::Array((0..count).map(make).collect());
    let object = |count: usize, make: &dyn Fn(usize) -> Value| {
        Value::Object((0..count).map(|n| (format!("p{n}"), make(n))).collect())
    };
    let doubling = |keyword: &str| {
        let definitions: serde_json::Map<String, Value> = (0..60)
            .map(|n| {
                let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
                let with = json!({"properties": {format!("x{n}"): next}, "required": [format!("y{n}")]});
                (format!("d{n}"), json!({keyword: [with, next]}))
            })
            .chain([("d60".to_string(), json!({"type": "object"}))])
            .collect();
        json!({"$defs": definitions, "$ref": "#/$defs/d0"})
    };
    vec![
        ("a chain of alternatives", doubling("anyOf")),
        ("a chain of exclusive alternatives", doubling("oneOf")),
        ("a chain of conjunctions", doubling("allOf")),
        ("a reference to itself", json!({"$ref": "#"})),
        (
            "a circle of references",
            json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
        ),
        (
            "many overlapping alternatives",
            json!({"oneOf": list(60, &|n| json!({"properties": {format!("a{n}"): {"type": "string"}}}))}),
        ),
        (
            "many conditions",
            json!({"allOf": list(40, &|n| json!({"if": {"required": [format!("a{n}")]}, "then": {"required": [format!("b{n}")]}}))}),
        ),
        ("many patterns", json!({"patternProperties": object(40, &|n| json!({"minimum": n}))})),
        ("counts in counts", json!({"pattern": "^((a{1,100}){1,100}){1,100}$"})),
        ("a wide look-back", json!({"pattern": "[ab]*a[ab]{24}"})),
        ("a wide look-ahead", json!({"pattern": "^(?=.*a.{20}b)(?!.*c.{20}d).*$"})),
        ("a great multiple", json!({"multipleOf": 1_000_003})),
        ("a great count", json!({"type": "array", "contains": {"type": "object"}, "minItems": 4_000_000_000u64})),
        ("a great length", json!({"minLength": 18_446_744_073_709_551_615u64})),
        ("a long list of places", json!({"prefixItems": list(30_000, &|n| json!({"const": n}))})),
        ("a long enumeration", json!({"enum": list(20_000, &|n| json!(format!("value {n}")))})),
        (
            "many members that decide",
            json!({"properties": object(400, &|_| json!({"type": "string"})), "minProperties": 200}),
        ),
    ]
}

#[test]
fn bombs_end_in_a_grammar_or_a_reason() {
    for (name, document) in bombs() {
        if let Err(error) = Schema::new(&document, SchemaOptions::default()) {
            assert!(error.pointer.starts_with('#') && !error.keyword.is_empty(), "{name}: {error}");
            assert!(!error.message.is_empty(), "{name}");
        }
    }
}

#[test]
fn refusals_name_the_place_and_the_keyword() {
    for (document, pointer, keyword) in [
        (json!({"properties": {"a": {"uniqueItems": true}}}), "#/properties/a", "uniqueItems"),
        (json!({"items": {"$ref": "other.json#/x"}}), "#/items", "$ref"),
        (json!({"items": {"$ref": "#/nowhere"}}), "#/items", "$ref"),
        (json!({"anyOf": [{"pattern": "(?<=a)b"}, {"type": "null"}]}), "#/anyOf/0", "pattern"),
        (json!({"properties": {"a~/b": {"format": "no-such"}}}), "#/properties/a~0~1b", "format"),
        (json!({"minProperties": 2}), "#", "minProperties"),
        (json!({"$defs": {"x": {"type": "strin"}}, "$ref": "#/$defs/x"}), "#/$defs/x", "type"),
        (json!({"allOf": [{"type": "string"}, {"type": "number"}]}), "#", "allOf"),
        (json!({"required": "a"}), "#", "required"),
    ] {
        let error = Schema::new(&document, SchemaOptions::default()).map(|_| ()).unwrap_err();
        assert_eq!((error.pointer.as_str(), error.keyword.as_str()), (pointer, keyword), "{document}: {error}");
        assert!(problems(&document, SchemaOptions::default()).contains(&error), "{document}");
    }
    let two = json!({"properties": {"a": {"format": "x"}, "b": {"uniqueItems": true}, "c": {"type": "null"}}});
    assert_eq!(problems(&two, SchemaOptions::default()).len(), 2);
}
