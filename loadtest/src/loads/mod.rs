//! The loads, one file each: what is done to the servers, in which order.

pub(crate) mod chat;
pub(crate) mod pair;
