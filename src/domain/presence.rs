//! Which kind of chat somebody has on the screen, and how many do.

/// A kind of chat a page can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Text chat.
    Text,
    /// Voice calls.
    Audio,
    /// Video calls.
    Video,
}

impl Mode {
    /// As stored; equal to the name of the queue of that mode.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Text => "text",
            Mode::Audio => "audio",
            Mode::Video => "video",
        }
    }
}

/// People online, and of them per mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Users with a socket.
    pub online: u64,
    /// Of them in text chat.
    pub text: u64,
    /// Of them in voice calls.
    pub audio: u64,
    /// Of them in video calls.
    pub video: u64,
}

impl std::ops::Add for Counts {
    type Output = Counts;
    fn add(self, more: Counts) -> Counts {
        Counts {
            online: self.online + more.online,
            text: self.text + more.text,
            audio: self.audio + more.audio,
            video: self.video + more.video,
        }
    }
}
