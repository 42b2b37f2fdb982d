//! Why a request is turned away, in the protocol's own numbers.

/// The codes of Engine.IO and, beside them, what only HTTP has a number for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    UnknownTransport,
    UnknownSid,
    BadHandshakeMethod,
    BadRequest,
    Forbidden,
    UnsupportedVersion,
    /// The body is larger than the payload cap.
    TooLarge,
    /// The session could not be looked up: Redis is away. The client comes back by itself.
    Unavailable,
}

impl Refused {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Refused::Forbidden => 403,
            Refused::TooLarge => 413,
            Refused::Unavailable => 503,
            Refused::UnknownTransport
            | Refused::UnknownSid
            | Refused::BadHandshakeMethod
            | Refused::BadRequest
            | Refused::UnsupportedVersion => 400,
        }
    }

    /// The body that clients read.
    pub fn body(self) -> &'static str {
        match self {
            Refused::UnknownTransport => r#"{"code":0,"message":"Transport unknown"}"#,
            Refused::UnknownSid => r#"{"code":1,"message":"Session ID unknown"}"#,
            Refused::BadHandshakeMethod => r#"{"code":2,"message":"Bad handshake method"}"#,
            Refused::BadRequest => r#"{"code":3,"message":"Bad request"}"#,
            Refused::Forbidden => r#"{"code":4,"message":"Forbidden"}"#,
            Refused::UnsupportedVersion => r#"{"code":5,"message":"Unsupported protocol version"}"#,
            Refused::TooLarge => r#"{"code":3,"message":"Payload too large"}"#,
            Refused::Unavailable => r#"{"code":3,"message":"Try again"}"#,
        }
    }
}
