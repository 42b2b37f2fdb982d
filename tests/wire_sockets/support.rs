//! A private Redis, nodes in this process that share it, and clients that go round them.

use crate::node::Shared;
use crate::{echo::Echo, suite::Suite};
use futures_util::{SinkExt, StreamExt};
use palaver::wire::{Engine, HttpLimits, Namespaces, NodeAcceptor, Settings, endpoint};
use poem::{Route, Server};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Long enough for anything that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Nodes and their Redis.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    next: AtomicUsize,
    redis: Child,
    http: reqwest::Client,
}

pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    pub(crate) echo: Engine<Echo>,
    pub(crate) suite: Engine<Namespaces<Suite>>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.redis.kill();
        let _ = self.redis.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

async fn start_redis() -> (Child, u16) {
    let port = free_port();
    let script = "server=$(command -v redis-server || command -v valkey-server || command -v redis-check-rdb)
        exec -a redis-server \"$server\" --port \"$0\" --bind 127.0.0.1 --save '' --appendonly no --dir \"$1\"";
    let child = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "bash", "-c", script, &port.to_string()])
        .arg(std::env::temp_dir())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        tokio::task::yield_now().await;
    }
    (child, port)
}

/// Short times, so that tests need not wait.
pub(crate) fn brisk() -> Settings {
    Settings {
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_secs(1),
        connect_timeout: Duration::from_secs(1),
        upgrade_timeout: Duration::from_millis(400),
        ..Settings::default()
    }
}

/// Times so long that nothing happens by itself.
pub(crate) fn calm() -> Settings {
    Settings::default()
}

impl Cluster {
    pub(crate) async fn start(nodes: usize, settings: Settings) -> Self {
        let (redis, port) = start_redis().await;
        let shared = Shared {
            url: format!("redis://127.0.0.1:{port}"),
            prefix: "t".to_owned(),
            shards: 2,
        };
        let mut started = Vec::new();
        for _ in 0..nodes {
            started.push(Node::start(&shared, settings.clone()).await);
        }
        Self {
            nodes: started,
            next: AtomicUsize::new(0),
            redis,
            http: reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap(),
        }
    }

    /// The next node's address: round robin.
    pub(crate) fn turn(&self) -> SocketAddr {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        self.nodes[at % self.nodes.len()].address
    }

    pub(crate) fn url(&self, path: &str, query: &str) -> String {
        format!("http://{}/{path}/?EIO=4&{query}", self.turn())
    }

    pub(crate) async fn get(&self, path: &str, query: &str) -> (u16, String) {
        let response = self.http.get(self.url(path, query)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub(crate) async fn send(
        &self,
        request: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder,
    ) -> reqwest::Response {
        request(&self.http).send().await.unwrap()
    }

    /// Opens a session by long-polling.
    pub(crate) async fn session<'c>(&'c self, path: &'static str) -> Session<'c> {
        let (status, body) = self.get(path, "transport=polling").await;
        assert_eq!(status, 200, "{body}");
        let opening: serde_json::Value = serde_json::from_str(body.strip_prefix('0').unwrap()).unwrap();
        Session {
            cluster: self,
            path,
            sid: opening["sid"].as_str().unwrap().to_owned(),
        }
    }

    /// Opens a WebSocket; its opening packet is read.
    pub(crate) async fn websocket(&self, path: &str) -> Socket {
        let mut socket = self.dial(path, "").await.unwrap();
        assert!(socket.text().await.starts_with("0{"));
        socket
    }

    /// Dials a WebSocket.
    pub(crate) async fn dial(&self, path: &str, more: &str) -> Result<Socket, u16> {
        let url = format!("ws://{}/{path}/?EIO=4&transport=websocket{more}", self.turn());
        match connect_async(url).await {
            Ok((stream, _)) => Ok(Socket(stream)),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }
}

impl Node {
    async fn start(shared: &Shared, settings: Settings) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (acceptor, streams) = NodeAcceptor::new(listener, HttpLimits::default());
        let echo = shared
            .engine("echo", Echo, settings.clone(), streams.clone())
            .await
            .unwrap();
        let namespaces = Namespaces::new(Suite, &settings);
        let suite = shared.engine("suite", namespaces, settings, streams).await.unwrap();
        let routes = Route::new()
            .nest("/engine.io/", endpoint(&echo))
            .nest("/socket.io/", endpoint(&suite));
        tokio::spawn(Server::new_with_acceptor(acceptor).run(routes));
        Self { address, echo, suite }
    }
}

/// A polling session.
pub(crate) struct Session<'c> {
    pub(crate) cluster: &'c Cluster,
    pub(crate) path: &'static str,
    pub(crate) sid: String,
}

impl Session<'_> {
    pub(crate) fn query(&self) -> String {
        format!("transport=polling&sid={}", self.sid)
    }

    pub(crate) async fn poll(&self) -> (u16, String) {
        self.cluster.get(self.path, &self.query()).await
    }

    pub(crate) async fn post(&self, body: impl Into<reqwest::Body>) -> (u16, String) {
        let url = self.cluster.url(self.path, &self.query());
        let response = self.cluster.send(|http| http.post(url).body(body)).await;
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub(crate) async fn upgrade(&self) -> Result<Socket, u16> {
        self.cluster.dial(self.path, &format!("&sid={}", self.sid)).await
    }

    /// Polls until what came holds `count` packets that are not pings, and gives them.
    pub(crate) async fn packets(&self, count: usize) -> Vec<String> {
        let mut packets = Vec::new();
        while packets.len() < count {
            let (status, body) = self.poll().await;
            assert_eq!(status, 200, "{body}");
            packets.extend(body.split('\u{1e}').filter(|packet| *packet != "2").map(str::to_owned));
        }
        packets
    }
}

/// A WebSocket.
pub(crate) struct Socket(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.0.send(Message::binary(bytes.to_vec())).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(PATIENCE, self.0.next()).await;
        next.expect("something comes in time")?.ok()
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// Reads until the end; the close code, if there was a close frame.
    pub(crate) async fn end(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some(message) = self.next().await {
            if let Message::Close(frame) = message {
                code = frame.map(|frame| frame.code.into());
            }
        }
        code
    }
}
