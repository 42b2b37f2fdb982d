//! Connection state recovery: a client takes up its session on any node and is told exactly what it missed, or why not.

use crate::harness::client::{Client, Dial};
use crate::harness::eventually;
use crate::harness::pair::{Pair, relays, say};
use crate::harness::stage::{Stage, everywhere, with};
use serde_json::{Value, json};
use std::time::Duration;

fn bob(stage: &Stage, node: usize) -> Dial {
    stage.dial(node).guest("bob")
}

async fn pair(stage: &Stage) -> Pair {
    Pair::seat(stage.guest(0).await, bob(stage, 1).connect().await).await
}

/// What a client shows when its connection breaks: its pid, and the last offset.
async fn broken(mut client: Client) -> (String, String, Option<String>) {
    let shown = (client.sid().to_owned(), client.pid().to_owned(), client.mark());
    client.drop_abruptly().await;
    shown
}

/// Everything that came, without counts of people.
async fn heard(client: &mut Client, count: usize) -> Vec<(String, Value)> {
    let mut heard = Vec::new();
    for _ in 0..count {
        let (name, mut args) = client.next().await;
        heard.push((name, args.remove(0)));
    }
    heard
}

fn names(heard: &[(String, Value)]) -> Vec<&str> {
    heard.iter().map(|(name, _)| name.as_str()).collect()
}

fn texts(heard: &[(String, Value)]) -> Vec<&str> {
    heard
        .iter()
        .filter_map(|(_, event)| event["content"].as_str())
        .collect()
}

async fn room_has_ended(stage: &Stage) {
    let ended = |key: &String| stage.redis(&["PTTL", key]) != ["-1"];
    eventually("the room has ended", async || stage.keys("room:*").iter().all(ended)).await;
}

/// As when the time of these keys is over.
fn forget(stage: &Stage, patterns: &[impl AsRef<str>]) {
    for key in patterns.iter().flat_map(|pattern| stage.keys(pattern.as_ref())) {
        stage.redis(&["DEL", &key]);
    }
}

#[tokio::test]
async fn a_session_goes_on_with_its_id_and_every_missed_line_comes_once() {
    everywhere(async |stage| {
        let Pair {
            mut ann, bob: mut gone, ..
        } = pair(stage).await;
        say(&ann, "heard");
        assert_eq!(gone.hear("text_message_received").await["content"], "heard");
        let (sid, pid, mark) = broken(gone).await;
        say(&ann, "missed 1");
        say(&ann, "missed 2");
        ann.dealt_with().await;

        let mut back = bob(stage, 0).taking_up(&pid, mark.as_deref()).connect().await;
        say(&ann, "new");

        assert_eq!((back.sid(), back.pid()), (sid.as_str(), pid.as_str()));
        assert_eq!(texts(&heard(&mut back, 3).await), ["missed 1", "missed 2", "new"]);
        relays(&back, &mut ann).await;
        assert!(back.unread().iter().all(|name| name == "mode-user-counts"));
    })
    .await;
}

#[tokio::test]
async fn it_is_recovered_again_and_again_and_from_a_connection_that_is_not_known_to_be_dead() {
    everywhere(async |stage| {
        let Pair { ann, bob: mut now, .. } = pair(stage).await;
        let mut ghosts = Vec::new();
        for i in 0..4 {
            let (pid, mark) = (now.pid().to_owned(), now.mark());
            ghosts.push(now);
            now = bob(stage, i % 2).taking_up(&pid, mark.as_deref()).connect().await;
            assert_eq!(now.pid(), pid);
            relays(&ann, &mut now).await;
        }
        // The seat is that of the last connection alone: with it the user is away.
        now.drop_abruptly().await;
        eventually("the seat is held", async || stage.timers("hold|").len() == 1).await;
        drop(ghosts);
    })
    .await;
}

#[tokio::test]
async fn a_connection_whose_session_was_taken_up_by_another_is_closed_and_its_client_misses_nothing() {
    everywhere(async |stage| {
        let Pair {
            mut ann, bob: mut real, ..
        } = pair(stage).await;
        let (pid, mark) = (real.pid().to_owned(), real.mark());

        // As what a client asked of a node that slept, and asked another one since.
        let late = bob(stage, 0).taking_up(&pid, mark.as_deref()).connect().await;
        late.drop_abruptly().await;

        real.ended().await;
        say(&ann, "missed");
        ann.dealt_with().await;
        let mut back = bob(stage, 1).taking_up(&pid, mark.as_deref()).connect().await;
        assert_eq!(back.hear("text_message_received").await["content"], "missed");
        ann.emit("leave_text_room", &[]);
        ann.expect("text_room_ended").await;
        back.expect("text_room_ended").await;
    })
    .await;
}

#[tokio::test]
async fn what_a_new_session_was_told_first_and_did_not_hear_comes_when_it_is_taken_up() {
    everywhere(async |stage| {
        let Pair { mut ann, bob: gone, .. } = pair(stage).await;
        gone.drop_abruptly().await;
        say(&ann, "missed");
        ann.dealt_with().await;

        let deaf = bob(stage, 0).connect().await;
        let (_, pid, _) = broken(deaf).await;

        let mut back = bob(stage, 1).taking_up(&pid, None).connect().await;
        assert_eq!(back.pid(), pid);
        assert_eq!(back.hear("text_message_received").await["content"], "missed");
    })
    .await;
}

#[tokio::test]
async fn it_works_before_the_first_event_and_after_a_long_quiet_time() {
    everywhere(async |stage| {
        let fresh = bob(stage, 0).connect().await;
        let (_, pid, mark) = broken(fresh).await;
        assert_eq!(mark, None, "nothing has happened to bob yet");
        let back = bob(stage, 1).taking_up(&pid, None).connect().await;
        assert_eq!(back.pid(), pid);

        let pair = Pair::seat(stage.guest(0).await, back).await;
        stage.pass(Duration::from_secs(1200)).await;
        let (_, pid, mark) = broken(pair.bob).await;
        let mut back = bob(stage, 0).taking_up(&pid, mark.as_deref()).connect().await;
        assert_eq!(back.pid(), pid);
        relays(&pair.ann, &mut back).await;
    })
    .await;
}

#[tokio::test]
async fn rooms_that_came_and_went_meanwhile_are_told_in_order() {
    everywhere(async |stage| {
        let mut ann = stage.guest(0).await;
        let mut gone = bob(stage, 1).connect().await;
        // Another tab keeps bob in the queue while this one is away.
        let mut tab = bob(stage, 0).connect().await;
        gone.emit("join_text_queue", &[]);
        gone.expect("text_queue_joined").await;
        let (_, pid, mark) = broken(gone).await;
        ann.emit("join_text_queue", &[]);
        tab.expect("text_match_found").await;
        ann.expect("text_match_found").await;
        say(&ann, "hello");
        tab.expect("text_message_received").await;
        ann.emit("leave_text_room", &[]);
        tab.expect("text_room_ended").await;

        let mut back = bob(stage, 0).taking_up(&pid, mark.as_deref()).connect().await;

        assert_eq!(back.pid(), pid);
        let told = heard(&mut back, 3).await;
        assert_eq!(
            names(&told),
            ["text_match_found", "text_message_received", "text_room_ended"]
        );
        let (_, pid, mark) = broken(back).await;
        let mut again = bob(stage, 1).taking_up(&pid, mark.as_deref()).connect().await;
        assert_eq!(again.pid(), pid);
        again.emit("join_text_queue", &[]);
        assert_eq!(
            heard(&mut again, 1).await[0].0,
            "text_queue_joined",
            "nothing is told twice"
        );
    })
    .await;
}

#[tokio::test]
async fn who_was_paired_or_left_while_away_hears_of_it() {
    everywhere(async |stage| {
        let Pair { ann, bob: gone, .. } = pair(stage).await;
        let (_, pid, mark) = broken(gone).await;
        say(&ann, "bye");
        ann.emit("leave_text_room", &[]);

        let mut back = bob(stage, 0).taking_up(&pid, mark.as_deref()).connect().await;

        assert_eq!(back.pid(), pid);
        let told = heard(&mut back, 2).await;
        assert_eq!(names(&told), ["text_message_received", "text_room_ended"]);
        assert_eq!(told[1].1, json!({ "reason": "partner_left" }));
    })
    .await;
}

#[tokio::test]
async fn a_stranger_without_any_identity_stays_the_same_user() {
    everywhere(async |stage| {
        let Pair { ann, bob: gone, .. } = Pair::seat(stage.guest(0).await, stage.dial(1).connect().await).await;
        let (_, pid, mark) = broken(gone).await;

        let mut back = stage.dial(0).taking_up(&pid, mark.as_deref()).connect().await;

        assert_eq!(back.pid(), pid);
        relays(&ann, &mut back).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_not_all_there_is_refused_with_the_reason_and_the_state_is_sent() {
    let plan = with(|settings| {
        settings.chat.room_log = 16;
        settings.chat.rate_limit = 60;
    });
    plan.everywhere(async |stage| {
        let Pair { mut ann, bob: gone, .. } = pair(stage).await;
        let (_, pid, mark) = broken(gone).await;
        for i in 0..48 {
            say(&ann, &i.to_string());
        }
        ann.dealt_with().await;

        let mut back = bob(stage, 0).taking_up(&pid, mark.as_deref()).connect().await;

        assert_ne!(back.pid(), pid);
        assert_eq!(back.hear("recovery_failed").await, json!({ "reason": "trimmed" }));
        let state = back.hear("text_reconnected").await;
        assert_eq!(state["messages"].as_array().unwrap().last().unwrap()["content"], "47");
        relays(&ann, &mut back).await;
    })
    .await;
}

#[tokio::test]
async fn after_the_window_and_with_a_pid_of_nobody_a_new_session_begins() {
    everywhere(async |stage| {
        let gone = bob(stage, 1).connect().await;
        let (sid, pid, mark) = broken(gone).await;
        eventually("bob is gone", async || stage.keys("user:*").is_empty()).await;
        let forged = pid.replacen(sid.as_str(), "AAAAAAAAAAAAAAAAAAAA", 1);
        for claim in [forged.as_str(), "nonsense", ""] {
            let mut other = bob(stage, 0).taking_up(claim, mark.as_deref()).connect().await;
            assert_eq!(
                other.hear("recovery_failed").await,
                json!({ "reason": "window_expired" }),
                "{claim}"
            );
        }
        stage.advance(Duration::from_secs(61));

        let mut late = bob(stage, 0).taking_up(&pid, mark.as_deref()).connect().await;

        assert_eq!(
            late.hear("recovery_failed").await,
            json!({ "reason": "window_expired" })
        );
        assert_ne!(late.pid(), pid);
    })
    .await;
}

/// socket.io-client never forgets an offset.
#[tokio::test]
async fn an_offset_of_an_earlier_session_is_left_aside() {
    everywhere(async |stage| {
        let Pair {
            ann, bob: mut before, ..
        } = pair(stage).await;
        say(&ann, "heard");
        before.hear("text_message_received").await;
        let mark = before.mark();
        assert!(mark.is_some());
        before.close().await;
        ann.emit("leave_text_room", &[]);
        room_has_ended(stage).await;
        forget(stage, &["log:*", "past:*", "room:*"]);
        let (_, pid, none) = broken(bob(stage, 0).connect().await).await;
        assert_eq!(none, None, "the new session has told of nothing");

        let back = bob(stage, 1).taking_up(&pid, mark.as_deref()).connect().await;

        assert_eq!(back.pid(), pid);
    })
    .await;
}

#[tokio::test]
async fn who_heard_of_a_room_that_redis_lost_is_told_why_and_nothing_again() {
    everywhere(async |stage| a_room_is_lost(stage, false).await).await;
}

#[tokio::test]
async fn who_heard_the_end_of_a_room_that_redis_lost_is_told_why_and_nothing_again() {
    everywhere(async |stage| a_room_is_lost(stage, true).await).await;
}

/// A replica that takes over may not have heard of the last room, of which its people have heard, perhaps to its end.
async fn a_room_is_lost(stage: &mut Stage, to_its_end: bool) {
    let Pair { ann, bob: mut gone, .. } = pair(stage).await;
    ann.emit("leave_text_room", &[]);
    gone.expect("text_room_ended").await;
    room_has_ended(stage).await;
    let Pair {
        ann: eve,
        bob: mut gone,
        room,
        ..
    } = Pair::seat(stage.guest(0).await, gone).await;
    if to_its_end {
        eve.emit("leave_text_room", &[]);
        gone.expect("text_room_ended").await;
    }
    let (_, pid, mark) = broken(gone).await;
    eventually("it is known that bob is gone", async || stage.keys("past:*").len() == 1).await;
    if !to_its_end {
        eve.emit("leave_text_room", &[]);
    }
    room_has_ended(stage).await;
    let (_, lost) = room.rsplit_once('_').unwrap();
    forget(stage, &[format!("log:{lost}"), format!("room:{lost}")]);
    let past = &stage.keys("past:*")[0];
    let trail = stage.redis(&["HGET", past, "rooms"]).remove(0);
    let known = trail.strip_suffix(lost).expect("it was the last room").trim();
    stage.redis(&["HSET", past, "rooms", known]);

    let mut back = bob(stage, 1).taking_up(&pid, mark.as_deref()).connect().await;

    assert_eq!(back.hear("recovery_failed").await, json!({ "reason": "epoch_changed" }));
    back.dealt_with().await;
    assert!(back.unread().iter().all(|name| name == "mode-user-counts"));
    // Whose client may not have heard that.
    let (_, pid, _) = broken(back).await;
    let again = bob(stage, 0).taking_up(&pid, mark.as_deref()).connect().await;
    assert_eq!(again.pid(), pid);
}

#[tokio::test]
async fn nobody_takes_up_the_session_of_somebody_else() {
    everywhere(async |stage| {
        let Pair { ann, bob: gone, .. } = pair(stage).await;
        let (_, pid, mark) = broken(gone).await;

        for thief in [stage.dial(0).guest("eve"), stage.dial(0)] {
            let mut thief = thief.taking_up(&pid, mark.as_deref()).connect().await;
            assert_eq!(
                thief.hear("recovery_failed").await,
                json!({ "reason": "identity_changed" })
            );
        }
        let mut back = bob(stage, 0).taking_up(&pid, mark.as_deref()).connect().await;

        assert_eq!(back.pid(), pid);
        relays(&ann, &mut back).await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_counts_arguments_says_so_and_gets_no_offsets() {
    everywhere(async |stage| {
        let plain = stage.dial(1).auth(json!({ "recovery": false })).connect().await;
        let mut pair = Pair::seat(stage.guest(0).await, plain).await;

        relays(&pair.ann, &mut pair.bob).await;

        assert_eq!(pair.bob.mark(), None);
        assert!(pair.ann.mark().is_some());
    })
    .await;
}

#[tokio::test]
async fn who_left_the_queue_still_brings_the_offset_of_before() {
    everywhere(async |stage| {
        let Pair { ann, mut bob, .. } = pair(stage).await;
        say(&ann, "heard");
        ann.emit("leave_text_room", &[]);
        bob.expect("text_room_ended").await;
        let mark = bob.mark();

        bob.emit("join_text_queue", &[]);
        bob.expect("text_queue_joined").await;
        bob.emit("leave_text_queue", &[]);
        bob.expect("text_queue_left").await;

        assert_eq!(bob.mark(), mark);
    })
    .await;
}

#[tokio::test]
async fn an_offset_that_is_none_of_ours_is_refused_with_the_reason() {
    everywhere(async |stage| {
        let Pair {
            mut ann, bob: mut gone, ..
        } = pair(stage).await;
        say(&ann, "heard");
        gone.expect("text_message_received").await;
        let (_, pid, mark) = broken(gone).await;
        let mark = mark.unwrap();
        say(&ann, "missed");
        ann.dealt_with().await;
        let (room, _) = mark.split_once('/').unwrap();
        let after_all = format!("{room}/{0}-{0}", u64::MAX);

        for unreadable in ["text_queue_left", "", "a/b", &after_all] {
            let mut anew = bob(stage, 0).taking_up(&pid, Some(unreadable)).connect().await;
            assert_ne!(anew.pid(), pid, "{unreadable:?}");
            let reason = anew.hear("recovery_failed").await;
            assert_eq!(reason, json!({ "reason": "window_expired" }), "{unreadable:?}");
            anew.drop_abruptly().await;
        }

        let mut back = bob(stage, 1).taking_up(&pid, Some(&mark)).connect().await;
        assert_eq!(back.pid(), pid);
        assert_eq!(texts(&heard(&mut back, 1).await), ["missed"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_forgotten_when_a_session_is_taken_up_a_second_time_is_not_passed_over() {
    everywhere(async |stage| {
        let Pair { mut ann, bob: gone, .. } = pair(stage).await;
        let (_, pid, mark) = broken(gone).await;
        say(&ann, "the last word");
        ann.emit("leave_text_room", &[]);
        ann.expect("text_room_ended").await;

        // Taken up, and broken before anything was heard: the session is remembered for longer than the room.
        let deaf = bob(stage, 0).taking_up(&pid, mark.as_deref()).connect().await;
        assert_eq!(deaf.pid(), pid);
        deaf.drop_abruptly().await;
        room_has_ended(stage).await;
        forget(stage, &["log:*", "room:*"]);
        let mut back = bob(stage, 1).taking_up(&pid, mark.as_deref()).connect().await;

        assert_ne!(back.pid(), pid);
        assert_eq!(
            back.hear("recovery_failed").await,
            json!({ "reason": "window_expired" })
        );
    })
    .await;
}

#[tokio::test]
async fn who_heard_a_room_to_its_end_goes_on_when_it_is_forgotten() {
    everywhere(async |stage| {
        let Pair { ann, bob: mut gone, .. } = pair(stage).await;
        ann.emit("leave_text_room", &[]);
        gone.expect("text_room_ended").await;
        room_has_ended(stage).await;
        forget(stage, &["log:*", "room:*"]);
        let (_, pid, mark) = broken(gone).await;

        let mut back = bob(stage, 0).taking_up(&pid, mark.as_deref()).connect().await;

        assert_eq!(back.pid(), pid);
        back.dealt_with().await;
        assert!(back.unread().iter().all(|name| name == "mode-user-counts"));
    })
    .await;
}

#[tokio::test]
async fn the_reason_comes_first_then_the_state_and_nothing_of_it_as_news() {
    let plan = with(|settings| settings.sockets.recovery_window = Duration::from_secs(10));
    plan.everywhere(async |stage| {
        let Pair {
            mut ann, bob: mut gone, ..
        } = pair(stage).await;
        say(&ann, "heard");
        gone.expect("text_message_received").await;
        let (_, pid, mark) = broken(gone).await;
        eventually("the seat is held", async || stage.timers("hold|").len() == 1).await;
        say(&ann, "missed");
        ann.dealt_with().await;
        stage.advance(Duration::from_secs(11));

        let mut back = bob(stage, 0).taking_up(&pid, mark.as_deref()).connect().await;

        let told = heard(&mut back, 2).await;
        assert_eq!(names(&told), ["recovery_failed", "text_reconnected"]);
        let lines = told[1].1["messages"].as_array().unwrap();
        let lines: Vec<_> = lines.iter().map(|line| line["content"].as_str().unwrap()).collect();
        assert_eq!(lines, ["heard", "missed"]);
        relays(&ann, &mut back).await;
        assert!(back.unread().iter().all(|name| name == "mode-user-counts"));
    })
    .await;
}

#[tokio::test]
async fn who_said_goodbye_begins_anew_and_whose_transport_closed_does_not() {
    everywhere(async |stage| {
        let Pair { ann, bob: gone, .. } = pair(stage).await;
        let pid = gone.pid().to_owned();
        // What the Engine.IO client sends when its page goes.
        gone.raw("1");
        eventually("the seat is held", async || stage.timers("hold|").len() == 1).await;
        let mut back = bob(stage, 0).taking_up(&pid, None).connect().await;
        assert_eq!(back.pid(), pid);
        assert_eq!(back.next().await.0, "text_match_found");
        relays(&ann, &mut back).await;

        let mark = back.mark();
        back.close().await;
        eventually("the goodbye is heard", async || stage.timers("hold|").len() == 1).await;
        let mut anew = bob(stage, 1).taking_up(&pid, mark.as_deref()).connect().await;

        assert_ne!(anew.pid(), pid);
        let told = heard(&mut anew, 2).await;
        assert_eq!(names(&told), ["recovery_failed", "text_reconnected"]);
        assert_eq!(told[0].1, json!({ "reason": "window_expired" }));
    })
    .await;
}

#[tokio::test]
async fn a_tab_that_said_goodbye_takes_nothing_from_one_whose_connection_broke() {
    everywhere(async |stage| {
        let mut ann = stage.guest(0).await;
        let gone = bob(stage, 1).connect().await;
        let tab = bob(stage, 0).connect().await;
        let (_, pid, mark) = broken(gone).await;
        let Pair { bob: tab, .. } = {
            ann.forget();
            Pair::seat(ann, tab).await
        };
        tab.close().await;

        let mut back = bob(stage, 0).taking_up(&pid, mark.as_deref()).connect().await;

        assert_eq!(back.pid(), pid);
        assert_eq!(names(&heard(&mut back, 1).await), ["text_match_found"]);
    })
    .await;
}

#[tokio::test]
async fn a_seeker_who_was_away_for_too_long_is_told_to_seek_no_longer() {
    everywhere(async |stage| {
        let mut seeker = bob(stage, 1).connect().await;
        seeker.emit("join_text_queue", &[]);
        seeker.expect("text_queue_joined").await;
        let (sid, pid, mark) = broken(seeker).await;
        eventually("it is noticed", async || {
            stage.sockets_of("guest-0000000000626f62") == 0
        })
        .await;
        stage.pass(Duration::from_secs(11)).await;
        eventually("the place is lost", async || stage.timers("seek|").is_empty()).await;

        let mut back = bob(stage, 0).taking_up(&pid, mark.as_deref()).connect().await;

        assert_eq!(back.sid(), sid, "recovered");
        assert_eq!(back.hear("text_queue_left").await, json!({}));
        let (_, pid, mark) = broken(back).await;
        let mut again = bob(stage, 1).taking_up(&pid, mark.as_deref()).connect().await;
        again.dealt_with().await;
        assert!(!again.unread().contains(&"text_queue_left".to_owned()), "told once");
    })
    .await;
}
