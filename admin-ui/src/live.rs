//! What happens, as it happens: one stream for all tabs of a browser, however many there are, because HTTP/1.1 has but six
//! connections for them. The tab that holds the lock reads the stream and tells the others.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    time::Duration,
};

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::*;
use licet_contracts::admin::{Counters, ProjectorState};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use web_sys::{BroadcastChannel, EventSource, MessageEvent};

use crate::session::Me;

const STREAM: &str = "/api/admin/live";
/// The lock's name, and the channel's.
const NAME: &str = "licet-live";
/// What the stream tells.
const EVENTS: [&str; 5] = ["counters", "activity", "anomaly", "projectors", "sessions"];
/// What a new tab asks the one that reads.
const HELLO: &str = "hello";
/// That the stream has begun, or begun again.
const BEGUN: &str = "begun";
/// What is told with it then.
const AGAIN: &str = "again";
/// That the stream stands, though nothing happens.
const ALIVE: &str = "alive";
/// How often the stream is looked after.
const LOOK: Duration = Duration::from_secs(2);
/// After so long without a word nothing is live any more, in milliseconds.
const SILENCE: f64 = 7_000.0;

/// So many looks at most, which is a minute.
const LONGEST_PAUSE: u32 = 30;

/// So many events are remembered for who watches one thing.
const LATELY: usize = 100;

type Hearing = Closure<dyn Fn(MessageEvent)>;

/// What is known from the stream.
#[derive(Clone, Copy)]
pub(crate) struct Live {
    me: Me,
    counters: RwSignal<Option<Counters>>,
    projectors: RwSignal<Vec<ProjectorState>>,
    /// Counts what happened.
    happened: RwSignal<u32>,
    /// What was told lately, with its number.
    lately: StoredValue<VecDeque<(u32, String)>>,
    /// When something was heard last, in milliseconds since 1970.
    heard: RwSignal<f64>,
    is_live: RwSignal<bool>,
}

thread_local! {
    static CHANNEL: RefCell<Option<BroadcastChannel>> = const { RefCell::new(None) };
    /// Whether this tab is the one that reads.
    static LEADS: Cell<bool> = const { Cell::new(false) };
    /// How many looks lie between two tries to open the stream, and how many have passed.
    static PAUSE: Cell<u32> = const { Cell::new(0) };
    static WAITED: Cell<u32> = const { Cell::new(0) };
    /// What hears it; kept as long as it is.
    static HEARING: RefCell<Vec<Hearing>> = const { RefCell::new(Vec::new()) };
    /// Its stream.
    static SOURCE: RefCell<Option<EventSource>> = const { RefCell::new(None) };
}

/// The page's.
pub(crate) fn live() -> Live {
    expect_context::<Live>()
}

impl Live {
    /// Follows, once someone is in, for as long as the page stands.
    pub(crate) fn follow(me: Me) -> Self {
        let live = Self {
            me,
            counters: RwSignal::new(None),
            projectors: RwSignal::new(Vec::new()),
            happened: RwSignal::new(0),
            lately: StoredValue::new(VecDeque::new()),
            heard: RwSignal::new(0.0),
            is_live: RwSignal::new(false),
        };
        live.listen();
        live.wait_for_turn();
        set_interval(move || live.look(), LOOK);
        Effect::new(move |_| {
            if me.is_in() {
                live.look();
            }
        });
        live
    }

    pub(crate) fn counters(self) -> Option<Counters> {
        self.counters.get()
    }

    /// Read models that stand still, and why.
    pub(crate) fn standing_still(self) -> Vec<ProjectorState> {
        let all = self.projectors.get();
        all.into_iter().filter(|one| one.stopped_by.is_some()).collect()
    }

    /// Changes whenever something happened.
    pub(crate) fn happened(self) -> u32 {
        self.happened.get()
    }

    /// Looks again whenever something happened to the thing of this id.
    pub(crate) fn watch(self, id: Memo<String>, again: RwSignal<u32>) {
        self.watch_all(move || vec![id.get_untracked()], again);
    }

    /// The same for several things; and again after a time in which nothing could be heard.
    pub(crate) fn watch_all(self, ids: impl Fn() -> Vec<String> + 'static, again: RwSignal<u32>) {
        Effect::new(move |seen: Option<u32>| {
            let now = self.happened.get();
            let ids = ids();
            let concerns = |told: &String| told == AGAIN || ids.iter().any(|id| told.contains(id));
            let is_news = |(number, told): &(u32, String)| seen.is_some_and(|seen| *number > seen) && concerns(told);
            if self.lately.with_value(|lately| lately.iter().any(is_news)) {
                again.update(|count| *count += 1);
            }
            now
        });
    }

    pub(crate) fn is_live(self) -> bool {
        self.is_live.get()
    }

    /// Hears what the tab tells that reads the stream.
    fn listen(self) {
        let Ok(channel) = BroadcastChannel::new(NAME) else {
            return;
        };
        let hear = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            let Some(said) = event.data().as_string() else {
                return;
            };
            if said == HELLO {
                self.repeat();
            } else if let Some((name, data)) = said.split_once('\n') {
                self.take(name, data);
            }
        });
        channel.set_onmessage(Some(hear.as_ref().unchecked_ref()));
        hear.forget();
        let _ = channel.post_message(&HELLO.into());
        CHANNEL.with_borrow_mut(|own| *own = Some(channel));
    }

    /// Asks for the lock; whoever gets it keeps it until the tab goes.
    fn wait_for_turn(self) {
        let navigator = JsValue::from(window().navigator());
        let locks = Reflect::get(&navigator, &"locks".into()).unwrap_or_default();
        let request = Reflect::get(&locks, &"request".into()).ok();
        // A browser that has no locks looks now and then: see `is_live`.
        let Some(request) = request.and_then(|request| request.dyn_into::<Function>().ok()) else {
            return;
        };
        let lead = Closure::<dyn Fn() -> Promise>::new(move || {
            LEADS.set(true);
            self.look();
            Promise::new(&mut |_, _| {})
        });
        let _ = request.call2(&locks, &NAME.into(), lead.as_ref());
        lead.forget();
    }

    fn open(self) {
        let Ok(source) = EventSource::new(STREAM) else {
            return;
        };
        // What happened while there was no stream was missed.
        let begin = Hearing::new(move |_: MessageEvent| {
            PAUSE.set(0);
            let heard_before = self.heard.get_untracked() > 0.0;
            self.tell(BEGUN, if heard_before { AGAIN } else { "" });
        });
        source.set_onopen(Some(begin.as_ref().unchecked_ref()));
        let mut hearing = vec![begin];
        for name in EVENTS {
            let hear = Hearing::new(move |event: MessageEvent| {
                self.tell(name, &event.data().as_string().unwrap_or_default());
            });
            let _ = source.add_event_listener_with_callback(name, hear.as_ref().unchecked_ref());
            hearing.push(hear);
        }
        SOURCE.with_borrow_mut(|own| *own = Some(source));
        HEARING.with_borrow_mut(|own| *own = hearing);
    }

    /// Opens again what broke: sooner at first, and then ever later.
    fn open_again(self) {
        let (pause, waited) = (PAUSE.get(), WAITED.get() + 1);
        if waited < pause {
            WAITED.set(waited);
            return;
        }
        WAITED.set(0);
        PAUSE.set((pause * 2).clamp(1, LONGEST_PAUSE));
        self.open();
    }

    /// Takes what the stream says, and passes it on.
    fn tell(self, name: &str, data: &str) {
        self.take(name, data);
        CHANNEL.with_borrow(|channel| {
            if let Some(channel) = channel {
                let _ = channel.post_message(&format!("{name}\n{data}").into());
            }
        });
    }

    fn take(self, name: &str, data: &str) {
        self.heard.set(js_sys::Date::now());
        self.is_live.set(true);
        match name {
            "counters" => self.counters.set(serde_json::from_str(data).ok()),
            "projectors" => self.projectors.set(serde_json::from_str(data).unwrap_or_default()),
            ALIVE => {}
            _ => {
                let number = self.happened.get_untracked() + 1;
                self.lately.update_value(|lately| {
                    lately.push_back((number, data.to_owned()));
                    if lately.len() > LATELY {
                        lately.pop_front();
                    }
                });
                self.happened.set(number);
            }
        }
    }

    /// Tells a new tab what is known.
    fn repeat(self) {
        if SOURCE.with_borrow(Option::is_none) {
            return;
        }
        if let Some(counters) = self.counters.get_untracked() {
            self.tell("counters", &serde_json::to_string(&counters).unwrap_or_default());
        }
        let projectors = self.projectors.get_untracked();
        self.tell("projectors", &serde_json::to_string(&projectors).unwrap_or_default());
    }

    /// Opens the stream again where it broke, and closes it where nobody is in.
    fn look(self) {
        let state = SOURCE.with_borrow(|source| source.as_ref().map(EventSource::ready_state));
        match (state, self.me.is_in_untracked()) {
            (None | Some(EventSource::CLOSED), true) if LEADS.get() => self.open_again(),
            (Some(EventSource::OPEN), true) => self.tell(ALIVE, ""),
            (Some(EventSource::OPEN | EventSource::CONNECTING), false) => SOURCE.with_borrow(|source| {
                if let Some(source) = source {
                    source.close();
                }
            }),
            _ => {}
        }
        let silent = js_sys::Date::now() - self.heard.get_untracked() > SILENCE;
        if silent && self.is_live.get_untracked() {
            self.is_live.set(false);
        }
    }
}
