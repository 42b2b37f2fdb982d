//! Who calls, by address; and how the caller stands with the limits, in the headers of the answer.
//!
//! Behind proxies a request comes from the last of them; `trusted_proxies` says how many of them wrote down where it came
//! from (`X-Forwarded-For`). Anything before what they wrote was made up by the client or may have been.

use crate::actions::limits::{Asked, not_returned};
use crate::actions::{Actions, Denied};
use crate::domain::limits::{Quota, Subject};
use crate::domain::refusal::Refusal;
use poem::http::{HeaderMap, HeaderName, HeaderValue, header};
use poem::{Endpoint, FromRequest, Request, RequestBody, Response};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest chain of addresses that is looked at.
const LONGEST_CHAIN: usize = 64;

/// Who calls. An extractor for handlers.
#[derive(Debug, Clone)]
pub struct Caller {
    /// From where.
    pub ip: IpAddr,
    told: Arc<Mutex<Option<Quota>>>,
}

impl Caller {
    fn of(request: &Request, trusted_proxies: u8) -> Self {
        Self {
            ip: ip(request, trusted_proxies),
            told: Arc::default(),
        }
    }

    /// Takes one from each window; the answer will say how the caller stands, whether it is let through or not.
    pub async fn take(&self, actions: &Actions, asked: &[Asked<'_>]) -> Result<(), Denied> {
        match actions.take(asked).await {
            Ok(quota) => {
                quota.into_iter().for_each(|quota| self.tell(quota));
                Ok(())
            }
            Err(denied) => {
                if let Denied::Refused(Refusal::Limited(quota)) = &denied {
                    self.tell(*quota);
                }
                Err(denied)
            }
        }
    }

    /// Does what is limited: takes before, and gives back or forgets when it went well, as the table says; gives back as
    /// well when it failed.
    pub async fn within<T>(
        &self,
        actions: &Actions,
        asked: &[Asked<'_>],
        doing: impl Future<Output = Result<T, Denied>>,
    ) -> Result<T, Denied> {
        self.take(actions, asked).await?;
        let done = actions.unless_failed(asked, doing).await;
        match &done {
            Ok(_) => {
                if let Err(fault) = actions.went_well(asked).await {
                    not_returned(&fault);
                }
            }
            Err(Denied::Refused(Refusal::Limited(quota))) => self.tell(*quota),
            Err(_) => {}
        }
        done
    }

    /// Whom limits by address are held against.
    pub fn at(&self) -> Subject<'static> {
        Subject::Ip(self.ip)
    }

    /// The answer will say how the caller stands; of several limits the one that has least left.
    pub fn tell(&self, quota: Quota) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let nearer = told.is_none_or(|before| (quota.left, before.frees_in) <= (before.left, quota.frees_in));
        if nearer {
            *told = Some(quota);
        }
    }

    fn told(&self) -> Option<Quota> {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> FromRequest<'a> for Caller {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Ok(request.data::<Self>().cloned().unwrap_or_else(|| Self::of(request, 0)))
    }
}

/// Around everything that may be limited: finds out who calls, and tells them how they stand.
pub(super) async fn known(
    endpoint: Arc<impl Endpoint<Output = Response>>,
    mut request: Request,
    trusted_proxies: u8,
) -> poem::Result<Response> {
    let caller = Caller::of(&request, trusted_proxies);
    request.set_data(caller.clone());
    let mut response = endpoint.get_response(request).await;
    if let Some(quota) = caller.told() {
        let refused = response.status() == poem::http::StatusCode::TOO_MANY_REQUESTS;
        write(response.headers_mut(), &quota, refused);
    }
    Ok(response)
}

/// The headers of the draft that clients of both families know, number 6.
fn write(headers: &mut HeaderMap, quota: &Quota, refused: bool) {
    let mut set = |name: HeaderName, value: String| {
        // Digits and ASCII punctuation always fit.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    let frees_in = whole_seconds(quota.frees_in);
    set(HeaderName::from_static("ratelimit-limit"), quota.most.to_string());
    set(HeaderName::from_static("ratelimit-remaining"), quota.left.to_string());
    set(HeaderName::from_static("ratelimit-reset"), frees_in.to_string());
    let policy = format!("{};w={}", quota.most, quota.within.as_secs());
    set(HeaderName::from_static("ratelimit-policy"), policy);
    if refused {
        set(header::RETRY_AFTER, frees_in.max(1).to_string());
    }
}

/// Rounded up: who waits that long is let through.
fn whole_seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1000) as u64
}

/// Where a request comes from, as far as it can be believed.
fn ip(request: &Request, trusted_proxies: u8) -> IpAddr {
    let peer = request.remote_addr().as_socket_addr().map(SocketAddr::ip);
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    forwarded(request.headers(), trusted_proxies)
        .unwrap_or(peer)
        .to_canonical()
}

/// What the outermost of the trusted proxies wrote. A request with fewer entries did not come through all of them.
fn forwarded(headers: &HeaderMap, trusted_proxies: u8) -> Option<IpAddr> {
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let entries = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.rsplit(','));
    let place = usize::from(trusted_proxies).checked_sub(1)?;
    let entry = entries.take(LONGEST_CHAIN).nth(place)?.trim();
    // Some proxies write the port as well.
    let with_port = || entry.parse::<SocketAddr>().ok().map(|at| at.ip());
    entry.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::StatusCode;
    use poem::{EndpointExt, Response, handler};

    fn seen(trusted: u8, lines: &[&str]) -> String {
        let mut request = Request::builder();
        for line in lines {
            request = request.header("X-Forwarded-For", *line);
        }
        ip(&request.finish(), trusted).to_string()
    }

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        let chain = ["6.6.6.6, 203.0.113.7", "10.0.0.1"];

        assert_eq!(
            seen(0, &chain),
            "0.0.0.0",
            "the address of the connection, which a test has none of"
        );
        assert_eq!(seen(1, &chain), "10.0.0.1");
        assert_eq!(seen(2, &chain), "203.0.113.7");
        assert_eq!(seen(4, &chain), "0.0.0.0", "it did not come through four");
    }

    #[test]
    fn an_entry_may_have_a_port_and_nonsense_is_nobody() {
        assert_eq!(seen(1, &["203.0.113.7:4711"]), "203.0.113.7");
        assert_eq!(seen(1, &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(seen(1, &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(seen(1, &["::ffff:203.0.113.7"]), "203.0.113.7");
        for nonsense in ["", "unknown", "203.0.113.7.9", "<script>"] {
            assert_eq!(seen(1, &[nonsense]), "0.0.0.0", "{nonsense:?}");
        }
        let long = vec!["1.1.1.1"; 10_000].join(",");
        assert_eq!(seen(200, &[&long]), "0.0.0.0");
    }

    fn quota(left: u32, ms: u64) -> Quota {
        Quota {
            most: 5,
            within: Duration::from_secs(60),
            left,
            frees_in: Duration::from_millis(ms),
            code: "RATE_LIMIT_EXCEEDED",
        }
    }

    #[handler]
    fn spend(caller: Caller) -> StatusCode {
        caller.tell(quota(0, 12_001));
        caller.tell(quota(3, 50_000));
        StatusCode::TOO_MANY_REQUESTS
    }

    #[handler]
    fn rest() -> StatusCode {
        StatusCode::OK
    }

    async fn headers(endpoint: impl poem::IntoEndpoint<Endpoint: 'static>) -> Vec<(String, String)> {
        let endpoint = endpoint.into_endpoint().map_to_response();
        let endpoint = endpoint.around(|endpoint, request| known(endpoint, request, 0));
        let response: Response = endpoint.get_response(Request::default()).await;
        let text = |(name, value): (&HeaderName, &HeaderValue)| (name.to_string(), value.to_str().unwrap().to_owned());
        response.headers().iter().map(text).collect()
    }

    #[tokio::test]
    async fn an_answer_says_how_the_caller_stands_with_the_nearest_limit() {
        let told = headers(spend).await;

        let expected = [
            ("ratelimit-limit", "5"),
            ("ratelimit-remaining", "0"),
            ("ratelimit-reset", "13"),
            ("ratelimit-policy", "5;w=60"),
            ("retry-after", "13"),
        ];
        assert_eq!(told, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(headers(rest).await.is_empty(), "nothing was limited");
    }
}
