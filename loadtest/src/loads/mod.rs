//! The loads, one file each: what is done to the servers, in which order.

pub(crate) mod chat;
pub(crate) mod idle;
pub(crate) mod pair;
pub(crate) mod soak;
pub(crate) mod storm;
pub(crate) mod typing;
