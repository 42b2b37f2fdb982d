//! A request's JSON body. Where it does not fit, the answer says which field does not.

use super::problem::{BODY, Refused};
use crate::domain::json;
use futures_util::TryStreamExt;
use poem::error::ReadBodyError;
use poem::{Request, RequestBody};
use poem_openapi::impl_apirequest_for_payload;
use poem_openapi::payload::{Json, ParsePayload, Payload};
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{ParseFromJSON, Type};
use serde_json::{Map, Value};
use std::ops::Deref;
use std::pin::pin;

/// A JSON object with the fields of `T`, each of which may be missing; others are overlooked.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T> Deref for Body<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Type> Payload for Body<T> {
    const CONTENT_TYPE: &'static str = Json::<T>::CONTENT_TYPE;

    fn check_content_type(content_type: &str) -> bool {
        Json::<T>::check_content_type(content_type)
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ParseFromJSON> ParsePayload for Body<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(_: &Request, body: &mut RequestBody) -> poem::Result<Self> {
        let bytes = gathered(body.take()?).await?;
        let refused = |text: &str, field| poem::Error::from(Refused::<BODY>::unreadable(text, field));
        let text = std::str::from_utf8(&bytes).ok();
        let Some(fields) = text.and_then(|text| json::read::<Map<String, Value>>(text).ok()) else {
            return Err(refused("The body must be a JSON object", None));
        };
        match T::parse_from_json(Some(Value::Object(fields.clone()))) {
            Ok(read) => Ok(Self(read)),
            Err(_) => {
                let field = misfit::<T>(fields);
                let text = field.as_deref().map(|name| format!("{name} is of the wrong type"));
                Err(refused(text.as_deref().unwrap_or("The body does not fit"), field))
            }
        }
    }
}

/// All of a body in one place: its parts keep much more alive than what is in them.
async fn gathered(body: poem::Body) -> Result<Vec<u8>, ReadBodyError> {
    let mut parts = pin!(body.into_bytes_stream());
    let mut all = Vec::new();
    while let Some(part) = parts.try_next().await? {
        all.extend_from_slice(&part);
    }
    Ok(all)
}

/// The field that keeps the others from being read: fields that nobody knows never do.
fn misfit<T: ParseFromJSON>(fields: Map<String, Value>) -> Option<String> {
    let alone = |name: &str, value: Value| Value::Object(Map::from_iter([(name.to_owned(), value)]));
    let mut bad = fields
        .into_iter()
        .filter(|(name, value)| T::parse_from_json(Some(alone(name, value.clone()))).is_err());
    bad.next().map(|(name, _)| name)
}

impl_apirequest_for_payload!(Body<T>, T: ParseFromJSON);
