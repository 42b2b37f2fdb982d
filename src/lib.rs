//! Palaver: the server side of talking to strangers.

pub mod actions;
pub mod clock;
pub mod config;
pub mod coord;
pub mod domain;
pub mod error;
pub mod http;
pub mod ids;

pub mod metrics;
pub mod ops;
pub mod store;
pub mod wire;
