//! Talk for long, while people leave for other partners and connections drop and come back: does memory grow?

use crate::churn::Churn;
use crate::crowd::Manners;
use crate::options::{Options, number};
use crate::report::Report;
use crate::run::Run;
use crate::talk::Matter;
use clap::Args;

#[derive(Args, Clone, Debug)]
pub(crate) struct Soak {
    #[command(flatten)]
    pub(crate) options: Options,
    /// People who leave their room for another partner, per second.
    #[arg(long, default_value_t = 1.0, value_parser = pace)]
    leave: f64,
    /// Connections that are reset, per second.
    #[arg(long, default_value_t = 1.0, value_parser = pace)]
    drop: f64,
}

/// How often a second something is done to somebody.
fn pace(text: &str) -> Result<f64, String> {
    number(text, 0.0..=10_000.0)
}

pub(crate) fn run(soak: &Soak) -> Result<Report, String> {
    let mut run = Run::begin("soak", &soak.options, Manners::default())?;
    run.connect()?;
    run.pair_all()?;
    run.crowd.manners.seek_again = true;
    let mut talk = run.plan(Matter::Lines);
    run.warm_up(&mut talk)?;
    run.churn = Some(Churn::new(soak.leave, soak.drop, run.now()));
    run.measure(&mut talk)?;
    run.churn = None;
    run.drain()?;
    let report = Report::of("soak", &run, &talk);
    run.part()?;
    Ok(report)
}
