//! What mails say, as text and as HTML. Nothing that anybody typed gets into it unescaped, or with enough letters to be a
//! message of its own: whoever registers chooses who is written to.

use crate::domain::letter::{Letter, Says};

/// Longest name in a greeting.
const NAME: usize = 40;

/// A worded letter.
pub(super) struct Worded {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// One paragraph after the other, the same in both forms.
enum Part {
    Words(String),
    Code(String),
    Link { url: String, label: &'static str },
}

/// Words `letter` in the name of `product`.
pub(super) fn word(letter: &Letter, product: &str) -> Worded {
    let minutes = letter.says.worth_for().as_secs() / 60;
    let (subject, parts) = match letter.says {
        Says::Code | Says::PhoneCode => (
            format!("Your {product} code"),
            vec![
                Part::Words(format!(
                    "Enter this code to confirm your e-mail address. It is good for {minutes} minutes."
                )),
                Part::Code(code(&letter.carries)),
                Part::Words(
                    "If you did not ask for it, somebody mistyped their address; you need not do anything.".into(),
                ),
            ],
        ),
        Says::Reset => (
            format!("Choose a new {product} password"),
            vec![
                Part::Words(format!(
                    "Somebody, hopefully you, asked for a new password. The link is good for {minutes} minutes and works once."
                )),
                Part::Link {
                    url: link(&letter.carries),
                    label: "Choose a new password",
                },
                Part::Words("If it was not you, your password stays as it is.".into()),
            ],
        ),
        Says::Welcome => (
            format!("Welcome to {product}"),
            vec![Part::Words(
                "Your account is ready. Be kind to the strangers you meet.".into(),
            )],
        ),
        Says::PasswordChanged => (
            format!("Your {product} password was changed"),
            vec![
                Part::Words(
                    "The password of your account was changed just now, and all your devices were logged out.".into(),
                ),
                Part::Words(
                    "If it was not you, ask for a new password at once and choose one that you use nowhere else."
                        .into(),
                ),
            ],
        ),
    };
    Worded {
        subject,
        text: plain(&letter.name, &parts, product),
        html: html(&letter.name, &parts, product),
    }
}

fn plain(name: &str, parts: &[Part], product: &str) -> String {
    let mut out = format!("{},\n\n", greeting(name));
    for part in parts {
        let line = match part {
            Part::Words(words) => words,
            Part::Code(code) => code,
            Part::Link { url, .. } => url,
        };
        out.push_str(line);
        out.push_str("\n\n");
    }
    out + product + "\n"
}

fn html(name: &str, parts: &[Part], product: &str) -> String {
    let mut body = format!("<p>{},</p>\n", escape(&greeting(name)));
    for part in parts {
        body += &match part {
            Part::Words(words) => format!("<p>{}</p>\n", escape(words)),
            Part::Code(code) => {
                format!(
                    "<p style=\"font:bold 28px monospace;letter-spacing:6px\">{}</p>\n",
                    escape(code)
                )
            }
            Part::Link { url, label } => format!("<p><a href=\"{}\">{label}</a></p>\n", escape(url)),
        };
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n\
         <body style=\"font:16px/1.5 sans-serif;max-width:32em\">\n{body}<p>{}</p>\n</body></html>\n",
        escape(product)
    )
}

/// Without what would make an address or a sentence of a name.
fn greeting(name: &str) -> String {
    let fits = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '\'');
    let name: String = name.chars().filter(fits).take(NAME).collect();
    match name.trim() {
        "" => "Hello".into(),
        name => format!("Hello {name}"),
    }
}

fn code(carries: &str) -> String {
    carries.chars().filter(char::is_ascii_alphanumeric).take(12).collect()
}

/// Ours, made by an action; one that is no link is not made one.
fn link(carries: &str) -> String {
    let is_link = carries.starts_with("https://") || carries.starts_with("http://");
    let clean = carries.chars().all(|c| c.is_ascii_graphic());
    if is_link && clean {
        carries.to_owned()
    } else {
        String::new()
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Millis;

    fn worded(name: &str, says: Says, carries: &str) -> Worded {
        word(
            &Letter::new("ann@example.org", name, says, carries, Millis(0)),
            "Palaver",
        )
    }

    #[test]
    fn a_code_stands_in_both_forms() {
        let Worded { subject, text, html } = worded("Ann", Says::Code, "123456");

        assert_eq!(subject, "Your Palaver code");
        assert!(text.starts_with("Hello Ann,\n\n") && text.contains("\n123456\n") && text.contains("10 minutes"));
        assert!(html.contains(">123456</p>") && html.contains("<p>Hello Ann,</p>"));
    }

    #[test]
    fn a_link_is_a_link_and_nothing_else_is() {
        let reset = |link| worded("Ann", Says::Reset, link);
        let good = reset("https://chat.example/reset-password?token=ab&x=1");

        assert!(
            good.text
                .contains("\nhttps://chat.example/reset-password?token=ab&x=1\n")
        );
        assert!(
            good.html
                .contains("href=\"https://chat.example/reset-password?token=ab&amp;x=1\"")
        );
        for bad in ["javascript:alert(1)", "https://a\nb", "https://a b", ""] {
            assert!(reset(bad).html.contains("href=\"\""), "{bad:?}");
        }
        assert!(reset("https://a/\"><script>").html.contains("&quot;&gt;&lt;script&gt;"));
    }

    #[test]
    fn a_name_cannot_bring_markup_links_lines_or_a_message_of_its_own() {
        let name = "<a href='http://evil.example'>win</a>\r\nBcc: all@example.org ".repeat(9);
        let Worded { text, html, .. } = worded(&name, Says::Welcome, "");

        let greeting = text.lines().next().unwrap();
        assert!(greeting.chars().count() <= "Hello ,".len() + NAME, "{greeting}");
        assert!(!text.contains("://") && !text.contains("evil.") && !html.contains("<a"));
        assert!(worded("\u{202e}", Says::Welcome, "").text.starts_with("Hello,"));
    }
}
