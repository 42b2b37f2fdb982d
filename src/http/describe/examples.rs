//! Examples of what is sent and answered: where a schema has none of its own it is put together from one value per name.

use serde_json::{Map, Value, json};

const TIME: &str = "2025-05-01T12:00:00.000Z";
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0eXAiOiJhY2Nlc3MifQ.c2lnbmF0dXJl";

/// Gives every schema an example.
pub(super) fn fill(schemas: &mut Map<String, Value>) {
    for schema in schemas.values_mut() {
        if let Some(example) = schema.get_mut("example") {
            drop_nulls(example);
        }
    }
    let examples = schemas.values().map(|schema| made(schema, schemas)).collect::<Vec<_>>();
    for (schema, example) in schemas.values_mut().zip(examples) {
        schema["example"] = example;
    }
}

/// What is absent is not shown.
pub(super) fn drop_nulls(example: &mut Value) {
    match example {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn made(schema: &Value, all: &Map<String, Value>) -> Value {
    let named = |path: &str| all.get(path.rsplit('/').next()?);
    if let Some(target) = schema["$ref"].as_str().and_then(named) {
        return made(target, all);
    }
    if let Some(own) = schema.get("example") {
        return own.clone();
    }
    for parts in ["allOf", "oneOf", "anyOf", "enum"] {
        match schema[parts].get(0) {
            Some(value) if parts == "enum" => return value.clone(),
            Some(part) => return made(part, all),
            None => {}
        }
    }
    let field = |(name, schema): (&String, &Value)| {
        let value = sample(name).filter(|_| schema.get("properties").is_none());
        let value = value
            .filter(|value| fits(value, schema))
            .unwrap_or_else(|| made(schema, all));
        (name.clone(), value)
    };
    match schema["type"].as_str() {
        Some("object") => match schema["properties"].as_object() {
            Some(fields) => Value::Object(fields.iter().map(field).collect()),
            None => json!({}),
        },
        Some("array") => json!([made(&schema["items"], all)]),
        Some("boolean") => json!(true),
        Some("integer" | "number") => json!(1),
        Some(_) => json!(""),
        None => json!({}),
    }
}

fn fits(value: &Value, schema: &Value) -> bool {
    match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer" | "number") => value.is_number(),
        Some("array") => value.is_array(),
        _ => false,
    }
}

/// A value by the name of its field: one word, one thing, in both families.
fn sample(name: &str) -> Option<Value> {
    Some(match name {
        "accessToken" | "token" | "refreshToken" => json!(TOKEN),
        "timestamp" | "lastSeen" | "minute" | "lastUpdated" | "serverTime" | "lastCoinClaim" => json!(TIME),
        "id" | "userId" => json!("5f0c2f4e-9d6b-4c1c-8c55-0d0a5b7b7c11"),
        "deviceId" => json!("email-5f0c2f4e-9d6b-4c1c-8c55-0d0a5b7b7c11"),
        "deviceFingerprint" => json!("a1b2c3d4e5f60718"),
        "email" => json!("ann@gmail.com"),
        "username" => json!("ann"),
        "displayName" => json!("Ann"),
        "password" | "currentPassword" => json!("correct horse"),
        "newPassword" => json!("battery staple"),
        "avatarUrl" => json!("https://example.org/files/avatars/0a1b2c.webp"),
        "name" => json!("Slow Spanish"),
        "slug" => json!("slow-spanish-5f0c2f"),
        "topic" => json!("Travelling"),
        "languages" => json!(["Spanish", "English"]),
        "bio" => json!("I like to talk about music."),
        "nativeLanguages" => json!(["English"]),
        "learningLanguages" => json!(["Spanish"]),
        "interests" => json!(["music"]),
        "privacyLevel" => json!("public"),
        "authProvider" => json!("google"),
        "guestId" => json!("0123456789abcdef".repeat(4)),
        "kind" => json!("text"),
        "matchedLanguage" => json!("English"),
        "format" => json!("webp"),
        "publicId" => json!("0123456789abcdef0123456789abcdef"),
        "gender" => json!("female"),
        "otp" => json!("123456"),
        "status" => json!("active"),
        "tier" => json!("verified"),
        "type" => json!("none"),
        "reason" => json!("spam"),
        "message" => json!("Done"),
        "coins" => json!(50),
        "otpExpiresInSeconds" => json!(600),
        _ if name.ends_with("At") => json!(TIME),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing_said(example: &Value) -> bool {
        match example {
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.iter().any(nothing_said),
            Value::Object(fields) => fields.values().any(nothing_said),
            _ => false,
        }
    }

    #[test]
    fn every_schema_has_an_example_that_says_something() {
        let spec: Value = serde_json::from_str(super::super::spec()).unwrap();

        for (name, schema) in spec["components"]["schemas"].as_object().unwrap() {
            let example = schema.get("example").unwrap_or_else(|| panic!("{name} has none"));
            assert!(
                !nothing_said(example),
                "a text of {name} is empty: give its field a sample here. {example}"
            );
        }
    }

    #[test]
    fn an_example_is_put_together_from_its_parts() {
        let mut schemas = json!({
            "User": {"type": "object", "properties": {"email": {"type": "string"}, "since": {"type": "integer"}}},
            "Form": {"example": {"age": null, "email": "bob"}},
            "Me": {"type": "object", "properties": {
                "user": {"allOf": [{"$ref": "#/components/schemas/User"}]},
                "email": {"type": "integer"},
                "words": {"type": "array", "items": {"enum": ["en", "de"]}}
            }}
        });
        let schemas = schemas.as_object_mut().unwrap();

        fill(schemas);

        assert_eq!(schemas["Form"]["example"], json!({"email": "bob"}));
        let user = json!({"email": "ann@gmail.com", "since": 1});
        let me = json!({"user": user, "email": 1, "words": ["en"]});
        assert_eq!(schemas["Me"]["example"], me);
    }
}
