//! Cookies that hold tokens: for the browser alone, no script reads them.

use crate::clock::Millis;
use crate::config::Cookies;
use poem::http::HeaderMap;

/// The cookie of access tokens, sent to every path.
pub(in crate::http) const ACCESS: &str = "accessToken";
/// The cookie of refresh tokens.
pub(in crate::http) const REFRESH: &str = "refreshToken";

/// A cookie that lasts from `now` to `until`.
pub(super) fn set(name: &str, value: &str, now: Millis, until: Millis, rule: Cookies, headers: &HeaderMap) -> String {
    written(name, value, (until - now).as_secs(), rule, headers)
}

/// The end of a cookie. Browsers only take it with the marks it was set with.
pub(super) fn clear(name: &str, rule: Cookies, headers: &HeaderMap) -> String {
    written(name, "", 0, rule, headers)
}

fn written(name: &str, value: &str, seconds: u64, rule: Cookies, headers: &HeaderMap) -> String {
    let by_https = headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
    let (site, secure) = match rule {
        Cookies::Lax => ("Lax", by_https),
        Cookies::Strict => ("Strict", by_https),
        // Browsers refuse it otherwise.
        Cookies::CrossSite => ("None", true),
    };
    let secure = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={site}{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::HeaderValue;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn asvs_3_3_4_cookies_are_for_the_browser_alone_and_secure_where_they_can_be() {
        let (plain, tls) = (HeaderMap::new(), headers("x-forwarded-proto", "https"));
        let at = |rule, headers| set(REFRESH, "t", Millis(1000), Millis(61_000), rule, headers);

        assert_eq!(
            at(Cookies::Lax, &plain),
            "refreshToken=t; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            at(Cookies::Strict, &tls),
            "refreshToken=t; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            at(Cookies::CrossSite, &plain),
            "refreshToken=t; Path=/; Max-Age=60; HttpOnly; SameSite=None; Secure"
        );
        assert_eq!(
            clear(ACCESS, Cookies::Lax, &plain),
            "accessToken=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
        );
    }
}
