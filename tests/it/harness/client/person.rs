//! Somebody who chats and does not give up: reconnects by itself, sends every line until it is acknowledged, one at a
//! time, and keeps the history of it all. What it does when it comes back is its [`Return`].

use super::session::Arrival;
use super::{Client, Dial, Via, packet};
use crate::harness::history::{GOODBYE, Log, Moment};
use crate::harness::world::JWT_SECRET;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Wait for an acknowledgement before the same line is sent again.
const ACK: Duration = Duration::from_secs(3);
/// Wait for a connection before the next address is tried.
const CONNECT: Duration = Duration::from_secs(3);
/// Pause between two lines of a flow, and between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(20);

/// What somebody does after a lost connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// Nothing: what was missed must come by itself.
    Waits,
    /// Asks for the room (`attempt_text_reconnect`), as the original web app does.
    Asks,
    /// Takes up the session as socket.io-client does: with the `pid` of the last answer and the last offset it was ever
    /// given.
    TakesUp,
}

/// What a test wants of a person.
#[derive(Debug)]
enum Wish {
    Seek,
    StopSeeking,
    Say(String),
    Babble,
    Hush,
    Leave,
    Report,
    Type,
    /// Leave the connection behind, silently, and make a new one.
    Move,
    /// Go without a word, and come back after this.
    Vanish(Duration),
    /// Say goodbye, and come back after this.
    Part(Duration),
    /// From now on this long between two lines.
    Pace(Duration),
    /// From now on to these addresses.
    Go(Vec<Dial>),
}

/// A handle on somebody; dropping it ends the person.
pub struct Person {
    wishes: mpsc::UnboundedSender<Wish>,
    state: Arc<Mutex<State>>,
    task: tokio::task::JoinHandle<()>,
}

struct State {
    log: Log,
    pending: usize,
    connected: bool,
}

struct Life {
    dials: VecDeque<Dial>,
    wishes: mpsc::UnboundedReceiver<Wish>,
    state: Arc<Mutex<State>>,
    seeking: bool,
    returns: Return,
    /// By what the session can be taken up, and up to where it was heard.
    pid: Option<String>,
    mark: Option<String>,
    babbling: bool,
    said: u64,
    lines: VecDeque<(String, String)>,
    /// The ack that is waited for, and until when.
    under_way: Option<(u64, Instant)>,
    /// Not before this the next line goes out.
    not_before: Instant,
    /// Between two lines of a flow.
    pace: Duration,
    /// Not before this the next connection is made.
    away_until: Instant,
    /// Connections left behind without a word: they stay open.
    left: Vec<Client>,
}

impl Dial {
    /// As a registered user, who is sent the own lines too.
    pub fn user(self, name: &str) -> Self {
        self.auth(json!({ "token": Self::token(name) }))
    }

    /// The token of a registered user.
    pub fn token(name: &str) -> String {
        let claims = json!({ "userId": name, "exp": 4_000_000_000_u64 });
        let key = jsonwebtoken::EncodingKey::from_secret(JWT_SECRET.as_bytes());
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
    }
}

impl Person {
    /// Somebody who connects to these addresses in turn, and asks for nothing.
    pub fn new(name: &str, dials: Vec<Dial>) -> Self {
        Self::returning(name, dials, Return::Waits)
    }

    /// Somebody who does this after a lost connection.
    pub fn returning(name: &str, dials: Vec<Dial>, returns: Return) -> Self {
        let (wishes, to_do) = mpsc::unbounded_channel();
        let mut log = Log::of(name);
        log.polls = dials.iter().any(|dial| dial.via != Via::WebSocket);
        let state = Arc::new(Mutex::new(State {
            log,
            pending: 0,
            connected: false,
        }));
        let life = Life {
            dials: dials.into_iter().map(|dial| dial.user(name)).collect(),
            wishes: to_do,
            state: state.clone(),
            seeking: false,
            returns,
            pid: None,
            mark: None,
            babbling: false,
            said: 0,
            lines: VecDeque::new(),
            under_way: None,
            not_before: Instant::now(),
            pace: PAUSE,
            away_until: Instant::now(),
            left: Vec::new(),
        };
        let task = tokio::spawn(life.run());
        Self { wishes, state, task }
    }

    /// Looks for a partner.
    pub fn seek(&self) {
        self.wish(Wish::Seek);
    }

    /// Looks for a partner no longer.
    pub fn stop_seeking(&self) {
        self.wish(Wish::StopSeeking);
    }

    /// Says this.
    pub fn say(&self, text: &str) {
        self.wish(Wish::Say(text.to_owned()));
    }

    /// Says one line after the other from now on.
    pub fn babble(&self) {
        self.wish(Wish::Babble);
    }

    /// Stops babbling.
    pub fn hush(&self) {
        self.wish(Wish::Hush);
    }

    /// Leaves the room.
    pub fn leave(&self) {
        self.wish(Wish::Leave);
    }

    /// Reports the partner.
    pub fn report(&self) {
        self.wish(Wish::Report);
    }

    /// Is seen to type.
    pub fn type_something(&self) {
        self.wish(Wish::Type);
    }

    /// Loses the connection, and makes a new one after `away`.
    pub fn vanish(&self, away: Duration) {
        self.wish(Wish::Vanish(away));
    }

    /// Closes the connection in good order, and makes a new one after `away`.
    pub fn part(&self, away: Duration) {
        self.wish(Wish::Part(away));
    }

    /// Says lines so far apart.
    pub fn pace(&self, between: Duration) {
        self.wish(Wish::Pace(between));
    }

    /// Connects anew; the old connection is neither closed nor read.
    pub fn reconnect(&self) {
        self.wish(Wish::Move);
    }

    /// Uses these addresses from the next connection on.
    pub fn go_to(&self, dials: Vec<Dial>) {
        self.wish(Wish::Go(dials));
    }

    /// The history so far.
    pub fn log(&self) -> Log {
        self.state.lock().unwrap().log.clone()
    }

    /// Whether a connection is there.
    pub fn is_connected(&self) -> bool {
        self.state.lock().unwrap().connected
    }

    /// The room this person believes to be in.
    pub fn room(&self) -> Option<String> {
        self.state.lock().unwrap().log.room().map(|(room, _)| room)
    }

    /// Lines that are not yet acknowledged.
    pub fn pending(&self) -> usize {
        self.state.lock().unwrap().pending
    }

    fn wish(&self, wish: Wish) {
        let _ = self.wishes.send(wish);
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What ends the reading of a connection, beside the connection's own end.
enum Farewell {
    Stay,
    LeaveBehind,
    Vanish,
    Part,
}

impl Life {
    async fn run(mut self) {
        loop {
            tokio::time::sleep_until(self.away_until).await;
            let dial = match &self.pid {
                Some(pid) => self.dials[0].clone().taking_up(pid, self.mark.as_deref()),
                None => self.dials[0].clone(),
            };
            self.dials.rotate_left(1);
            match tokio::time::timeout(CONNECT, dial.try_connect()).await {
                Ok(Ok(client)) => self.connected(client).await,
                Ok(Err(_)) | Err(_) => tokio::time::sleep(PAUSE).await,
            }
            // A wish may be made while nothing is connected.
            while let Ok(wish) = self.wishes.try_recv() {
                self.wished(wish, None);
            }
        }
    }

    async fn connected(&mut self, mut client: Client) {
        self.note(Moment::Connected);
        self.state.lock().unwrap().connected = true;
        self.under_way = None;
        let seated = self.state.lock().unwrap().log.room().is_some();
        let goes_on = self.takes_up(client.pid.take());
        if seated && self.returns == Return::Asks {
            client.emit("attempt_text_reconnect", &[]);
        } else if self.seeking && !seated && !goes_on {
            client.emit("join_text_queue", &[]);
        }
        let (why, farewell) = self.stay(&mut client).await;
        self.state.lock().unwrap().connected = false;
        self.note(Moment::Lost(why.clone()));
        match farewell {
            Farewell::Stay => {}
            Farewell::LeaveBehind => {
                // Open, and as good as dead: nobody answers from there.
                client.ignore_pings();
                self.left.push(client);
            }
            Farewell::Vanish => client.drop_abruptly().await,
            Farewell::Part => {
                let _ = tokio::time::timeout(CONNECT, client.close()).await;
            }
        }
    }

    /// Whether the session of before goes on, by what the server answered.
    fn takes_up(&mut self, answered: Option<String>) -> bool {
        if self.returns != Return::TakesUp {
            return false;
        }
        let goes_on = self.pid == answered;
        self.note(if goes_on { Moment::TookUp } else { Moment::Began });
        // The offset stays: socket.io-client forgets it never.
        self.pid = answered;
        goes_on
    }

    /// Lives with a connection until it ends; why, and what is to become of it.
    async fn stay(&mut self, client: &mut Client) -> (String, Farewell) {
        let end = |why: &str, farewell| (why.to_owned(), farewell);
        loop {
            self.pump(client);
            let again = self.under_way.map_or(self.not_before, |(_, until)| until);
            let waits = self.under_way.is_some() || !self.lines.is_empty() || self.babbling;
            tokio::select! {
                wish = self.wishes.recv() => match wish.map(|wish| self.wished(wish, Some(client))) {
                    Some(Farewell::Stay) => {}
                    Some(Farewell::LeaveBehind) => return end("left behind", Farewell::LeaveBehind),
                    Some(Farewell::Vanish) | None => return end("vanished", Farewell::Vanish),
                    Some(Farewell::Part) => return end(GOODBYE, Farewell::Part),
                },
                arrival = client.arriving.recv() => match arrival {
                    Some(Arrival::Event(event)) => {
                        self.heard(&event.name, event.args, client);
                        self.marked(event.mark);
                    }
                    Some(Arrival::Ack(id, args)) => self.answered(id, args.first().unwrap_or(&Value::Null), client),
                    Some(Arrival::Lost(why)) => return end(&why, Farewell::Stay),
                    Some(Arrival::Disconnected) => return end("disconnected by the server", Farewell::Stay),
                    Some(Arrival::Answer(_)) => {}
                    None => return end("the client ended", Farewell::Stay),
                },
                () = tokio::time::sleep_until(again), if waits => self.under_way = None,
            }
        }
    }

    /// Sends what is to be said next, when the line before is answered.
    fn pump(&mut self, client: &mut Client) {
        let room = self.state.lock().unwrap().log.room();
        if self.under_way.is_some() || Instant::now() < self.not_before || room.is_none() {
            return;
        }
        if self.lines.is_empty() && self.babbling {
            self.said += 1;
            let who = self.state.lock().unwrap().log.who.clone();
            self.line(format!("{who} says {}", self.said));
        }
        let Some((text, id)) = self.lines.front() else { return };
        let ack = client.next_ack;
        client.next_ack += 1;
        let line = json!({ "content": text, "clientMessageId": id });
        client.raw(&packet::emit("/", Some(ack), "send_text_message", &[line]));
        self.under_way = Some((ack, Instant::now() + ACK));
    }

    fn line(&mut self, text: String) {
        let id = format!("{:016x}", rand::random::<u64>());
        self.lines.push_back((text, id));
        self.state.lock().unwrap().pending = self.lines.len();
    }

    /// What is to become of the connection.
    fn wished(&mut self, wish: Wish, client: Option<&Client>) -> Farewell {
        let emit = |name: &str, args: &[Value]| {
            if let Some(client) = client {
                client.emit(name, args);
            }
        };
        match wish {
            Wish::Seek => {
                self.seeking = true;
                emit("join_text_queue", &[]);
            }
            Wish::StopSeeking => {
                self.seeking = false;
                emit("leave_text_queue", &[]);
            }
            Wish::Say(text) => self.line(text),
            Wish::Babble => self.babbling = true,
            Wish::Hush => self.babbling = false,
            Wish::Leave => emit("leave_text_room", &[]),
            Wish::Report => {
                let Some((_, partner)) = self.state.lock().unwrap().log.room() else {
                    return Farewell::Stay;
                };
                let report = json!({ "reportedUserId": partner, "violationType": "spam", "description": "it is" });
                emit("report_text_chat", &[report]);
            }
            Wish::Type => emit("text_typing_start", &[]),
            Wish::Pace(pace) => self.pace = pace,
            Wish::Move => return Farewell::LeaveBehind,
            Wish::Vanish(away) => {
                self.away_until = Instant::now() + away;
                return Farewell::Vanish;
            }
            Wish::Part(away) => {
                self.away_until = Instant::now() + away;
                return Farewell::Part;
            }
            Wish::Go(dials) => {
                let who = self.state.lock().unwrap().log.who.clone();
                self.dials = dials.into_iter().map(|dial| dial.user(&who)).collect();
            }
        }
        Farewell::Stay
    }

    fn marked(&mut self, mark: Option<String>) {
        if let Some(mark) = mark.filter(|_| self.returns == Return::TakesUp) {
            self.note(Moment::Marked(mark.clone()));
            self.mark = Some(mark);
        }
    }

    /// A state that was not asked for: this person may have been elsewhere than it knew.
    fn find_oneself(&mut self, room: String, partner: String) {
        let believed = self.state.lock().unwrap().log.room().map(|(room, _)| room);
        if self.returns == Return::TakesUp && believed.as_deref() != Some(&room) {
            if believed.is_some() {
                self.over("gone");
            }
            self.seeking = false;
            self.note(Moment::Matched { room, partner });
        }
    }

    fn heard(&mut self, name: &str, args: Vec<Value>, client: &Client) {
        let told = args.into_iter().next().unwrap_or(Value::Null);
        let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
        match name {
            "text_queue_joined" => self.note(Moment::Queued),
            "text_match_found" => {
                self.seeking = false;
                self.note(Moment::Matched {
                    room: text("roomId"),
                    partner: text("partnerId"),
                });
            }
            "text_message_received" => self.line_came(&told),
            "text_reconnected" => {
                self.find_oneself(text("roomId"), text("partnerId"));
                self.note(Moment::Told(name.to_owned()));
                told["messages"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .for_each(|line| self.line_came(line));
            }
            "text_room_ended" => {
                let reason = told["detail"].as_str().or(told["reason"].as_str()).unwrap_or_default();
                self.over(reason);
            }
            "text_reconnect_failed" if self.state.lock().unwrap().log.room().is_some() => self.over("gone"),
            "recovery_failed" => {
                self.note(Moment::Unrecovered(text("reason")));
                // Who sits in a room is sent its state; who does not has to ask.
                if self.state.lock().unwrap().log.room().is_some() {
                    client.emit("attempt_text_reconnect", &[]);
                }
            }
            _ => self.note(Moment::Told(name.to_owned())),
        }
    }

    fn line_came(&self, line: &Value) {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let (room, id, text) = (text("roomId"), text("messageId"), text("content"));
        self.note(Moment::Heard { room, id, text });
    }

    fn over(&mut self, reason: &str) {
        let room = self.state.lock().unwrap().log.room().map(|(room, _)| room);
        let reason = reason.to_owned();
        self.note(match room {
            Some(_) => Moment::Ended { room, reason },
            None => Moment::Told(format!("the end of no room: {reason}")),
        });
        self.lines.clear();
        self.under_way = None;
        self.state.lock().unwrap().pending = 0;
    }

    fn answered(&mut self, id: u64, reply: &Value, client: &Client) {
        if self.under_way.is_none_or(|(wanted, _)| wanted != id) {
            return;
        }
        self.under_way = None;
        self.not_before = Instant::now() + self.pace;
        if let Some(code) = reply["code"].as_str() {
            self.note(Moment::Refused(code.to_owned()));
            if code == "NO_ROOM" {
                // The room may have ended unheard: asking tells.
                client.emit("attempt_text_reconnect", &[]);
            }
            let wait = reply["retryAfterMs"].as_u64().unwrap_or(100);
            self.not_before = Instant::now() + Duration::from_millis(wait);
            return;
        }
        let Some((text, _)) = self.lines.pop_front() else {
            return;
        };
        let room = self
            .state
            .lock()
            .unwrap()
            .log
            .room()
            .map(|(room, _)| room)
            .unwrap_or_default();
        let id = reply["messageId"]
            .as_str()
            .expect("a receipt names the message")
            .to_owned();
        self.note(Moment::Acked { room, id, text });
        self.state.lock().unwrap().pending = self.lines.len();
    }

    fn note(&self, moment: Moment) {
        self.state.lock().unwrap().log.note(moment);
    }
}
