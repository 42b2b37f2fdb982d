//! Plots as SVG: lines over a scale, drawn by hand because a report must be one file that needs nothing.

use std::fmt::Write;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 36.0;
/// Told apart by everybody, on white and on black.
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// One curve.
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

pub(crate) struct Plot {
    pub(crate) title: &'static str,
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    /// What stands at each place of the x axis, if the numbers do not.
    pub(crate) ticks: Vec<(f64, String)>,
    pub(crate) curves: Vec<Curve>,
}

impl Plot {
    pub(crate) fn figure(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.draw(&mut out);
        out
    }

    fn draw(&self, out: &mut String) -> std::fmt::Result {
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        let (mut low, mut high, mut top) = (f64::INFINITY, f64::NEG_INFINITY, 0.0_f64);
        for (x, y) in points() {
            (low, high, top) = (low.min(*x), high.max(*x), top.max(*y));
        }
        write!(
            out,
            "<figure><figcaption>{} <small>{}</small></figcaption>",
            self.title, self.y
        )?;
        if low >= high {
            return write!(out, "<p>Too little was measured.</p></figure>");
        }
        let step = round_step(top);
        let top = (top / step).ceil().max(1.0) * step;
        let at = |(x, y): (f64, f64)| {
            let (x, y) = ((x - low) / (high - low), y / top);
            (
                LEFT + x * (WIDTH - LEFT - RIGHT),
                TOP + (1.0 - y) * (HEIGHT - TOP - BOTTOM),
            )
        };
        write!(
            out,
            r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#,
            self.title
        )?;
        for line in 0..=(top / step).round() as u32 {
            let value = f64::from(line) * step;
            let (x, y) = at((low, value));
            write!(
                out,
                r#"<line class="grid" x1="{x:.1}" y1="{y:.1}" x2="{:.1}" y2="{y:.1}"/>"#,
                WIDTH - RIGHT
            )?;
            write!(
                out,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
                x - 6.0,
                y + 4.0,
                short(value)
            )?;
        }
        for (place, text) in self.ticks_between(low, high) {
            let (x, y) = at((place, 0.0));
            write!(
                out,
                r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{text}</text>"#,
                y + 15.0
            )?;
        }
        write!(
            out,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            WIDTH - RIGHT,
            HEIGHT - 4.0,
            self.x
        )?;
        for (curve, colour) in self.curves.iter().zip(COLOURS.iter().cycle()) {
            let places = curve.points.iter().map(|point| at(*point));
            let places: Vec<_> = places.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            write!(out, r#"<polyline stroke="{colour}" points="{}"/>"#, places.join(" "))?;
            for point in &curve.points {
                let (x, y) = at(*point);
                write!(out, r#"<circle cx="{x:.1}" cy="{y:.1}" r="4"><title>"#)?;
                let name = escape(&curve.name);
                write!(out, "{name}: {} {}</title></circle>", short(point.1), self.y)?;
            }
        }
        out.push_str("</svg><p class=\"legend\">");
        for (curve, colour) in self.curves.iter().zip(COLOURS.iter().cycle()) {
            write!(
                out,
                r#"<span><i style="background:{colour}"></i>{}</span>"#,
                escape(&curve.name)
            )?;
        }
        write!(out, "</p></figure>")
    }

    fn ticks_between(&self, low: f64, high: f64) -> Vec<(f64, String)> {
        if !self.ticks.is_empty() {
            return self.ticks.clone();
        }
        let step = round_step(high - low);
        let first = (low / step).ceil() as i64;
        let last = (high / step).floor() as i64;
        (first..=last)
            .map(|tick| (tick as f64 * step, short(tick as f64 * step)))
            .collect()
    }
}

/// A round number that goes into `range` about five times.
fn round_step(range: f64) -> f64 {
    let rough = (range / 5.0).max(1e-6);
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= rough);
    factor.unwrap_or(10.0) * power
}

/// A number in few digits.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 1.0 => 1,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Text that may stand in a page.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<(f64, f64)>) -> String {
        let curves = vec![Curve {
            name: "a<b".to_owned(),
            points,
        }];
        Plot {
            title: "T",
            x: "s",
            y: "ms",
            ticks: Vec::new(),
            curves,
        }
        .figure()
    }

    #[test]
    fn a_curve_is_drawn_within_the_frame() {
        let figure = plot(vec![(0.0, 0.0), (10.0, 5.0)]);

        assert!(figure.contains(r#"points="56.0,204.0 548.0,12.0""#), "{figure}");
        assert_eq!(figure.matches("a&lt;b").count(), 3, "the legend and both points");
        assert!(!figure.contains("a<b"), "{figure}");
    }

    #[test]
    fn nothing_measured_is_said() {
        for points in [vec![], vec![(1.0, 1.0)]] {
            assert!(plot(points).contains("Too little"));
        }
        assert!(
            plot(vec![(0.0, 0.0), (1.0, 0.0)]).contains("polyline"),
            "nothing but zeros is something"
        );
    }

    #[test]
    fn numbers_are_short_and_steps_are_round() {
        for (value, text) in [(0.0, "0"), (0.25, "0.25"), (1.5, "1.5"), (20.0, "20"), (1234.5, "1234")] {
            assert_eq!(short(value), text);
        }
        for (range, step) in [(1.0, 0.2), (9.0, 2.0), (30.0, 10.0), (240.0, 50.0)] {
            assert!((round_step(range) - step).abs() < 1e-9, "{range}");
        }
    }
}
