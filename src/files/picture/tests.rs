//! Pictures of every kind, and files that are made to hurt.

use super::*;
use image::{Rgb, RgbImage, Rgba, RgbaImage};

/// Left half red, right half blue.
fn two_halves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| {
        if x < width / 2 {
            Rgb([200, 0, 0])
        } else {
            Rgb([0, 0, 200])
        }
    })
}

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).unwrap();
    out.into_inner()
}

fn file(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    written(&two_halves(width, height).into(), format)
}

const KINDS: [ImageFormat; 4] = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif];

/// A chunk of a PNG. Its check sum is right, so that it is read.
fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut sum = u32::MAX;
    for byte in name.iter().chain(data) {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    let length = (data.len() as u32).to_be_bytes();
    [&length[..], name, data, &(!sum).to_be_bytes()].concat()
}

/// A PNG that says it has these sides, in eight bits for each of four colours, and holds `data`.
fn png(width: u32, height: u32, data: &[u8]) -> Vec<u8> {
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    [
        &b"\x89PNG\r\n\x1a\n"[..],
        &chunk(b"IHDR", &head),
        &chunk(b"IDAT", data),
        &chunk(b"IEND", b""),
    ]
    .concat()
}

fn gif(width: u16, height: u16) -> Vec<u8> {
    let (w, h) = (width.to_le_bytes(), height.to_le_bytes());
    [
        &b"GIF89a"[..],
        &w,
        &h,
        &[0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2c, 0, 0, 0, 0],
        &w,
        &h,
        &[0, 2, 2, 0x4c, 1, 0, 0x3b],
    ]
    .concat()
}

#[test]
fn every_kind_becomes_a_square_of_400_pixels_of_its_middle() {
    for format in KINDS {
        for (width, height) in [(600, 300), (300, 600), (40, 30), (1, 1), (400, 400)] {
            let made = square(&file(format, width, height)).unwrap();

            let seen = image::load_from_memory_with_format(&made.bytes, ImageFormat::Jpeg).unwrap();
            assert_eq!(
                (made.kind, seen.dimensions()),
                (Kind::Jpeg, (SIDE, SIDE)),
                "{format:?} {width}x{height}"
            );
            let (left, right) = (seen.get_pixel(20, 200), seen.get_pixel(380, 200));
            assert!(
                width == 1 || (left[0] > 150 && right[2] > 150),
                "{format:?}: {left:?} {right:?}"
            );
            assert!(made.bytes.len() < 60_000);
        }
    }
}

#[test]
fn what_one_can_see_through_stays_so() {
    let glass = RgbaImage::from_fn(100, 100, |x, _| Rgba([0, 200, 0, if x < 50 { 0 } else { 255 }]));
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let made = square(&written(&glass.clone().into(), format)).unwrap();

        let seen = image::load_from_memory_with_format(&made.bytes, ImageFormat::WebP).unwrap();
        assert_eq!((made.kind, seen.dimensions()), (Kind::Webp, (SIDE, SIDE)));
        assert_eq!((seen.get_pixel(20, 200)[3], seen.get_pixel(380, 200)[3]), (0, 255));
    }
    let solid = RgbaImage::from_pixel(10, 10, Rgba([1, 2, 3, 255]));
    assert_eq!(
        square(&written(&solid.into(), ImageFormat::Png)).unwrap().kind,
        Kind::Jpeg
    );
}

/// A JPEG with a note of the camera that it was held upside down, and a place.
fn photograph() -> Vec<u8> {
    let plain = file(ImageFormat::Jpeg, 64, 64);
    let note = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0\0\0\0\0GPS 48.8584 N 2.2945 E";
    let length = (note.len() as u16 + 2).to_be_bytes();
    [&plain[..2], &[0xff, 0xe1], &length, note, &plain[2..]].concat()
}

#[test]
fn a_photograph_is_turned_as_it_was_held_and_tells_nothing_of_where() {
    let made = square(&photograph()).unwrap();

    let seen = image::load_from_memory(&made.bytes).unwrap();
    assert!(seen.get_pixel(20, 200)[2] > 150, "red was left, and is right now");
    for word in [&b"Exif"[..], b"GPS", b"48.85"] {
        assert!(!made.bytes.windows(word.len()).any(|part| part == word));
    }
}

#[test]
fn what_claims_more_pixels_than_any_camera_has_is_refused_before_it_is_unpacked() {
    let webp = [
        &b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f"[..],
        &(15_999_u32 | 15_999 << 14).to_le_bytes(),
        &[0; 8],
    ]
    .concat();
    for (name, bomb) in [
        ("png of 50,000 by 50,000", png(50_000, 50_000, &[])),
        ("png of 2^31 by 2^31", png(i32::MAX as u32, i32::MAX as u32, &[])),
        ("png of 16,000 by 16,000", png(16_000, 16_000, &[])),
        ("png of 4,097 by 4,096", png(4_097, 4_096, &[])),
        ("gif of 65,535 by 65,535", gif(u16::MAX, u16::MAX)),
        ("gif of 16,000 by 16,000", gif(16_000, 16_000)),
        ("webp of 16,000 by 16,000", webp),
    ] {
        assert_eq!(square(&bomb).unwrap_err(), Unfit::TooManyPixels, "{name}");
    }
    assert_eq!(
        square(&png(4_096, 4_096, &[])).unwrap_err(),
        Unfit::Broken,
        "that many would be read"
    );
}

#[test]
fn what_is_long_and_thin_takes_no_more_memory_than_what_is_square() {
    for (width, height) in [(16_000, 1), (1, 16_000)] {
        assert!(square(&file(ImageFormat::Png, width, height)).is_ok());
    }
}

#[test]
fn a_file_of_more_than_5_mib_is_refused_whatever_it_is() {
    let mut file = file(ImageFormat::Png, 10, 10);
    file.resize(LARGEST_FILE, 0);
    assert!(square(&file).is_ok());

    file.push(0);

    assert_eq!(square(&file).unwrap_err(), Unfit::FileTooLarge);
}

#[test]
fn what_is_no_picture_of_the_four_kinds_is_refused_whatever_it_is_called() {
    for other in [
        &b""[..],
        b"\x89PN",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
        b"<!doctype html><script>alert(1)</script>",
        b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0",
        b"II*\0\x08\0\0\0",
        b"\0\0\x01\0\x01\0",
        b"%PDF-1.7",
        b"\0\0\0\x1cftypavif",
    ] {
        assert_eq!(
            square(other).unwrap_err(),
            Unfit::UnknownKind,
            "{}",
            String::from_utf8_lossy(other)
        );
    }
}

#[test]
fn a_broken_picture_is_refused_or_read_as_far_as_it_goes_and_never_a_panic() {
    for format in KINDS {
        let whole = file(format, 30, 20);
        // Squares alone take long here, and have nothing to do with the file any more.
        for end in 0..whole.len().min(600) {
            let _ = open(&whole[..end]);
        }
        for at in 0..whole.len().min(400) {
            for flip in [0x01, 0x80, 0xff] {
                let mut bent = whole.clone();
                bent[at] ^= flip;
                let _ = open(&bent);
            }
        }
    }
    assert_eq!(square(&png(30, 30, b"no zlib at all")).unwrap_err(), Unfit::Broken);
    assert_eq!(square(&png(0, 30, &[])).unwrap_err(), Unfit::Broken);
}
