//! Engine.IO v4 as a client speaks it: whole packets in and out, over a websocket or by long-polling.

use super::Dial;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

/// One Engine.IO packet: text with its type digit, or binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    Text(String),
    Binary(Vec<u8>),
}

/// An open Engine.IO session.
pub enum Transport {
    WebSocket(Box<WebSocketStream<TcpStream>>),
    Polling(Polling),
}

/// A session by HTTP requests. Polls run in a task of their own, so that a POST never waits for a poll.
pub struct Polling {
    http: reqwest::Client,
    url: String,
    arriving: mpsc::UnboundedReceiver<Result<Raw, Lost>>,
    polls: tokio::task::JoinHandle<()>,
    upgrading: Arc<AtomicBool>,
}

/// Why there is no session, or no longer: what the server or the network said.
pub type Lost = String;

impl Transport {
    /// Opens a websocket; the first packet (`0{..}`) is still to be received.
    pub async fn websocket(dial: &Dial, sid: Option<&str>) -> Result<(Self, std::net::TcpStream), Lost> {
        let address = dial.url.strip_prefix("http://").expect("plain http");
        let sid = sid.map(|sid| format!("&sid={sid}")).unwrap_or_default();
        let url = format!("ws://{address}{}?EIO=4&transport=websocket{sid}", dial.path);
        let mut request = url.into_client_request().map_err(|e| e.to_string())?;
        for (name, value) in &dial.headers {
            let name: tokio_tungstenite::tungstenite::http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(address).await.map_err(|e| e.to_string())?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        // A second handle on the socket, with which the client can make it vanish under the protocol's feet.
        let stream = stream.into_std().unwrap();
        let handle = stream.try_clone().unwrap();
        let stream = TcpStream::from_std(stream).unwrap();
        let (socket, _) = tokio_tungstenite::client_async(request, stream)
            .await
            .map_err(|e| e.to_string())?;
        Ok((Self::WebSocket(Box::new(socket)), handle))
    }

    /// Opens a polling session; gives the open packet's JSON too, because the sid is needed to go on.
    pub async fn polling(dial: &Dial) -> Result<(Self, Value), Lost> {
        let mut headers = reqwest::header::HeaderMap::new();
        for (name, value) in &dial.headers {
            let name: reqwest::header::HeaderName = name.parse().unwrap();
            headers.insert(name, value.parse().unwrap());
        }
        let http = reqwest::Client::builder().default_headers(headers).build().unwrap();
        let url = format!("{}{}?EIO=4&transport=polling", dial.url, dial.path);
        let opening = poll(&http, &url).await?;
        let Some(Raw::Text(open)) = opening.first() else {
            return Err(format!("not an open packet: {opening:?}"));
        };
        let open = open
            .strip_prefix('0')
            .ok_or_else(|| format!("not an open packet: {open}"))?;
        let open: Value = serde_json::from_str(open).map_err(|e| e.to_string())?;
        let url = format!("{url}&sid={}", open["sid"].as_str().expect("a sid"));
        let (found, arriving) = mpsc::unbounded_channel();
        let upgrading = Arc::<AtomicBool>::default();
        let polls = tokio::spawn(keep_polling(http.clone(), url.clone(), found, upgrading.clone()));
        let polling = Polling {
            http,
            url,
            arriving,
            polls,
            upgrading,
        };
        Ok((Self::Polling(polling), open))
    }

    /// A WebSocket is about to take over: the noop that ends the poll under way ends polling.
    pub fn upgrading(&self) {
        if let Self::Polling(polling) = self {
            polling.upgrading.store(true, Ordering::Release);
        }
    }

    /// Sends one packet.
    pub async fn send(&mut self, packet: Raw) -> Result<(), Lost> {
        match self {
            Self::WebSocket(socket) => {
                let message = match packet {
                    Raw::Text(text) => Message::text(text),
                    Raw::Binary(bytes) => Message::binary(bytes),
                };
                socket.send(message).await.map_err(|e| e.to_string())
            }
            Self::Polling(polling) => polling.post(packet).await,
        }
    }

    /// The next packet.
    pub async fn receive(&mut self) -> Result<Raw, Lost> {
        match self {
            Self::WebSocket(socket) => loop {
                match socket.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(Raw::Text(text.to_string())),
                    Some(Ok(Message::Binary(bytes))) => return Ok(Raw::Binary(bytes.to_vec())),
                    Some(Ok(Message::Close(frame))) => return Err(format!("closed: {frame:?}")),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.to_string()),
                    None => return Err("closed without a close frame".to_owned()),
                }
            },
            Self::Polling(polling) => {
                let next = polling.arriving.recv().await;
                next.unwrap_or_else(|| Err("polling ended".to_owned()))
            }
        }
    }

    /// Leaves in good order.
    pub async fn close(&mut self) {
        let _ = self.send(Raw::Text("1".to_owned())).await;
        if let Self::WebSocket(socket) = self {
            let _ = WebSocketStream::close(socket, None).await;
        }
    }
}

impl Polling {
    async fn post(&self, packet: Raw) -> Result<(), Lost> {
        use base64::Engine;
        let body = match packet {
            Raw::Text(text) => text,
            Raw::Binary(bytes) => format!("b{}", base64::engine::general_purpose::STANDARD.encode(bytes)),
        };
        let request = self
            .http
            .post(&self.url)
            .header("content-type", "text/plain;charset=UTF-8")
            .body(body);
        let response = request.send().await.map_err(unanswered)?;
        match response.status().as_u16() {
            200 => Ok(()),
            status => Err(format!("POST {status}: {}", response.text().await.unwrap_or_default())),
        }
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        self.polls.abort();
    }
}

/// One GET: all packets it brought.
async fn poll(http: &reqwest::Client, url: &str) -> Result<Vec<Raw>, Lost> {
    use base64::Engine;
    let request = http.get(url).timeout(Duration::from_secs(90));
    let response = request.send().await.map_err(unanswered)?;
    let status = response.status().as_u16();
    let body = response.text().await.map_err(unanswered)?;
    if status != 200 {
        return Err(format!("GET {status}: {body}"));
    }
    let packet = |text: &str| match text.strip_prefix('b') {
        Some(base64) => Raw::Binary(
            base64::engine::general_purpose::STANDARD
                .decode(base64)
                .expect("base64"),
        ),
        None => Raw::Text(text.to_owned()),
    };
    Ok(body.split('\x1e').map(packet).collect())
}

/// With all its causes.
fn unanswered(error: reqwest::Error) -> Lost {
    format!("{error:?}")
}

/// Ends with the session; its end is the last packet (`1`), or why a poll failed.
async fn keep_polling(
    http: reqwest::Client,
    url: String,
    found: mpsc::UnboundedSender<Result<Raw, Lost>>,
    upgrading: Arc<AtomicBool>,
) {
    loop {
        let packets = match poll(&http, &url).await {
            Ok(packets) => packets,
            Err(why) => {
                // Nobody may be waiting for it.
                let _ = found.send(Err(why));
                return;
            }
        };
        for packet in packets {
            // A noop says nothing, but while an upgrade is under way that the poll is superfluous.
            let noop = packet == Raw::Text("6".to_owned());
            if found.send(Ok(packet)).is_err() || noop && upgrading.load(Ordering::Acquire) {
                return;
            }
        }
    }
}
