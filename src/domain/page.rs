//! Which web pages may call us, by HTTP and by sockets. Browsers tell the origin of the page that calls; who tells none
//! is no page of another site.

/// A page that calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Page {
    /// Of our own origin, as are those that we serve ourselves, or of one on the list.
    Friend,
    /// Of any origin, where all may call.
    Anybody,
    /// Of an origin that may not.
    Stranger,
}

impl Page {
    /// The page of `origin` that calls `host` (`Host`), by the list of `allowed` origins, in which `*` is any.
    pub fn of(origin: &str, host: Option<&str>, allowed: &[String]) -> Page {
        let listed = |origin: &str| allowed.iter().any(|allowed| allowed == origin);
        let own = origin.split_once("://").is_some_and(|(_, at)| Some(at) == host);
        if own || listed(origin) {
            Page::Friend
        } else if listed("*") {
            Page::Anybody
        } else {
            Page::Stranger
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_pages_and_those_on_the_list_may_call_and_others_where_all_may() {
        let host = Some("chat.example:8080");
        let listed = ["https://a.example".to_owned()];
        let any = ["*".to_owned()];

        for origin in ["http://chat.example:8080", "https://chat.example:8080"] {
            assert_eq!(Page::of(origin, host, &[]), Page::Friend, "{origin}");
            assert_eq!(Page::of(origin, host, &any), Page::Friend, "{origin}");
        }
        assert_eq!(Page::of("https://a.example", host, &listed), Page::Friend);
        for origin in [
            "https://b.example",
            "https://a.example.evil",
            "http://chat.example",
            "http://evil.example/chat.example:8080",
            "chat.example:8080",
            "null",
            "",
        ] {
            assert_eq!(Page::of(origin, host, &listed), Page::Stranger, "{origin}");
            assert_eq!(Page::of(origin, None, &listed), Page::Stranger, "{origin}");
            assert_eq!(Page::of(origin, host, &any), Page::Anybody, "{origin}");
        }
    }
}
