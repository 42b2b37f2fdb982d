//! The results as a page: one file, no scripts, nothing fetched from anywhere.

use super::Report;
use super::plot::{Curve, Plot, escape};
use crate::measure::series::Second;
use std::collections::BTreeMap;

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:15px/1.45 system-ui,sans-serif;max-width:1180px;margin:2em auto;padding:0 1em}\
h1{font-size:1.4em;margin:0}pre{overflow-x:auto;font-size:13px;line-height:1.5}\
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr));gap:1em 2em}\
figure{margin:0}figcaption{font-weight:600}small{font-weight:400;opacity:.75;margin-left:.4em}svg{width:100%}svg text{font-size:11px;fill:currentColor;opacity:.75}\
.grid{stroke:currentColor;opacity:.15}polyline{fill:none;stroke-width:1.8;stroke-linejoin:round}\
circle{fill:transparent}.legend{margin:.1em 0;font-size:13px}.legend span{margin-right:1.2em}\
.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.35em;border-radius:2px}\
.verdict{font-weight:600}.broken{color:#d33}";

impl Report {
    pub(crate) fn page(&self) -> String {
        let (class, verdict) = match self.held {
            true => ("verdict", "All that must hold held."),
            false => ("verdict broken", "Not all that must hold held: see below."),
        };
        let plots: String = self.plots().iter().map(Plot::figure).collect();
        let title = format!("{}: {} connections, {}", self.load, self.connections, self.started);
        format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style>\
             <h1>{title}</h1><p class=\"{class}\">{verdict}</p><pre>{}</pre><main>{plots}</main></html>\n",
            escape(&self.summary())
        )
    }

    fn plots(&self) -> Vec<Plot> {
        let curve = |name: &str, value: fn(&Second) -> Option<f64>| Curve {
            name: name.to_owned(),
            points: self
                .series
                .iter()
                .filter_map(|second| Some((second.t, value(second)?)))
                .collect(),
        };
        let over_time = |title, y, curves| Plot {
            title,
            x: "seconds",
            y,
            ticks: Vec::new(),
            curves,
        };
        let mut plots = Vec::new();
        if self.counts.lines.sent > 0 {
            plots.push(self.distribution());
            let lines = vec![
                curve("sent", |second| Some(second.sent as f64)),
                curve("delivered", |second| Some(second.delivered as f64)),
            ];
            plots.push(over_time("Throughput", "lines per second", lines));
            let p99 = vec![curve("99 of 100 are faster", |second| second.p99_ms)];
            plots.push(over_time("Delivery in each second", "ms", p99));
        }
        plots.push(over_time(
            "Connections",
            "open",
            vec![curve("open", |second| Some(second.open as f64))],
        ));
        let cpu = self.of_processes(|second| &second.cpu, |cores| *cores);
        plots.push(over_time("CPU", "cores", cpu));
        let memory = self.of_processes(|second| &second.rss_kib, |kib| *kib as f64 / 1024.0);
        plots.push(over_time("Memory", "MiB resident", memory));
        plots
    }

    /// One in N deliveries takes longer; N doubles with each step to the right.
    fn distribution(&self) -> Plot {
        let names = [
            (2, "50 %"),
            (10, "90 %"),
            (100, "99 %"),
            (1000, "99.9 %"),
            (10_000, "99.99 %"),
            (100_000, "99.999 %"),
        ];
        let most = self.curve.last().map_or(0.0, |(n, _)| *n);
        let ticks = names.iter().map(|(n, name)| (f64::from(*n), *name));
        Plot {
            title: "Delivery: so many are faster",
            x: "share",
            y: "ms",
            ticks: ticks
                .filter(|(n, _)| *n <= most)
                .map(|(n, name)| (n.log2(), name.to_owned()))
                .collect(),
            curves: vec![Curve {
                name: "delivery".to_owned(),
                points: self.curve.iter().map(|(n, ms)| (n.log2(), *ms)).collect(),
            }],
        }
    }

    fn of_processes<T>(&self, all: impl Fn(&Second) -> &BTreeMap<String, T>, value: impl Fn(&T) -> f64) -> Vec<Curve> {
        let of = |name: &String| Curve {
            name: name.clone(),
            points: self
                .series
                .iter()
                .filter_map(|second| Some((second.t, value(all(second).get(name)?))))
                .collect(),
        };
        self.processes.iter().map(|process| of(&process.name)).collect()
    }
}
