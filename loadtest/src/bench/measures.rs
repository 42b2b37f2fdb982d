//! What is measured, one group at a time: each runs both systems one after the other and leaves samples.

use super::loads::{self, Load, Measured};
use super::machine::{self, Disturbance};
use super::search;
use super::stack::{Pairing, Stack, System};
use super::{Bench, accounts, floor};
use serde::Serialize;

/// Strangers who join at once.
const STRANGERS: u32 = 2000;
/// Connections that do nothing.
const IDLE: u32 = 10_000;
/// Connections at the fixed rates.
const TALKERS: u32 = 1000;

/// Lines a second while a node is killed.
const STORM_RATE: f64 = 1000.0;
/// Longest wait for people to come back.
const BACK_WITHIN: u32 = 40;

/// One number's meaning.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// Highest rate with p99 of delivery below 100 ms, lines a second.
    HighestRate,
    /// CPU of nodes and Redis per line, microseconds.
    Cost { nodes: usize, rate: u32 },
    /// p99 of delivery, milliseconds.
    P99 { nodes: usize, rate: u32 },
    /// Until all strangers who joined at once have a partner, milliseconds.
    Pairing,
    /// Resident memory per idle connection, KiB.
    Memory,
    /// CPU of Redis per line at the highest rate, microseconds.
    RedisCost,
    /// CPU of Redis per line when only the script runs, microseconds.
    RedisFloor,
    /// Until 99 of 100 are back after their node was killed, seconds.
    Back,
    /// CPU of Redis in the busiest second of that, cores.
    RedisPeak,
    /// Median of a login, milliseconds.
    Login,
    /// Median of comparing a password, milliseconds.
    LoginFloor,
    /// Median of a read with a token, milliseconds.
    Read,
    /// Median of the query under it, milliseconds.
    ReadFloor,
}

/// One number, measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Sample {
    pub(super) what: What,
    pub(super) system: System,
    pub(super) round: u32,
    pub(super) value: f64,
    pub(super) disturbance: Disturbance,
}

impl Bench<'_> {
    fn keep(&mut self, what: What, system: System, value: f64, disturbance: Disturbance) {
        let round = self.round;
        self.samples.push(Sample {
            what,
            system,
            round,
            value,
            disturbance,
        });
    }

    /// Cost and delivery at fixed rates.
    pub(super) fn fixed_rates(&mut self, nodes: usize, rates: &[u32]) -> Result<(), String> {
        for system in self.systems() {
            let stack = self.stack(system, nodes, Pairing::Usual)?;
            for &rate in rates {
                self.settle(&stack);
                let Some(measured) = self.load(&stack, Load::new("chat", TALKERS, &self.effort).at(f64::from(rate)))
                else {
                    continue;
                };
                self.note_fixed_rate(system, nodes, rate, &measured);
            }
        }
        Ok(())
    }

    fn note_fixed_rate(&mut self, system: System, nodes: usize, rate: u32, measured: &Measured) {
        let (cost, p99) = (measured.cpu_per_line(), measured.p99());
        let complete = if measured.is_complete() { "" } else { ", NOT COMPLETE" };
        self.say(&format!(
            "{:8} {nodes} nodes, {rate}/s: {:.0} us of CPU per message, p50 {:.2} ms, p99 {:.2} ms{complete} ({})",
            system.name(),
            cost.unwrap_or(f64::NAN),
            measured.delivery_ms.map_or(f64::NAN, |d| d.p50),
            p99.unwrap_or(f64::NAN),
            measured.disturbance
        ));
        let disturbance = measured.disturbance;
        // A rate that was not held says nothing about the cost at this rate.
        if let (Some(cost), Some(p99), true) = (cost, p99, measured.is_complete()) {
            self.keep(What::Cost { nodes, rate }, system, cost, disturbance);
            self.keep(What::P99 { nodes, rate }, system, p99, disturbance);
        }
    }

    /// The highest rate, and what Redis pays for a line there.
    pub(super) fn highest_rate(&mut self) -> Result<(), String> {
        for system in self.systems() {
            let stack = self.stack(system, 2, Pairing::Usual)?;
            let Some(best) = search::highest_rate(self, &stack, system) else {
                continue;
            };
            self.keep(What::HighestRate, system, best.rate.sent, best.disturbance);
            if let Some(redis) = best.redis_per_line() {
                self.keep(What::RedisCost, system, redis, best.disturbance);
            }
            self.say(&format!(
                "{:8} 2 nodes: highest rate {:.0}/s, there {:.0} us of CPU per message, Redis's share {:.1} us",
                system.name(),
                best.rate.sent,
                best.cpu_per_line().unwrap_or(f64::NAN),
                best.redis_per_line().unwrap_or(f64::NAN)
            ));
        }
        Ok(())
    }

    pub(super) fn redis_floor(&mut self) -> Result<(), String> {
        let (micros, disturbance) = floor::measure(self.options, self.effort.seconds)?;
        self.say(&format!(
            "floor    the script alone: {micros:.1} us of Redis per message ({disturbance})"
        ));
        self.keep(What::RedisFloor, System::Palaver, micros, disturbance);
        Ok(())
    }

    pub(super) fn pairing(&mut self) -> Result<(), String> {
        for system in self.systems() {
            let stack = self.stack(system, 2, Pairing::AtOnce)?;
            let Some(measured) = self.load(&stack, Load::new("pair", STRANGERS, &self.effort)) else {
                continue;
            };
            let all = measured.pairing_ms.all.unwrap_or(f64::INFINITY);
            self.say(&format!(
                "{:8} 2 nodes, {STRANGERS} strangers: all paired after {all:.0} ms ({})",
                system.name(),
                measured.disturbance
            ));
            self.keep(What::Pairing, system, all, measured.disturbance);
        }
        Ok(())
    }

    pub(super) fn memory(&mut self) -> Result<(), String> {
        for system in self.systems() {
            let stack = self.stack(system, 2, Pairing::Usual)?;
            let Some(measured) = self.load(&stack, Load::new("idle", IDLE, &self.effort)) else {
                continue;
            };
            let kib = measured.kib_per_connection();
            self.say(&format!(
                "{:8} 2 nodes, {:.0} idle connections: {kib:.2} KiB each ({})",
                system.name(),
                measured.connections,
                measured.disturbance
            ));
            self.keep(What::Memory, system, kib, measured.disturbance);
        }
        Ok(())
    }

    /// A node with its share of many people is killed while they talk.
    pub(super) fn kill(&mut self) -> Result<(), String> {
        let stack = self.stack(System::Palaver, 3, Pairing::Usual)?;
        let load = Load {
            kill: Some("node-3"),
            seconds: BACK_WITHIN,
            ..Load::new("storm", IDLE, &self.effort).at(STORM_RATE)
        };
        let Some(measured) = self.load(&stack, load) else {
            return Ok(());
        };
        let storm = measured.storm.unwrap_or_default();
        let back = storm.back99_ms.filter(|_| measured.counts.lost == 0.0);
        self.say(&format!(
            "Palaver  3 nodes, one killed: {:.0} of {:.0} back, 99 % after {:.2} s, {} lines lost, Redis at most {:.2} cores ({})",
            storm.back,
            storm.cut,
            storm.back99_ms.map_or(f64::INFINITY, |ms| ms / 1000.0),
            measured.counts.lost,
            measured.redis_peak(),
            measured.disturbance
        ));
        // Lost lines, or people who are not back: no time is good enough.
        let seconds = back.map_or(f64::INFINITY, |ms| ms / 1000.0);
        self.keep(What::Back, System::Palaver, seconds, measured.disturbance);
        self.keep(
            What::RedisPeak,
            System::Palaver,
            measured.redis_peak(),
            measured.disturbance,
        );
        Ok(())
    }

    /// What a login and a read with a token take, and what they cannot take less than.
    pub(super) fn accounts(&mut self) -> Result<(), String> {
        let [login, read] = accounts::measure(self.options, self.effort.seconds)?;
        for (what, floor, wait, name) in [
            (What::Login, What::LoginFloor, login, "a login"),
            (What::Read, What::ReadFloor, read, "a read with a token"),
        ] {
            self.say(&format!(
                "Palaver  1 node, {name}: median {:.2} ms, its floor {:.2} ms ({})",
                wait.ms, wait.floor_ms, wait.disturbance
            ));
            self.keep(what, System::Palaver, wait.ms, wait.disturbance);
            self.keep(floor, System::Palaver, wait.floor_ms, wait.disturbance);
        }
        Ok(())
    }

    /// Runs a load, once more when it could not be run; a number that is missing must not cost all the others.
    fn load(&self, stack: &Stack, load: Load) -> Option<Measured> {
        // What was killed stays dead.
        let attempts = if load.kill.is_some() { 1 } else { 2 };
        for _ in 0..attempts {
            match loads::run(self.options, stack, load) {
                Ok(measured) => return Some(measured),
                Err(why) => self.say(&why),
            }
        }
        None
    }

    fn stack(&self, system: System, nodes: usize, pairing: Pairing) -> Result<Stack, String> {
        let stack = Stack::start(self.options, system, nodes, pairing)?;
        machine::wait_until_idle(&stack.pids());
        Ok(stack)
    }

    /// Waits until the stack has done what an earlier load left it, and nothing else runs.
    pub(super) fn settle(&self, stack: &Stack) {
        machine::wait_until_idle(&stack.pids());
        machine::wait_until_quiet(&stack.pids(), self.effort.patience);
    }
}
