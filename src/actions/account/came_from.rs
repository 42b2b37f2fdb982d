//! Where somebody who signs up came from, as far as it is known here. No sign-up waits or fails for it.

use crate::actions::Actions;
use crate::domain::account::Origin;
use crate::domain::account::origin::{self, Said};
use std::net::IpAddr;

/// What a request says of where its sender came from.
#[derive(Debug, Clone, Copy)]
pub struct Clues<'a> {
    /// What the client says itself.
    pub said: &'a Said,
    /// The page that calls (`Referer`).
    pub page: Option<&'a str>,
    /// The host that it calls (`Host`).
    pub host: Option<&'a str>,
    /// From where. It is looked up, and goes no further.
    pub ip: IpAddr,
}

impl Actions {
    /// Where the sender of a request came from.
    pub fn came_from(&self, clues: &Clues<'_>) -> Origin {
        let place = self.outside.geo.place(clues.ip);
        let pages = self.settings.origins.iter().chain([&self.settings.accounts.web_url]);
        let mut own = origin::hosts(pages.map(String::as_str));
        own.extend(clues.host.and_then(origin::host));
        Origin::read(clues.said, clues.page, &own, place)
    }
}
