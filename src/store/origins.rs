//! Where somebody came from, as it is kept: in columns of `users`, and until then, or of a guest, as one JSON object with
//! what is known. Rows that nodes of an earlier release wrote have none.

use crate::domain::account::Origin;
use serde_json::{Map, Value, json};

/// The columns of `users` that [`values`] fills.
macro_rules! columns {
    () => {
        "signup_platform, signup_source, signup_campaign, signup_country, signup_country_name, signup_region,
         signup_region_name, signup_city, signup_latitude, signup_longitude, signup_accuracy_km, referrer_url, referrer_domain,
         utm_source, utm_medium, utm_campaign, utm_term, utm_content"
    };
}
pub(super) use columns;

/// Their values, from what [`written`] wrote.
macro_rules! values {
    ($from:literal) => {
        concat!(
            "coalesce(",
            $from,
            "->>'platform', 'web'), ",
            $from,
            "->>'source', ",
            $from,
            "->>'campaign', ",
            $from,
            "->>'country', ",
            $from,
            "->>'country_name', ",
            $from,
            "->>'region', ",
            $from,
            "->>'region_name', ",
            $from,
            "->>'city', (",
            $from,
            "->>'latitude')::float8, (",
            $from,
            "->>'longitude')::float8, (",
            $from,
            "->>'accuracy_km')::int, ",
            $from,
            "->>'referrer_url', ",
            $from,
            "->>'referrer_domain', ",
            $from,
            "->>'utm_source', ",
            $from,
            "->>'utm_medium', ",
            $from,
            "->>'utm_campaign', ",
            $from,
            "->>'utm_term', ",
            $from,
            "->>'utm_content'"
        )
    };
}
pub(super) use values;

/// What is known of it.
pub(super) fn written(origin: &Origin) -> Value {
    let Origin {
        platform,
        source,
        campaign,
        referrer,
        utm,
        place,
    } = origin;
    let all = [
        ("platform", json!(platform)),
        ("source", json!(source)),
        ("campaign", json!(campaign)),
        ("country", json!(place.country)),
        ("country_name", json!(place.country_name)),
        ("region", json!(place.region)),
        ("region_name", json!(place.region_name)),
        ("city", json!(place.city)),
        ("latitude", json!(place.at.map(|(latitude, _)| latitude))),
        ("longitude", json!(place.at.map(|(_, longitude)| longitude))),
        ("accuracy_km", json!(place.accuracy)),
        (
            "referrer_url",
            json!(referrer.as_ref().and_then(|page| page.url.as_ref())),
        ),
        ("referrer_domain", json!(referrer.as_ref().map(|page| &page.domain))),
        ("utm_source", json!(utm.source)),
        ("utm_medium", json!(utm.medium)),
        ("utm_campaign", json!(utm.campaign)),
        ("utm_term", json!(utm.term)),
        ("utm_content", json!(utm.content)),
    ];
    let known = all.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(known.map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
}
