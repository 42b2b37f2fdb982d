//! Palaver: the server side of talking to strangers, on identical stateless nodes over Redis.
//!
//! # Map
//!
//! Imports point downwards only (`tests/tidy.rs` holds it):
//!
//! ```text
//! main -> ops -> { wire, http } -> actions -> { coord, store, mail, sms, google, files, geo } -> domain -> ids
//!         leaves that all may use: config, clock, error, metrics
//! ```
//!
//! | module | what lives there |
//! |---|---|
//! | [`domain`] | rules without I/O: what may be said, who is paired, what participants are told |
//! | [`coord`] | what nodes agree on, in Redis; one directory per concept with its scripts and tests |
//! | [`store`] | what outlives a chat, in Postgres |
//! | [`mail`], [`sms`] | letters to people outside: how they are worded, who takes them |
//! | [`google`] | who somebody is, as Google says it |
//! | [`files`] | pictures of people: made square, kept in a folder or in S3 |
//! | [`geo`] | where on earth an address is |
//! | [`actions`] | use cases, one verb group per file; `due` is what each timer does |
//! | [`wire`] | sockets: Engine.IO and Socket.IO, the hub of this node's sockets, the dialects |
//! | [`http`] | health, status, metrics, API description, the page |
//! | [`ops`] | starting and stopping a node, the list of its loops |
//!
//! # Words
//!
//! One word, one thing, in code, logs, metrics and docs.
//!
//! | word | meaning |
//! |---|---|
//! | node | one `palaver node` process; after being given up for dead it goes on under a new id |
//! | lease | "alive until": a node, the keeper of a shard, a claimed timer, a claimed offer |
//! | shard | one hash tag of Redis; everything a script touches shares it |
//! | act | one script with its keys and arguments; a call carries many (`coord::script`) |
//! | inbox, notice | the stream that is the only way anything reaches a node; one thing in it |
//! | topic | the stream every node follows (counts), at most one entry a second |
//! | keeper | the node that fires a shard's timers, pairs its seekers, takes over from the dead |
//! | room, seat | a conversation; a participant's place in it: present (with sockets) or held (until) |
//! | room log, offset | the room's lines; an entry's id is the room's order and the place to resume from |
//! | seeker, queue, offer | somebody who waits; where; a pair proposed and not yet seated |
//! | letter, post | a mail or short message; where it waits until it was taken |
//! | journal, fact | the stream on the way to Postgres; what must be remembered |
//! | timer | a wait, as a member of a shard's sorted set |
//! | epoch | changes when Redis lost its data |
//! | command, event | what a client may ask for; what a participant may be told |
//! | refusal, fault | a rule saying no, with a stable code; the world failing |
//! | passport | what another node needs to go on with a socket |
//!
//! # A line, from socket to socket
//!
//! 1. `wire::talk` reads a frame; `wire::namespaces` makes an event of it.
//! 2. `wire::omegoo::decode` makes it a command, `wire::omegoo::perform` hands it to
//! 3. `actions::say`, which cleans and measures the text (`domain::chat`) and runs
//! 4. `coord/rooms/say.lua` through the lane: membership, limit, log and one notice per node, in one call.
//! 5. On each node that holds a seat `coord::inbox` reads the notice, `ops::loops::inbox` gives it to
//! 6. `wire::hub`, which encodes it once (`wire::omegoo::encode`) and writes it to each socket (`wire::outbox`).
//!
//! # Two strangers, from seeking to sitting
//!
//! 1. `actions::seek`: the user's own state says *seeking* with a ticket (`users/enter.lua`), then the queue has the
//!    seeker (`queue/join.lua`). Should the node die between the two, the seeker's timer joins again. Where user and
//!    queue are on one shard, `users/seek.lua` does both.
//! 2. The keeper pairs (`actions::keep`, rules in `domain::pairing`) and takes the pairs out of the queue
//!    (`queue/propose.lua`, many at once). People who live on the queue's shard are seated there and then, which is all
//!    when there is one shard; of the others an offer is made.
//! 3. Any node takes the offer (`ops::loops::offers`) and seats the pair (`actions::seat`): the room is opened, both
//!    are claimed, the room is announced; in one step (`rooms/seat.lua`) when both live on one shard. If one is gone the
//!    other returns to the front; if the node dies, another takes the offer and repeats what was done.
//! 4. Whichever script seats them tells both (`rooms.announce` in `rooms/opening.lua`).

pub mod actions;
pub mod clock;
pub mod config;
pub mod coord;
pub mod domain;
pub mod error;
pub mod files;
pub mod geo;
pub mod google;
pub mod http;
pub mod ids;
pub mod mail;
pub mod metrics;
pub mod ops;
pub mod sms;
pub mod store;
pub mod wire;
