//! The results as one screen of text.

use super::Report;
use std::fmt::Write;

impl Report {
    pub(crate) fn summary(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_summary(&mut out);
        out
    }

    fn write_summary(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "{}: {} connections to {} target(s), {:.1} s measured, {}",
            self.load, self.connections, self.targets, self.seconds, self.started
        )?;
        self.write_lines(out)?;
        if let Some(all) = self.pairing_ms.all {
            write!(out, "  pairing    all after {all:.1} ms")?;
            if let Some(each) = &self.pairing_ms.each {
                write!(
                    out,
                    "  p50 {:.1}  p90 {:.1}  p99 {:.1} ms",
                    each.p50, each.p90, each.p99
                )?;
            }
            writeln!(out)?;
        }
        if let Some(storm) = &self.storm {
            let ms = |ms: Option<f64>| ms.map_or("never".to_owned(), |ms| format!("{ms:.0} ms"));
            writeln!(
                out,
                "  back       {} of {}: 50 % after {}, 99 % after {}, all after {}",
                storm.back,
                storm.cut,
                ms(storm.back50_ms),
                ms(storm.back99_ms),
                ms(storm.back100_ms)
            )?;
            writeln!(
                out,
                "             {} recovered, {} asked for their seats, {} had none any more",
                storm.recovered, storm.reseated, storm.unseated
            )?;
        }
        for p in &self.processes {
            writeln!(
                out,
                "  {:<10} {:.2} CPU s  memory {:.1} MiB before, {:.1} after, {:.1} at most{}",
                p.name,
                p.cpu_seconds,
                p.rss_kib_before as f64 / 1024.0,
                p.rss_kib_after as f64 / 1024.0,
                p.rss_kib_max as f64 / 1024.0,
                if p.died { "; it DIED" } else { "" }
            )?;
        }
        if let Some(memory) = self.kib_per_connection {
            let cpu = self.cpu_seconds_per_100k;
            let cpu = cpu.map_or(String::new(), |cpu| format!(", {cpu:.2} CPU s per 100,000 lines"));
            writeln!(out, "  servers    {memory:.2} KiB per connection{cpu}")?;
        }
        if let Some(growth) = self.growth_percent {
            writeln!(
                out,
                "             memory grew by {growth:.1} % from the second quarter of the time to the last"
            )?;
        }
        let late = self.client.late_p99_ms;
        let late = late.map_or(String::new(), |late| format!("lines sent late by p99 {late:.2} ms, "));
        writeln!(
            out,
            "  this tool  {:.2} CPU s, {late}{:.2} CPU s stolen by the host",
            self.client.cpu_seconds, self.client.stolen_seconds
        )?;
        for (what, count) in &self.complaints {
            writeln!(out, "  said       {count} x {what}")?;
        }
        for bound in &self.bounds {
            let (word, value) = (if bound.held { "held" } else { "BROKEN" }, bound.value);
            let value = value.map_or("not measured".to_owned(), |value| format!("{value:.3}"));
            writeln!(out, "  bound      {} {word}: {value}", bound.bound)?;
        }
        for wrong in &self.wrong {
            writeln!(out, "  WRONG      {wrong}")?;
        }
        Ok(())
    }

    fn write_lines(&self, out: &mut String) -> std::fmt::Result {
        let (c, lines) = (&self.counts, &self.counts.lines);
        if lines.sent + c.skipped + c.absent == 0 {
            return Ok(());
        }
        writeln!(
            out,
            "  lines      sent {} ({:.0}/s of {:.0}/s)  delivered {}  acknowledged {}",
            lines.sent, self.rate.sent, self.rate.wanted, lines.delivered, lines.acknowledged
        )?;
        writeln!(
            out,
            "             lost {}  duplicated {}  out of order {}  refused {}  in {} rooms",
            lines.lost, lines.duplicated, lines.out_of_order, lines.refused, c.rooms
        )?;
        writeln!(
            out,
            "             unanswered {}  unacknowledged {}  unheard {}  skipped {}  absent {}",
            lines.unanswered, lines.unacknowledged, lines.unheard, c.skipped, c.absent
        )?;
        for (name, p) in [("delivery", &self.delivery_ms), ("answer", &self.ack_ms)] {
            if let Some(p) = p {
                writeln!(
                    out,
                    "  {name:<10} p50 {:.2}  p90 {:.2}  p95 {:.2}  p99 {:.2}  p99.9 {:.2}  max {:.2} ms",
                    p.p50, p.p90, p.p95, p.p99, p.p999, p.max
                )?;
            }
        }
        Ok(())
    }
}
