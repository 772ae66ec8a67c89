//! Traces to a collector, by OTLP over HTTP: an option, for who looks for where the time goes.

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use licet_event_store::traces;
use opentelemetry::{KeyValue, global};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};

/// Where traces go.
#[derive(clap::Args)]
pub(crate) struct TraceOptions {
    /// A collector that takes traces by OTLP over HTTP, such as <http://localhost:4318>; none are made without.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// Which share of requests is traced, from 0 to 1.
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", default_value_t = 0.01, value_name = "SHARE", value_parser = share)]
    trace_share: f64,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("{text:?} is no number from 0 to 1"))
}

/// Begins to trace, where that is asked for; what is returned tells the last spans when it is shut down.
pub(crate) fn start(options: &TraceOptions) -> anyhow::Result<Option<SdkTracerProvider>> {
    let Some(endpoint) = &options.otlp_endpoint else {
        return Ok(None);
    };
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(10)))
        .build();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Sender(agent.into()))
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .with_context(|| format!("sending traces to {endpoint}"))?;
    let resource = Resource::builder_empty()
        .with_service_name("licet")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    // Which requests are traced is decided where spans are made.
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_id_generator(traces::Ids::default())
        .with_sampler(Sampler::AlwaysOn)
        .with_resource(resource)
        .build();
    global::set_tracer_provider(provider.clone());
    traces::begin(options.trace_share);
    Ok(Some(provider))
}

/// The exporter has a thread of its own, which may wait: no runtime is needed.
#[derive(Debug)]
struct Sender(ureq::Agent);

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.0.run(Request::from_parts(parts, &body[..]))?;
        let (parts, mut body) = answer.into_parts();
        Ok(Response::from_parts(parts, body.read_to_vec()?.into()))
    }
}
