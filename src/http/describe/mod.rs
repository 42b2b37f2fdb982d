//! The API's description: as text that never differs between two builds of the same code, as `/openapi.json`, and as
//! readable pages at `/docs` with nothing loaded from elsewhere.

mod bounds;
mod examples;
mod finish;

use super::assets::Asset;
use super::{free2talk, omegoo};
use poem::{Endpoint, Request, Response};
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// The viewer writes its own scripts and styles into its page; nothing of them comes from a visitor.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static SPEC: LazyLock<String> = LazyLock::new(|| {
    let [mut all, rooms] = [omegoo::service().spec(), free2talk::service().spec()]
        .map(|raw| serde_json::from_str::<Value>(&raw).expect("the description is JSON"));
    merge(&mut all, rooms);
    finish::finish(&mut all);
    let pretty = serde_json::to_string_pretty(&sorted(all)).expect("JSON can be written");
    pretty + "\n"
});

/// One description of both families: what one has and the other has not comes together. Where both say something the first
/// is heard, so schemas of one name must be the same; a test holds that.
fn merge(all: &mut Value, more: Value) {
    match (all, more) {
        (Value::Object(all), Value::Object(more)) => {
            for (key, value) in more {
                match all.get_mut(&key) {
                    Some(known) => merge(known, value),
                    None => drop(all.insert(key, value)),
                }
            }
        }
        (Value::Array(all), Value::Array(more)) => {
            let new = more.into_iter().filter(|one| !all.contains(one)).collect::<Vec<_>>();
            all.extend(new);
        }
        (_, _) => {}
    }
}

/// The description, pretty and in a fixed order.
pub fn spec() -> &'static str {
    &SPEC
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// The described paths with their methods, in capitals.
pub(super) fn paths() -> Vec<(String, Vec<String>)> {
    let spec: Value = serde_json::from_str(spec()).expect("the description is JSON");
    let paths = spec["paths"].as_object().cloned().unwrap_or_default();
    let methods = |item: &Value| {
        item.as_object()
            .into_iter()
            .flat_map(Map::keys)
            .map(|m| m.to_uppercase())
            .collect()
    };
    paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

/// `/openapi.json`
pub(super) struct SpecFile;

impl Endpoint for SpecFile {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        static FILE: LazyLock<Asset> =
            LazyLock::new(|| Asset::new(spec().into(), "application/json", "default-src 'none'"));
        FILE.call(request).await
    }
}

/// `/docs`
pub(super) struct Docs;

impl Endpoint for Docs {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        static FILE: LazyLock<Asset> = LazyLock::new(|| {
            // The viewer is given the description of one family; it shows that of both.
            let own = omegoo::service();
            let page = own.swagger_ui_html().replacen(&own.spec(), spec(), 1);
            let page = page.replacen("<html charset=\"UTF-8\">", "<!doctype html><html lang=\"en\">", 1);
            let page = page.replacen("<title>Swagger UI</title>", "<title>Palaver API</title>", 1);
            Asset::new(page.into(), "text/html; charset=utf-8", DOCS_POLICY)
        });
        FILE.call(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemas(raw: &str) -> Map<String, Value> {
        let spec: Value = serde_json::from_str(raw).unwrap();
        spec["components"]["schemas"].as_object().unwrap().clone()
    }

    #[test]
    fn schemas_of_one_name_are_the_same_in_both_families() {
        let rooms = schemas(&free2talk::service().spec());

        for (name, chat) in schemas(&omegoo::service().spec()) {
            assert!(
                rooms.get(&name).is_none_or(|rooms| *rooms == chat),
                "two schemas are called {name}"
            );
        }
    }
}
