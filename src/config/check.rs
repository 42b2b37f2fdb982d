//! What settings must be beyond their own type and range: shapes of text, and settings that bind each other.

use super::Settings;

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
        given
            .public_url
            .as_ref()
            .is_none_or(|url| url.starts_with("https://") || url.starts_with("http://")),
        "files.public_url: must start with https:// or http://",
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
