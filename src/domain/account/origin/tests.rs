//! Where somebody came from, as it is read and what of it is kept.

use super::*;
use proptest::prelude::*;

const OWN: [&str; 2] = ["https://omegoo.app", "http://localhost:3000"];

fn read(said: &Said, calling: Option<&str>) -> Origin {
    Origin::read(said, calling, &hosts(OWN.into_iter()), Place::default())
}

fn before(referrer: &str) -> Said {
    Said {
        referrer: Some(referrer.to_owned()),
        ..Said::default()
    }
}

fn domain_of(origin: &Origin) -> Option<&str> {
    origin.referrer.as_ref().map(|referrer| referrer.domain.as_str())
}

#[test]
fn a_page_of_somebody_else_led_here_and_only_its_place_is_kept() {
    let origin = read(
        &before("https://ann:secret@WWW.Example.org:8443/a/b?q=private&utm_source=theirs#part"),
        Some("https://omegoo.app/"),
    );

    let expected = Referrer {
        url: Some("https://www.example.org:8443/a/b".to_owned()),
        domain: "example.org".to_owned(),
    };
    assert_eq!(origin.referrer, Some(expected));
    assert_eq!(origin.utm, Utm::default(), "a link to somebody else");
}

#[test]
fn the_page_that_calls_led_here_when_it_is_not_ours() {
    assert_eq!(
        domain_of(&read(&Said::default(), Some("https://blog.example/x"))),
        Some("blog.example")
    );
    assert_eq!(
        domain_of(&read(
            &before("android-app://com.example.Reader/"),
            Some("https://omegoo.app/")
        )),
        Some("com.example.reader")
    );
    for own in [
        "https://omegoo.app/in",
        "https://www.omegoo.app",
        "http://localhost:3000/",
        "https://OMEGOO.app./",
    ] {
        assert_eq!(read(&before(own), Some(own)).referrer, None, "{own}");
    }
    for nonsense in [
        "",
        "about:blank",
        "omegoo",
        "https://",
        "data:text/html,x",
        "javascript:alert(1)",
        "file:///etc",
    ] {
        assert_eq!(read(&before(nonsense), Some(nonsense)).referrer, None, "{nonsense}");
    }
    let long = format!("https://example.org/{}", "x".repeat(ADDRESS));
    assert_eq!(read(&before(&long), None).referrer, None);
    let kept = read(&before(&long[..ADDRESS]), None).referrer.unwrap().url.unwrap();
    assert_eq!(kept.len(), KEPT);
}

#[test]
fn a_host_alone_may_be_told_and_is_not_ours_either() {
    let told = |domain: &str| {
        read(
            &Said {
                referrer_domain: Some(domain.to_owned()),
                ..Said::default()
            },
            None,
        )
    };

    assert_eq!(domain_of(&told(" www.Example.org ")), Some("example.org"));
    assert_eq!(domain_of(&told(&"a".repeat(HOST))), Some(&*"a".repeat(HOST)));
    for bad in [
        "",
        ".",
        "omegoo.app",
        "a b",
        "a/b",
        "a\0b",
        "é.example",
        &"a".repeat(HOST + 1),
    ] {
        assert_eq!(told(bad).referrer, None, "{bad:?}");
    }
}

#[test]
fn a_link_says_what_it_is_by_the_page_that_calls_or_the_one_before_of_ours_and_the_client_knows_better() {
    let utm = |source: &str, medium: Option<&str>| Utm {
        source: Some(source.to_owned()),
        medium: medium.map(str::to_owned),
        ..Utm::default()
    };
    let linked = "https://omegoo.app/?utm_source=news%20letter&utm_medium=%00mail&utm_source=second";
    let mut said = before(linked);

    assert_eq!(
        read(&Said::default(), Some(linked)).utm,
        utm("news letter", Some("mail"))
    );
    assert_eq!(
        read(&said, Some("https://omegoo.app/in")).utm,
        utm("news letter", Some("mail"))
    );
    said.utm.source = Some(" tv ".to_owned());
    assert_eq!(
        read(&said, Some(linked)).utm,
        utm("tv", None),
        "never of two links at once"
    );
}

#[test]
fn words_are_cut_and_nothing_unseen_is_in_them() {
    let said = Said {
        platform: Some(" An\ndroid ".to_owned()),
        source: Some("é".repeat(WORD + 1)),
        campaign: Some("\u{202e}\u{200b} \r\n".to_owned()),
        ..Said::default()
    };

    let origin = read(&said, None);

    assert_eq!(origin.platform.as_deref(), Some("Android"));
    assert_eq!(origin.source, Some("é".repeat(WORD)));
    assert_eq!(origin.campaign, None);
}

#[test]
fn places_are_kept_to_a_hundredth_of_a_degree() {
    assert_eq!(Place::rounded(51.7519, -1.2578), Some((51.75, -1.26)));
    assert_eq!(Place::rounded(-90.0, 180.0), Some((-90.0, 180.0)));
    for (latitude, longitude) in [(90.01, 0.0), (0.0, -180.01), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
        assert_eq!(Place::rounded(latitude, longitude), None);
    }
}

#[test]
fn the_host_of_a_request_has_no_port() {
    assert_eq!(host("WWW.Omegoo.app:3001").as_deref(), Some("omegoo.app"));
    assert_eq!(host("[::1]:3001").as_deref(), Some("[::1]"));
    for bad in ["", ":80", "a b", "é".repeat(200).as_str()] {
        assert_eq!(host(bad).filter(|host| !host.starts_with("xn--")), None, "{bad:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_said_is_kept_within_bounds(
        text in ".{0,600}",
        address in "(https?://|android-app://)?[ -~é\\u{0}-\\u{20}]{0,80}",
    ) {
        let some = || Some(text.clone());
        let said = Said {
            platform: some(),
            source: some(),
            campaign: some(),
            referrer: Some(address.clone()),
            referrer_domain: some(),
            utm: Utm { source: some(), medium: some(), campaign: some(), term: some(), content: some() },
        };

        let origin = read(&said, Some(&address));

        let utm = &origin.utm;
        let words = [&origin.platform, &origin.source, &origin.campaign, &utm.source, &utm.medium, &utm.campaign, &utm.term, &utm.content];
        for word in words.into_iter().flatten() {
            prop_assert!((1..=WORD).contains(&word.chars().count()) && word.trim() == word);
            prop_assert!(!word.chars().any(is_unseen));
        }
        if let Some(Referrer { url, domain }) = &origin.referrer {
            prop_assert!((1..=HOST).contains(&domain.len()) && !domain.starts_with("www."));
            let bare = |url: &str| {
                let read = Url::parse(url).unwrap();
                let nobody = read.username().is_empty() && read.password().is_none();
                url.len() <= KEPT && nobody && !url.contains(['?', '#']) && !url.chars().any(char::is_control)
            };
            prop_assert!(url.as_deref().is_none_or(bare), "{url:?}");
        }
    }
}
