//! Passwords (V6): which may not be chosen, and what it costs to ask for one.

use super::{login, register};
use crate::harness::outside::{Mails, after};
use crate::harness::people::{Api, Told, plan, text};
use crate::harness::world::World;
use palaver::actions::account::hashing::Hasher;
use palaver::config;
use palaver::domain::account::Password;
use serde_json::{Value, json};

/// Refused for being guessed, with the field named.
fn assert_guessable(told: &Told, field: &str) {
    assert_eq!(
        (told.refusal(), &told.body["field"]),
        ((400, "WEAK_PASSWORD"), &json!(field)),
        "{told:?}"
    );
}

#[tokio::test]
async fn asvs_6_2_4_what_everybody_tries_first_is_no_new_password_of_voice_rooms() {
    let world = plan().start().await;
    let api = Api::of(&world);

    for bad in [
        "password",
        "12345678",
        "PassWord123",
        "ann@example.org",
        "Ann@Example.ORG",
    ] {
        assert_guessable(&register(&api, "ann", bad).await, "password");
    }
    assert_guessable(&register(&api, "annabella", "Annabella").await, "password");
    assert_eq!(register(&api, "ann", "correct horse").await.status, 201);
}

#[tokio::test]
async fn asvs_6_2_4_what_everybody_tries_first_is_no_new_password_of_one_to_one_chat() {
    let mails = Mails::new();
    let world = mails.of(plan()).start().await;
    let api = Api::of(&world);
    let new = async |password: &str| {
        let form = json!({"email": "bob@gmail.com", "username": "bobbob", "gender": "male", "password": password});
        api.post("/api/auth/register", form).await
    };
    let token = text(&api.sign_up("anna.b").await, "token");
    let change = async |new: &str| {
        let body = json!({"currentPassword": "secret-anna.b", "newPassword": new});
        api.post_as(&token, "/api/auth/change-password", body).await
    };
    let email = json!({"email": "anna.b@gmail.com"});
    api.post("/api/auth/forgot-password", email).await.done();
    let link = after(
        &mails.to("anna.b@gmail.com", "reset-password", 1).await[0],
        "reset-password?token=",
    );
    let reset = async |password: &str| {
        let body = json!({"token": link, "password": password});
        api.post("/api/auth/reset-password", body).await
    };

    for bad in ["123456", "Secret", "BobBob", "bob@gmail.com"] {
        assert_guessable(&new(bad).await, "password");
    }
    for bad in ["qwerty", "ANNA.B", "anna.b@gmail.com"] {
        assert_guessable(&change(bad).await, "newPassword");
        assert_guessable(&reset(bad).await, "password");
    }
    new("secret-bob").await.done();
    change("correct horse").await.done();
    reset("battery staple").await.done();
}

#[tokio::test]
async fn asvs_6_2_4_who_has_such_a_password_already_still_signs_in_with_it() {
    let world = plan().start().await;
    let api = Api::of(&world);
    api.sign_up("ann").await;
    // As a release made it that did not have the rule.
    let old = Hasher::new(&config::Settings::default().accounts);
    let old = old.hash(Password::presented("password").unwrap()).await.unwrap();
    api.sql(&format!("update users set password_hash = '{}'", old.0)).await;

    let form = json!({"email": "ann@gmail.com", "password": "password"});

    api.post("/api/auth/login", form.clone()).await.done();
    api.post("/api/v1/auth/login", form).await.done();
}

/// How many passwords all nodes have compared.
async fn compared(world: &mut World) -> f64 {
    let sample = "palaver_password_hashes_total{work=\"compare\"}";
    world.node(0).metric(sample).await + world.node(1).metric(sample).await
}

#[tokio::test]
async fn asvs_6_3_8_an_address_that_nobody_has_costs_one_comparison_as_any_other_does() {
    let mut world = plan().start().await;
    let api = Api::of(&world);
    register(&api, "ann", "correct horse").await.done();
    api.sql(
        "insert into users (id, email, username, provider)
         values (gen_random_uuid(), 'google@example.org', 'google', 'google')",
    )
    .await;

    for (name, password) in [
        ("ann", "wrong"),
        ("nobody", "wrong"),
        ("nobody", "correct horse"),
        ("google", "wrong"),
        ("no address", "wrong"),
        ("nobody", &*"x".repeat(800)),
    ] {
        let in_chat: Value = json!({"email": format!("{name}@example.org"), "password": password});
        let before = compared(&mut world).await;
        assert_eq!(
            login(&api, name, password).await.refusal(),
            (401, "INVALID_CREDENTIALS")
        );
        assert_eq!(compared(&mut world).await - before, 1.0, "{name} in voice rooms");
        let told = api.post("/api/auth/login", in_chat).await;
        assert_eq!(told.refusal(), (401, "INVALID_CREDENTIALS"));
        assert_eq!(compared(&mut world).await - before, 2.0, "{name} in one-to-one chat");
    }
}
