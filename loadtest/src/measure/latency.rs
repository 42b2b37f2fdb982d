//! How long things took: histograms in microseconds, and the percentiles that are told.

use crate::clock::Nanos;
use hdrhistogram::Histogram;
use serde::Serialize;

/// Times from a microsecond to ten minutes, to three digits.
pub(crate) struct Latency(Histogram<u64>);

/// Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
    pub(crate) mean: f64,
}

impl Percentiles {
    pub(crate) fn named(&self, name: &str) -> Option<f64> {
        Some(match name {
            "p50" => self.p50,
            "p90" => self.p90,
            "p95" => self.p95,
            "p99" => self.p99,
            "p999" => self.p999,
            "max" => self.max,
            "mean" => self.mean,
            _ => return None,
        })
    }
}

impl Latency {
    pub(crate) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, 600_000_000, 3);
        Self(histogram.expect("the bounds are in order and three digits are allowed"))
    }

    pub(crate) fn record(&mut self, took: Nanos) {
        self.0.saturating_record((took / 1000).max(1));
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    pub(crate) fn clear(&mut self) {
        self.0.reset();
    }

    /// In milliseconds; 0 when nothing was recorded.
    pub(crate) fn at(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// `None` when nothing was recorded.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        (self.count() > 0).then(|| Percentiles {
            p50: self.at(0.5),
            p90: self.at(0.9),
            p95: self.at(0.95),
            p99: self.at(0.99),
            p999: self.at(0.999),
            max: self.0.max() as f64 / 1000.0,
            mean: self.0.mean() / 1000.0,
        })
    }

    /// The curve of milliseconds over "one in N is slower": N doubles from 1 until there are not enough.
    pub(crate) fn curve(&self) -> Vec<(f64, f64)> {
        let ns = (0..=20).map(|power| f64::from(1_u32 << power));
        let enough = ns.take_while(|n| *n <= self.count() as f64);
        enough.map(|n| (n, self.at(1.0 - 1.0 / n))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_recorded() {
        let mut latency = Latency::new();
        assert_eq!(latency.percentiles(), None, "no zeros for what was not measured");
        for ms in 1..=100 {
            latency.record(ms * 1_000_000);
        }

        let told = latency.percentiles().unwrap();

        for (value, expected) in [(told.p50, 50.0), (told.p99, 99.0), (told.max, 100.0), (told.mean, 50.5)] {
            assert!((value - expected).abs() < 0.1, "{value} is not {expected}");
        }
        assert_eq!(latency.curve().len(), 7, "up to one in 64");
    }
}
