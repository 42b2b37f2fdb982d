//! Sockets that come and go in any order, against a model of who is there.

use super::Detached;
use super::tests::{GIVE_UP, KEPT, MOST, attach, detach};
use crate::coord::testing::{TestNode, World, at, user};
use crate::domain::presence::{Counts, Mode};
use crate::ids::Shard;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Attach(u8, u8, bool),
    Detach(u8, u8, bool),
    Mode(u8, u8),
    ReapSecond,
}

fn step() -> impl Strategy<Value = Step> {
    let (who, sid) = (0u8..3, 0u8..4);
    prop_oneof![
        4 => (who.clone(), sid.clone(), any::<bool>()).prop_map(|(w, s, n)| Step::Attach(w, s, n)),
        3 => (who.clone(), sid, any::<bool>()).prop_map(|(w, s, n)| Step::Detach(w, s, n)),
        2 => (who, 0u8..4).prop_map(|(w, m)| Step::Mode(w, m)),
        1 => Just(Step::ReapSecond),
    ]
}

/// What must be in Redis: per user the sockets with whether they are on the second node, and the mode.
type Model = BTreeMap<u8, (BTreeMap<u8, bool>, Option<Mode>)>;

const MODES: [Option<Mode>; 4] = [None, Some(Mode::Text), Some(Mode::Audio), Some(Mode::Video)];

async fn take(step: &Step, nodes: &[TestNode; 2], model: &mut Model) {
    match *step {
        Step::Attach(who, sid, second) => {
            let (sockets, _) = model.entry(who).or_default();
            let crowded = !sockets.contains_key(&sid) && sockets.len() >= MOST;
            if !crowded {
                sockets.insert(sid, second);
            }
            let attached = attach(
                &nodes[usize::from(second)],
                &format!("u{who}"),
                &format!("u{who}s{sid}"),
            )
            .await;
            assert_eq!(attached.is_none(), crowded);
        }
        Step::Detach(who, sid, second) => {
            let (sockets, _) = model.entry(who).or_default();
            let there = sockets.get(&sid) == Some(&second);
            if there {
                sockets.remove(&sid);
            }
            let detached = detach(
                &nodes[usize::from(second)],
                &format!("u{who}"),
                &format!("u{who}s{sid}"),
            )
            .await;
            assert_eq!(matches!(detached, Detached::Elsewhere(_)), !there);
        }
        Step::Mode(who, mode) => {
            let (sockets, now) = model.entry(who).or_default();
            if !sockets.is_empty() {
                *now = MODES[usize::from(mode)];
            }
            let mode = MODES[usize::from(mode)];
            nodes[0].coord.set_mode(&user(&format!("u{who}")), mode).await.unwrap();
        }
        Step::ReapSecond => {
            for (sockets, _) in model.values_mut() {
                sockets.retain(|_, second| !*second);
            }
            let coord = &nodes[0].coord;
            while coord
                .reap_users(Shard(0), &nodes[1].id, 2, at(GIVE_UP), KEPT)
                .await
                .unwrap()
                == 2
            {}
        }
    }
    model.retain(|_, (sockets, _)| !sockets.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counts_and_sets_never_drift_from_who_is_there(steps in prop::collection::vec(step(), 1..80)) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let world = World::new(1).await;
            let nodes = [world.node().await, world.node().await];
            let mut model = Model::new();
            for step in &steps {
                take(step, &nodes, &mut model).await;
            }
            let of = |mode| model.values().filter(|(_, m)| *m == Some(mode)).count() as u64;
            let expected = Counts {
                online: model.len() as u64,
                text: of(Mode::Text),
                audio: of(Mode::Audio),
                video: of(Mode::Video),
            };
            assert_eq!(nodes[0].coord.count().await.unwrap().0, expected);
            let dump = world.dump().await;
            let users: Vec<_> = dump.keys().filter(|k| k.starts_with("user:")).cloned().collect();
            assert_eq!(users, model.keys().map(|w| format!("user:u{w}")).collect::<Vec<_>>());
            for (second, key) in [(false, "users:N1"), (true, "users:N2")] {
                let there = model.iter().filter(|(_, (s, _))| s.values().any(|n| *n == second));
                let expected: Vec<_> = there.map(|(w, _)| format!("u{w}")).collect();
                assert_eq!(dump.get(key).cloned().unwrap_or_default(), expected.join(", "));
            }
        });
    }
}
