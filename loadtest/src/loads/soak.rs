//! Talk for long, while people leave for other partners and connections drop and come back: does memory grow?

use crate::churn::Churn;
use crate::crowd::Manners;
use crate::options::Options;
use crate::report::Report;
use crate::run::Run;
use crate::talk::Matter;
use clap::Args;

#[derive(Args, Clone, Debug)]
pub(crate) struct Soak {
    #[command(flatten)]
    pub(crate) options: Options,
    /// People who leave their room for another partner, per second.
    #[arg(long, default_value_t = 1.0)]
    leave: f64,
    /// Connections that are reset, per second.
    #[arg(long, default_value_t = 1.0)]
    drop: f64,
}

pub(crate) fn run(soak: &Soak) -> Result<Report, String> {
    let manners = Manners {
        come_back: true,
        seek_again: true,
        ..Manners::default()
    };
    let mut run = Run::begin("soak", &soak.options, manners)?;
    run.connect()?;
    run.pair_all()?;
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
