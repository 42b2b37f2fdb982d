//! What becomes of lines, case by case.

use super::flow::{Flow, Hearing, KEPT, ON_THE_WAY};
use super::tally::Tally;

fn said(numbers: std::ops::Range<u32>) -> Flow {
    let mut flow = Flow::default();
    numbers.for_each(|number| flow.say(number, 5, true));
    flow
}

#[test]
fn a_line_that_is_sent_acknowledged_and_heard_counts_as_all_three() {
    let mut flow = said(40..42);
    flow.say(42, 6, false);

    assert_eq!(flow.answered(40, true), Some((5, true)));
    assert_eq!(flow.answered(42, true), Some((6, false)), "not measured");
    assert_eq!(flow.answered(39, true), None, "of another room");
    for number in 40..43 {
        assert_eq!(flow.hear(number, b"m"), Hearing::First { measured: number < 42 });
    }

    let expected = Tally {
        sent: 2,
        delivered: 2,
        acknowledged: 1,
        unacknowledged: 1,
        ..Tally::default()
    };
    assert_eq!(flow.tally(), expected);
}

#[test]
fn what_is_neither_heard_nor_refused_is_lost() {
    let mut flow = said(0..3);
    flow.answered(0, true);
    flow.answered(1, false);

    let tally = flow.tally();

    assert_eq!((tally.lost, tally.refused, tally.delivered), (2, 1, 0));
}

#[test]
fn a_line_heard_twice_is_a_duplicate_or_two_lines() {
    let mut flow = said(0..1);

    assert_eq!(flow.hear(0, b"a"), Hearing::First { measured: true });
    assert_eq!(flow.hear(0, b"a"), Hearing::Again);
    assert_eq!(flow.hear(0, b"b"), Hearing::Again);
    assert_eq!(flow.hear(1, b"a"), Hearing::Strange);

    let tally = flow.tally();
    assert_eq!((tally.delivered, tally.duplicated, tally.doubled), (1, 1, 1));
}

#[test]
fn history_duplicates_nothing() {
    let mut flow = said(0..2);
    flow.hear(0, b"a");

    assert_eq!(flow.recall(0, b"a"), Hearing::Again);
    assert_eq!(flow.recall(1, b"b"), Hearing::First { measured: true });
    flow.recall(0, b"c");

    assert_eq!((flow.tally().duplicated, flow.tally().doubled), (0, 1));
}

#[test]
fn order_is_that_of_the_first_hearing() {
    let mut flow = said(0..3);
    for number in [0, 2, 1, 2] {
        flow.hear(number, b"m");
    }

    assert_eq!((flow.tally().out_of_order, flow.tally().duplicated), (1, 1));
}

#[test]
fn old_lines_are_forgotten_but_counted() {
    let mut flow = Flow::default();
    for number in 10..10 + 3 * KEPT as u32 {
        flow.say(number, 0, true);
        flow.answered(number, true);
        flow.hear(number, b"m");
    }

    assert!(flow.kept() <= KEPT);
    assert_eq!(flow.hear(10, b"m"), Hearing::Again);
    let all = 3 * KEPT as u64;
    let expected = Tally {
        sent: all,
        delivered: all,
        acknowledged: all,
        duplicated: 1,
        ..Tally::default()
    };
    assert_eq!(flow.tally(), expected);
}

#[test]
fn what_was_said_before_the_measured_time_counts_nowhere() {
    let mut flow = Flow::default();
    for number in 0..4 {
        flow.say(number, 5, false);
    }
    flow.answered(1, false);
    flow.hear(3, b"a");
    flow.hear(3, b"a");
    flow.hear(2, b"c");

    assert_eq!(flow.tally(), Tally::default());
    assert_eq!(flow.missing().count(), 0);
}

#[test]
fn what_was_under_way_when_its_sender_was_cut_is_nobodys_loss_but_what_was_acknowledged_is() {
    let mut flow = said(0..3);
    flow.answered(0, true);
    flow.hear(1, b"m");
    flow.sender_cut();

    let tally = flow.tally();
    assert_eq!((tally.lost, tally.unanswered, tally.unacknowledged), (1, 1, 0));
}

/// Two lines, the first of which was accepted; due at 5.
fn half_accepted() -> Flow {
    let mut flow = said(0..2);
    flow.answered(0, true);
    flow
}

#[test]
fn what_is_accepted_is_lost_if_its_hearer_is_back_or_is_told_of_the_end_without_it() {
    let mut back = half_accepted();
    back.hearer_away();
    back.hearer_back();
    let mut told = half_accepted();
    told.hearer_told(6);
    let mut told_after = half_accepted();
    told_after.hearer_away();
    told_after.hearer_back();
    told_after.hearer_told(6);

    assert_eq!((back.tally().lost, back.tally().unanswered), (2, 0));
    for flow in [told, told_after] {
        assert_eq!((flow.tally().lost, flow.tally().unanswered), (1, 1));
    }
}

#[test]
fn what_is_accepted_and_nobody_is_there_to_hear_is_not_heard_unless_what_came_later_was() {
    let mut away = half_accepted();
    away.hearer_away();
    away.hearer_told(7);
    let mut left = half_accepted();
    left.hearer_left(6);
    left.hearer_told(7);
    for flow in [away, left] {
        let tally = flow.tally();
        assert_eq!((tally.unheard, tally.unanswered, tally.lost), (1, 1, 0));
    }

    let mut left_late = half_accepted();
    left_late.hearer_left(5 + ON_THE_WAY);
    let mut overtaken = half_accepted();
    overtaken.hear(1, b"m");
    overtaken.hearer_away();
    for flow in [left_late, overtaken] {
        assert_eq!((flow.tally().unheard, flow.tally().lost), (0, 1));
    }
}

#[test]
fn who_left_is_not_back_and_what_is_refused_then_is_not_heard() {
    let mut flow = half_accepted();
    flow.hearer_left(6);
    flow.hearer_away();
    flow.hearer_back();
    flow.answered(1, false);

    assert_eq!(
        (flow.tally().lost, flow.tally().unheard, flow.tally().refused),
        (0, 2, 0)
    );
}

#[test]
fn the_lost_are_missing_since_they_were_due() {
    let mut flow = said(0..3);
    flow.hear(1, b"m");
    flow.answered(2, false);

    assert_eq!(flow.missing().collect::<Vec<_>>(), [5]);
}
