//! Finding a partner, held against a model: whatever order people, nodes and timers act in, and wherever a node stops
//! halfway, nobody is lost, nobody is in two rooms, nobody meets themselves, and everyone is told once.
//!
//! A step that stops halfway is a future dropped after some of its turns. What is left must be mended by what repeats
//! anyway: timers, offers left over, and sockets that come or go again.

use super::Actions;
use super::connect::{Arrival, Parting};
use super::seek::Sought;
use crate::config::Settings;
use crate::coord::inbox::Incoming;
use crate::coord::testing::{TestNode, World, entries, socket, texts, user};
use crate::domain::event::Event;
use crate::domain::queue::Queue;
use crate::domain::room::Offset;
use crate::ids::{NodeId, RoomId, SocketId, UserId};
use crate::store::Store;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

#[derive(Clone, Debug)]
enum Step {
    Arrive { who: usize, node: usize, turns: u8 },
    Depart { who: usize, turns: u8 },
    Seek { who: usize, turns: u8 },
    Stop { who: usize, turns: u8 },
    Leave { who: usize, turns: u8 },
    Pair { node: usize, turns: u8 },
    Seat { node: usize, turns: u8 },
    SeatLeftOver { node: usize, turns: u8 },
    Dispatch { node: usize },
    Pass { ms: u64 },
    Fire { node: usize, turns: u8 },
    Kill { node: usize },
}

const PEOPLE: usize = 4;
const WHOLE: u8 = u8::MAX;

fn step() -> impl Strategy<Value = Step> {
    let (who, node) = (0..PEOPLE, 0usize..2);
    // Most steps are done whole; the others stop after a few turns.
    let turns = prop_oneof![3 => Just(WHOLE), 1 => 0u8..8];
    let ms = prop_oneof![4 => Just(200u64), 2 => 1_000u64..6_000, 1 => Just(31_000u64)];
    let person = (who, node.clone(), turns.clone());
    prop_oneof![
        5 => person.clone().prop_map(|(who, node, turns)| Step::Arrive { who, node, turns }),
        3 => person.clone().prop_map(|(who, _, turns)| Step::Depart { who, turns }),
        8 => person.clone().prop_map(|(who, _, turns)| Step::Seek { who, turns }),
        1 => person.clone().prop_map(|(who, _, turns)| Step::Stop { who, turns }),
        2 => person.prop_map(|(who, _, turns)| Step::Leave { who, turns }),
        6 => (node.clone(), turns.clone()).prop_map(|(node, turns)| Step::Pair { node, turns }),
        8 => (node.clone(), turns.clone()).prop_map(|(node, turns)| Step::Seat { node, turns }),
        2 => (node.clone(), turns.clone()).prop_map(|(node, turns)| Step::SeatLeftOver { node, turns }),
        3 => node.clone().prop_map(|node| Step::Dispatch { node }),
        4 => ms.prop_map(|ms| Step::Pass { ms }),
        3 => (node.clone(), turns).prop_map(|(node, turns)| Step::Fire { node, turns }),
        1 => node.prop_map(|node| Step::Kill { node }),
    ]
}

/// Polls `work` for `turns` turns at most; `None` when it was stopped halfway.
async fn stopped_after<T>(turns: u8, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = turns;
    std::future::poll_fn(|context| match (left, turns) {
        (0, _) => Poll::Ready(None),
        _ => match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => {
                if turns != WHOLE {
                    left -= 1;
                }
                match left {
                    0 => Poll::Ready(None),
                    _ => Poll::Pending,
                }
            }
        },
    })
    .await
}

struct Member {
    node: usize,
    socket: SocketId,
}

#[derive(Default)]
struct Person {
    sockets: Vec<Member>,
    /// Somebody who asked for a partner, and nothing ended that since: how many facts the journal held at that time.
    wants: Option<usize>,
}

struct Model {
    world: World,
    nodes: Vec<TestNode>,
    actions: Vec<Actions>,
    people: Vec<Person>,
    /// Comings and goings that stopped halfway and will be tried again.
    coming: Vec<(usize, usize, SocketId)>,
    going: Vec<(usize, usize, SocketId)>,
    drawn: u32,
    told: HashMap<(NodeId, RoomId), u32>,
    settings: Arc<Settings>,
}

fn name(who: usize) -> UserId {
    user(&format!("u{who}"))
}

impl Model {
    async fn new(shards: u8) -> Self {
        let mut model = Self {
            world: World::new(shards).await,
            nodes: vec![],
            actions: vec![],
            people: (0..PEOPLE).map(|_| Person::default()).collect(),
            coming: vec![],
            going: vec![],
            drawn: 0,
            told: HashMap::new(),
            settings: Arc::new(Settings::default()),
        };
        for _ in 0..2 {
            let node = model.start().await;
            model.actions.push(model.actions_of(&node));
            model.nodes.push(node);
        }
        model
    }

    async fn start(&self) -> TestNode {
        let node = self.world.node().await;
        for offers in &node.offers {
            offers.prepare().await.unwrap();
        }
        node
    }

    fn actions_of(&self, node: &TestNode) -> Actions {
        let store = Store::open(&self.settings.postgres).unwrap();
        Actions::new(node.coord.clone(), store, self.settings.clone())
    }

    /// Facts in the journals: who was in each ended room.
    async fn ended(&self) -> Vec<Vec<String>> {
        let mut ended = Vec::new();
        for shard in self.nodes[0].coord.keys().shards() {
            let key = self.nodes[0].coord.keys().journal(shard);
            for fact in entries(self.world.raw(&["XRANGE", &key, "-", "+"]).await) {
                let (_, people) = fact.split_once("people=").unwrap();
                ended.push(people.split(' ').map(str::to_owned).collect());
            }
        }
        ended
    }

    async fn arrive(&mut self, who: usize, node: usize, socket: SocketId, turns: u8) {
        let user = name(who);
        let work = self.actions[node].arrive(&user, &socket, None);
        match stopped_after(turns, work).await {
            Some(arrival) => {
                match arrival.unwrap().arrival {
                    // They are told, and look for another if they like.
                    Arrival::Ended(..) => self.people[who].wants = None,
                    Arrival::Idle | Arrival::Seeking(_) | Arrival::Opening | Arrival::Seated { .. } => {}
                }
                self.people[who].sockets.push(Member { node, socket });
            }
            None => {
                // Whether a room had ended for them was perhaps told to the first try.
                self.people[who].wants = None;
                self.coming.push((who, node, socket));
            }
        }
    }

    async fn depart(&mut self, who: usize, node: usize, socket: SocketId, turns: u8) {
        if self.people[who].sockets.is_empty() {
            self.people[who].wants = None;
        }
        let user = name(who);
        let work = self.actions[node].depart(&user, &socket, Offset::default(), Parting::Break);
        match stopped_after(turns, work).await {
            Some(done) => done.unwrap(),
            None => self.going.push((who, node, socket)),
        }
    }

    async fn seek(&mut self, who: usize, turns: u8) {
        let Some(Member { node, socket }) = self.people[who].sockets.first() else {
            return;
        };
        let facts = self.ended().await.len();
        let user = name(who);
        let work = self.actions[*node].seek(&user, socket, Queue::Text);
        if let Some(sought) = stopped_after(turns, work).await {
            let (Sought::Waiting(_) | Sought::Seated(..)) = sought.unwrap();
            self.people[who].wants = Some(facts);
        }
    }

    async fn seat(&mut self, node: usize, left_over: bool, turns: u8) -> usize {
        let mut taken = 0;
        for reader in &self.nodes[node].offers {
            let offers = match left_over {
                true => reader.left_over(10, Duration::ZERO).await.unwrap(),
                false => reader.next(10, Duration::from_millis(1)).await.unwrap(),
            };
            for offer in offers {
                taken += 1;
                assert_ne!(offer.pair[0].0, offer.pair[1].0, "nobody meets themselves");
                if let Some(done) = stopped_after(turns, self.actions[node].seat(&offer)).await {
                    done.unwrap();
                }
            }
        }
        taken
    }

    /// Does what a node does with its notices.
    async fn dispatch(&mut self, node: usize) {
        let id = self.nodes[node].id.clone();
        let mut seated = Vec::new();
        for reader in &mut self.nodes[node].inboxes {
            loop {
                let (_, incoming) = crate::coord::testing::read(reader, Duration::from_millis(1))
                    .await
                    .unwrap();
                if incoming.is_empty() {
                    break;
                }
                for notice in incoming {
                    if let Incoming::Notice(notice) = notice
                        && let Event::Seated { room, people, .. } = &notice.event
                    {
                        *self.told.entry((id.clone(), *room)).or_default() += 1;
                        seated.push((*room, people.clone(), notice.places.clone()));
                    }
                }
            }
        }
        for (room, people, places) in seated {
            for place in places.into_iter().filter(|p| p.node == id) {
                let members = self.people.iter().flat_map(|p| &p.sockets);
                if members.into_iter().all(|m| m.socket != place.socket) {
                    for person in &people {
                        let leave = self.actions[node].leave_seat(person, &place.socket, room, Offset::default());
                        leave.await.unwrap();
                    }
                }
            }
        }
    }

    async fn kill(&mut self, node: usize) {
        let next = self.start().await;
        let actions = self.actions_of(&next);
        let dead = std::mem::replace(&mut self.nodes[node], next);
        self.actions[node] = actions;
        for person in &mut self.people {
            person.sockets.retain(|m| m.node != node);
            if person.sockets.is_empty() {
                person.wants = None;
            }
        }
        self.coming.retain(|c| c.1 != node);
        self.going.retain(|c| c.1 != node);
        for shard in self.nodes[node].coord.keys().shards() {
            let nodes = self.nodes[node].coord.keys().nodes(shard);
            self.world.raw(&["ZADD", &nodes, "1", dead.id.as_str()]).await;
            self.actions[1 - node].take_over_from_the_dead(shard).await.unwrap();
        }
    }

    async fn take(&mut self, step: &Step) {
        match *step {
            Step::Arrive { who, node, turns } => {
                let sid = socket(&format!("s{}", self.drawn));
                self.drawn += 1;
                if self.people[who].sockets.len() < 2 {
                    self.arrive(who, node, sid, turns).await;
                }
            }
            Step::Depart { who, turns } => {
                if let Some(member) = self.people[who].sockets.pop() {
                    self.depart(who, member.node, member.socket, turns).await;
                }
            }
            Step::Seek { who, turns } => self.seek(who, turns).await,
            Step::Stop { who, turns } => {
                self.people[who].wants = None;
                let user = name(who);
                let work = self.actions[0].stop_seeking(&user);
                let _ = stopped_after(turns, work).await.map(Result::unwrap);
            }
            Step::Leave { who, turns } => {
                if let Some(room) = self.room_of(who).await {
                    let user = name(who);
                    let work = self.actions[0].leave_room(&user, room);
                    let _ = stopped_after(turns, work).await.map(Result::unwrap);
                }
            }
            Step::Pair { node, turns } => {
                let work = self.actions[node].pair(Queue::Text);
                let _ = stopped_after(turns, work).await.map(Result::unwrap);
            }
            Step::Seat { node, turns } => drop(self.seat(node, false, turns).await),
            Step::SeatLeftOver { node, turns } => drop(self.seat(node, true, turns).await),
            Step::Dispatch { node } => self.dispatch(node).await,
            Step::Pass { ms } => self.world.clock.advance(Duration::from_millis(ms)),
            Step::Fire { node, turns } => {
                for shard in self.nodes[node].coord.keys().shards() {
                    let work = self.actions[node].fire_due(shard);
                    let _ = stopped_after(turns, work).await.map(Result::unwrap);
                }
            }
            Step::Kill { node } => self.kill(node).await,
        }
    }

    /// Everything that repeats by itself, until nothing is left to do, and without anybody new being paired.
    async fn settle(&mut self) {
        for (who, node, socket) in std::mem::take(&mut self.coming) {
            self.arrive(who, node, socket, WHOLE).await;
        }
        for (who, node, socket) in std::mem::take(&mut self.going) {
            self.depart(who, node, socket, WHOLE).await;
        }
        // Longer than any timer of the saga, in steps shorter than each of them.
        for _ in 0..16 {
            while self.seat(0, true, WHOLE).await + self.seat(1, false, WHOLE).await > 0 {}
            for node in 0..2 {
                self.dispatch(node).await;
            }
            self.world.clock.advance(Duration::from_secs(4));
            for shard in self.nodes[0].coord.keys().shards() {
                while self.actions[0].fire_due(shard).await.unwrap() {}
            }
        }
    }

    async fn hash(&self, key: &str) -> BTreeMap<String, String> {
        let flat = texts(self.world.raw(&["HGETALL", key]).await);
        flat.chunks(2).map(|p| (p[0].clone(), p[1].clone())).collect()
    }

    async fn room_of(&self, who: usize) -> Option<RoomId> {
        let state = self.hash(&self.nodes[0].coord.keys().user(&name(who))).await;
        (state.get("state")? == "seated").then(|| RoomId::parse(&state["room"]))?
    }

    /// What must hold once everything has settled.
    async fn check(&self) {
        let (waiting, seekers) = self.actions[0].coord().peek(Queue::Text, 100).await.unwrap();
        assert_eq!(waiting, seekers.len() as u64);
        let ended = self.ended().await;
        let mut rooms = BTreeMap::<RoomId, BTreeSet<usize>>::new();
        for (who, person) in self.people.iter().enumerate() {
            let state = self.hash(&self.nodes[0].coord.keys().user(&name(who))).await;
            let doing = state.get("state").map_or("idle", String::as_str);
            let sockets: BTreeSet<_> = person.sockets.iter().map(|m| format!("@{}", m.socket)).collect();
            let stored: BTreeSet<_> = state.keys().filter(|k| k.starts_with('@')).cloned().collect();
            assert_eq!(stored, sockets, "u{who}");
            match doing {
                "seeking" => {
                    assert!(!sockets.is_empty(), "u{who} seeks without a socket");
                    let here = seekers
                        .iter()
                        .any(|s| s.user == name(who) && s.ticket.as_str() == state["ticket"]);
                    assert!(here, "u{who} is lost: {state:?}, the queue: {seekers:?}");
                }
                "seated" => drop(
                    rooms
                        .entry(RoomId::parse(&state["room"]).unwrap())
                        .or_default()
                        .insert(who),
                ),
                _ => {
                    let since = person.wants.filter(|_| !sockets.is_empty());
                    let was_seated = |facts: usize| ended[facts..].iter().any(|p| p.contains(&format!("u{who}")));
                    assert!(since.is_none_or(was_seated), "u{who} sought and is idle: {state:?}");
                }
            }
        }
        for (room, people) in &rooms {
            self.check_room(*room, people).await;
        }
        let coord = &self.nodes[0].coord;
        for key in texts(
            self.world
                .raw(&["KEYS", &format!("{}:*:room:*", self.world.settings.prefix)])
                .await,
        ) {
            let room = RoomId::parse(key.rsplit(':').next().unwrap()).unwrap();
            let state = self.hash(&coord.keys().room(room)).await["state"].clone();
            assert!(
                ["ended", "discarded"].contains(&&*state) || rooms.contains_key(&room),
                "{room} is {state} and nobody's"
            );
        }
        assert!(
            self.told.values().all(|times| *times == 1),
            "told twice: {:?}",
            self.told
        );
    }

    async fn check_room(&self, room: RoomId, people: &BTreeSet<usize>) {
        let state = self.hash(&self.nodes[0].coord.keys().room(room)).await;
        assert_eq!(
            state.get("state").map(String::as_str),
            Some("open"),
            "{room} of {people:?}"
        );
        let names: BTreeSet<_> = people.iter().map(|w| name(*w).to_string()).collect();
        let to: BTreeSet<_> = state["to"].split(' ').map(str::to_owned).collect();
        assert_eq!(to, names, "both sit here and nowhere else");
        for who in people {
            let mut places: Vec<_> = state[&format!("s:u{who}")]
                .split(' ')
                .skip(1)
                .map(str::to_owned)
                .collect();
            places.sort();
            let sockets = self.people[*who].sockets.iter();
            let mut expected: Vec<_> = sockets
                .map(|m| format!("{}/{}", self.nodes[m.node].id, m.socket))
                .collect();
            expected.sort();
            assert_eq!(places, expected, "sockets of u{who} in {room}: {state:?}");
        }
    }
}

fn holds(shards: u8, steps: &[Step]) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let mut model = Model::new(shards).await;
            for step in steps {
                model.take(step).await;
            }
            model.settle().await;
            model.check().await;
        });
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 8,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn on_one_shard_nobody_is_lost_or_seated_twice_whatever_stops_halfway(
        steps in prop::collection::vec(step(), 20..120)
    ) {
        holds(1, &steps);
    }

    #[test]
    fn on_two_shards_with_pairs_of_every_kind_nobody_is_lost_or_seated_twice_whatever_stops_halfway(
        steps in prop::collection::vec(step(), 20..120)
    ) {
        holds(2, &steps);
    }

    #[test]
    fn on_three_shards_nobody_is_lost_or_seated_twice_whatever_stops_halfway(
        steps in prop::collection::vec(step(), 20..120)
    ) {
        holds(3, &steps);
    }
}

/// Seated where the queue is, seated elsewhere in one step, and step by step: see [`super::seat`].
#[test]
fn on_two_shards_there_are_pairs_of_every_kind() {
    let keys = crate::coord::keys::Keys::new("t", 2);
    let queue = keys.shard_of_queue(Queue::Text);
    let on: Vec<_> = (0..PEOPLE).map(|who| keys.shard_of_user(&name(who))).collect();

    let here = on.iter().filter(|shard| **shard == queue).count();

    assert_eq!(
        (here, on.len() - here),
        (2, 2),
        "two where the queue is and two elsewhere"
    );
}
