//! What the library that describes the API leaves out: that what may be absent may be null, that an operation without
//! security is open to all, bounds of fields, headers of limits, and examples.

use super::{bounds, examples};
use crate::http::arrival::Takes;
use crate::http::problem;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::mem::take;

/// Completes a description of all operations.
pub(super) fn finish(spec: &mut Value) {
    let Value::Object(mut schemas) = spec["components"]["schemas"].take() else {
        return;
    };
    schemas.values_mut().for_each(open_to_null);
    for name in sent(spec) {
        if let Some(schema) = schemas.get_mut(&name) {
            bounds::write(&name, schema);
        }
    }
    examples::fill(&mut schemas);
    for operation in operations(spec) {
        operation.entry("security").or_insert_with(|| json!([]));
        if operation.contains_key("requestBody") {
            name_type(&mut operation["requestBody"]);
        }
        let limited = operation["responses"].get("429").is_some();
        let takes = takes(operation);
        for (status, response) in entries(&mut operation["responses"]) {
            name_type(response);
            name_headers(response);
            if limited {
                tell_limits(response);
            }
            explain(response, &schemas);
            show(status, response, takes);
        }
    }
    spec["components"]["schemas"] = Value::Object(schemas);
    spec["components"]["headers"] = Value::Object(bounds::limit_headers());
}

/// The schemas of what is sent.
pub(super) fn sent(spec: &Value) -> BTreeSet<String> {
    let items = spec["paths"].as_object().into_iter().flat_map(Map::values);
    let operations = items.filter_map(Value::as_object).flat_map(Map::values);
    let bodies = operations.filter_map(|operation| operation["requestBody"]["content"].as_object());
    let named = |body: &Value| Some(body["schema"]["$ref"].as_str()?.rsplit('/').next()?.to_owned());
    bodies.flat_map(Map::values).filter_map(named).collect()
}

/// What kind of body an operation takes.
fn takes(operation: &Map<String, Value>) -> Takes {
    let body = operation
        .get("requestBody")
        .map(|body| &body["content"]["multipart/form-data"]);
    match body.is_some_and(Value::is_object) {
        true => Takes::Form,
        false => Takes::Json,
    }
}

/// How the caller stands, with every answer of an operation that is limited.
fn tell_limits(response: &mut Value) {
    for name in bounds::limit_headers().keys() {
        response["headers"][name] = json!({"$ref": format!("#/components/headers/{name}")});
    }
}

fn operations(spec: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    entries(&mut spec["paths"])
        .flat_map(|(_, item)| entries(item))
        .filter_map(|(_, operation)| operation.as_object_mut())
}

fn entries(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flat_map(Map::iter_mut)
}

/// Absent and null are the same to both families' clients, in what they send and in what they read.
fn open_to_null(schema: &mut Value) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema.get_mut("properties").into_iter().flat_map(entries);
    for (name, property) in properties {
        let optional = required.iter().all(|required| required != name);
        match property.get("allOf").is_some() {
            true => refer(property, optional),
            false if optional && property.get("type").is_some() => property["nullable"] = json!(true),
            false => {}
        }
    }
}

/// The library writes a reference and what is said of it as the sum of two schemas, of which generators make a third.
/// A reference cannot be made nullable itself.
fn refer(property: &mut Value, optional: bool) {
    let Value::Array(parts) = property["allOf"].take() else {
        return;
    };
    let (references, said): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part.get("$ref").is_some());
    let nothing = json!({"type": "object", "nullable": true, "enum": [null]});
    *property = match optional {
        true => json!({"oneOf": references.into_iter().chain([nothing]).collect::<Vec<_>>()}),
        false => json!({"allOf": references}),
    };
    for (key, value) in said.into_iter().filter_map(|part| part.as_object().cloned()).flatten() {
        property[key] = value;
    }
}

/// JSON has one encoding; the library names it.
fn name_type(message: &mut Value) {
    if let Some(content) = message["content"].as_object_mut()
        && let Some(json) = content.remove("application/json; charset=utf-8")
    {
        content.insert("application/json".to_owned(), json);
    }
}

/// `Retry-After` for `RETRY-AFTER`.
fn name_headers(response: &mut Value) {
    let Some(headers) = response.get_mut("headers").and_then(Value::as_object_mut) else {
        return;
    };
    let capital = |part: &str| part[..1].to_owned() + &part[1..].to_lowercase();
    *headers = take(headers)
        .into_iter()
        .map(|(name, header)| (name.split('-').map(capital).collect::<Vec<_>>().join("-"), header))
        .collect();
}

/// An answer that is not described is what it holds.
fn explain(response: &mut Value, schemas: &Map<String, Value>) {
    if response["description"] != "" {
        return;
    }
    let held = response["content"]["application/json"]["schema"]["$ref"].as_str();
    let schema = held.and_then(|path| schemas.get(path.rsplit('/').next()?));
    let text = schema.map_or_else(|| json!("Done."), |schema| schema["description"].clone());
    response["description"] = text;
}

/// Each status of a problem has an example of its own; everything else has that of its schema.
fn show(status: &str, response: &mut Value, takes: Takes) {
    let Some(body) = response.pointer_mut("/content/application~1json") else {
        return;
    };
    if body["schema"]["$ref"] == "#/components/schemas/Problem"
        && let Some(mut example) = problem::example(status, takes)
    {
        examples::drop_nulls(&mut example);
        body["example"] = example;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_absent_may_be_null() {
        let mut schema = json!({
            "required": ["id", "user"],
            "properties": {
                "id": {"type": "string"},
                "bio": {"type": "string"},
                "user": {"allOf": [{"$ref": "#/y"}, {"description": "Who."}]},
                "ban": {"allOf": [{"$ref": "#/x"}, {"description": "Why."}]}
            }
        });

        open_to_null(&mut schema);

        let nothing = json!({"type": "object", "nullable": true, "enum": [null]});
        let expected = json!({
            "id": {"type": "string"},
            "bio": {"type": "string", "nullable": true},
            "user": {"allOf": [{"$ref": "#/y"}], "description": "Who."},
            "ban": {"oneOf": [{"$ref": "#/x"}, nothing], "description": "Why."}
        });
        assert_eq!(schema["properties"], expected);
    }

    #[test]
    fn an_operation_is_completed() {
        let own = json!({"description": "", "content": {"application/json; charset=utf-8": {"schema": {"$ref": "#/c/Done"}}}});
        let mut spec = json!({
            "components": {"schemas": {"Done": {"description": "It was done.", "type": "object"}}},
            "paths": {"/a": {"post": {
                "requestBody": {"content": {"application/json; charset=utf-8": {}}},
                "responses": {"200": own, "429": {"description": "Too often.", "headers": {"RETRY-AFTER": {}}}}
            }}}
        });

        finish(&mut spec);

        let operation = &spec["paths"]["/a"]["post"];
        assert_eq!(operation["security"], json!([]));
        assert_eq!(operation["requestBody"]["content"], json!({"application/json": {}}));
        let responses = &operation["responses"];
        assert_eq!(responses["200"]["description"], "It was done.");
        let headers = &responses["429"]["headers"];
        assert_eq!(headers["Retry-After"], json!({}));
        for response in [headers, &responses["200"]["headers"]] {
            let told = json!({"$ref": "#/components/headers/RateLimit-Limit"});
            assert_eq!(response["RateLimit-Limit"], told);
        }
        assert!(spec["components"]["headers"]["RateLimit-Limit"].is_object());
    }
}
