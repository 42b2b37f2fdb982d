//! Use cases, one verb group per file: what may be asked, by whom, and what happens then.

pub mod status;
