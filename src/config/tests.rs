//! How settings are read, judged and explained.

use super::*;
use std::io::Write as _;

fn from_variables(variables: &[(&str, &str)]) -> Result<Loaded, Wrong> {
    let variables = variables
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    Settings::from_sources(None, variables)
}

fn wrong(variables: &[(&str, &str)]) -> String {
    from_variables(variables).unwrap_err().0.join("\n")
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn the_defaults_are_right_and_within_their_ranges() {
    let settings = Settings::default();

    assert_eq!(settings.sockets.ping_interval, Duration::from_secs(25));
    assert_eq!(settings.sockets.max_payload, 65536);
    assert_eq!(settings.metrics_listen, None);
    for row in rows() {
        let given = [(load::variable_of(row.name), row.default.to_owned())];
        let loaded = Settings::from_sources(None, given.into_iter()).unwrap();
        assert_eq!(loaded.settings, settings, "{}", row.name);
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let file =
        file("listen = '127.0.0.1:1'\norigins = ['https://a.example']\n[chat]\nrate_limit = 20\nreport_lines = 40\n");
    let variables = [("PALAVER_CHAT__RATE_LIMIT".to_owned(), "30".to_owned())];

    let settings = Settings::from_sources(Some(file.path()), variables.into_iter())
        .unwrap()
        .settings;

    assert_eq!(settings.listen.port(), 1);
    assert_eq!(settings.origins, ["https://a.example"]);
    assert_eq!((settings.chat.rate_limit, settings.chat.report_lines), (30, 40));
    assert_eq!(settings.chat.message_max_chars, 1000);
}

#[test]
fn a_secret_made_of_digits_is_taken_as_it_stands() {
    let settings = from_variables(&[("PALAVER_JWT__SECRETS", "00001111222233334444,aaaabbbbccccdddd")])
        .unwrap()
        .settings;

    let secrets: Vec<_> = settings.jwt.secrets.iter().map(Secret::reveal).collect();
    assert_eq!(secrets, ["00001111222233334444", "aaaabbbbccccdddd"]);
}

#[test]
fn every_wrong_setting_is_named_with_what_was_expected() {
    let said = wrong(&[
        ("PALAVER_REDIS__SHARDS", "65"),
        ("PALAVER_CHAT__TYPING_FADE", "3"),
        ("PALAVER_SOCKETS__PIN_INTERVAL", "3s"),
        ("PALAVER_ORIGINS", "https://a.example/"),
    ]);

    assert_eq!(
        said,
        "PALAVER_SOCKETS__PIN_INTERVAL: there is no such setting\n\
         redis.shards: must be from 1 to 64 (PALAVER_REDIS__SHARDS)\n\
         chat.typing_fade: expected a time with its unit, such as 250ms, 30s, 5m, 2h or 90d (PALAVER_CHAT__TYPING_FADE)\n\
         origins: https://a.example/ is not an origin (scheme://host or scheme://host:port, no path), nor *"
    );
}

#[test]
fn a_wrong_file_is_named() {
    let misspelt = file("[chat]\nrate_limits = 20\n[redis]\nshards = 'many'\n");
    let broken = file("[chat\n");

    let said = Settings::from_sources(Some(misspelt.path()), std::iter::empty())
        .unwrap_err()
        .0;
    let path = misspelt.path().display();

    assert_eq!(
        said,
        [
            format!("chat.rate_limits: there is no such setting ({path})"),
            format!("redis.shards: expected a whole number up to 255 ({path})"),
        ]
    );
    assert!(Settings::from_sources(Some(broken.path()), std::iter::empty()).is_err());
    assert!(Settings::from_sources(Some(Path::new("/nowhere.toml")), std::iter::empty()).is_err());
}

#[test]
fn settings_that_bind_each_other_are_checked_together() {
    assert!(wrong(&[("PALAVER_LEASE__NODE_FOR", "2s")]).starts_with("lease.node_for:"));
    assert!(wrong(&[("PALAVER_SOCKETS__MAX_PAYLOAD", "1MiB")]).starts_with("sockets.outbox:"));
    assert!(wrong(&[("PALAVER_REDIS__URL", "http://x")]).starts_with("redis.url:"));
    assert!(wrong(&[("PALAVER_JWT__SECRETS", "short")]).starts_with("jwt.secrets:"));
    assert!(wrong(&[("PALAVER_SOCKETS__PATH", "socket.io")]).starts_with("sockets.path:"));
}

#[test]
fn addresses_of_pictures_are_judged_at_the_start() {
    let public = ("PALAVER_FILES__PUBLIC_URL", "https://api.example/files");
    let with = |picture: &'static str| from_variables(&[public, ("PALAVER_FILES__PICTURE_URL", picture)]);
    for good in [
        "https://cdn.example/w_400,c_fill/{url}",
        "https://cdn.example/?file={name}",
        "http://[::1]:80/{name}",
    ] {
        assert!(with(good).is_ok(), "{good}");
    }
    for bad in [
        "https://cdn.example/",
        "https://cdn.example/{url}.webp",
        "https://cdn.example/{name}/{url}",
        "https://cdn.example/{size}/{name}",
        "https://{name}",
        "cdn.example/{name}",
        "javascript:{url}",
        "https://ann:secret@cdn.example/{name}",
        "https://cdn.example/ ;script-src */{name}",
        "https://cdn.example;script-src/{name}",
    ] {
        let told = with(bad).unwrap_err().0.join("\n");
        assert!(told.starts_with("files.picture_url:"), "{bad}: {told}");
    }
    let alone = wrong(&[("PALAVER_FILES__PICTURE_URL", "https://cdn.example/{url}")]);
    assert_eq!(alone, "files.picture_url: {url} needs files.public_url");
    for bad in ["cdn.example", "https://", "https://a b/", "ftp://cdn.example"] {
        assert!(
            wrong(&[("PALAVER_FILES__PUBLIC_URL", bad)]).starts_with("files.public_url:"),
            "{bad}"
        );
    }
}

#[test]
fn variables_that_the_platform_sets_are_ignored_and_told() {
    let loaded = from_variables(&[
        ("PALAVER_PORT", "tcp://10.0.0.1:80"),
        ("PALAVER_SERVICE_HOST", "x"),
        ("HOME", "/"),
    ])
    .unwrap();

    assert_eq!(loaded.ignored, ["PALAVER_PORT", "PALAVER_SERVICE_HOST"]);
    assert_eq!(loaded.settings, Settings::default());
}

#[test]
fn a_variable_with_one_underscore_too_few_is_not_silently_ignored() {
    assert_eq!(
        wrong(&[("PALAVER_REDIS_URL", "redis://x")]),
        "PALAVER_REDIS_URL: is written PALAVER_REDIS__URL"
    );
}

#[test]
fn the_table_has_every_setting_once_with_its_meaning() {
    let table = table();

    let lines: Vec<_> = table.lines().skip(2).collect();
    assert_eq!(lines.len(), rows().count());
    assert!(
        lines.iter().all(|line| !line.ends_with("|  |")),
        "a setting without a meaning"
    );
    assert!(table.contains(
        "| `PALAVER_CHAT__SEAT_HOLD` | time | `30s` | 1s to 10m | How long the seat of a person who lost the connection is kept. |"
    ));
}

#[test]
fn the_readme_shows_every_setting_as_it_is() {
    let readme = include_str!("../../README.md");

    assert!(
        readme.contains(&table()),
        "copy the table that `palaver node --help` prints"
    );
}
