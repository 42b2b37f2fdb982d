//! Socket.IO over both transports.

use crate::support::{Cluster, Socket, calm};

async fn joined(cluster: &Cluster) -> Socket {
    let mut socket = cluster.websocket("socket.io").await;
    socket.send("40").await;
    assert!(socket.text().await.starts_with(r#"40{"sid":""#));
    assert_eq!(socket.text().await, r#"42["auth",{}]"#);
    socket
}

#[tokio::test]
async fn a_client_joins_namespaces_with_what_it_has_to_show() {
    let cluster = Cluster::start(1, calm()).await;
    let mut socket = cluster.websocket("socket.io").await;

    socket.send(r#"40{"token":"123"}"#).await;
    assert!(socket.text().await.starts_with(r#"40{"sid":""#));
    assert_eq!(socket.text().await, r#"42["auth",{"token":"123"}]"#);
    socket.send(r#"40/custom?a=b,{"token":"abc"}"#).await;
    assert!(socket.text().await.starts_with(r#"40/custom,{"sid":""#));
    assert_eq!(socket.text().await, r#"42/custom,["auth",{"token":"abc"}]"#);
    socket.send("40/random").await;
    assert_eq!(socket.text().await, r#"44/random,{"message":"Invalid namespace"}"#);
}

#[tokio::test]
async fn messages_and_acknowledgements_come_back_with_their_attachments() {
    let cluster = Cluster::start(1, calm()).await;
    let mut socket = joined(&cluster).await;

    socket.send(r#"42["message",1,"2",{"3":[true]}]"#).await;
    assert_eq!(socket.text().await, r#"42["message-back",1,"2",{"3":[true]}]"#);
    socket.send(r#"42456["message-with-ack",1,"2"]"#).await;
    assert_eq!(socket.text().await, r#"43456[1,"2"]"#);
    socket
        .send(r#"451-7["message-with-ack",{"_placeholder":true,"num":0}]"#)
        .await;
    socket.send_bytes(&[1, 2, 3]).await;
    assert_eq!(socket.text().await, r#"461-7[{"_placeholder":true,"num":0}]"#);
    assert_eq!(socket.next().await.unwrap().into_data()[..], [1, 2, 3]);
}

#[tokio::test]
async fn leaving_a_namespace_keeps_the_connection_and_its_other_namespaces() {
    let cluster = Cluster::start(1, calm()).await;
    let mut socket = joined(&cluster).await;
    socket.send("40/custom").await;
    assert!(socket.text().await.starts_with("40/custom,"));
    assert!(socket.text().await.starts_with("42/custom,"));

    socket.send("41/custom").await;
    socket.send(r#"42/custom,["message","late"]"#).await;
    socket.send(r#"42["message","here"]"#).await;

    assert_eq!(socket.text().await, r#"42["message-back","here"]"#);
}

#[tokio::test]
async fn broken_packets_end_the_connection() {
    let cluster = Cluster::start(1, calm()).await;
    let deep = format!("42[\"message\",{}{}]", "[".repeat(20_000), "]".repeat(20_000));
    let unknown = r#"42["message",{"_placeholder":true,"num":0}]"#;
    for bad in [
        "4abc",
        "42{}",
        r#"42abc["a"]"#,
        "40",
        "42[]",
        r#"42["connect"]"#,
        "43[]",
        "44{}",
        &deep,
        unknown,
    ] {
        let mut socket = joined(&cluster).await;

        socket.send(bad).await;

        assert_eq!(socket.end().await, Some(1002), "{bad:.40}");
    }
    let mut early = cluster.websocket("socket.io").await;
    early.send(r#"42["message"]"#).await;
    assert_eq!(early.end().await, Some(1002), "nothing was joined");
    let mut stray = joined(&cluster).await;
    stray.send_bytes(&[1]).await;
    assert_eq!(stray.end().await, Some(1002), "an attachment of nothing");
}

#[tokio::test]
async fn a_polling_client_that_breaks_the_protocol_is_told_to_close() {
    for nodes in [1, 2] {
        let cluster = Cluster::start(nodes, calm()).await;
        let session = cluster.session("socket.io").await;
        session.post("40").await;
        session.packets(2).await;

        session.post("42{}").await;

        assert_eq!(session.packets(1).await, ["1"]);
        assert_eq!(session.poll().await.0, 400);
    }
}
