//! What settings must be beyond their own type and range: shapes of text, and settings that bind each other.

use super::Settings;
use url::Url;

/// Everything that is wrong, one line each.
pub(super) fn together(settings: &Settings) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut must = |holds: bool, line: &str| {
        if !holds {
            wrong.push(line.to_owned());
        }
    };
    shapes(settings, &mut must);
    bounds(settings, &mut must);
    for origin in settings.origins.iter().filter(|origin| !is_origin(origin)) {
        wrong.push(format!(
            "origins: {origin} is not an origin (scheme://host or scheme://host:port, no path), nor *"
        ));
    }
    wrong
}

fn shapes(settings: &Settings, must: &mut impl FnMut(bool, &str)) {
    let redis = settings.redis.url.reveal();
    let schemes = [
        "redis://",
        "rediss://",
        "redis-cluster://",
        "rediss-cluster://",
        "redis-sentinel://",
        "rediss-sentinel://",
    ];
    must(
        schemes.iter().any(|scheme| redis.starts_with(scheme)),
        "redis.url: must start with redis://, rediss://, redis-cluster:// or redis-sentinel://",
    );
    let given = &settings.redis;
    must(
        redis.starts_with("rediss") || (given.tls_ca.is_none() && given.tls_cert.is_none()),
        "redis.tls_ca, redis.tls_cert: are for a redis.url that starts with rediss",
    );
    must(
        given.tls_cert.is_some() == given.tls_key.is_some(),
        "redis.tls_cert, redis.tls_key: both or none",
    );
    let prefix = &settings.redis.prefix;
    must(
        prefix.len() <= 32
            && prefix
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.')),
        "redis.prefix: must be at most 32 letters, digits, - _ or .",
    );
    let postgres = settings.postgres.url.reveal();
    must(
        postgres.starts_with("postgres://") || postgres.starts_with("postgresql://"),
        "postgres.url: must start with postgres://",
    );
    let path = &settings.sockets.path;
    must(
        path.len() > 2 && path.starts_with('/') && path.ends_with('/'),
        "sockets.path: must start and end with /",
    );
    letters(settings, must);
    google(settings, must);
    files(settings, must);
    must(
        settings.jwt.secrets.iter().all(|secret| secret.reveal().len() >= 16),
        "jwt.secrets: each must have at least 16 characters",
    );
    let phones = &settings.accounts.phone_secrets;
    must(
        phones.iter().all(|secret| secret.reveal().len() >= 16),
        "accounts.phone_secrets: each must have at least 16 characters",
    );
}

fn letters(settings: &Settings, must: &mut impl FnMut(bool, &str)) {
    let mail = settings.mail.url.as_ref().map_or("", |url| url.reveal());
    must(
        mail.is_empty()
            || ["smtp://", "smtps://", "file:"]
                .iter()
                .any(|scheme| mail.starts_with(scheme)),
        "mail.url: must start with smtp://, smtps:// or file:",
    );
    must(
        !(mail.starts_with("smtp://") && mail.contains('@') && !mail.contains("tls=required")),
        "mail.url: a password is sent only over TLS (smtps:// or ?tls=required)",
    );
    let sms = settings.sms.url.as_ref().map_or("", |url| url.reveal());
    must(
        sms.is_empty() || sms == "log" || sms.starts_with("https://") || sms.starts_with("http://"),
        "sms.url: must start with https:// or http://, or be log",
    );
}

fn google(settings: &Settings, must: &mut impl FnMut(bool, &str)) {
    let given = &settings.google;
    for url in [&given.jwks_url, &given.tokeninfo_url, &given.userinfo_url] {
        must(
            url.starts_with("https://") || url.starts_with("http://127.0.0.1:"),
            "google.*_url: must start with https:// (or http://127.0.0.1: for tests)",
        );
    }
}

fn files(settings: &Settings, must: &mut impl FnMut(bool, &str)) {
    let given = &settings.files;
    must(
        given.url.starts_with("file:") || given.url.starts_with("s3://"),
        "files.url: must start with file: or s3://",
    );
    must(
        given.s3_key.is_some() == given.s3_secret.is_some(),
        "files.s3_key, files.s3_secret: both or none",
    );
    must(
        given.public_url.as_ref().is_none_or(|url| is_web_address(url)),
        "files.public_url: must be an address that starts with https:// or http://",
    );
    let picture = given.picture_url.as_deref().unwrap_or("https://a/{name}");
    let front = ["{url}", "{name}"].iter().find_map(|what| picture.strip_suffix(what));
    must(
        front.is_some_and(|front| is_web_address(front) && !front.contains(['{', '}'])),
        "files.picture_url: must be an address that starts with https:// or http:// and ends with {url} or {name}",
    );
    must(
        !picture.contains("{url}") || given.public_url.is_some(),
        "files.picture_url: {url} needs files.public_url",
    );
}

fn bounds(settings: &Settings, must: &mut impl FnMut(bool, &str)) {
    let lease = &settings.lease;
    must(
        lease.node_for >= lease.renew_every * 3,
        "lease.node_for: must be at least three times lease.renew_every",
    );
    must(
        lease.keeper_for >= settings.queue.pair_every * 3,
        "lease.keeper_for: must be at least three times queue.pair_every",
    );
    must(
        lease.keeper_for > lease.renew_every,
        "lease.keeper_for: must be longer than lease.renew_every, by which it is renewed",
    );
    let chat = &settings.chat;
    must(
        chat.room_log >= chat.report_lines * 2,
        "chat.room_log: must be at least twice chat.report_lines",
    );
    let sockets = &settings.sockets;
    must(
        sockets.outbox >= sockets.max_payload,
        "sockets.outbox: must be at least sockets.max_payload",
    );
    must(
        settings
            .metrics_listen
            .is_none_or(|at| at.port() == 0 || at != settings.listen),
        "metrics_listen: must not be the same as listen",
    );
}

/// An address of the web, with a host and no user.
fn is_web_address(text: &str) -> bool {
    let plain = text.bytes().all(|c| c.is_ascii_graphic());
    let url = plain.then(|| Url::parse(text).ok()).flatten();
    // Some marks in a host are an address to browsers and the end of a rule in a policy.
    let named = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    url.is_some_and(|url| {
        let is_web = matches!(url.scheme(), "http" | "https");
        is_web
            && url.username().is_empty()
            && url.password().is_none()
            && url.host_str().unwrap_or_default().bytes().all(named)
    })
}

/// An origin as browsers send it: scheme, host, perhaps a port; nothing after.
fn is_origin(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    let Some((scheme, host)) = text.split_once("://") else {
        return false;
    };
    let scheme_fits = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|c| c.is_ascii_lowercase() || matches!(c, b'+' | b'-' | b'.'));
    let host_fits = !host.is_empty()
        && host
            .bytes()
            .all(|c| c.is_ascii_graphic() && !matches!(c, b'/' | b'?' | b'#' | b'@'));
    scheme_fits && host_fits && text == text.to_ascii_lowercase()
}
