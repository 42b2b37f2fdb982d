//! A TCP proxy between a node and its Redis (or a client and its node) that a test can pause, cut and mend.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What happens to bytes on their way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Line {
    /// They arrive.
    Open,
    /// Nobody notices anything, nothing arrives: a network that drops all packets.
    Paused,
    /// Every connection is reset, new ones too: a server that is gone.
    Cut,
}

/// How every connection is treated.
#[derive(Clone, Copy)]
struct State {
    line: Line,
    /// Connections made before this many are silent for ever.
    stranded: u64,
    /// Connections made so far.
    made: u64,
    /// A word of a request that goes no further.
    held: Option<&'static str>,
    /// Whether such a request has come.
    caught: bool,
}

impl State {
    fn of(&self, number: u64) -> Line {
        match number < self.stranded && self.line == Line::Open {
            true => Line::Paused,
            false => self.line,
        }
    }
}

/// Forwards connections to one address, or to several that share their fate, until it is dropped.
pub struct Proxy {
    addresses: Vec<SocketAddr>,
    targets: Vec<Arc<Mutex<String>>>,
    line: watch::Sender<State>,
    accepting: Vec<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy in front of `target` (`host:port`).
    pub async fn start(target: String) -> Self {
        let (line, _) = watch::channel(State {
            line: Line::Open,
            stranded: 0,
            made: 0,
            held: None,
            caught: false,
        });
        let mut proxy = Self {
            addresses: Vec::new(),
            targets: Vec::new(),
            line,
            accepting: Vec::new(),
        };
        proxy.also(target).await;
        proxy
    }

    /// Stands in front of one more target, at an address of its own.
    pub async fn also(&mut self, target: String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.addresses.push(listener.local_addr().unwrap());
        let target = Arc::new(Mutex::new(target));
        self.targets.push(target.clone());
        let line = self.line.clone();
        self.accepting.push(tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = line.borrow().made;
                line.send_modify(|state| state.made += 1);
                let target = target.lock().unwrap().clone();
                tokio::spawn(forward(number, client, target, line.clone()));
            }
        }));
    }

    /// Forwards to another address than the first target's from the next connection on.
    pub fn aim(&self, target: String) {
        *self.targets[0].lock().unwrap() = target;
    }

    /// Host and port to connect to instead of the target's.
    pub fn address(&self) -> String {
        self.addresses[0].to_string()
    }

    /// The same for each target.
    pub fn addresses(&self) -> Vec<String> {
        self.addresses.iter().map(SocketAddr::to_string).collect()
    }

    /// From now on nothing arrives in either direction, and connections stay as they are.
    pub fn pause(&self) {
        self.line.send_modify(|state| state.line = Line::Paused);
    }

    /// Resets all connections, and those that come, until [`Proxy::mend`].
    pub fn cut(&self) {
        self.line.send_modify(|state| state.line = Line::Cut);
    }

    /// Ends a pause or a cut. What was sent during a pause arrives now.
    pub fn mend(&self) {
        self.line.send_modify(|state| state.line = Line::Open);
    }

    /// From now on a request to Redis with this word among its arguments goes no further, nor what comes after it on the
    /// same connection, until [`Proxy::let_go`].
    pub fn hold(&self, word: &'static str) {
        self.line
            .send_modify(|state| (state.held, state.caught) = (Some(word), false));
    }

    /// Waits until such a request has come.
    pub async fn caught(&self) {
        super::eventually("the request comes", async || self.line.borrow().caught).await;
    }

    /// What was held goes on.
    pub fn let_go(&self) {
        self.line.send_modify(|state| state.held = None);
    }

    /// Connections made so far.
    pub fn made(&self) -> u64 {
        self.line.borrow().made
    }

    /// The connections that exist fall silent for ever, as after a firewall has forgotten them; new ones work.
    pub fn strand(&self) {
        self.line.send_modify(|state| state.stranded = state.made);
    }

    /// Resets the connections that exist; new ones work at once.
    pub async fn hiccup(&self) {
        self.cut();
        // Every connection watches the line: give each its turn to see the cut.
        tokio::task::yield_now().await;
        while self.line.receiver_count() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        self.mend();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.iter().for_each(JoinHandle::abort);
        self.cut();
    }
}

async fn forward(number: u64, mut client: TcpStream, target: String, state: watch::Sender<State>) {
    let mut line = state.subscribe();
    if line.borrow().of(number) == Line::Cut {
        return reset(client);
    }
    let Ok(mut server) = TcpStream::connect(&target).await else {
        return reset(client);
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            () = pump(number, from_client, to_server, &state) => {}
            () = pump(number, from_server, to_client, &state) => {}
            _ = line.wait_for(|state| state.of(number) == Line::Cut) => {}
        }
    }
    if line.borrow().of(number) == Line::Cut {
        reset(client);
        reset(server);
    }
}

/// Copies while the line is open; keeps what it has while the line is paused, or while it is held.
async fn pump(
    number: u64,
    mut from: tokio::net::tcp::ReadHalf<'_>,
    mut to: tokio::net::tcp::WriteHalf<'_>,
    state: &watch::Sender<State>,
) {
    let mut line = state.subscribe();
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let bytes = &buffer[..read];
        let is_held = |state: &State| state.held.is_some_and(|word| has(bytes, word));
        if is_held(&line.borrow()) {
            state.send_modify(|state| state.caught = true);
        }
        let open = |state: &State| state.of(number) == Line::Open && !is_held(state);
        if line.wait_for(open).await.is_err() || to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

/// Whether a word is one of the arguments of a request to Redis.
fn has(bytes: &[u8], word: &str) -> bool {
    let argument = format!("\r\n{word}\r\n");
    bytes
        .windows(argument.len())
        .any(|window| window == argument.as_bytes())
}

/// Closes with RST, as the kernel does for a process that is gone.
fn reset(stream: TcpStream) {
    let _ = socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO));
}
