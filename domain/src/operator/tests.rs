use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    Decider as _, Resource as _, ResourceRejection,
    permission::Role,
    testing::given,
    values::{OperatorId, Sealed, Timestamp},
};

const LOCK_OUT: LockOut = LockOut { after: 5, seconds: 900 };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000).plus_seconds(seconds)
}

fn sealed(text: &str) -> Sealed {
    Sealed(text.to_owned())
}

fn invite() -> OperatorCommand {
    OperatorCommand::Invite(Box::new(NewOperator {
        operator_id: OperatorId(Uuid::from_u128(1)),
        name: sealed("name"),
        email: sealed("email"),
        role: Role::Owner,
        invitation: "digest".to_owned(),
        invitation_ends_at: at(86_400),
        at: at(0),
    }))
}

fn accept(invitation: &str, seconds: i64) -> OperatorCommand {
    OperatorCommand::Accept {
        invitation: invitation.to_owned(),
        password: sealed("hash"),
        at: at(seconds),
    }
}

fn fail(browser: Option<&str>, seconds: i64) -> OperatorCommand {
    OperatorCommand::FailLogin {
        browser: browser.map(str::to_owned),
        lock_out: LOCK_OUT,
        at: at(seconds),
    }
}

fn log_in(browser: Option<&str>, seconds: i64) -> OperatorCommand {
    OperatorCommand::LogIn {
        browser: browser.map(str::to_owned),
        at: at(seconds),
    }
}

fn confirm(secret: &str, step: u64) -> OperatorCommand {
    OperatorCommand::ConfirmFactor {
        secret: sealed(secret),
        confirmed: FactorConfirmed {
            step,
            recovery_codes: vec!["one".to_owned(), "two".to_owned()],
            at: at(30),
        },
    }
}

/// One with a password and a second factor whose code of step 7 was used.
fn enrolled() -> Vec<OperatorEvent> {
    let orders = [
        invite(),
        accept("digest", 10),
        OperatorCommand::ProposeFactor {
            secret: sealed("secret"),
            at: at(20),
        },
        confirm("secret", 7),
    ];
    after(vec![], orders)
}

fn after(mut history: Vec<OperatorEvent>, orders: impl IntoIterator<Item = OperatorCommand>) -> Vec<OperatorEvent> {
    for order in orders {
        let events = given::<Operator>(history.clone()).when(order).then_events();
        history.extend(events);
    }
    history
}

fn state(history: &[OperatorEvent]) -> KnownOperator {
    let state = history.iter().fold(Operator::default(), Operator::evolve);
    state.facts().cloned().expect("it was taken up")
}

fn code_of(rejection: &ResourceRejection) -> &str {
    match rejection {
        ResourceRejection::Conflict { code, .. } | ResourceRejection::NotAuthenticated { code, .. } => code,
        _ => "",
    }
}

fn refusal(history: &[OperatorEvent], order: OperatorCommand) -> String {
    let state = history
        .iter()
        .cloned()
        .fold(Operator::default(), |state, event| Operator::evolve(state, &event));
    let refused = Operator::decide(&state, order).expect_err("it is refused");
    code_of(&refused).to_owned()
}

#[test]
fn a_link_is_good_once_and_for_its_time() {
    let invited = after(vec![], [invite()]);
    given::<Operator>(invited.clone())
        .when(invite())
        .then_rejected(&ResourceRejection::AlreadyExists(Operator::KIND));
    assert_eq!(refusal(&invited, accept("another", 10)), "INVITATION_INVALID");
    assert_eq!(refusal(&invited, accept("digest", 86_400)), "INVITATION_INVALID");
    let accepted = after(invited, [accept("digest", 10)]);
    assert_eq!(refusal(&accepted, accept("digest", 11)), "INVITATION_INVALID");
    given::<Operator>([])
        .when(accept("digest", 10))
        .then_rejected(&ResourceRejection::NotFound(Operator::KIND));
}

#[test]
fn whoever_is_set_up_has_a_password_and_no_link_left() {
    let OperatorCommand::Invite(operator) = invite() else {
        unreachable!("this is an invitation");
    };
    let set_up = || OperatorCommand::SetUp {
        operator: operator.clone(),
        password: sealed("hash"),
    };
    let history = after(vec![], [set_up()]);
    assert_eq!((history.len(), state(&history).invitation), (2, None));
    given::<Operator>(history)
        .when(set_up())
        .then_rejected(&ResourceRejection::AlreadyExists(Operator::KIND));
}

#[test]
fn a_code_is_good_once_and_an_older_one_never() {
    let history = enrolled();
    let use_code = |step| OperatorCommand::UseCode { step, at: at(40) };
    for old in [6, 7] {
        let events = given::<Operator>(history.clone()).when(use_code(old)).then_events();
        assert!(matches!(events[0], OperatorEvent::CodeReused(_)), "{old}");
    }
    let used = after(history, [use_code(8)]);
    assert_eq!(state(&used).factor.map(|factor| factor.last_step), Some(8));
    let again = given::<Operator>(used).when(use_code(8)).then_events();
    assert!(matches!(again[0], OperatorEvent::CodeReused(_)));
}

#[test]
fn a_recovery_code_is_good_once() {
    let spend = |code: &str| OperatorCommand::UseRecoveryCode {
        code: code.to_owned(),
        at: at(40),
    };
    let history = after(enrolled(), [spend("one")]);
    assert_eq!(refusal(&history, spend("one")), "LOGIN_FAILED");
    assert_eq!(state(&history).recovery_codes, ["two"]);
    let reset = after(history, [OperatorCommand::ResetFactor { at: at(50) }]);
    assert_eq!(refusal(&reset, spend("two")), "LOGIN_FAILED");
    assert_eq!(refusal(&reset, confirm("secret", 9)), "FACTOR_NOT_PROPOSED");
}

#[test]
fn whoever_has_the_password_alone_puts_no_factor_in_the_place_of_another() {
    let propose = |secret: &str| OperatorCommand::ProposeFactor {
        secret: sealed(secret),
        at: at(40),
    };
    assert_eq!(refusal(&enrolled(), propose("mine")), "FACTOR_ENROLLED");
    assert_eq!(refusal(&enrolled(), confirm("secret", 9)), "FACTOR_ENROLLED");
    let raced = after(
        vec![],
        [invite(), accept("digest", 10), propose("hers"), propose("mine")],
    );
    assert_eq!(refusal(&raced, confirm("hers", 9)), "FACTOR_NOT_PROPOSED");
    let disabled = after(raced, [OperatorCommand::Disable { at: at(50) }]);
    assert_eq!(refusal(&disabled, confirm("mine", 9)), "LOGIN_FAILED");
}

#[test]
fn a_password_that_was_changed_meanwhile_is_not_brought_back() {
    let rehash = |was: &str| OperatorCommand::Rehash {
        was: sealed(was),
        password: sealed("stronger"),
        at: at(40),
    };
    given::<Operator>(enrolled()).when(rehash("older")).then_nothing();
    let rehashed = after(enrolled(), [rehash("hash")]);
    assert_eq!(state(&rehashed).password, Some(sealed("stronger")));
}

#[test]
fn a_link_that_was_lost_is_followed_by_another_one() {
    let reinvite = || {
        OperatorCommand::Reinvite(OperatorReinvited {
            invitation: "another".to_owned(),
            invitation_ends_at: at(200_000),
            at: at(90_000),
        })
    };
    let history = after(vec![], [invite(), reinvite()]);
    assert_eq!(refusal(&history, accept("digest", 100)), "INVITATION_INVALID");
    let accepted = after(history, [accept("another", 100_000)]);
    assert_eq!(refusal(&accepted, reinvite()), "OPERATOR_HAS_PASSWORD");
}

#[test]
fn strangers_who_fail_shut_out_strangers_and_not_the_browser_that_is_known() {
    let history = after(enrolled(), (0..5).map(|second| fail(None, 100 + second)));
    assert!(matches!(history.last(), Some(OperatorEvent::Locked(_))));
    assert_eq!(refusal(&history, log_in(None, 200)), "LOGIN_FAILED");
    given::<Operator>(history.clone()).when(fail(None, 200)).then_nothing();
    let known = after(history.clone(), [log_in(Some("own"), 200)]);
    assert_eq!(
        refusal(&known, log_in(None, 201)),
        "LOGIN_FAILED",
        "strangers still wait"
    );
    let over = 104 + LOCK_OUT.seconds;
    let once_more = given::<Operator>(history.clone()).when(fail(None, over)).then_events();
    assert_eq!(once_more.len(), 1, "counting begins anew");
    let inside = after(history.clone(), [log_in(None, over)]);
    assert!(state(&inside).attempts.is_empty());
    let unlocked = after(history, [OperatorCommand::Unlock { at: at(300) }]);
    after(unlocked, [log_in(None, 301)]);
}

#[test]
fn whoever_is_disabled_does_nothing_and_hears_what_a_wrong_password_hears() {
    let history = after(enrolled(), [OperatorCommand::Disable { at: at(40) }]);
    given::<Operator>(history.clone())
        .when(OperatorCommand::Disable { at: at(41) })
        .then_nothing();
    let set = OperatorCommand::SetPassword {
        password: sealed("other"),
        at: at(42),
    };
    for order in [log_in(None, 42), set, OperatorCommand::UseCode { step: 9, at: at(42) }] {
        assert_eq!(refusal(&history, order), "LOGIN_FAILED");
    }
    let back = after(history, [OperatorCommand::Enable { at: at(50) }]);
    after(back, [log_in(None, 51)]);
}

#[test]
fn an_edit_that_changes_nothing_records_nothing() {
    let edit = |role| OperatorCommand::Edit {
        name: sealed("name"),
        role,
        at: at(40),
    };
    given::<Operator>(enrolled()).when(edit(Role::Owner)).then_nothing();
    let changed = after(enrolled(), [edit(Role::Support)]);
    assert_eq!(state(&changed).role, Role::Support);
}

proptest! {
    /// Whatever is tried, and by whichever browsers: a door opens only where it is not shut, five failures in a row shut it,
    /// and what is remembered of browsers stays small.
    #[test]
    fn nobody_gets_more_tries_than_the_lock_lets(tries in proptest::collection::vec((0u8..15, any::<bool>(), 0i64..400), 1..120)) {
        let mut history = enrolled();
        let (mut now, mut in_a_row) = (100, std::collections::BTreeMap::<u8, u32>::new());
        for (browser, right, wait) in tries {
            now += wait;
            let name = format!("browser-{browser}");
            let before = state(&history);
            let shut = before.locked_until(Some(&name), at(now)).is_some();
            let order = if right { log_in(Some(&name), now) } else { fail(Some(&name), now) };
            let whole = history.iter().fold(Operator::default(), Operator::evolve);
            match Operator::decide(&whole, order) {
                Ok(events) => {
                    prop_assert!(!shut || events.is_empty());
                    if right {
                        in_a_row.remove(&browser);
                    } else if !events.is_empty() {
                        *in_a_row.entry(browser).or_default() += 1;
                    }
                    if events.iter().any(|event| matches!(event, OperatorEvent::Locked(_))) {
                        in_a_row.remove(&browser);
                    }
                    history.extend(events);
                }
                Err(refused) => {
                    prop_assert!(shut && right);
                    prop_assert_eq!(code_of(&refused), "LOGIN_FAILED");
                }
            }
            prop_assert!(in_a_row.values().all(|failed| *failed < LOCK_OUT.after));
            prop_assert!(state(&history).attempts.len() <= 21);
        }
    }
}
