//! Scenarios against real nodes, a real Redis, a real Postgres and a real balancer, one module per subject.
//!
//! One test binary, so that the library is linked once. What scenarios share stands in `harness`; it is tested in
//! `harness_holds`.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod accounts;
mod accounts_limits;
mod accounts_proofs;
mod accounts_sockets;
mod accounts_v1;
mod asvs;
mod bad_input;
mod bad_requests;
mod browser;
mod browser_account;
mod client_and_server;
mod clocks;
mod coming_back;
mod crowded;
mod described;
mod doctor;
mod drain;
mod failover;
mod faults;
mod frozen;
mod guest;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "a library of its own: not every scenario needs every word"
)]
mod harness;
mod harness_holds;
mod hostile;
mod identity;
mod interleavings;
mod kill;
mod lines;
mod loadtest;
mod master_away;
mod node_dies;
mod origins;
mod pairing;
mod postgres_away;
mod presence;
mod recovery;
mod redis_away;
mod redis_guarded;
mod reports;
mod rooms_end;
mod scale_out;
mod slots_move;
mod status;
mod storm;
mod strangers;
mod transports;
mod typing;
mod user;
mod users_v1;
