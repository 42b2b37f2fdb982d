//! Against files made by the tests.

#[allow(unreachable_pub, reason = "scenarios share it")]
#[path = "../../tests/it/harness/mmdb.rs"]
mod mmdb;

use super::*;
use serde_json::{Value, json};
use std::io::Write as _;

fn oxford() -> Value {
    json!({
        "country": {"iso_code": "GB", "names": {"en": "United Kingdom", "de": "Vereinigtes Königreich"}},
        "subdivisions": [{"iso_code": "ENG", "names": {"en": "England"}}, {"iso_code": "OXF", "names": {"en": "Oxfordshire"}}],
        "city": {"names": {"en": "Ox\u{0}ford "}},
        "location": {"latitude": 51.75191, "longitude": -1.25777, "accuracy_radius": 20},
    })
}

fn of_file(bytes: &[u8]) -> Result<Geo, Fault> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let database = Some(file.path().to_str().unwrap().to_owned());
    Geo::open(&config::Geo { database })
}

fn place(geo: &Geo, ip: &str) -> Place {
    geo.place(ip.parse().unwrap())
}

#[test]
fn an_address_has_its_country_region_city_and_rounded_coordinates() {
    let networks = [
        ("203.0.113.0".parse().unwrap(), 24, oxford()),
        (
            "2001:db8::".parse().unwrap(),
            32,
            json!({"country": {"iso_code": "FR"}}),
        ),
        ("198.51.100.7".parse().unwrap(), 32, json!({})),
    ];
    let geo = of_file(&mmdb::table(&networks)).unwrap();

    let expected = Place {
        country: Some("GB".to_owned()),
        country_name: Some("United Kingdom".to_owned()),
        region: Some("ENG".to_owned()),
        region_name: Some("England".to_owned()),
        city: Some("Oxford".to_owned()),
        at: Some((51.75, -1.26)),
        accuracy: Some(20),
    };
    assert_eq!(place(&geo, "203.0.113.255"), expected);
    let france = Place {
        country: Some("FR".to_owned()),
        ..Place::default()
    };
    assert_eq!(place(&geo, "2001:db8::7"), france);
    for unknown in ["203.0.112.255", "203.0.114.0", "127.0.0.1", "::1", "198.51.100.7"] {
        assert_eq!(place(&geo, unknown), Place::default(), "{unknown}");
    }
}

#[test]
fn without_a_file_every_place_is_unknown() {
    let geo = Geo::open(&config::Geo { database: None }).unwrap();

    assert_eq!(place(&geo, "203.0.113.7"), Place::default());
}

#[test]
fn a_file_that_cannot_be_read_is_found_at_the_start_and_named() {
    let missing = Geo::open(&config::Geo {
        database: Some("/nowhere/cities.mmdb".to_owned()),
    });

    let told = missing.unwrap_err().to_string();
    assert!(told.starts_with("read geo.database: /nowhere/cities.mmdb: "), "{told}");
    assert!(of_file(b"").is_err() && of_file(b"no table at all").is_err());
}

#[test]
fn an_entry_that_cannot_be_read_is_an_unknown_place() {
    let odd = json!({"country": "a text where a map should be"});
    let geo = of_file(&mmdb::table(&[("203.0.113.0".parse().unwrap(), 24, odd)])).unwrap();

    assert_eq!(place(&geo, "203.0.113.7"), Place::default());
}
