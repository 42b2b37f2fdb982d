//! Whole conversations with a small mail server, which says what the test wants and remembers what it was told.

use super::*;
use crate::clock::Millis;
use crate::config::{Secret, Settings};
use crate::domain::letter::Says;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

fn settings(url: &str) -> config::Mail {
    config::Mail {
        url: Some(Secret::new(url)),
        from: "Palaver <noreply@chat.example>".into(),
        reply_to: Some("help@chat.example".into()),
        timeout: Duration::from_secs(5),
    }
}

fn letter(to: &str) -> Letter {
    Letter::new(to, "Ann", Says::Code, "123456", Millis(0))
}

/// Serves one conversation; `to_receiver` is what it answers to `RCPT`. Everything it was told.
async fn serve(listener: &TcpListener, to_receiver: &str) -> String {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut heard = String::new();
    say(&mut stream, "220 mail.example").await;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap() == 0 {
            return heard;
        }
        heard.push_str(&line);
        match line.split([' ', ':', '\r']).next().unwrap() {
            "EHLO" => say(&mut stream, "250-mail.example\r\n250 8BITMIME").await,
            "RCPT" => say(&mut stream, to_receiver).await,
            "DATA" => {
                say(&mut stream, "354 go on").await;
                while !heard.ends_with("\r\n.\r\n") {
                    stream.read_line(&mut heard).await.unwrap();
                }
                say(&mut stream, "250 taken").await;
                return heard;
            }
            "QUIT" => return heard,
            _ => say(&mut stream, "250 fine").await,
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) {
    stream
        .get_mut()
        .write_all(format!("{line}\r\n").as_bytes())
        .await
        .unwrap();
}

async fn listen() -> (TcpListener, Mailer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    (listener, Mailer::open(&settings(&url)).unwrap())
}

#[tokio::test]
async fn a_mail_is_given_to_the_server_whole() {
    let (listener, mailer) = listen().await;
    let letter = letter("ann@example.org");

    let (carried, heard) = tokio::join!(mailer.send(&letter), serve(&listener, "250 fine"));

    assert_eq!(carried, Carried::Sent);
    for expected in [
        "MAIL FROM:<noreply@chat.example>",
        "RCPT TO:<ann@example.org>",
        "From: Palaver <noreply@chat.example>\r\n",
        "To: ann@example.org\r\n",
        "Reply-To: help@chat.example\r\n",
        "Subject: Your Palaver code\r\n",
        &format!("Message-ID: <{}@chat.example>\r\n", letter.id),
        "Auto-Submitted: auto-generated\r\n",
        "Content-Type: multipart/alternative;",
        "Content-Type: text/html; charset=utf-8",
        "123456",
    ] {
        assert!(heard.contains(expected), "{expected} is missing in\n{heard}");
    }
}

#[tokio::test]
async fn a_mail_that_the_server_refuses_for_good_is_not_tried_again_and_any_other_is() {
    let code = |text: &str| format!("the server said {text}");
    for (answer, expected) in [
        ("550 no ann@example.org here", Carried::Refused(code("550"))),
        ("452 full", Carried::NotNow(code("452"))),
        ("530 who are you", Carried::NotNow(code("530"))),
    ] {
        let (listener, mailer) = listen().await;
        let letter = letter("ann@example.org");
        let (carried, _) = tokio::join!(mailer.send(&letter), async {
            let serving = tokio::time::timeout(Duration::from_secs(2), serve(&listener, answer));
            serving.await.unwrap_or_default()
        });
        assert_eq!(carried, expected);
    }
}

#[tokio::test]
async fn nothing_in_an_address_can_begin_another_header_or_another_command() {
    let (_listener, mailer) = listen().await;
    for bad in [
        "ann@example.org\r\nBcc: all@example.org",
        "ann@example.org>\r\nRCPT TO:<all@example.org",
        "ann@example.org, all@example.org",
        "Ann <ann@example.org>",
        "ann",
        "",
        "ann@exa mple.org",
    ] {
        assert_eq!(
            mailer.send(&letter(bad)).await,
            Carried::Refused("the address is none".into()),
            "{bad:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_away_or_silent_is_tried_again_and_holds_nobody_up_for_long() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let mut silent = settings(&url);
    silent.timeout = Duration::from_millis(200);
    let mailer = Mailer::open(&silent).unwrap();

    let carried = mailer.send(&letter("ann@example.org")).await;

    assert!(matches!(carried, Carried::NotNow(_)), "{carried:?}");
    drop(listener);
    let mailer = Mailer::open(&settings(&url)).unwrap();
    let away = Carried::NotNow("the server cannot be reached or does not speak SMTP".into());
    assert_eq!(mailer.send(&letter("ann@example.org")).await, away);
}

#[tokio::test]
async fn where_people_develop_mails_are_laid_into_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mail");
    let mailer = Mailer::open(&settings(&format!("file:{}", path.display()))).unwrap();

    assert_eq!(mailer.send(&letter("ann@example.org")).await, Carried::Sent);

    let files: Vec<_> = std::fs::read_dir(&path)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].extension().unwrap(), "eml");
    assert!(std::fs::read_to_string(&files[0]).unwrap().contains("123456"));
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_without_repeating_them() {
    let bad_from = config::Mail {
        from: "secret".into(),
        ..settings("smtp://mail.example")
    };
    for settings in [
        bad_from,
        settings("http://user:secret@mail.example"),
        settings("smtp://us er:secret@x:y"),
    ] {
        assert!(!Mailer::open(&settings).unwrap_err().to_string().contains("secret"));
    }
    let nobody = Mailer::open(&Settings::default().mail).unwrap();
    assert_eq!(
        nobody.send(&letter("ann@example.org")).await,
        Carried::Refused("mail.url is not set".into())
    );
}
