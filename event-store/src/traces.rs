//! Traces: what a request sets off (itself, the append of its events, their folding into read models) in one trace,
//! whichever node does which.
//!
//! A trace is named by the correlation id that stands beside every event, and the span of the request by that id's second
//! half. So who meets an event knows its trace and the span above without being told, and all agree on which are kept.

use std::{
    cell::Cell,
    sync::OnceLock,
    time::{Duration, SystemTime},
};

use opentelemetry::{
    Context, KeyValue, global,
    trace::{
        Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
        Tracer as _,
    },
};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use uuid::Uuid;

/// How many of all requests are traced; none before [`begin`].
static SHARE: OnceLock<f64> = OnceLock::new();

thread_local! {
    /// What the span that is begun next is called, where that is not left to chance.
    static NAMED: Cell<Option<Uuid>> = const { Cell::new(None) };
}

/// Traces such a share of all requests (0 to 1) from now on.
pub fn begin(share: f64) {
    let _ = SHARE.set(share);
}

/// Whether anything is traced at all.
pub fn enabled() -> bool {
    SHARE.get().is_some()
}

/// Whether what this id joins is traced. Its last 62 bits are chance; every node answers alike.
pub fn is_traced(correlation_id: Uuid) -> bool {
    let chance = correlation_id.as_u128() & (u128::MAX >> 66);
    SHARE
        .get()
        .is_some_and(|share| (chance as f64) < share * (1_u64 << 62) as f64)
}

/// A request that has been answered just now; `failed` by a fault of ours.
pub fn request(correlation_id: Uuid, name: String, took: Duration, failed: bool, attributes: Vec<KeyValue>) {
    NAMED.set(Some(correlation_id));
    end((name, SpanKind::Server), took, failed, attributes, &Context::new());
    NAMED.set(None);
}

/// Something that a request has set off and that has ended just now, or `failed`.
pub fn step(correlation_id: Uuid, name: &'static str, took: Duration, failed: bool, attributes: Vec<KeyValue>) {
    let above = SpanContext::new(
        trace_id(correlation_id),
        span_id(correlation_id),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    let above = Context::new().with_remote_span_context(above);
    end((name.to_owned(), SpanKind::Internal), took, failed, attributes, &above);
}

#[expect(clippy::disallowed_methods, reason = "it is told to tools, and to no command")]
fn end((name, kind): (String, SpanKind), took: Duration, failed: bool, attributes: Vec<KeyValue>, above: &Context) {
    let now = SystemTime::now();
    let tracer = global::tracer("licet");
    let builder = tracer
        .span_builder(name)
        .with_kind(kind)
        .with_start_time(now.checked_sub(took).unwrap_or(now))
        .with_attributes(attributes);
    let mut span = builder.start_with_context(&tracer, above);
    if failed {
        span.set_status(Status::error(""));
    }
    span.end_with_timestamp(now);
}

fn trace_id(correlation_id: Uuid) -> TraceId {
    TraceId::from_bytes(correlation_id.into_bytes())
}

fn span_id(correlation_id: Uuid) -> SpanId {
    let (_, second_half) = correlation_id.as_u64_pair();
    SpanId::from_bytes(second_half.to_be_bytes())
}

/// Names requests by what they set off, and all else by chance.
#[derive(Debug, Default)]
pub struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        NAMED.get().map_or_else(|| self.0.new_trace_id(), trace_id)
    }

    fn new_span_id(&self) -> SpanId {
        NAMED.get().map_or_else(|| self.0.new_span_id(), span_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_traced_and_everyone_agrees_on_which() {
        let edge = crate::Edge::system();
        let ids: Vec<Uuid> = (0..4_000).map(|_| edge.id()).collect();
        assert!(!ids.iter().any(|id| is_traced(*id)), "nothing before it begins");
        begin(0.25);
        let traced = ids.iter().filter(|id| is_traced(**id)).count();
        assert!((700..1_300).contains(&traced), "{traced} of 4,000");
    }
}
