//! JSON Schemas against an independent validator: what the grammar has is valid, and what is valid and written in its layout
//! it has.

#[path = "schema/random_schema.rs"]
mod random_schema;
#[path = "schema/sample.rs"]
mod sample;

use sample::{Random, Sampler};
use serde_json::Value;
use sgl_constrain::schema::{Schema, SchemaLayout, SchemaOptions};

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
    let layouts = [SchemaLayout::OneLine, SchemaLayout::Compact, SchemaLayout::Pretty(2)];
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
    while tried < 700 {
        tried += 1;
        let document = random_schema::schema(&mut random);
        let Ok(schema) = Schema::new(&document, SchemaOptions::default()) else { continue };
        compiled += 1;
        checked += check_samples(&format!("schema {tried}"), &document, &schema, 20, &mut random);
    }
    assert!(compiled > 350 && checked > 5_000, "{compiled} schemas, {checked} values");
}
