//! One Socket.IO connection over a WebSocket, as little of it as a load needs.

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// An open connection that has joined the main namespace.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connects to `target` (`http://host:port`) as a passing visitor.
    pub(crate) async fn open(target: &str) -> Result<Self, String> {
        let at = target.replacen("http", "ws", 1);
        let url = format!("{}/socket.io/?EIO=4&transport=websocket", at.trim_end_matches('/'));
        let (stream, _) = connect_async(url).await.map_err(|e| format!("{target}: {e}"))?;
        let mut socket = Self(stream);
        socket.say("40{}").await?;
        while !socket.hear().await?.starts_with("40") {}
        Ok(socket)
    }

    async fn say(&mut self, packet: &str) -> Result<(), String> {
        self.0.send(Message::text(packet)).await.map_err(|e| e.to_string())
    }

    /// The next packet; pings are answered on the way.
    pub(crate) async fn hear(&mut self) -> Result<String, String> {
        loop {
            let message = self.0.next().await.ok_or("the server hung up")?;
            let Message::Text(text) = message.map_err(|e| e.to_string())? else {
                continue;
            };
            if text.as_str() != "2" {
                return Ok(text.to_string());
            }
            self.say("3").await?;
        }
    }
}
