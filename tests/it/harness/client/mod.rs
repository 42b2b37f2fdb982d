//! A virtual client: Socket.IO v5 over Engine.IO v4, by websocket, by long-polling, or from one to the other.
//!
//! A task reads all the time and answers pings; the test waits for events by name. What comes while it waits for
//! something else is kept, in order. A client that is dropped vanishes without a goodbye.

pub mod packet;
pub mod person;
mod session;
mod transport;

use super::PATIENCE;
use packet::Event;
use serde_json::{Value, json};
use session::{Arrival, Order, Session, open, run};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc;
use transport::{Lost, Raw};

/// How a client reaches its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    WebSocket,
    Polling,
    /// Polling first, then an upgrade: what the official client does by default.
    Upgrade,
}

/// A connection to be made.
#[derive(Debug, Clone)]
pub struct Dial {
    pub(super) url: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    namespace: String,
    via: Via,
    auth: Option<Value>,
}

/// The id of a device for whoever has this name.
pub fn device(name: &str) -> String {
    let digits = name.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("{digits:0>16.16}{digits:0>48.48}")
}

impl Dial {
    /// To `http://host:port`, by websocket, without any identity.
    pub fn to(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            path: "/socket.io/".to_owned(),
            headers: Vec::new(),
            namespace: "/".to_owned(),
            via: Via::WebSocket,
            auth: None,
        }
    }

    /// The page at this address.
    pub fn page(&self) -> String {
        format!("{}/", self.url)
    }

    /// Over this transport.
    pub fn via(mut self, via: Via) -> Self {
        self.via = via;
        self
    }

    /// With this `auth` in the CONNECT packet.
    pub fn auth(mut self, auth: Value) -> Self {
        self.auth = Some(auth);
        self
    }

    /// As a guest that is known by a device id: the same name is the same person.
    pub fn guest(self, name: &str) -> Self {
        self.auth(json!({ "token": "dev-guest-token", "guestId": device(name) }))
    }

    /// Takes up a session by its `pid`, having heard up to `offset`, as socket.io-client does.
    pub fn taking_up(mut self, pid: &str, offset: Option<&str>) -> Self {
        let mut auth = self.auth.take().unwrap_or_else(|| json!({}));
        auth["pid"] = json!(pid);
        if let Some(offset) = offset {
            auth["offset"] = json!(offset);
        }
        self.auth(auth)
    }

    /// With one more header on every request.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Into another namespace than `/`.
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// At another path than `/socket.io/`.
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Connects; panics when the server does not take us.
    pub async fn connect(self) -> Client {
        let dialled = format!("{self:?}");
        match self.try_connect().await {
            Ok(client) => client,
            Err(refused) => panic!("not connected: {refused:?}; {dialled}"),
        }
    }

    /// Opens the session and joins no namespace: for what a client may not do yet.
    pub async fn open(self) -> Result<Client, Refused> {
        let opened = tokio::time::timeout(PATIENCE, open(&self)).await;
        let session = opened.map_err(|_| lost("no answer"))?.map_err(Refused::Lost)?;
        Ok(Client::of(self.namespace, session))
    }

    /// Connects, or says why not.
    pub async fn try_connect(self) -> Result<Client, Refused> {
        let mut client = self.clone().open().await?;
        client.raw(&packet::connect(&self.namespace, self.auth.as_ref()));
        match client
            .next_of(|arrival| matches!(arrival, Arrival::Answer(_) | Arrival::Lost(_)))
            .await
        {
            Some(Arrival::Answer(Ok(connected))) => {
                connected["sid"].as_str().expect("a sid").clone_into(&mut client.sid);
                client.pid = connected["pid"].as_str().map(str::to_owned);
                Ok(client)
            }
            Some(Arrival::Answer(Err(error))) => Err(Refused::ByServer(error)),
            Some(Arrival::Lost(why)) => Err(Refused::Lost(why)),
            _ => Err(lost("no answer to CONNECT")),
        }
    }
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Refused {
    /// A CONNECT_ERROR: `{message, data?}`.
    ByServer(Value),
    /// The transport said no, or nothing.
    Lost(Lost),
}

fn lost(why: &str) -> Refused {
    Refused::Lost(why.to_owned())
}

/// A connected client.
pub struct Client {
    sid: String,
    pid: Option<String>,
    mark: Option<String>,
    namespace: String,
    open: Value,
    orders: mpsc::UnboundedSender<Order>,
    arriving: mpsc::UnboundedReceiver<Arrival>,
    kept: VecDeque<Arrival>,
    task: tokio::task::JoinHandle<()>,
    handle: Option<std::net::TcpStream>,
    next_ack: u64,
}

impl Client {
    fn of(namespace: String, mut session: Session) -> Self {
        let (orders, to_do) = mpsc::unbounded_channel();
        let (found, arriving) = mpsc::unbounded_channel();
        Self {
            sid: String::new(),
            pid: None,
            mark: None,
            namespace,
            open: session.open.clone(),
            handle: session.handle.take(),
            orders,
            arriving,
            kept: VecDeque::new(),
            task: tokio::spawn(run(session, to_do, found)),
            next_ack: 0,
        }
    }

    /// Our Socket.IO id.
    pub fn sid(&self) -> &str {
        &self.sid
    }

    /// By what the session can be taken up again.
    pub fn pid(&self) -> &str {
        self.pid.as_deref().expect("the server gave a pid")
    }

    /// The offset of the last event that came and had one.
    pub fn mark(&mut self) -> Option<String> {
        self.unread();
        self.mark.clone()
    }

    /// What the server said when the session was opened (`sid`, `upgrades`, `pingInterval`, ...).
    pub fn opening(&self) -> &Value {
        &self.open
    }

    /// Sends an event.
    pub fn emit(&self, name: &str, args: &[Value]) {
        self.raw(&packet::emit(&self.namespace, None, name, args));
    }

    /// Sends an event and waits for its ack's arguments.
    pub async fn emit_with_ack(&mut self, name: &str, args: &[Value]) -> Vec<Value> {
        let id = self.next_ack;
        self.next_ack += 1;
        self.raw(&packet::emit(&self.namespace, Some(id), name, args));
        match self
            .next_of(|arrival| matches!(arrival, Arrival::Ack(of, _) if *of == id))
            .await
        {
            Some(Arrival::Ack(_, args)) => args,
            _ => panic!("no ack for {name}; came instead: {:?}", self.kept),
        }
    }

    /// Answers an event that wanted an ack.
    pub fn ack(&self, event: &Event, args: &[Value]) {
        let id = event.ack.expect("the event wants an ack");
        self.raw(&packet::ack(&self.namespace, id, args));
    }

    /// Sends any Engine.IO text packet, also a wrong one.
    pub fn raw(&self, text: &str) {
        let _ = self.orders.send(Order::Send(Raw::Text(text.to_owned())));
    }

    /// Sends any binary packet.
    pub fn raw_binary(&self, bytes: &[u8]) {
        let _ = self.orders.send(Order::Send(Raw::Binary(bytes.to_vec())));
    }

    /// The arguments of the next event called `name`; others before it are kept for later.
    pub async fn expect(&mut self, name: &str) -> Vec<Value> {
        self.expect_event(name).await.args
    }

    /// The one argument of the next event called `name`.
    pub async fn hear(&mut self, name: &str) -> Value {
        let mut args = self.expect(name).await;
        assert_eq!(args.len(), 1, "{name} {args:?}");
        args.remove(0)
    }

    /// The name and the arguments of the event that came or comes next; counts of people online are passed over.
    pub async fn next(&mut self) -> (String, Vec<Value>) {
        let event = |arrival: &Arrival| matches!(arrival, Arrival::Event(event) if event.name != "mode-user-counts");
        match self.next_of(event).await {
            Some(Arrival::Event(event)) => (event.name, event.args),
            _ => panic!("{} got nothing more; came instead: {:?}", self.sid, self.kept),
        }
    }

    /// Waits until the server has dealt with everything this client sent.
    pub async fn dealt_with(&mut self) {
        let answer = self.emit_with_ack("send_text_message", &[Value::Null]).await;
        assert_eq!(
            answer,
            [json!({ "error": "Invalid message content", "code": "INVALID_MESSAGE" })]
        );
    }

    /// The next event called `name`.
    pub async fn expect_event(&mut self, name: &str) -> Event {
        match self
            .next_of(|arrival| matches!(arrival, Arrival::Event(event) if event.name == name))
            .await
        {
            Some(Arrival::Event(event)) => event,
            _ => panic!("{} never got {name}; came instead: {:?}", self.sid, self.kept),
        }
    }

    /// Panics when an event called `name` is there or comes within `window`.
    ///
    /// Prefer to wait for something that comes after where the event would have been; keep the window small.
    pub async fn expect_none(&mut self, name: &str, window: Duration) {
        let named = |arrival: &Arrival| matches!(arrival, Arrival::Event(event) if event.name == name);
        if let Some(found) = self.next_within(window, named).await {
            panic!("{} got {found:?}", self.sid);
        }
    }

    /// Names of the events that came and nobody waited for, in order.
    pub fn unread(&mut self) -> Vec<String> {
        while let Ok(arrival) = self.arriving.try_recv() {
            self.note(&arrival);
            self.kept.push_back(arrival);
        }
        let name = |arrival: &Arrival| match arrival {
            Arrival::Event(event) => Some(event.name.clone()),
            _ => None,
        };
        self.kept.iter().filter_map(name).collect()
    }

    /// Forgets everything that came and nobody waited for.
    pub fn forget(&mut self) {
        self.unread();
        self.kept.retain(|arrival| !matches!(arrival, Arrival::Event(_)));
    }

    /// Waits until the server ends the namespace or the connection; says which and why.
    pub async fn ended(&mut self) -> String {
        let end = |arrival: &Arrival| matches!(arrival, Arrival::Disconnected | Arrival::Lost(_));
        match self.next_of(end).await {
            Some(Arrival::Disconnected) => "disconnected by the server".to_owned(),
            Some(Arrival::Lost(why)) => why,
            _ => panic!("{} is still connected; came instead: {:?}", self.sid, self.kept),
        }
    }

    /// Stops answering pings: a half-open connection, seen from the server.
    pub fn ignore_pings(&self) {
        let _ = self.orders.send(Order::IgnorePings);
    }

    /// Says goodbye: the namespace's disconnect packet, then the transport's close.
    pub async fn close(mut self) {
        self.raw(&packet::disconnect(&self.namespace));
        let _ = self.orders.send(Order::Close);
        let _ = tokio::time::timeout(PATIENCE, &mut self.task).await;
    }

    /// Vanishes: the websocket's connection is reset, a polling client does not come back.
    pub async fn drop_abruptly(mut self) {
        if let Some(handle) = self.handle.take() {
            let _ = socket2::SockRef::from(&handle).set_linger(Some(Duration::ZERO));
        }
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    fn note(&mut self, arrival: &Arrival) {
        if let Arrival::Event(Event { mark: Some(mark), .. }) = arrival {
            self.mark = Some(mark.clone());
        }
    }

    async fn next_of(&mut self, wanted: impl Fn(&Arrival) -> bool) -> Option<Arrival> {
        self.next_within(PATIENCE, wanted).await
    }

    async fn next_within(&mut self, patience: Duration, wanted: impl Fn(&Arrival) -> bool) -> Option<Arrival> {
        if let Some(at) = self.kept.iter().position(&wanted) {
            return self.kept.remove(at);
        }
        let end = tokio::time::Instant::now() + patience;
        while let Ok(Some(arrival)) = tokio::time::timeout_at(end, self.arriving.recv()).await {
            self.note(&arrival);
            if wanted(&arrival) {
                return Some(arrival);
            }
            self.kept.push_back(arrival);
        }
        None
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}
