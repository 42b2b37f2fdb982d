//! Logins that ended: nobody comes in with them, and their sockets hear of it on every node.

use crate::coord::testing::{World, socket, user};
use crate::domain::account::Why;
use crate::domain::event::{Audience, Event};
use crate::ids::LoginId;
use std::time::Duration;

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

#[tokio::test]
async fn an_ended_login_is_told_to_each_node_that_holds_sockets_of_its_user_and_remembered() {
    let world = World::new(1).await;
    let (mut one, mut two, mut three) = (world.node().await, world.node().await, world.node().await);
    let (ann, ended, other) = (user("ann"), LoginId::fresh(), LoginId::fresh());
    for (node, sid) in [(&one, "s"), (&one, "t"), (&two, "u")] {
        node.coord.attach(&ann, &socket(sid), 9, None).await.unwrap();
    }

    three
        .coord
        .revoke_logins(&ann, std::slice::from_ref(&ended), Why::Logout, WEEK)
        .await
        .unwrap();
    three
        .coord
        .revoke_logins(&ann, std::slice::from_ref(&ended), Why::Logout, WEEK)
        .await
        .unwrap();

    assert_eq!(one.coord.login_ended(&ann, &ended).await.unwrap(), Some(Why::Logout));
    assert_eq!(one.coord.login_ended(&ann, &other).await.unwrap(), None);
    for node in [&mut one, &mut two] {
        let told = node.inbox().await;
        assert_eq!(told.len(), 2, "once for each time");
        assert_eq!(told[0].to, Audience::Users(vec![ann.clone()]));
        let event = Event::LoginOver {
            logins: vec![ended.clone()],
            why: Why::Logout,
        };
        assert_eq!(told[0].event, event);
    }
    assert!(three.inbox().await.is_empty());
}

#[tokio::test]
async fn what_no_token_can_outlive_is_forgotten() {
    let world = World::new(1).await;
    let node = world.node().await;
    let (ann, old, new) = (user("ann"), LoginId::fresh(), LoginId::fresh());
    let revoke = async |login: &LoginId| {
        node.coord
            .revoke_logins(&ann, std::slice::from_ref(login), Why::Replaced, WEEK)
            .await
            .unwrap()
    };

    revoke(&old).await;
    world.clock.advance(WEEK);
    revoke(&new).await;

    assert_eq!(node.coord.login_ended(&ann, &old).await.unwrap(), None);
    assert_eq!(node.coord.login_ended(&ann, &new).await.unwrap(), Some(Why::Replaced));
}
