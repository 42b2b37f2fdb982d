//! Pictures of people: what is taken, and what is made of it.

use std::fmt;

/// Largest file that is taken, in bytes (both contracts).
pub const LARGEST_FILE: usize = 5 * 1024 * 1024;

/// Most pixels that are looked at: what telephones take, and not what a small file can claim to have.
pub const MOST_PIXELS: u64 = 4096 * 4096;

/// Most memory that a picture may take while it is opened.
pub const MOST_MEMORY: u64 = 128 * 1024 * 1024;

/// Longest side that is looked at.
pub const LONGEST_SIDE: u32 = 16_384;

/// Side of the square that is made of it, in pixels (both contracts).
pub const SIDE: u32 = 400;

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The file has too many bytes.
    FileTooLarge,
    /// The picture has too many pixels.
    TooManyPixels,
    /// It is none of JPEG, PNG, WebP and GIF.
    UnknownKind,
    /// It says that it is, and cannot be read.
    Broken,
}

impl Unfit {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Unfit::FileTooLarge => "FILE_TOO_LARGE",
            Unfit::TooManyPixels => "IMAGE_TOO_LARGE",
            Unfit::UnknownKind => "UNSUPPORTED_IMAGE",
            Unfit::Broken => "INVALID_IMAGE",
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unfit::FileTooLarge => "The file is too large (max 5 MiB)",
            Unfit::TooManyPixels => "The image has too many pixels",
            Unfit::UnknownKind => "The file must be a JPEG, PNG, WebP or GIF image",
            Unfit::Broken => "The image cannot be read",
        })
    }
}
