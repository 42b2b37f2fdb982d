//! Where on earth an address is, by a file in MaxMind's format. The only place that names `maxminddb`. The address itself
//! goes no further.

use crate::config;
use crate::domain::account::origin::{Place, word};
use crate::error::Fault;
use crate::metrics;
use maxminddb::{MaxMindDbError, Reader, geoip2};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// The table, if there is one. Cloning shares it.
#[derive(Clone)]
pub struct Geo(Option<Arc<Reader<Vec<u8>>>>);

impl fmt::Debug for Geo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Geo({})", if self.0.is_some() { "a table" } else { "none" })
    }
}

impl Geo {
    /// The table of the settings. One that cannot be read is found when the node starts, not when people come.
    pub fn open(settings: &config::Geo) -> Result<Self, Fault> {
        let Some(path) = &settings.database else {
            return Ok(Self(None));
        };
        let table = Reader::open_readfile(path);
        let table = table.map_err(|error| Fault::new("read geo.database", format!("{path}: {error}")))?;
        Ok(Self(Some(Arc::new(table))))
    }

    /// Where an address is, as far as it is known. Nobody is kept waiting or turned away for what is wrong with the table.
    pub fn place(&self, ip: IpAddr) -> Place {
        let found = self.0.as_ref().map(|table| find(table, ip));
        match found {
            None => Place::default(),
            Some(Ok(place)) => place,
            // A table of IPv4 alone, and an address that it cannot have.
            Some(Err(MaxMindDbError::InvalidInput { .. })) => Place::default(),
            Some(Err(_)) => {
                metrics::FAULTS.one("look up a place");
                // Not the error: it may name the address in a later release.
                tracing::warn!("geo.database has an entry that cannot be read");
                Place::default()
            }
        }
    }
}

fn find(table: &Reader<Vec<u8>>, ip: IpAddr) -> Result<Place, MaxMindDbError> {
    let Some(city) = table.lookup(ip)?.decode::<geoip2::City<'_>>()? else {
        return Ok(Place::default());
    };
    let region = city.subdivisions.first();
    let (latitude, longitude) = (city.location.latitude, city.location.longitude);
    Ok(Place {
        country: word(city.country.iso_code),
        country_name: word(city.country.names.english),
        region: region.and_then(|region| word(region.iso_code)),
        region_name: region.and_then(|region| word(region.names.english)),
        city: word(city.city.names.english),
        at: latitude
            .zip(longitude)
            .and_then(|(latitude, longitude)| Place::rounded(latitude, longitude)),
        accuracy: city.location.accuracy_radius,
    })
}

#[cfg(test)]
mod tests;
