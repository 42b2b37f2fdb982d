//! A provider's HTTP interface, played by a listener that answers one request.

use super::*;
use crate::clock::Millis;
use crate::config::{Secret, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn settings(url: &str) -> config::Sms {
    config::Sms {
        url: Some(Secret::new(url)),
        secret: Some(Secret::new("k\"e y")),
        ..Settings::default().sms
    }
}

fn letter(to: &str) -> Letter {
    Letter::new(to, "", Says::PhoneCode, "123456", Millis(0))
}

/// Sends to a provider that answers `answer`: what came of it and what it was asked.
async fn asked(answer: &'static str, change: impl FnOnce(&mut config::Sms)) -> (Carried, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings(&format!("http://{}/send?to={{to}}", listener.local_addr().unwrap()));
    change(&mut settings);
    let texter = Texter::open(&settings).unwrap();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        while !String::from_utf8_lossy(&heard).contains("nobody") {
            let read = stream.read_buf(&mut heard).await.unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&heard));
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(heard).unwrap()
    };
    let letter = letter("+911234567890");
    tokio::join!(texter.send(&letter), serve)
}

const OK: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn a_provider_is_asked_with_a_form_by_default() {
    let (carried, heard) = asked(OK, |settings| {
        settings.body = Some("to={to}&text={text}&key={secret}&{other}".into());
    })
    .await;

    assert_eq!(carried, Carried::Sent);
    assert!(
        heard.starts_with("POST /send?to=%2B911234567890 HTTP/1.1\r\n"),
        "{heard}"
    );
    assert!(heard.contains("content-type: application/x-www-form-urlencoded\r\n"));
    let body = "to=%2B911234567890&text=123456%20is%20your%20code.%20It%20is%20good%20for%205%20minutes.%20Tell%20it%20nobody.&key=k%22e%20y&{other}";
    assert!(heard.ends_with(body), "{heard}");
}

#[tokio::test]
async fn a_provider_is_asked_with_json_and_headers_where_the_settings_say_so() {
    let (carried, heard) = asked(OK, |settings| {
        settings.method = "PUT".into();
        settings.headers = vec![
            Secret::new("Content-Type: application/json"),
            Secret::new("X-Key: {secret}"),
        ];
        settings.body = Some(r#"{"key":"{secret}","to":"{to}","text":"{text}"}"#.into());
    })
    .await;

    assert_eq!(carried, Carried::Sent);
    assert!(
        heard.starts_with("PUT ") && heard.contains("x-key: k\"e y\r\n"),
        "{heard}"
    );
    let start = r#"{"key":"k\"e y","to":"+911234567890","text":"123456 is your code."#;
    assert!(heard.contains(start), "{heard}");
}

#[tokio::test]
async fn what_a_provider_refuses_is_dropped_and_what_it_cannot_take_now_is_tried_again() {
    for (answer, carried) in [
        (
            "HTTP/1.1 400 No\r\ncontent-length: 0\r\n\r\n",
            Carried::Refused("the provider said 400".into()),
        ),
        (
            "HTTP/1.1 401 Who\r\ncontent-length: 0\r\n\r\n",
            Carried::NotNow("the provider said 401".into()),
        ),
        (
            "HTTP/1.1 503 Later\r\ncontent-length: 0\r\n\r\n",
            Carried::NotNow("the provider said 503".into()),
        ),
        (
            "HTTP/1.1 302 There\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            Carried::NotNow("the provider said 302".into()),
        ),
        ("", Carried::NotNow("the provider cannot be reached".into())),
    ] {
        assert_eq!(asked(answer, |s| s.body = Some("{text}".into())).await.0, carried);
    }
}

#[tokio::test]
async fn what_is_no_telephone_is_sent_nothing() {
    let texter = Texter::open(&settings("http://127.0.0.1:1/")).unwrap();
    for bad in ["", "+", "1234", "12345678901234567", "12345;6", "+1 234 567", "../../x"] {
        assert_eq!(
            texter.send(&letter(bad)).await,
            Carried::Refused("the number is none".into()),
            "{bad}"
        );
    }
    let nobody = Texter::open(&Settings::default().sms).unwrap();
    assert_eq!(
        nobody.send(&letter("9123456789")).await,
        Carried::Refused("sms.url is not set".into())
    );
    let log = Texter::open(&settings("log")).unwrap();
    assert_eq!(log.send(&letter("9123456789")).await, Carried::Sent);
}

#[test]
fn settings_that_cannot_work_are_refused_without_repeating_them() {
    let fault = |change: fn(&mut config::Sms)| {
        let mut settings = settings("https://provider.example/");
        change(&mut settings);
        Texter::open(&settings).unwrap_err().to_string()
    };

    assert!(fault(|s| s.url = Some(Secret::new("no url"))).ends_with("sms.url is no URL"));
    assert!(fault(|s| s.headers = vec![Secret::new("secret")]).ends_with("sms.headers: name: value"));
    assert!(fault(|s| s.method = "P T".into()).ends_with("sms.method is no method"));
}
