//! Redis behind TLS with the user that we ship: it can do what nodes do and nothing else.

use crate::harness::client::Via;
use crate::harness::company::Company;
use crate::harness::node;
use crate::harness::redis::Guarded;
use crate::harness::world::{Plan, World};

fn plan(redis: &Guarded, host: &str) -> Plan {
    World::new()
        .talkative()
        .set("PALAVER_REDIS__URL", redis.url(host))
        .set("PALAVER_REDIS__SHARDS", 1)
        .set("PALAVER_REDIS__TLS_CA", redis.file("ca.pem").display())
        .set("PALAVER_REDIS__TLS_CERT", redis.file("node.pem").display())
        .set("PALAVER_REDIS__TLS_KEY", redis.file("node.key").display())
        .set("PALAVER_CHAT__TYPING_FADE", "200ms")
}

#[tokio::test]
async fn people_talk_over_tls_and_the_shipped_user_is_allowed_all_that_nodes_do() {
    let redis = Guarded::start().await;
    let mut world = plan(&redis, "localhost").start().await;
    let nodes = [world.dial_node(0), world.dial_node(1).via(Via::Polling)];
    let company = Company::of_pairs(3, |side| vec![nodes[side].clone()]).await;
    company.babble();
    company.go_on(5).await;

    company.people[0].report();
    company.people[2].leave();
    company.people[4].reconnect();
    company.settle().await;

    let told = node::run("doctor", world.settings()).await;
    assert!(told.contains("may do what nodes do"), "{told}");
    assert!(!redis.server.command(&["KEYS", "palaver:*"]).unwrap().is_empty());
    world.node(0).terminate();
    assert!(world.node(0).ended().await.success());
    for index in 0..2 {
        let output = world.node(index).output();
        assert!(!output.contains("NOPERM"), "{output}");
    }
    let denied = redis.server.command(&["ACL", "LOG"]).unwrap();
    assert!(denied.is_empty(), "{denied:?}");
}

#[tokio::test]
async fn the_doctor_names_what_the_user_may_not_do_and_a_name_that_is_not_in_the_certificate() {
    let redis = Guarded::start().await;
    let world = plan(&redis, "localhost").nodes(1).start().await;
    let mut settings = world.settings().clone();
    redis
        .server
        .command(&["ACL", "SETUSER", "palaver", "-xadd", "-zadd"])
        .unwrap();

    let (fine, told) = node::try_run("doctor", &settings).await;
    assert!(!fine && told.contains("may not do ZADD, XADD"), "{told}");

    settings.insert("PALAVER_REDIS__URL".to_owned(), redis.url("127.0.0.1"));
    settings.insert("PALAVER_REDIS__CONNECT_TIMEOUT".to_owned(), "1s".to_owned());
    settings.insert("PALAVER_REDIS__COMMAND_TIMEOUT".to_owned(), "1s".to_owned());
    let (fine, told) = node::try_run("doctor", &settings).await;
    assert!(!fine && told.contains("FAILED   redis"), "{told}");
}
