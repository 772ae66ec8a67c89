//! Given these events, when this is ordered, then that happens.

use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    Decider, EventData,
    policy::Terms,
    testing::given,
    values::{
        ActivationId, CustomerId, DropReason, Dropped, LicenseId, PolicyId, ProductId, RawFingerprint, Sealed,
        Timestamp, Version,
    },
};

fn at() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

pub(super) fn issue() -> LicenseIssued {
    LicenseIssued {
        license_id: LicenseId(Uuid::from_u128(1)),
        customer_id: CustomerId(Uuid::from_u128(2)),
        policy_id: PolicyId(Uuid::from_u128(3)),
        policy_version: 1,
        product_id: ProductId(Uuid::from_u128(4)),
        key_sealed: Sealed("sealed".to_owned()),
        key_masked: "LIC-*****-*****-*****-*****-1111C".to_owned(),
        overrides: Overrides::default(),
        valid_from: at(),
        expires_at: Some(at().plus_days(365)),
        awaits_machine: false,
        note: None,
        at: at(),
    }
}

pub(super) fn issued() -> LicenseEvent {
    LicenseEvent::Issued(issue())
}

fn machine(number: u128) -> RawFingerprint {
    RawFingerprint {
        mac_addresses: vec![format!("3c:52:82:{number:06x}")],
        cpu_id: Some("the same model everywhere".to_owned()),
        system_uuid: Some(Uuid::from_u128(number + 1).to_string()),
        ..RawFingerprint::default()
    }
}

fn activate_raw(number: u128, raw: &RawFingerprint, seats: u32) -> LicenseCommand {
    let fingerprint = raw.normalize().unwrap();
    LicenseCommand::Activate(Box::new(Activate {
        activation_id: ActivationId(Uuid::from_u128(number)),
        identity: fingerprint.hash(&[7; 32]),
        fingerprint,
        terms: Arc::new(Terms::with_seats(seats)),
        policy_version: 1,
        min_version: Some("2.0.0".parse::<Version>().unwrap()),
        hostname: None,
        os: None,
        app_version: None,
        at: at(),
    }))
}

fn activate(number: u128, seats: u32) -> LicenseCommand {
    activate_raw(number, &machine(number), seats)
}

pub(super) fn activated(number: u128) -> LicenseEvent {
    given::<License>([issued()])
        .when(activate(number, 1))
        .then_events()
        .remove(0)
}

fn deactivate(number: u128) -> LicenseCommand {
    LicenseCommand::Deactivate {
        target: DeactivationTarget::Id(ActivationId(Uuid::from_u128(number))),
        reason: None,
        by_operator: false,
        at: at(),
    }
}

pub(super) fn deactivated(number: u128) -> LicenseEvent {
    given::<License>([issued(), activated(number)])
        .when(deactivate(number))
        .then_events()
        .remove(0)
}

fn suspend() -> LicenseCommand {
    LicenseCommand::Suspend {
        reason: Some("unpaid".to_owned()),
        at: at(),
    }
}
fn suspended() -> LicenseEvent {
    given::<License>([issued()]).when(suspend()).then_events().remove(0)
}
fn revoke() -> LicenseCommand {
    LicenseCommand::Revoke { reason: None, at: at() }
}
fn revoked() -> LicenseEvent {
    given::<License>([issued()]).when(revoke()).then_events().remove(0)
}
fn resume() -> LicenseCommand {
    LicenseCommand::Resume { reason: None, at: at() }
}

#[test]
fn a_license_is_issued_once_and_must_not_end_before_it_begins() {
    given::<License>([])
        .when(LicenseCommand::Issue(Box::new(issue())))
        .then_events();
    given::<License>([issued()])
        .when(LicenseCommand::Issue(Box::new(issue())))
        .then_rejected(&LicenseRejection::AlreadyExists);
    let backwards = LicenseIssued {
        expires_at: Some(at()),
        ..issue()
    };
    given::<License>([])
        .when(LicenseCommand::Issue(Box::new(backwards)))
        .then_rejected(&LicenseRejection::EndsBeforeItBegins);
}

#[test]
fn a_machine_takes_a_seat_and_keeps_it() {
    given::<License>([issued(), activated(1)])
        .when(activate(1, 1))
        .then_nothing();
}

#[test]
fn no_more_machines_than_seats() {
    let full = LicenseRejection::ActivationLimitReached { limit: 1, active: 1 };
    given::<License>([issued(), activated(1)])
        .when(activate(2, 1))
        .then_rejected(&full);
    given::<License>([issued(), activated(1), deactivated(1)])
        .when(activate(2, 1))
        .then_events();
}

#[test]
fn a_changed_network_card_is_still_the_same_machine() {
    let mut changed = machine(1);
    changed.mac_addresses = vec!["02:ff:ee:dd:cc:bb".to_owned()];
    given::<License>([issued(), activated(1)])
        .when(activate_raw(9, &changed, 1))
        .then_nothing();
}

#[test]
fn of_two_machines_that_match_the_one_with_most_in_common_is_meant() {
    let mut state = [issued(), activated(1), activated(2)]
        .iter()
        .fold(License::Absent, License::evolve);
    let terms = Terms {
        fingerprint_veto: Vec::new(),
        ..Terms::with_seats(5)
    };
    let both = RawFingerprint {
        mac_addresses: [machine(1).mac_addresses, machine(2).mac_addresses].concat(),
        ..machine(2)
    };
    let identity = both.normalize().unwrap().hash(&[7; 32]);
    let found = |state: &License| {
        state
            .facts()
            .unwrap()
            .find_machine(&identity, &terms)
            .map(|a| a.activated.activation_id.0.as_u128())
    };
    assert_eq!(found(&state), Some(2), "all three components agree");
    state = License::evolve(state, &deactivated(2));
    assert_eq!(found(&state), Some(1), "a network card and the processor agree");
}

#[test]
fn what_a_machine_must_send() {
    let too_little = |dropped| InsufficientFingerprint {
        present: 1,
        required: 2,
        dropped,
    };
    let nothing = RawFingerprint::default();
    given::<License>([issued()])
        .when(activate_raw(1, &nothing, 1))
        .then_rejected(&LicenseRejection::FingerprintRequired);
    let one = RawFingerprint {
        cpu_id: Some("x".to_owned()),
        ..RawFingerprint::default()
    };
    given::<License>([issued()])
        .when(activate_raw(1, &one, 1))
        .then_rejected(&LicenseRejection::FingerprintInsufficient(too_little(vec![])));
    let placeholder = RawFingerprint {
        system_uuid: Some("none".to_owned()),
        ..one
    };
    given::<License>([issued()])
        .when(activate_raw(1, &placeholder, 1))
        .then_rejected(&LicenseRejection::FingerprintPlaceholder(too_little(vec![Dropped {
            component: "system_uuid".to_owned(),
            reason: DropReason::Placeholder,
        }])));
}

#[test]
fn an_old_program_gets_no_seat() {
    let LicenseCommand::Activate(mut order) = activate(1, 1) else {
        unreachable!()
    };
    order.app_version = Some("1.0".parse::<Version>().unwrap());
    let rejection = LicenseRejection::VersionUnsupported {
        minimum: "2.0.0".parse::<Version>().unwrap(),
    };
    given::<License>([issued()])
        .when(LicenseCommand::Activate(order))
        .then_rejected(&rejection);
}

#[test]
fn stopped_and_ended_licenses_give_no_seats() {
    given::<License>([issued(), suspended()])
        .when(activate(1, 1))
        .then_rejected(&LicenseRejection::Suspended);
    given::<License>([issued(), revoked()])
        .when(activate(1, 1))
        .then_rejected(&LicenseRejection::Revoked);
    let early = LicenseEvent::Issued(LicenseIssued {
        valid_from: at().plus_days(1),
        ..issue()
    });
    given::<License>([early])
        .when(activate(1, 1))
        .then_rejected(&LicenseRejection::NotYetValid(at().plus_days(1)));
    let end = at().plus_seconds(-8 * 86_400);
    let over = LicenseEvent::Issued(LicenseIssued {
        valid_from: at().plus_seconds(-100 * 86_400),
        expires_at: Some(end),
        ..issue()
    });
    given::<License>([over])
        .when(activate(1, 1))
        .then_rejected(&LicenseRejection::Expired(end));
    given::<License>([])
        .when(activate(1, 1))
        .then_rejected(&LicenseRejection::NotFound);
}

#[test]
fn a_seat_is_given_back_once() {
    given::<License>([issued(), activated(1), deactivated(1)])
        .when(deactivate(1))
        .then_nothing();
    let unknown = LicenseRejection::ActivationNotFound(Some(ActivationId(Uuid::from_u128(9))));
    given::<License>([issued()]).when(deactivate(9)).then_rejected(&unknown);
}

#[test]
fn suspending_and_resuming() {
    given::<License>([issued(), suspended()]).when(suspend()).then_nothing();
    given::<License>([issued()]).when(resume()).then_nothing();
    given::<License>([issued(), suspended()]).when(resume()).then_events();
}

#[test]
fn a_revoked_license_stays_revoked() {
    given::<License>([issued(), revoked()]).when(revoke()).then_nothing();
    given::<License>([issued(), revoked()])
        .when(suspend())
        .then_rejected(&LicenseRejection::Revoked);
    given::<License>([issued(), revoked()])
        .when(resume())
        .then_rejected(&LicenseRejection::Revoked);
}

#[test]
fn renewing_counts_from_the_later_of_end_and_now() {
    let renew = |duration_days, at| LicenseCommand::Renew {
        duration_days,
        expires_at: None,
        reason: None,
        at,
    };
    let end_after = |command| match given::<License>([issued()]).when(command).then_events().remove(0) {
        LicenseEvent::Renewed(event) => event.expires_at,
        other => panic!("{other:?}"),
    };
    assert_eq!(end_after(renew(Some(10), at())), at().plus_days(375));
    assert_eq!(end_after(renew(Some(10), at().plus_days(400))), at().plus_days(410));
    given::<License>([issued()])
        .when(renew(None, at()))
        .then_rejected(&LicenseRejection::NotRenewable);
}

#[test]
fn an_end_is_noted_once_until_it_moves() {
    let note = || LicenseCommand::NoteExpiry {
        at: at().plus_days(366),
    };
    let noted = given::<License>([issued()]).when(note()).then_events().remove(0);
    given::<License>([issued(), noted.clone()]).when(note()).then_nothing();
    given::<License>([issued()])
        .when(LicenseCommand::NoteExpiry { at: at() })
        .then_nothing();
    let renewed = LicenseEvent::Renewed(LicenseRenewed {
        expires_at: at().plus_days(365).plus_seconds(1),
        reason: None,
        at: at(),
    });
    given::<License>([issued(), noted, renewed]).when(note()).then_events();
}

#[test]
fn a_retired_license_is_not_found_by_machines() {
    let retired = given::<License>([issued()])
        .when(LicenseCommand::Retire { at: at() })
        .then_events()
        .remove(0);
    given::<License>([issued(), retired.clone()])
        .when(activate(1, 1))
        .then_rejected(&LicenseRejection::NotFound);
    given::<License>([issued(), retired.clone()])
        .when(LicenseCommand::Retire { at: at() })
        .then_nothing();
    given::<License>([issued(), retired])
        .when(suspend())
        .then_rejected(&LicenseRejection::Retired);
}

fn any_command() -> impl Strategy<Value = LicenseCommand> {
    prop_oneof![
        6 => (0u128..8).prop_map(|number| activate(number, 3)),
        4 => (0u128..8).prop_map(deactivate),
        1 => Just(suspend()),
        2 => Just(resume()),
        1 => Just(LicenseCommand::Renew { duration_days: Some(1), expires_at: None, reason: None, at: at() }),
        1 => Just(LicenseCommand::NoteExpiry { at: at().plus_days(500) }),
    ]
}

proptest! {
    /// Any accepted history replays from its stored form to the same state, never has more machines than seats, and the
    /// same activation, deactivation or suspension twice records nothing.
    #[test]
    fn every_accepted_history_holds(commands in prop::collection::vec(any_command(), 0..60)) {
        let mut state = License::evolve(License::Absent, &issued());
        let mut stored = vec![issued()];
        for command in commands {
            let repeats_harmlessly = !matches!(command, LicenseCommand::Renew { .. });
            let Ok(events) = License::decide(&state, command.clone()) else { continue };
            state = events.iter().fold(state, License::evolve);
            stored.extend(events);
            if repeats_harmlessly {
                prop_assert_eq!(License::decide(&state, command).unwrap(), vec![]);
            }
            let license = state.facts().unwrap();
            prop_assert!(license.active <= 3);
            prop_assert_eq!(license.active as usize, license.activations().filter(|a| a.is_seated()).count());
        }
        let replayed = stored.iter().fold(License::Absent, |state, event| {
            License::evolve(state, &LicenseEvent::decode(event.event_type(), &event.encode()).unwrap())
        });
        prop_assert_eq!(&replayed, &state);
        let snapshot = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<License>(&snapshot).unwrap(), state);
    }
}

fn transfer(from: u128, to: u128) -> LicenseCommand {
    let LicenseCommand::Activate(to) = activate(to, 2) else {
        unreachable!("it makes an order to activate")
    };
    LicenseCommand::Transfer {
        from: ActivationId(Uuid::from_u128(from)),
        to,
        reason: None,
        by_operator: false,
    }
}

fn silent(number: u128) -> LicenseEvent {
    LicenseEvent::SeatReleased(LicenseSeatReleased {
        activation_id: ActivationId(Uuid::from_u128(number)),
        at: at(),
    })
}

#[test]
fn a_transfer_is_told_again_only_while_it_holds() {
    let mut history = vec![issued(), activated(1)];
    history.extend(given::<License>(history.clone()).when(transfer(1, 2)).then_events());
    given::<License>(history.clone()).when(transfer(1, 2)).then_nothing();
    history.push(silent(2));
    given::<License>(history)
        .when(transfer(1, 2))
        .then_rejected(&LicenseRejection::ActivationNotActive(ActivationId(Uuid::from_u128(1))));
}

#[test]
fn a_machine_that_fell_silent_can_be_given_a_seat() {
    let history = [issued(), activated(1), activated(2), silent(2)];
    let events = given::<License>(history).when(transfer(1, 2)).then_events();
    let names: Vec<&str> = events.iter().map(EventData::event_type).collect();
    assert_eq!(
        names,
        ["license.deactivated", "license.deactivated", "license.activated"],
        "what it had is closed, the seat goes, and comes"
    );
}

#[test]
fn a_seat_that_was_taken_along_is_neither_shortened_nor_given_away_by_a_machine() {
    let check_out = |days: u32| LicenseCommand::CheckOut {
        activation_id: ActivationId(Uuid::from_u128(1)),
        until: at().plus_days(days),
        terms: Arc::new(Terms::with_seats(2)),
        at: at(),
    };
    let mut history = vec![issued(), activated(1)];
    history.extend(given::<License>(history.clone()).when(check_out(90)).then_events());
    given::<License>(history.clone()).when(check_out(1)).then_nothing();
    let refused = LicenseRejection::CheckedOut(at().plus_days(90));
    given::<License>(history.clone())
        .when(deactivate(1))
        .then_rejected(&refused);
    given::<License>(history.clone())
        .when(transfer(1, 2))
        .then_rejected(&refused);
    let by_operator = LicenseCommand::Deactivate {
        target: DeactivationTarget::Id(ActivationId(Uuid::from_u128(1))),
        reason: None,
        by_operator: true,
        at: at(),
    };
    assert_eq!(given::<License>(history).when(by_operator).then_events().len(), 1);
}
