//! The page in a real browser, by somebody with an account: signing up, in and out, profile and picture, talking.

use crate::harness::browser::{Browser, Window};
use crate::harness::eventually;
use crate::harness::people::{Api, plan, text};
use serde_json::json;

const EMAIL: &str = "ann@example.org";

/// What the head of the page says who we are, once the page is connected as that.
async fn is(window: &Window, name: &str) {
    window.wait_for_text("#account-label", name).await;
    window.wait_for("body[data-link=online]").await;
}

async fn sign_in(window: &Window, password: &str) {
    window.click("#account").await;
    window.wait_for("#account-dialog[open]").await;
    window.type_into("#account-email", EMAIL).await;
    window.type_into("#account-password", password).await;
    window.click("#account-send").await;
}

async fn open_profile(window: &Window) {
    window.click("#account").await;
    // What it shows is asked for first; until then nothing can be typed.
    window
        .wait_for("#profile-dialog[open] #profile-form:not([inert])")
        .await;
}

#[tokio::test]
async fn browser_somebody_signs_up_talks_as_themselves_and_is_still_signed_in_after_a_reload() {
    let world = plan().start().await;
    let (api, browser) = (Api::of(&world), Browser::start().await);
    let linked = format!("{}?utm_source=newsletter", world.dial_node(0).page());
    let page = browser.open(&linked).await;
    is(&page, "Sign in").await;

    page.click("#account").await;
    page.click("#account-other").await;
    page.type_into("#account-email", EMAIL).await;
    page.type_into("#account-username", "ann").await;
    page.type_into("#account-password", "correct horse").await;
    page.click("#account-send").await;
    is(&page, "ann").await;
    assert!(!page.shows("#account-dialog").await);

    // The chat knows who it is; the stranger does not.
    let id = api.sql_value("select id::text from users").await.unwrap();
    let source = api.sql_value("select utm_source from users").await;
    assert_eq!(
        source.as_deref(),
        Some("newsletter"),
        "the page tells what the link said"
    );
    let mut stranger = world.dial_node(1).guest("bob").connect().await;
    page.click("#start").await;
    page.wait_for("body[data-state=searching]").await;
    assert!(!page.shows("#account").await, "whoever searches stays who they are");
    stranger.emit("join_text_queue", &[]);
    page.wait_for("body[data-state=chatting]").await;
    assert_eq!(stranger.hear("text_match_found").await["partnerId"], json!(id));
    page.click("#leave").await;
    page.wait_for("body[data-state=ended]").await;

    page.reload().await;
    is(&page, "ann").await;
    let kept = page
        .run("return JSON.stringify({...localStorage}) + document.cookie")
        .await;
    assert!(
        !kept.as_str().unwrap().contains("eyJ"),
        "no token where scripts find it: {kept}"
    );
}

#[tokio::test]
async fn browser_somebody_writes_a_profile_and_shows_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let files = format!("file:{}", folder.path().join("files").display());
    let world = plan().set("PALAVER_FILES__URL", files).start().await;
    let (api, browser) = (Api::of(&world), Browser::start().await);
    let form = json!({"email": EMAIL, "username": "ann", "password": "correct horse"});
    let session = api.post("/api/v1/auth/register", form).await.done();
    let page = browser.open(&format!("{}/", world.url())).await;
    sign_in(&page, "correct horse").await;
    is(&page, "ann").await;

    open_profile(&page).await;
    page.type_into("#profile-name", "Ann B.").await;
    page.type_into("#profile-bio", "<b>hello</b>").await;
    page.click("#profile-save").await;
    is(&page, "Ann B.").await;
    let token = text(&session["data"], "accessToken");
    let me = api.get_as(&token, "/api/v1/auth/me").await.done();
    assert_eq!(
        (&me["user"]["displayName"], &me["user"]["bio"]),
        (&json!("Ann B."), &json!("<b>hello</b>"))
    );

    let (picture, text_file) = (folder.path().join("picture.png"), folder.path().join("no-picture.png"));
    image::RgbImage::from_pixel(20, 10, image::Rgb([200, 20, 30]))
        .save(&picture)
        .unwrap();
    std::fs::write(&text_file, "no picture").unwrap();
    open_profile(&page).await;
    page.type_into("#profile-file", text_file.to_str().unwrap()).await;
    page.wait_for("#profile-error").await;
    page.type_into("#profile-file", picture.to_str().unwrap()).await;
    page.wait_for("#profile-picture").await;
    let width = "return document.querySelector('#account-picture').naturalWidth";
    eventually("the picture is shown", async || page.run(width).await == json!(400)).await;
    assert!(!page.shows("#profile-error").await);
    page.click("#profile-drop").await;
    eventually("the picture is gone", async || !page.shows("#profile-picture").await).await;
    let me = api.get_as(&token, "/api/v1/auth/me").await.done();
    assert_eq!(me["user"]["avatarUrl"], json!(null));
}

#[tokio::test]
async fn browser_who_signs_out_or_is_signed_out_elsewhere_is_a_guest_again() {
    let world = plan().start().await;
    let (api, browser) = (Api::of(&world), Browser::start().await);
    let form = json!({"email": EMAIL, "username": "ann", "password": "correct horse"});
    let session = api.post("/api/v1/auth/register", form).await.done();
    let page = browser.open(&world.dial_node(0).page()).await;

    sign_in(&page, "wrong horse").await;
    page.wait_for_text("#account-error", "Invalid email or password").await;
    page.type_into("#account-password", "\u{E009}a").await;
    page.type_into("#account-password", "correct horse").await;
    page.click("#account-send").await;
    is(&page, "ann").await;
    open_profile(&page).await;
    page.click("#profile-out").await;
    is(&page, "Sign in").await;
    page.reload().await;
    is(&page, "Sign in").await;

    sign_in(&page, "correct horse").await;
    is(&page, "ann").await;
    let token = text(&session["data"], "accessToken");
    let change = json!({"currentPassword": "correct horse", "newPassword": "battery staple"});
    api.post_as(&token, "/api/auth/change-password", change).await.done();
    page.wait_for_text("#notice", "You were signed out.").await;
    is(&page, "Sign in").await;
    assert!(!page.shows("body[data-state=blocked]").await);
    page.click("#start").await;
    page.wait_for("body[data-state=searching]").await;
}
