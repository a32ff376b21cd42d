//! The JSON Schema of a plan, made of its grammar: editors complete keys by it and mark unknown ones.

use serde_json::{Map, Value, json};

use super::grammar::{Form, Grammar, Key};

/// The schema as JSON text, with a line break at the end.
pub fn schema(grammar: &Grammar) -> String {
    let mut plan = properties(grammar);
    let profile = object(&plan, "The values of a profile: they take the place of the plan's own.");
    let profiles = json!({
        "additionalProperties": {"$ref": "#/$defs/Profile"},
        "description": "Profiles by name: `lapse run --profile NAME` chooses one.",
        "type": "object",
    });
    plan.insert("profiles".to_owned(), profiles);
    plan.insert(
        "$schema".to_owned(),
        json!({"description": "The address of this schema, for editors.", "type": "string"}),
    );
    let mut schema = object(&plan, "What `lapse run` is to measure. Each key stands for a flag of the command line.");
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$defs".to_owned(), json!({"Profile": profile}));
        schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        schema.insert("title".to_owned(), json!("Plan"));
    }
    format!("{schema:#}\n")
}

/// The keys of a plan other than its profiles.
fn properties(grammar: &Grammar) -> Map<String, Value> {
    let of = |section: Option<&str>| {
        let keys = grammar.of(section).map(|(_, key)| (key.name.clone(), of_key(key)));
        keys.collect::<Map<_, _>>()
    };
    let mut all = of(None);
    for section in grammar.sections() {
        all.insert(section.to_owned(), object(&of(Some(section)), ""));
    }
    all
}

fn object(properties: &Map<String, Value>, description: &str) -> Value {
    let mut object = json!({"additionalProperties": false, "properties": properties, "type": "object"});
    if let (Some(object), false) = (object.as_object_mut(), description.is_empty()) {
        object.insert("description".to_owned(), description.into());
    }
    object
}

fn of_key(key: &Key) -> Value {
    let scalar = match (key.form, key.choices.as_slice()) {
        (Form::Named, _) | (_, []) => json!({"type": ["string", "number"]}),
        (_, choices) => json!({"enum": choices}),
    };
    let many = json!({"anyOf": [scalar, {"items": scalar, "type": "array"}]});
    let mut schema = match key.form {
        Form::Switch => json!({"type": "boolean"}),
        Form::One => scalar,
        Form::Many => many,
        Form::Scoped => {
            let by_lane = json!({"additionalProperties": many, "type": "object"});
            json!({"anyOf": [scalar, {"items": scalar, "type": "array"}, by_lane]})
        }
        Form::Headers => json!({"additionalProperties": many, "type": "object"}),
        Form::Named if key.choices.is_empty() => json!({"additionalProperties": scalar, "type": "object"}),
        Form::Named => {
            json!({"additionalProperties": scalar, "propertyNames": {"enum": key.choices}, "type": "object"})
        }
    };
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), format!("{} Flag: --{}.", key.help, key.flag).into());
    }
    schema
}
