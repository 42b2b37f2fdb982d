//! The course of every load: connect, pair, warm up, measure, wait for what is under way, say goodbye. Loads are written
//! with these steps (`loads`).

use crate::client::{Client, Manner};
use crate::clock::{Clock, Nanos, SECOND, date, nanos, seconds};
use crate::crowd::{Crowd, Manners, Window};
use crate::files;
use crate::measure::series::Series;
use crate::options::Options;
use crate::progress::Progress;
use crate::talk::Talk;
use rand::Rng;

/// How often progress is shown.
const SHOW_EVERY: Nanos = SECOND / 5;
/// Attempts in a row that may fail while everybody connects for the first time.
const ATTEMPTS: u32 = 4;
/// Longest wait without any progress before a step is given up.
const STUCK: Nanos = 20 * SECOND;
/// Longest wait for lines that are under way at the end.
const DRAIN: Nanos = 5 * SECOND;

pub(crate) struct Run {
    pub(crate) options: Options,
    pub(crate) client: Client,
    pub(crate) crowd: Crowd,
    pub(crate) series: Series,
    pub(crate) progress: Progress,
    pub(crate) started: String,
    /// When everybody began to seek, and when the last was told of a partner.
    pub(crate) paired_in: Option<Nanos>,
    pub(crate) own_cpu_seconds: f64,
    pub(crate) stolen_seconds: f64,
    shown: Nanos,
}

impl Run {
    pub(crate) fn begin(load: &str, options: &Options, manners: Manners) -> Result<Self, String> {
        let run = rand::rng().random::<u64>();
        let targets = options.targets()?;
        files::allow(options.connections, if options.polling { 2 } else { 1 })?;
        let manner = Manner {
            sources: options.sources(&targets, run),
            targets,
            echo: options.echo,
            run,
        };
        let manners = Manners {
            run: run as u32,
            padding: options.text.saturating_sub(40),
            at_once: options.at_once,
            ..manners
        };
        Ok(Self {
            client: Client::new(Clock::start(), manner, options.connections)?,
            crowd: Crowd::new(options.connections, manners),
            series: Series::before(&options.pids)?,
            progress: Progress::new(load, !options.no_progress),
            started: date(),
            paired_in: None,
            own_cpu_seconds: 0.0,
            stolen_seconds: 0.0,
            options: options.clone(),
            shown: 0,
        })
    }

    pub(crate) fn now(&self) -> Nanos {
        self.client.clock.now()
    }

    /// One wait, at most until `until`, and what came of it.
    pub(crate) fn turn(&mut self, until: Nanos) -> Result<(), String> {
        let next = self.crowd.arrive(&mut self.client);
        let crowd = &mut self.crowd;
        let tell = &mut |client: &mut Client, who, happening: crate::client::Happening<'_>| {
            crowd.happened(client, who, happening)
        };
        self.client.turn(until.min(next), tell)
    }

    /// Whether it is time to show progress.
    pub(crate) fn shows(&mut self) -> bool {
        let now = self.now();
        let due = now >= self.shown + SHOW_EVERY;
        if due {
            self.shown = now;
        }
        due
    }

    /// Lets things happen until `count` says that all are there; gives up when it has not grown for long.
    pub(crate) fn gather(&mut self, what: &str, count: impl Fn(&Crowd) -> usize) -> Result<usize, String> {
        let all = self.crowd.len();
        let (mut best, mut grown) = (0, self.now());
        loop {
            let there = count(&self.crowd);
            let now = self.now();
            if there > best {
                (best, grown) = (there, now);
            }
            if there == all || now > grown + STUCK {
                return Ok(there);
            }
            if self.shows() {
                self.progress.show(there as u64, all as u64, what);
            }
            self.turn(now + SHOW_EVERY)?;
            if self.crowd.most_attempts() > ATTEMPTS {
                return Ok(count(&self.crowd));
            }
        }
    }

    pub(crate) fn connect(&mut self) -> Result<(), String> {
        let open = self.gather("connected", Crowd::open)?;
        match open == self.crowd.len() {
            true => Ok(()),
            false => Err(format!(
                "only {open} of {} connections came about: {}",
                self.crowd.len(),
                self.complaints()
            )),
        }
    }

    pub(crate) fn complaints(&self) -> String {
        let all = self.crowd.record.complaints.iter();
        let all: Vec<_> = all.map(|(what, count)| format!("{what} ({count}x)")).collect();
        match all.is_empty() {
            true => "no reason was given".to_owned(),
            false => all.join("; "),
        }
    }

    /// Everybody seeks at once; until all have a partner. How many have.
    pub(crate) fn pair(&mut self) -> Result<usize, String> {
        let began = self.now();
        for who in 0..self.crowd.len() {
            self.crowd.seek(&mut self.client, who, began);
        }
        let seated = self.gather("have a partner", Crowd::seated)?;
        if seated == self.crowd.len() {
            self.paired_in = Some(self.now() - began);
        }
        Ok(seated)
    }

    /// Pairs, and gives up if somebody is left over.
    pub(crate) fn pair_all(&mut self) -> Result<(), String> {
        let seated = self.pair()?;
        match seated == self.crowd.len() {
            true => Ok(()),
            false => Err(format!(
                "only {seated} of {} have a partner: {}",
                self.crowd.len(),
                self.complaints()
            )),
        }
    }

    /// Everybody who has a partner talks, for a while to warm up and then to be measured.
    pub(crate) fn talk(&mut self) -> Result<Talk, String> {
        let speakers = self.crowd.pairs();
        let rate = self.options.rate_for(speakers.len());
        if rate < self.options.rate {
            self.progress.say(&format!(
                "{} lines per second cannot be sent by {} people within the server's limit; sending {rate:.0}. \
                 {} connections could, or --limit if the server allows more.",
                self.options.rate,
                speakers.len(),
                self.options.limit.speakers_for(self.options.rate),
            ));
        }
        let begin = self.now() + SECOND / 10;
        let mut talk = Talk::plan(speakers, rate, begin);
        let window = Window {
            begin: begin + nanos(self.options.warmup),
            end: begin + nanos(self.options.warmup) + nanos(self.options.duration),
        };
        self.crowd.window = window;
        self.go_on_until(&mut talk, window.begin, "warming up")?;
        self.series.begin(self.now());
        self.go_on_until(&mut talk, window.end, "measured")?;
        self.stop_the_clock();
        Ok(talk)
    }

    /// What is used from here on does not count.
    pub(crate) fn stop_the_clock(&mut self) {
        self.look();
        self.own_cpu_seconds = self.series.own_cpu_seconds();
        self.stolen_seconds = self.series.stolen_seconds();
    }

    fn look(&mut self) {
        let done = self.crowd.record.take_second(self.crowd.open() as u64);
        let now = self.now();
        self.series.look(now, &done);
    }

    fn go_on_until(&mut self, talk: &mut Talk, end: Nanos, what: &str) -> Result<(), String> {
        let began = self.now();
        loop {
            let now = self.now();
            if now >= end {
                return Ok(());
            }
            let mut next = talk
                .go_on(&mut self.client, &mut self.crowd)
                .min(end)
                .min(now + SHOW_EVERY);
            if self.crowd.window.begin <= now {
                if self.series.due() <= now {
                    self.look();
                }
                next = next.min(self.series.due());
            }
            if self.shows() {
                let (done, of) = (seconds(now - began), seconds(end - began));
                let p99 = self.crowd.record.delivery.at(0.99);
                self.progress
                    .show(done as u64, of.ceil() as u64, format!("s {what}, p99 {p99:.2} ms"));
            }
            self.turn(next)?;
        }
    }

    /// Waits for lines that are under way.
    pub(crate) fn drain(&mut self) -> Result<(), String> {
        let end = self.now() + DRAIN;
        loop {
            let (now, tally) = (self.now(), self.crowd.rooms.tally());
            if now >= end || tally.lost == 0 && tally.acknowledged + tally.refused >= tally.sent {
                return Ok(());
            }
            let pause = now + SECOND / 5;
            while self.now() < pause {
                self.turn(pause)?;
            }
        }
    }

    /// Everybody leaves and hangs up.
    pub(crate) fn part(&mut self) -> Result<(), String> {
        self.crowd.manners.come_back = false;
        self.crowd.manners.seek_again = false;
        for who in 0..self.crowd.len() {
            if self.client.is_open(who) {
                self.client.emit(who, None, "leave_text_room", format_args!(",{{}}"));
            }
        }
        let end = self.now() + SECOND / 2;
        while self.now() < end && self.crowd.seated() > 0 {
            self.turn(end)?;
        }
        for who in 0..self.crowd.len() {
            self.client.close(who);
        }
        self.progress.clear();
        Ok(())
    }
}
