//! The page at `/` and its files, built into the program. Addresses carry no version, so browsers ask again each time
//! and are told "unchanged" by the file's strong tag.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Endpoint, Request, Response};
use sha1::{Digest, Sha1};
use std::sync::LazyLock;

/// Only what we serve ourselves: no inline script or style, no other site, no frame around us.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Of it, where pictures come from.
const PICTURES: &str = "img-src 'self' data:";

/// The files, by their name under `/page/`.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        const FILES: &[(&str, &[u8])] = &[ $( ($name, include_bytes!(concat!("page/", $name))) ),* ];
    };
}

files! {
    "favicon.svg",
    "index.html",
    "page.css",
    "js/account.js",
    "js/app.js",
    "js/attention.js",
    "js/composer.js",
    "js/connection.js",
    "js/conversation.js",
    "js/identity.js",
    "js/notice.js",
    "js/outbox.js",
    "js/presence.js",
    "js/profile.js",
    "js/ratelimit.js",
    "js/report.js",
    "js/screens.js",
    "js/seeking.js",
    "js/signing.js",
    "js/transcript.js",
    "js/typing.js",
    "js/viewport.js",
    "js/words.js",
    "vendor/README",
    "vendor/socket.io-client.LICENSE",
    "vendor/socket.io.min.js",
}

/// One file, ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Asset {
    body: bytes::Bytes,
    kind: &'static str,
    tag: HeaderValue,
    policy: HeaderValue,
}

static ASSETS: LazyLock<Vec<(&str, Asset)>> = LazyLock::new(|| {
    let asset = |(name, body): &(&'static str, &'static [u8])| {
        (
            *name,
            Asset::new(bytes::Bytes::from_static(body), kind(name), PAGE_POLICY),
        )
    };
    FILES.iter().map(asset).collect()
});

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

impl Asset {
    /// Something to be served under a content security policy.
    pub(super) fn new(body: bytes::Bytes, kind: &'static str, policy: &str) -> Self {
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha1::digest(&body)));
        let tag = HeaderValue::try_from(tag).expect("base64 fits in a header");
        Self {
            body,
            kind,
            tag,
            policy: HeaderValue::from_str(policy).expect("policies are of plain text"),
        }
    }

    /// The page itself, which shows pictures from `pictures`, an origin, too.
    pub(super) fn index(pictures: Option<&str>) -> Self {
        let page = find("index.html").expect("a test holds that it is built in").clone();
        let Some(origin) = pictures else { return page };
        let policy = PAGE_POLICY.replace(PICTURES, &format!("{PICTURES} {origin}"));
        Self {
            policy: HeaderValue::try_from(policy).expect("an origin is of plain text"),
            ..page
        }
    }

    /// What browsers ask for on pages that name no icon.
    pub(super) fn icon() -> Self {
        find("favicon.svg").expect("a test holds that it is built in").clone()
    }

    fn answer(&self, request: &Request) -> Response {
        let known = request
            .headers()
            .get(header::IF_NONE_MATCH)
            .and_then(|tags| tags.to_str().ok());
        // A proxy that compressed the file made its tag weak (`W/`).
        let mut tags = known
            .unwrap_or_default()
            .split(',')
            .map(|tag| tag.trim().trim_start_matches("W/"));
        let unchanged = tags.any(|tag| tag == "*" || tag.as_bytes() == self.tag.as_bytes());
        let response = Response::builder()
            .header(header::ETAG, &self.tag)
            .header(header::CACHE_CONTROL, "no-cache")
            .header(header::CONTENT_SECURITY_POLICY, &self.policy)
            .header(header::REFERRER_POLICY, "no-referrer");
        match unchanged {
            true => response.status(StatusCode::NOT_MODIFIED).finish(),
            false => response.content_type(self.kind).body(self.body.clone()),
        }
    }
}

impl Endpoint for Asset {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        Ok(self.answer(&request))
    }
}

/// The files of the page, by path.
pub(super) struct Page;

impl Endpoint for Page {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let asset = request.raw_path_param("path").and_then(find);
        asset
            .map(|asset| asset.answer(&request))
            .ok_or_else(|| StatusCode::NOT_FOUND.into())
    }
}

fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|(known, _)| *known == name).map(|(_, asset)| asset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn walk(dir: &Path, at: &str, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{at}{}", entry.file_name().to_string_lossy());
            match entry.file_type().unwrap().is_dir() {
                true => walk(&entry.path(), &format!("{name}/"), names),
                false => assert!(names.insert(name)),
            }
        }
    }

    #[test]
    fn every_file_of_the_page_is_built_in() {
        let mut there = BTreeSet::new();
        walk(
            Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/page")),
            "",
            &mut there,
        );

        let listed: BTreeSet<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();

        assert_eq!(listed, there);
    }

    #[test]
    fn the_page_shows_pictures_of_ours_and_of_the_origin_in_the_settings_alone() {
        let of = |pictures| Asset::index(pictures).policy.to_str().unwrap().to_owned();

        assert_eq!(of(None), PAGE_POLICY);
        let wider = PAGE_POLICY.replace("data:;", "data: https://res.cloudinary.com;");
        assert_eq!(of(Some("https://res.cloudinary.com")), wider);
        assert_ne!(wider, PAGE_POLICY);
    }

    #[test]
    fn the_page_keeps_its_own_policy() {
        let page = String::from_utf8_lossy(FILES.iter().find(|(name, _)| *name == "index.html").unwrap().1);

        assert!(!page.contains(" style=") && !page.contains("<style") && !page.contains(" onclick="));
        assert!(!page.contains("<script>"), "scripts must be files");
        assert!(
            !page.contains("src=\"http") && !page.contains("href=\"http"),
            "nothing comes from another site"
        );
    }
}
