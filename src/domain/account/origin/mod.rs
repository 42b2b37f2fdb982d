//! Where somebody came from when signing up, for the numbers: all of it may be unknown, none of it is believed to be true,
//! and nobody is turned away for it. What does not fit is cut or left out.
//!
//! No address of a person is in it, and of pages neither what was asked for nor the place within the page: both may hold
//! what is nobody's business.

use super::fields::is_unseen;
use url::Url;

/// Longest word that is kept.
const WORD: usize = 100;

/// Longest address of a page that is looked at, and that is kept.
const ADDRESS: usize = 4096;
const KEPT: usize = 500;

/// Longest name of a host.
const HOST: usize = 253;

/// What a link says that led here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Utm {
    pub source: Option<String>,
    pub medium: Option<String>,
    pub campaign: Option<String>,
    pub term: Option<String>,
    pub content: Option<String>,
}

/// What a client says, as it said it.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// What somebody signs up on.
    pub platform: Option<String>,
    /// What brought them.
    pub source: Option<String>,
    /// Which of its campaigns.
    pub campaign: Option<String>,
    /// The page before ours.
    pub referrer: Option<String>,
    /// Its host alone.
    pub referrer_domain: Option<String>,
    pub utm: Utm,
}

/// The page that led here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// Its address; none where only the host was told.
    pub url: Option<String>,
    /// Its host, without `www.`.
    pub domain: String,
}

/// Where on earth, as a table of networks has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// Two letters.
    pub country: Option<String>,
    pub country_name: Option<String>,
    /// Within the country, as ISO 3166-2 has it.
    pub region: Option<String>,
    pub region_name: Option<String>,
    pub city: Option<String>,
    /// Latitude and longitude, in hundredths of a degree: about a kilometre.
    pub at: Option<(f64, f64)>,
    /// In kilometres.
    pub accuracy: Option<u16>,
}

/// Where somebody came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    pub platform: Option<String>,
    pub source: Option<String>,
    pub campaign: Option<String>,
    pub referrer: Option<Referrer>,
    pub utm: Utm,
    pub place: Place,
}

impl Origin {
    /// From what a client said, and the page that its request names (`Referer`). Pages of `own` hosts lead nowhere from
    /// outside, but their addresses have what the link said.
    pub fn read(said: &Said, calling: Option<&str>, own: &[String], place: Place) -> Self {
        let calling = calling.and_then(page);
        let before = said.referrer.as_deref().and_then(page);
        let is_own = |page: &Url| domain(page.host_str().unwrap_or_default()).is_none_or(|host| own.contains(&host));
        let utm = [calling.as_ref(), before.as_ref().filter(|page| is_own(page))];
        let linked = utm.into_iter().flatten().map(Utm::of_query);
        let named = said.referrer_domain.as_deref().and_then(domain);
        let mut pages = [before.as_ref(), calling.as_ref()].into_iter().flatten();
        let referrer = pages.find(|page| !is_own(page)).and_then(Referrer::of).or_else(|| {
            let domain = named.filter(|host| !own.contains(host))?;
            Some(Referrer { url: None, domain })
        });
        Self {
            platform: word(said.platform.as_deref()),
            source: word(said.source.as_deref()),
            campaign: word(said.campaign.as_deref()),
            referrer,
            utm: linked.fold(said.utm.cleaned(), Utm::or),
            place,
        }
    }
}

impl Utm {
    fn cleaned(&self) -> Self {
        Self {
            source: word(self.source.as_deref()),
            medium: word(self.medium.as_deref()),
            campaign: word(self.campaign.as_deref()),
            term: word(self.term.as_deref()),
            content: word(self.content.as_deref()),
        }
    }

    fn of_query(page: &Url) -> Self {
        let value = |name: &str| {
            let mut pairs = page.query_pairs();
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let found = Self {
            source: value("utm_source"),
            medium: value("utm_medium"),
            campaign: value("utm_campaign"),
            term: value("utm_term"),
            content: value("utm_content"),
        };
        found.cleaned()
    }

    /// A link is one: of two, the first that says anything counts, whole.
    fn or(self, other: Self) -> Self {
        if self == Self::default() { other } else { self }
    }
}

impl Referrer {
    fn of(page: &Url) -> Option<Self> {
        let domain = domain(page.host_str()?)?;
        let mut bare = page.clone();
        bare.set_query(None);
        bare.set_fragment(None);
        // Only addresses without a host refuse these.
        let _ = bare.set_username("").and_then(|()| bare.set_password(None));
        Some(Self {
            url: Some(bare.as_str().chars().take(KEPT).collect()),
            domain,
        })
    }
}

impl Place {
    /// Coordinates as they are kept; none that are on no globe.
    pub fn rounded(latitude: f64, longitude: f64) -> Option<(f64, f64)> {
        let round = |degrees: f64| (degrees * 100.0).round() / 100.0;
        let there = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        there.then(|| (round(latitude), round(longitude)))
    }
}

/// The pages of these origins and addresses are our own: their hosts.
pub fn hosts<'a>(pages: impl Iterator<Item = &'a str>) -> Vec<String> {
    let host = |page: &str| domain(Url::parse(page).ok()?.host_str()?);
    pages.filter_map(host).collect()
}

/// The host that a request was sent to (`Host`), without its port.
pub fn host(header: &str) -> Option<String> {
    let url = Url::parse(&format!("http://{}/", header.get(..HOST.min(header.len()))?)).ok()?;
    domain(url.host_str()?)
}

/// The address of a page, or of an app that opens pages.
fn page(text: &str) -> Option<Url> {
    let text = text.trim();
    let url = (text.len() <= ADDRESS).then(|| Url::parse(text).ok())??;
    let is_page = matches!(url.scheme(), "http" | "https" | "android-app" | "ios-app");
    (is_page && url.host_str().is_some_and(|host| !host.is_empty())).then_some(url)
}

/// The name of a host without `www.`, small.
fn domain(host: &str) -> Option<String> {
    let host = host.trim().trim_end_matches('.');
    let fits = (1..=HOST).contains(&host.len());
    let seen = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    let host = (fits && host.bytes().all(seen)).then(|| host.to_ascii_lowercase())?;
    let bare = host.strip_prefix("www.").unwrap_or(&host);
    (!bare.is_empty()).then(|| bare.to_owned())
}

/// What is kept of a word; nothing of one that has nothing to be seen.
pub fn word(text: Option<&str>) -> Option<String> {
    let seen = text?.trim_start().chars().filter(|c| !is_unseen(*c));
    let kept: String = seen.take(WORD).collect();
    let kept = kept.trim();
    (!kept.is_empty()).then(|| kept.to_owned())
}

#[cfg(test)]
mod tests;
