//! Seats that move, float and travel; and thousands of random histories against a simple model.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use uuid::Uuid;

use super::{tests::issue, *};
use crate::{
    Decider, SeatHold,
    policy::{DurationFrom, Terms},
    testing::given,
    values::{ActivationId, RawFingerprint, Timestamp},
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000).plus_seconds(second)
}

fn id(number: u8) -> ActivationId {
    ActivationId(Uuid::from_u128(number.into()))
}

fn floating(seats: u32) -> Terms {
    Terms {
        floating: true,
        heartbeat_interval_seconds: 60,
        ..Terms::with_seats(seats)
    }
}

fn order(activation: u8, machine: u8, terms: &Terms, second: i64) -> Box<Activate> {
    let raw = RawFingerprint {
        mac_addresses: vec![format!("3c:52:82:00:00:{machine:02x}")],
        cpu_id: Some(format!("cpu {machine}")),
        ..RawFingerprint::default()
    };
    let fingerprint = raw.normalize().unwrap();
    Box::new(Activate {
        activation_id: id(activation),
        identity: fingerprint.hash(&[7; 32]),
        fingerprint,
        terms: Arc::new(terms.clone()),
        policy_version: 1,
        min_version: None,
        hostname: None,
        os: None,
        app_version: None,
        at: at(second),
    })
}

fn activate(number: u8, terms: &Terms, second: i64) -> LicenseCommand {
    LicenseCommand::Activate(order(number, number, terms, second))
}

fn transfer(from: u8, to: u8, terms: &Terms, second: i64) -> LicenseCommand {
    LicenseCommand::Transfer {
        from: id(from),
        to: order(to, to, terms, second),
        reason: None,
        by_operator: false,
    }
}

fn release(number: u8, terms: &Terms, second: i64) -> LicenseCommand {
    LicenseCommand::ReleaseSeat {
        activation_id: id(number),
        terms: Arc::new(terms.clone()),
        at: at(second),
    }
}

fn revive(number: u8, terms: &Terms, second: i64) -> LicenseCommand {
    LicenseCommand::ReviveSeat {
        activation_id: id(number),
        terms: Arc::new(terms.clone()),
        policy_version: 1,
        at: at(second),
    }
}

fn endless() -> LicenseEvent {
    LicenseEvent::Issued(LicenseIssued {
        expires_at: None,
        ..issue()
    })
}

/// Runs commands that must be accepted, one after another.
fn history(commands: impl IntoIterator<Item = LicenseCommand>) -> Vec<LicenseEvent> {
    let mut events = vec![endless()];
    let mut state = License::evolve(License::Absent, &events[0]);
    for command in commands {
        for event in License::decide(&state, command).unwrap() {
            state = License::evolve(state, &event);
            events.push(event);
        }
    }
    events
}

#[test]
fn a_transfer_takes_one_seat_and_gives_one() {
    let terms = Terms::with_seats(1);
    let events = history([activate(1, &terms, 0), transfer(1, 2, &terms, 1)]);
    assert!(matches!(
        &events[2..],
        [LicenseEvent::Deactivated(left), LicenseEvent::Activated(came)]
            if left.activation_id == id(1) && came.transferred_from == Some(id(1))
    ));
    given::<License>(events.clone())
        .when(transfer(1, 2, &terms, 2))
        .then_nothing();
    given::<License>(events.clone())
        .when(transfer(1, 3, &terms, 2))
        .then_rejected(&LicenseRejection::ActivationNotActive(id(1)));
    given::<License>(events.clone())
        .when(transfer(2, 2, &terms, 2))
        .then_rejected(&LicenseRejection::AlreadyActive(id(2)));
    given::<License>(events)
        .when(transfer(9, 3, &terms, 2))
        .then_rejected(&LicenseRejection::ActivationNotFound(Some(id(9))));
}

#[test]
fn transfers_are_counted_in_their_period() {
    let day = 86_400;
    let terms = Terms {
        max_transfers: Some(1),
        transfer_period_days: Some(30),
        ..Terms::with_seats(1)
    };
    let moved = history([activate(1, &terms, 0), transfer(1, 2, &terms, 1)]);
    given::<License>(moved.clone())
        .when(transfer(2, 3, &terms, 29 * day))
        .then_rejected(&LicenseRejection::TransferLimitReached { limit: 1, made: 1 });
    given::<License>(moved.clone())
        .when(transfer(2, 3, &terms, 31 * day))
        .then_events();
    let for_life = Terms {
        transfer_period_days: None,
        ..terms
    };
    given::<License>(moved)
        .when(transfer(2, 3, &for_life, 1_000 * day))
        .then_rejected(&LicenseRejection::TransferLimitReached { limit: 1, made: 1 });
}

#[test]
fn a_silent_seat_is_released_once_and_revived_while_one_is_free() {
    let terms = floating(1);
    let full = LicenseRejection::ActivationLimitReached { limit: 1, active: 1 };
    let silent = history([activate(1, &terms, 0), release(1, &terms, 200)]);
    given::<License>(silent.clone())
        .when(release(1, &terms, 201))
        .then_nothing();
    given::<License>(silent.clone())
        .when(revive(1, &terms, 201))
        .then_events();
    let taken = [silent, history([activate(2, &terms, 201)]).split_off(1)].concat();
    given::<License>(taken.clone())
        .when(revive(1, &terms, 202))
        .then_rejected(&full);
    given::<License>(taken)
        .when(activate(1, &terms, 202))
        .then_rejected(&full);
    let seated = history([activate(1, &terms, 0)]);
    given::<License>(seated.clone())
        .when(revive(1, &terms, 1))
        .then_nothing();
    given::<License>(seated)
        .when(release(1, &Terms::with_seats(1), 200))
        .then_nothing();
}

#[test]
fn a_silent_machine_that_activates_is_the_same_activation() {
    let terms = floating(1);
    let events = given::<License>(history([activate(1, &terms, 0), release(1, &terms, 200)]))
        .when(LicenseCommand::Activate(order(9, 1, &terms, 201)))
        .then_events();
    assert!(matches!(&events[..], [LicenseEvent::SeatRevived(event)] if event.activation_id == id(1)));
}

#[test]
fn a_duration_from_the_first_machine_begins_once() {
    let terms = Terms {
        duration_days: Some(10),
        duration_from: DurationFrom::FirstActivation,
        ..Terms::with_seats(2)
    };
    let events = history([activate(1, &terms, 5), activate(2, &terms, 6)]);
    let started: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            LicenseEvent::Started(started) => Some(started.expires_at),
            _ => None,
        })
        .collect();
    assert_eq!(started, [at(5).plus_days(10)]);
}

#[test]
fn a_duration_that_waits_for_a_machine_outlasts_an_edited_policy() {
    let edited = Terms {
        duration_days: Some(10),
        duration_from: DurationFrom::Creation,
        ..Terms::with_seats(2)
    };
    let starts = |awaits_machine| {
        let mut history = history([]);
        if let [LicenseEvent::Issued(issued)] = &mut history[..] {
            issued.awaits_machine = awaits_machine;
        }
        let events = given::<License>(history).when(activate(1, &edited, 5)).then_events();
        events.iter().any(|event| matches!(event, LicenseEvent::Started(_)))
    };
    assert!(starts(true));
    assert!(!starts(false), "what was issued without an end keeps none");
}

#[test]
fn usage_beyond_a_limit_is_noted_once_a_period() {
    let note = |period: i64, used| LicenseCommand::NoteUsage {
        meter: "pages".to_owned(),
        period: at(period),
        limit: 10,
        used,
        at: at(period),
    };
    given::<License>(history([])).when(note(0, 10)).then_nothing();
    let noted = history([note(0, 11)]);
    given::<License>(noted.clone()).when(note(0, 99)).then_nothing();
    given::<License>(noted).when(note(2_678_400, 11)).then_events();
}

#[test]
fn a_seat_travels_for_as_long_as_the_license_lives() {
    let terms = floating(1);
    let check_out = |until: Timestamp| LicenseCommand::CheckOut {
        activation_id: id(1),
        until,
        terms: Arc::new(terms.clone()),
        at: at(0),
    };
    let seated = history([activate(1, &terms, 0)]);
    let events = given::<License>(seated.clone())
        .when(check_out(at(0).plus_days(90)))
        .then_events();
    given::<License>([seated.clone(), events].concat())
        .when(check_out(at(0).plus_days(90)))
        .then_nothing();
    for until in [at(0), at(0).plus_days(367)] {
        given::<License>(seated.clone())
            .when(check_out(until))
            .then_rejected(&LicenseRejection::CheckOutOutOfRange);
    }
    given::<License>([seated, history([release(1, &terms, 1)]).split_off(1)].concat())
        .when(check_out(at(0).plus_days(1)))
        .then_events();
    given::<License>(history([activate(1, &terms, 0), release(1, &terms, 1)]))
        .when(check_out(at(0).plus_days(1)))
        .then_rejected(&LicenseRejection::ActivationNotActive(id(1)));
}

/// What a simple book-keeper knows: until when each seat is held; who is gone for good is not in it.
#[derive(Default)]
struct Model {
    held: BTreeMap<u8, i64>,
    silent: std::collections::BTreeSet<u8>,
}

const SEATS: u32 = 3;
const HOLD: i64 = 180;

#[derive(Debug, Clone)]
enum Step {
    Start(u8),
    Beat(u8),
    Stop(u8),
    Sweep,
    Wait(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0u8..9).prop_map(Step::Start),
        6 => (0u8..9).prop_map(Step::Beat),
        2 => (0u8..9).prop_map(Step::Stop),
        2 => Just(Step::Sweep),
        4 => (1i64..150).prop_map(Step::Wait),
    ]
}

/// The log's part: holds by the clock, as the store keeps them.
#[derive(Default)]
struct Holds(BTreeMap<ActivationId, i64>);

impl Holds {
    fn apply(&mut self, changes: &[SeatHold], now: i64) {
        for change in changes {
            match *change {
                SeatHold::Take {
                    activation_id, seconds, ..
                }
                | SeatHold::Extend { activation_id, seconds } => {
                    _ = self.0.insert(activation_id, now + i64::from(seconds));
                }
                SeatHold::Free { activation_id } => _ = self.0.remove(&activation_id),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Machines start, beat, crash, come back and leave in any order: the rules with the log's holds agree with the
    /// model on who has a seat, never more than there are, and a seat that fell free is there for the next who asks.
    #[test]
    fn floating_seats_agree_with_a_simple_model(steps in prop::collection::vec(any_step(), 0..80)) {
        let terms = floating(SEATS);
        let mut state = License::evolve(License::Absent, &endless());
        let (mut holds, mut model, mut now) = (Holds::default(), Model::default(), 0i64);
        let mut known: BTreeMap<u8, ActivationId> = BTreeMap::new();
        let mut next_id = 0u8;
        for step in steps {
            let run = |state: &mut License, holds: &mut Holds, command| {
                let events = License::decide(state, command)?;
                *state = events.iter().fold(state.clone(), License::evolve);
                holds.apply(&License::holds(state, &events), now);
                Ok::<_, LicenseRejection>(events)
            };
            let sweep = |state: &mut License, holds: &mut Holds, model: &mut Model| {
                let expired: Vec<_> = holds.0.iter().filter(|(_, until)| **until <= now).map(|(id, _)| *id).collect();
                for activation_id in expired {
                    let terms = Arc::new(terms.clone());
                    run(state, holds, LicenseCommand::ReleaseSeat { activation_id, terms, at: at(now) }).unwrap();
                }
                let gone: Vec<u8> = model.held.iter().filter(|(_, until)| **until <= now).map(|(m, _)| *m).collect();
                for machine in gone {
                    model.held.remove(&machine);
                    model.silent.insert(machine);
                }
            };
            match step {
                Step::Wait(seconds) => now += seconds,
                Step::Sweep => sweep(&mut state, &mut holds, &mut model),
                Step::Start(machine) => {
                    // As the use case does: a full license is swept before anyone is refused.
                    if model.held.len() as u32 >= SEATS && !model.held.contains_key(&machine) {
                        sweep(&mut state, &mut holds, &mut model);
                    }
                    next_id += 1;
                    let command = LicenseCommand::Activate(order(next_id, machine, &terms, now));
                    let done = License::decide(&state, command);
                    let free = (model.held.len() as u32) < SEATS;
                    prop_assert_eq!(done.is_ok(), free || model.held.contains_key(&machine), "{:?}", done);
                    let Ok(events) = done else { continue };
                    state = events.iter().fold(state.clone(), License::evolve);
                    holds.apply(&License::holds(&state, &events), now);
                    if let Some(LicenseEvent::Activated(event)) = events.first() {
                        known.insert(machine, event.activation_id);
                    }
                    if !events.is_empty() {
                        model.silent.remove(&machine);
                        model.held.insert(machine, now + HOLD);
                    }
                }
                Step::Beat(machine) => {
                    let Some(activation_id) = known.get(&machine).copied() else { continue };
                    let seated = state.facts().unwrap().activation(activation_id).unwrap().is_seated();
                    prop_assert_eq!(seated, model.held.contains_key(&machine));
                    if seated {
                        holds.apply(&[SeatHold::Extend { activation_id, seconds: HOLD as u32 }], now);
                        model.held.insert(machine, now + HOLD);
                        continue;
                    }
                    if model.held.len() as u32 >= SEATS {
                        sweep(&mut state, &mut holds, &mut model);
                    }
                    let command = LicenseCommand::ReviveSeat {
                        activation_id,
                        terms: Arc::new(terms.clone()),
                        policy_version: 1,
                        at: at(now),
                    };
                    let done = License::decide(&state, command);
                    prop_assert_eq!(done.is_ok(), (model.held.len() as u32) < SEATS);
                    let Ok(events) = done else { continue };
                    state = events.iter().fold(state.clone(), License::evolve);
                    holds.apply(&License::holds(&state, &events), now);
                    model.silent.remove(&machine);
                    model.held.insert(machine, now + HOLD);
                }
                Step::Stop(machine) => {
                    let Some(activation_id) = known.remove(&machine) else { continue };
                    let command = LicenseCommand::Deactivate {
                        target: DeactivationTarget::Id(activation_id),
                        reason: None,
by_operator: false,
                        at: at(now),
                    };
                    run(&mut state, &mut holds, command).unwrap();
                    model.held.remove(&machine);
                    model.silent.remove(&machine);
                }
            }
            let license = state.facts().unwrap();
            prop_assert!(license.active <= SEATS);
            prop_assert_eq!(license.active as usize, model.held.len());
            prop_assert_eq!(holds.0.len(), model.held.len(), "a hold for each seat and no other");
        }
    }
}
