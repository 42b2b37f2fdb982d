//! Pictures kept in a folder, and in a store that is played by a listener.

use super::*;
use crate::config::{Secret, Settings};
use crate::domain::picture::LARGEST_FILE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// The smallest GIF: one black pixel.
const PIXEL: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";

fn files(folder: &tempfile::TempDir, change: impl FnOnce(&mut config::Files)) -> Files {
    let mut settings = config::Files {
        url: format!("file:{}/kept", folder.path().display()),
        ..Settings::default().files
    };
    change(&mut settings);
    Files::open(&settings)
}

fn pixel() -> Bytes {
    Bytes::from_static(PIXEL)
}

#[tokio::test]
async fn a_picture_is_kept_under_a_name_of_what_is_in_it_read_back_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(&folder, |_| {});

    let kept = files.keep_picture("ann", pixel()).await.unwrap();

    assert_eq!(files.keep_picture("ann", pixel()).await.unwrap(), kept, "twice is once");
    let others = files.keep_picture("ben", pixel()).await.unwrap();
    assert_ne!(others.name, kept.name);
    let read = files.picture(&kept.name).await.unwrap().unwrap();
    assert_eq!((read.len(), kept.name.kind()), (kept.size, Kind::Jpeg));
    assert!(read.starts_with(b"\xff\xd8\xff"));
    files.drop_picture(&kept.name).await.unwrap();
    files.drop_picture(&kept.name).await.unwrap();
    assert_eq!(files.picture(&kept.name).await.unwrap(), None);
    assert!(
        files.picture(&others.name).await.unwrap().is_some(),
        "who has the same picture keeps it"
    );
    let names: Vec<_> = std::fs::read_dir(folder.path().join("kept/avatars")).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing else is left, not even half a file");
}

#[tokio::test]
async fn a_picture_has_an_address_here_or_where_the_settings_say() {
    let folder = tempfile::tempdir().unwrap();
    let here = files(&folder, |_| {});
    let there = files(&folder, |settings| {
        settings.public_url = Some("https://cdn.example/x/".into())
    });
    let name = Name::parse("0123456789abcdef0123456789abcdef.webp").unwrap();

    assert_eq!(here.url(&name), "/files/avatars/0123456789abcdef0123456789abcdef.webp");
    assert_eq!(
        there.url(&name),
        "https://cdn.example/x/avatars/0123456789abcdef0123456789abcdef.webp"
    );
    assert_eq!(there.name_of(&there.url(&name)), Some(name));
    let elsewhere = "https://evil.example/avatars/0123456789abcdef0123456789abcdef.webp";
    assert_eq!((there.name_of(elsewhere), here.name_of("x")), (None, None));
}

#[tokio::test]
async fn clients_are_given_the_address_at_which_somebody_else_shapes_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    let shaped = |picture: &str, public: Option<&str>| {
        files(&folder, |settings| {
            settings.picture_url = Some(picture.to_owned());
            settings.public_url = public.map(str::to_owned);
        })
    };
    let name = Name::parse("0123456789abcdef0123456789abcdef.webp").unwrap();
    let fetching = shaped(
        "https://res.cloudinary.com/demo/image/fetch/w_400,h_400,c_fill/{url}",
        Some("https://api.example/files"),
    );
    let mapped = shaped("https://RES.example:8443/show?w=400&file={name}", None);

    assert_eq!(
        fetching.url(&name),
        format!(
            "https://res.cloudinary.com/demo/image/fetch/w_400,h_400,c_fill/https://api.example/files/avatars/{name}"
        )
    );
    assert_eq!(
        mapped.url(&name),
        format!("https://RES.example:8443/show?w=400&file={name}")
    );
    assert_eq!(
        [fetching.origin(), mapped.origin(), files(&folder, |_| {}).origin()],
        [
            Some("https://res.cloudinary.com".to_owned()),
            Some("https://res.example:8443".to_owned()),
            None
        ]
    );
    let before = [
        fetching.url(&name),
        format!("https://api.example/files/avatars/{name}"),
        format!("/files/avatars/{name}"),
    ];
    for known in &before {
        assert_eq!(
            fetching.name_of(known),
            Some(name.clone()),
            "given before the setting was: {known}"
        );
    }
    assert_eq!(mapped.name_of(&mapped.url(&name)), Some(name.clone()));
    for elsewhere in [
        &*format!("https://evil.example/{name}"),
        &*format!("{name}"),
        &before[0][1..],
    ] {
        assert_eq!(fetching.name_of(elsewhere), None, "{elsewhere}");
    }
}

#[test]
fn a_name_cannot_lead_out_of_the_folder() {
    for bad in [
        "",
        ".",
        "../../etc/passwd",
        "0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef.svg",
        "0123456789ABCDEF0123456789ABCDEF.jpg",
        "0123456789abcdef0123456789abcde/.jpg",
        "0123456789abcdef0123456789abcdef.jpg.jpg",
        "0123456789abcdef0123456789abcdef0.jpg",
    ] {
        assert_eq!(Name::parse(bad), None, "{bad:?}");
    }
}

#[tokio::test]
async fn what_is_not_fit_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(&folder, |_| {});
    for (file, why) in [
        (Bytes::from_static(b"<svg/>"), Unfit::UnknownKind),
        (pixel().slice(..20), Unfit::Broken),
        (Bytes::from(vec![0; LARGEST_FILE + 1]), Unfit::FileTooLarge),
    ] {
        let kept = files.keep_picture("ann", file).await;
        assert!(matches!(kept, Err(NotKept::Unfit(found)) if found == why), "{kept:?}");
    }
    assert!(!folder.path().join("kept").exists(), "the store was not even opened");
}

#[tokio::test]
async fn no_more_uploads_are_let_in_than_memory_is_set_aside_for() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(&folder, |settings| settings.pictures_at_once = 1);

    let all = (0..30).map(|_| files.keep_picture("ann", pixel()));
    let told = futures_util::future::join_all(all).await;

    let kept = told.iter().filter(|one| one.is_ok()).count();
    let busy = told.iter().filter(|one| matches!(one, Err(NotKept::Busy))).count();
    assert_eq!((kept, busy), (1 + WAITING, 30 - 1 - WAITING));
    assert!(files.keep_picture("ann", pixel()).await.is_ok(), "there is room again");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_a_fault_and_tried_again_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(&folder, |_| {});
    std::fs::write(folder.path().join("kept"), "in the way").unwrap();
    assert!(matches!(
        files.keep_picture("ann", pixel()).await,
        Err(NotKept::Failed(_))
    ));

    std::fs::remove_file(folder.path().join("kept")).unwrap();

    assert!(files.keep_picture("ann", pixel()).await.is_ok());
}

#[tokio::test]
async fn pictures_are_kept_in_a_store_that_speaks_s3_where_the_settings_say_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = files(&folder, |settings| {
        settings.url = "s3://pictures".into();
        settings.s3_endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
        settings.s3_key = Some(Secret::new("a key"));
        settings.s3_secret = Some(Secret::new("a secret"));
    });
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        let whole = |heard: &[u8]| heard.ends_with(b"\xff\xd9");
        while !whole(&heard) {
            assert!(stream.read_buf(&mut heard).await.unwrap() > 0);
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        String::from_utf8_lossy(&heard).into_owned()
    };

    let (kept, heard) = tokio::join!(files.keep_picture("ann", pixel()), serve);

    let start = format!("PUT /pictures/avatars/{} HTTP/1.1\r\n", kept.unwrap().name);
    assert!(
        heard.starts_with(&start) && heard.contains("AWS4-HMAC-SHA256 Credential=a key/"),
        "{heard}"
    );
}

#[tokio::test]
async fn a_store_that_is_silent_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = files(&folder, |settings| {
        settings.url = "s3://pictures".into();
        settings.s3_endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
        settings.s3_key = Some(Secret::new("a key"));
        settings.s3_secret = Some(Secret::new("a secret"));
        settings.timeout = Duration::from_millis(300);
    });

    let kept = files.keep_picture("ann", pixel()).await;

    let Err(NotKept::Failed(fault)) = kept else {
        panic!("{kept:?}")
    };
    assert!(!fault.to_string().contains("a secret"));
}
