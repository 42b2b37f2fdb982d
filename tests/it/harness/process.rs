//! Child processes that cannot outlive the test: killed when dropped, and by the kernel when the test dies first.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A running child. What it prints is shown when the test fails.
pub struct Process {
    name: String,
    child: Child,
    output: File,
    /// Whether the output stays where somebody will look for it.
    keeps: bool,
}

/// A process that was asked to end has done so, or will not.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// Names a directory in a command's environment: what the process prints is kept there, instead of being shown.
pub const KEEP_OUTPUT_IN: &str = "TEST_KEEP_OUTPUT_IN";

/// A command whose process gets `signal` when this test process ends, however it ends.
pub fn dying_with_us(signal: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", signal, "--"]).arg(program);
    command
}

/// Starts children from one thread that never ends: the kernel's "parent died" means the thread that forked, and
/// threads of tests and runtimes end before their test does.
fn spawn(command: Command) -> std::io::Result<Child> {
    type Order = (Command, mpsc::Sender<std::io::Result<Child>>);
    static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();

    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in inbox {
                let _ = reply.send(command.spawn());
            }
        });
        orders
    });
    let (reply, child) = mpsc::channel();
    spawner.send((command, reply)).unwrap();
    child.recv().unwrap()
}

/// A file for what a process prints; those of one name are numbered.
fn kept_output(dir: &Path, name: &str) -> File {
    let name = name.replace([' ', ':', '/'], "-");
    let mut files = (1..).map(|number| dir.join(format!("{name}.{number}.log")));
    let free = files.find(|path| !path.exists()).unwrap();
    File::options()
        .create_new(true)
        .read(true)
        .append(true)
        .open(free)
        .unwrap()
}

impl Process {
    /// Starts `command` (see [`dying_with_us`]); `name` is how it is called in messages.
    pub fn start(name: &str, mut command: Command) -> Self {
        let kept = command.get_envs().find(|(key, _)| *key == KEEP_OUTPUT_IN);
        let kept = kept.and_then(|(_, dir)| dir.map(|dir| kept_output(Path::new(dir), name)));
        let (keeps, output) = (kept.is_some(), kept.unwrap_or_else(|| tempfile::tempfile().unwrap()));
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output.try_clone().unwrap());
        let child = spawn(command).unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        Self {
            name: name.to_owned(),
            child,
            output,
            keeps,
        }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Stops its world (SIGSTOP); it stands still when this returns.
    pub fn freeze(&self) {
        self.signal("STOP");
        let still = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
            // After the program's name, which may hold anything.
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
        };
        while !still() {
            std::thread::yield_now();
        }
    }

    /// Sends a signal by its name (`TERM`, `CONT`, ...).
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -s {name} {}", self.pid());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Asks it to end in its own way, and gives it a while for that.
    pub fn end(&mut self, signal: &str) {
        let ask = format!("kill -s CONT {0} && kill -s {signal} {0}", self.pid());
        let asked = Command::new("sh").args(["-c", &ask]).stderr(Stdio::null()).status();
        let since = Instant::now();
        while asked.as_ref().is_ok_and(ExitStatus::success) && self.runs() && since.elapsed() < ENDS_WITHIN {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// `kill -9`, and gone when this returns.
    pub fn kill9(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// How it ended, waiting at most `patience` for that.
    pub async fn ended_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        let child = &mut self.child;
        super::holds_within(patience, async || child.try_wait().unwrap().is_some()).await;
        self.child.try_wait().unwrap()
    }

    /// All it has printed so far.
    pub fn output(&mut self) -> String {
        let mut text = Vec::new();
        self.output.rewind().unwrap();
        self.output.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() && !self.keeps {
            let output = self.output();
            eprintln!("---- {} printed:\n{output}", self.name);
        }
    }
}
