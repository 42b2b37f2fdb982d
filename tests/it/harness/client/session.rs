//! The life of one connection: opened, upgraded, read to its end by a task that answers pings.

use super::packet::{self, Event, Packet};
use super::transport::{Lost, Raw, Transport};
use super::{Dial, Via};
use serde_json::Value;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

/// An open session on its way to its task.
pub struct Session {
    pub transport: Transport,
    /// The websocket's socket.
    pub handle: Option<std::net::TcpStream>,
    pub open: Value,
    /// What came by polling while the upgrade was under way.
    pub early: VecDeque<Raw>,
}

impl Session {
    fn new(transport: Transport, handle: Option<std::net::TcpStream>, open: Value) -> Self {
        Self {
            transport,
            handle,
            open,
            early: VecDeque::new(),
        }
    }
}

/// What the reading task hands over.
#[derive(Debug)]
pub enum Arrival {
    Answer(Result<Value, Value>),
    Event(Event),
    Ack(u64, Vec<Value>),
    /// The server ended the namespace; the transport may live on.
    Disconnected,
    Lost(Lost),
}

/// What the client wants its task to do.
pub enum Order {
    Send(Raw),
    /// From now on pings stay unanswered.
    IgnorePings,
    Close,
}

/// Opens a session as `dial` says.
pub async fn open(dial: &Dial) -> Result<Session, Lost> {
    if dial.via == Via::WebSocket {
        let (mut transport, handle) = Transport::websocket(dial, None).await?;
        let open = match transport.receive().await? {
            Raw::Text(text) if text.starts_with('0') => serde_json::from_str(&text[1..]).map_err(|e| e.to_string())?,
            other => return Err(format!("not an open packet: {other:?}")),
        };
        return Ok(Session::new(transport, Some(handle), open));
    }
    let (transport, open) = Transport::polling(dial).await?;
    match dial.via {
        Via::Upgrade => upgrade(dial, transport, open).await,
        _ => Ok(Session::new(transport, None, open)),
    }
}

/// Probe, then wait for the noop that ends the pending poll, then take over.
async fn upgrade(dial: &Dial, mut polling: Transport, open: Value) -> Result<Session, Lost> {
    polling.upgrading();
    let (mut websocket, handle) = Transport::websocket(dial, open["sid"].as_str()).await?;
    websocket.send(Raw::Text("2probe".to_owned())).await?;
    let answer = websocket.receive().await?;
    if answer != Raw::Text("3probe".to_owned()) {
        return Err(format!("the probe was answered with {answer:?}"));
    }
    let mut early = VecDeque::new();
    loop {
        match polling.receive().await? {
            Raw::Text(text) if text == "6" => break,
            packet => early.push_back(packet),
        }
    }
    websocket.send(Raw::Text("5".to_owned())).await?;
    let session = Session::new(websocket, Some(handle), open);
    Ok(Session { early, ..session })
}

/// How long nothing may come before a client takes the connection for dead.
fn patience(open: &Value) -> Duration {
    let ms = |key: &str| open[key].as_u64().unwrap_or(60_000);
    Duration::from_millis(ms("pingInterval") + ms("pingTimeout"))
}

/// Reads until the transport ends; answers pings. When the server is silent for too long, it is taken for gone.
pub async fn run(session: Session, mut orders: mpsc::UnboundedReceiver<Order>, found: mpsc::UnboundedSender<Arrival>) {
    let patience = patience(&session.open);
    let Session {
        mut transport,
        mut early,
        ..
    } = session;
    let mut pongs = true;
    let mut silent_until = Instant::now() + patience;
    let mut unfinished: Option<Event> = None;
    loop {
        let step = tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Send(raw)) => match timeout(patience, transport.send(raw)).await {
                    Ok(sent) => sent,
                    Err(_) => Err("send timeout".to_owned()),
                },
                Some(Order::IgnorePings) => {
                    pongs = false;
                    Ok(())
                }
                Some(Order::Close) | None => return transport.close().await,
            },
            received = timeout_at(silent_until, next(&mut transport, &mut early)) => match received
                .unwrap_or_else(|_| Err("ping timeout".to_owned()))
                .inspect(|_| silent_until = Instant::now() + patience)
            {
                Ok(Raw::Text(text)) if text == "2" && pongs => transport.send(Raw::Text("3".to_owned())).await,
                Ok(Raw::Text(text)) if text == "1" => Err("closed by the server".to_owned()),
                Ok(raw) => {
                    if let Some(arrival) = arrival(raw, &mut unfinished) {
                        let _ = found.send(arrival);
                    }
                    Ok(())
                }
                Err(why) => Err(why),
            },
        };
        if let Err(why) = step {
            let _ = found.send(Arrival::Lost(why));
            return;
        }
    }
}

async fn next(transport: &mut Transport, early: &mut VecDeque<Raw>) -> Result<Raw, Lost> {
    match early.pop_front() {
        Some(raw) => Ok(raw),
        None => transport.receive().await,
    }
}

/// What a packet means; an event with attachments arrives with the last of them.
fn arrival(raw: Raw, unfinished: &mut Option<Event>) -> Option<Arrival> {
    let event = match raw {
        Raw::Binary(bytes) => {
            let mut event = unfinished.take().expect("a binary frame belongs to an event");
            event.binary.push(bytes);
            event
        }
        Raw::Text(text) => match packet::read(text.strip_prefix('4')?) {
            Packet::Event(event) => event,
            Packet::Connected(answer) => return Some(Arrival::Answer(Ok(answer))),
            Packet::Refused(error) => return Some(Arrival::Answer(Err(error))),
            Packet::Ack(id, args) => return Some(Arrival::Ack(id, args)),
            Packet::Disconnected => return Some(Arrival::Disconnected),
        },
    };
    if event.binary.len() < event.announced {
        *unfinished = Some(event);
        return None;
    }
    Some(Arrival::Event(event))
}
