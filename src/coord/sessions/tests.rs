//! Signals as the scripts write them.

use super::*;

fn sid() -> SessionId {
    SessionId::parse("abcdefghij0123456789").unwrap()
}

fn carried() -> Carried {
    Carried {
        namespace: "/a".into(),
        sid: "s1".into(),
        passport: "p q".into(),
    }
}

#[test]
fn every_signal_reads_as_it_was_written() {
    let sid = sid();
    let read = |payload: &str| SessionSignal::decode(&payload.replace('|', "\u{1f}")).unwrap();

    assert_eq!(
        read(&format!("wake|{sid}|t1")),
        SessionSignal::Wake { token: "t1".into() }
    );
    assert_eq!(
        read(&format!("push|{sid}|2|4a|b")),
        SessionSignal::Push {
            sid: sid.clone(),
            epoch: 2,
            body: "4a\u{1f}b".into()
        }
    );
    assert_eq!(
        read(&format!("adopt|{sid}|2|77|/a|s1|p q")),
        SessionSignal::Adopt {
            sid: sid.clone(),
            epoch: 2,
            dead: Millis(77),
            joined: vec![carried()]
        }
    );
    assert_eq!(
        read(&format!("adopt|{sid}|2|77")),
        SessionSignal::Adopt {
            sid: sid.clone(),
            epoch: 2,
            dead: Millis(77),
            joined: vec![]
        }
    );
    assert_eq!(
        read(&format!("handed|{sid}|1|/a|s1|p q|451-[]\u{1e}bAQ==")),
        SessionSignal::Handed {
            sid: sid.clone(),
            joined: vec![carried()],
            leftover: vec!["451-[]".into(), "bAQ==".into()]
        }
    );
    assert_eq!(
        read(&format!("handed|{sid}|0")),
        SessionSignal::Handed {
            sid,
            joined: vec![],
            leftover: vec![]
        }
    );
}

#[test]
fn what_nobody_writes_is_no_signal() {
    for bad in ["", "wake", "push|x", "push|a b|1|x", "nonsense|abc|1"] {
        assert_eq!(SessionSignal::decode(&bad.replace('|', "\u{1f}")), None, "{bad}");
    }
}
