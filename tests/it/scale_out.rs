//! A node is added by starting it: nobody who talks notices, and whoever comes to it is served at once.

use crate::harness::client::person::Person;
use crate::harness::company::Company;
use crate::harness::eventually;
use crate::harness::history::Moment;
use crate::harness::world::World;
use std::time::{Duration, Instant};

#[tokio::test]
async fn four_nodes_added_under_chat_are_noticed_by_nobody_and_serve_at_once() {
    let mut world = World::new().talkative().start().await;
    let nodes = [world.dial_node(0), world.dial_node(1)];
    let company = Company::of_pairs(4, |side| vec![nodes[side].clone()]).await;
    company.babble();
    company.go_on(5).await;
    let begun = Instant::now();

    for _ in 0..4 {
        let added = world.add_node().await;
        let [here, there] = [world.dial_node(added), world.dial_node(added - 1)];
        let pair = [
            Person::new(&format!("new-{added}-0"), vec![here]),
            Person::new(&format!("new-{added}-1"), vec![there]),
        ];
        pair.iter().for_each(Person::seek);
        eventually("who came to the new node has a partner", async || {
            pair.iter().all(|person| person.log().room().is_some())
        })
        .await;
        let newcomers = Company { people: pair.into() };
        newcomers.babble();
        newcomers.go_on(5).await;
        newcomers.settle().await;
    }

    company.go_on(5).await;
    company.settle().await;
    company.assert_nobody_ended();
    let lost = |log: &crate::harness::history::Log| log.count(|m| matches!(m, Moment::Lost(_)));
    assert!(company.logs().iter().all(|log| lost(log) == 0), "{}", company.story());
    let pause = company.longest_silence_since(begun);
    println!("measured: four nodes added, longest silence {pause:?}");
    assert!(pause < Duration::from_secs(3), "{pause:?}");
}
