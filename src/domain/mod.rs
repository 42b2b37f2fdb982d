//! Rules without I/O: what may be said, who may be paired, what participants are told. Time comes in as an argument.

pub mod account;
pub mod chat;
pub mod command;
pub mod event;
pub mod fact;
pub mod json;
pub mod letter;
pub mod limits;
pub mod page;
pub mod pairing;
pub mod picture;
pub mod presence;
pub mod queue;
pub mod recovery;
pub mod refusal;
pub mod room;
pub mod safety;
