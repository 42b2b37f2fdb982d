//! Making a square of whatever somebody uploaded. The file's name and its announced type are not asked: its first bytes
//! say what it is. Size is judged before anything is unpacked, and nothing of the file but its pixels lives on: no place
//! where it was taken, no comment, no second picture behind the first.

use crate::domain::picture::{LARGEST_FILE, LONGEST_SIDE, MOST_MEMORY, MOST_PIXELS, SIDE, Unfit};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::error::{ImageError, LimitErrorKind};
use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// How good JPEGs are, of 100: no difference is seen at this size.
const QUALITY: u8 = 85;

/// A picture as it is kept.
#[derive(Debug)]
pub struct Picture {
    /// The file.
    pub bytes: Vec<u8>,
    /// What it is: also how its name ends.
    pub kind: Kind,
}

/// What a kept picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Photographs: anything without holes.
    Jpeg,
    /// Whatever one can see through in places.
    Webp,
}

impl Kind {
    /// How names end.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Jpeg => "jpg",
            Kind::Webp => "webp",
        }
    }

    /// For `Content-Type`.
    pub fn media_type(self) -> &'static str {
        match self {
            Kind::Jpeg => "image/jpeg",
            Kind::Webp => "image/webp",
        }
    }

    /// Reads what [`Kind::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        [Kind::Jpeg, Kind::Webp].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The middle of the picture in `file`, as a square of [`SIDE`] pixels. Takes a core for up to a second.
pub(super) fn square(file: &[u8]) -> Result<Picture, Unfit> {
    if file.len() > LARGEST_FILE {
        return Err(Unfit::FileTooLarge);
    }
    let (picture, orientation) = open(file)?;
    // Cut first: what is long and thin would become enormous when its short side is made longer. Through a window, not a
    // copy: there may be no memory for two.
    let (width, height) = picture.dimensions();
    let side = width.min(height);
    let middle = imageops::crop_imm(&picture, (width - side) / 2, (height - side) / 2, side, side);
    let made = imageops::resize(&*middle, SIDE, SIDE, FilterType::CatmullRom);
    // A square stays one however it is turned.
    let mut made = DynamicImage::from(made);
    made.apply_orientation(orientation);
    close(&made).map_err(|_| Unfit::Broken)
}

fn open(file: &[u8]) -> Result<(DynamicImage, Orientation), Unfit> {
    let mut reader = ImageReader::new(Cursor::new(file));
    let format = image::guess_format(file).map_err(|_| Unfit::UnknownKind)?;
    if !matches!(
        format,
        ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif
    ) {
        return Err(Unfit::UnknownKind);
    }
    reader.set_format(format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| judge(&error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS || decoder.total_bytes() > MOST_MEMORY {
        return Err(Unfit::TooManyPixels);
    }
    // How the camera was held; what cannot be read of it is not needed.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(|error| judge(&error))?;
    match picture.dimensions() {
        (0, _) | (_, 0) => Err(Unfit::Broken),
        _ => Ok((picture, orientation)),
    }
}

fn judge(error: &ImageError) -> Unfit {
    match error {
        ImageError::Limits(limit)
            if matches!(
                limit.kind(),
                LimitErrorKind::DimensionError | LimitErrorKind::InsufficientMemory
            ) =>
        {
            Unfit::TooManyPixels
        }
        _ => Unfit::Broken,
    }
}

fn close(made: &DynamicImage) -> Result<Picture, ImageError> {
    let mut bytes = Vec::new();
    let colours = made.to_rgba8();
    let kind = if colours.pixels().any(|pixel| pixel[3] < u8::MAX) {
        colours.write_with_encoder(WebPEncoder::new_lossless(&mut bytes))?;
        Kind::Webp
    } else {
        made.to_rgb8()
            .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
        Kind::Jpeg
    };
    Ok(Picture { bytes, kind })
}

#[cfg(test)]
mod tests;
