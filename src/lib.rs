//! Palaver: the server side of talking to strangers.

pub mod clock;
pub mod error;
pub mod ids;
pub mod wire;
