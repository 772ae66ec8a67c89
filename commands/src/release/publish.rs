//! Publishes a version of a product.

use licet_domain::{
    Decider,
    product::{Product, ProductCommand},
    release::{Release, ReleaseCommand, ReleasePublished},
    values::{Code, ReleaseId, Text, ValueError},
};
use licet_event_store::{AppendError, LogTable, NewEvent, StreamEvents};
use uuid::Uuid;

use crate::{Body, CommandError, Context, Done, Fields, Platform, fields::web_address};

/// A release as it is asked for.
#[derive(Debug, Clone)]
pub struct NewRelease {
    /// The product, by code or id.
    pub product: String,
    /// The version, as the product's scheme writes it.
    pub version: String,
    /// The channel.
    pub channel: String,
    /// Whether programs must update to it.
    pub mandatory: bool,
    /// The lowest version that may still run.
    pub min_version: Option<String>,
    /// Where to fetch it.
    pub download_url: Option<String>,
    /// SHA-256 of the download.
    pub sha256: Option<String>,
    /// What is new.
    pub notes: Option<String>,
    /// To how many percent of the machines it is offered; absent is to all.
    pub rollout_percent: Option<i64>,
}

impl Platform {
    /// Publishes a version that the channel does not have yet, and raises the product's minimum version with it, where
    /// the release is for everybody.
    pub async fn publish_release(
        &self,
        context: &Context,
        new: NewRelease,
        body: Body<'_, Release>,
    ) -> Result<Done<Release>, CommandError> {
        for _ in 0..8 {
            match self.try_publish(context, &new, body).await {
                // The product has changed meanwhile: look at it again.
                Err(CommandError::Contended) => {}
                result => return result,
            }
        }
        Err(CommandError::Contended)
    }

    async fn try_publish(
        &self,
        context: &Context,
        new: &NewRelease,
        body: Body<'_, Release>,
    ) -> Result<Done<Release>, CommandError> {
        let (product, product_version) = self.live_product(&context.tenant, &new.product).await?;
        let id = self.edge.id();
        let release = read(new, ReleaseId(id), &product, context)?;
        let unique = format!("{}/{}/{}", product.id, release.channel, release.version);
        let claim = self.claim(&context.tenant, "release", &unique, id).await?;
        // Written in another way it is the same version.
        let same = format!("{}/{}/{}", product.id, release.channel, release.version.unpadded());
        let same = self.claim(&context.tenant, "release_version", &same, id).await?;
        let events = Release::decide(&Release::default(), ReleaseCommand::Publish(release.clone()))?;
        let raise = release
            .for_everybody()
            .then(|| release.min_version.clone())
            .flatten()
            .map(|version| ProductCommand::RaiseMinimumVersion {
                version,
                release_id: release.release_id,
                at: context.now,
            });
        let state = Product::Live(product.clone());
        let raised = raise.map_or(Ok(vec![]), |command| Product::decide(&state, command))?;
        let value = events.iter().fold(Release::default(), Release::evolve);
        let mut submission = Self::submission(context, context.answer(|| body(&value)));
        submission.claims = vec![claim, same];
        submission.streams = vec![stream::<Release>(id, 0, &events)];
        if !raised.is_empty() {
            submission
                .streams
                .push(stream::<Product>(product.id.0, product_version, &raised));
        }
        let appended = self.log.append(submission).await;
        self.releases_changed();
        if raised.is_empty() && !matches!(appended, Err(AppendError::Conflict { .. })) {
            return Ok(Done {
                value,
                position: appended?.position,
                changed: true,
            });
        }
        // What this node remembers of the product is out of date now.
        self.resources
            .products
            .invalidate(&context.tenant, product.id.0, u64::MAX);
        Ok(Done {
            value,
            position: appended?.position,
            changed: true,
        })
    }
}

fn stream<D: Decider>(id: Uuid, expected_version: u64, events: &[D::Event]) -> StreamEvents {
    StreamEvents {
        table: LogTable::Events,
        aggregate_type: D::TYPE,
        aggregate_id: id.to_string(),
        expected_version,
        events: events.iter().map(NewEvent::of).collect(),
    }
}

fn read(
    new: &NewRelease,
    release_id: ReleaseId,
    product: &licet_domain::product::LiveProduct,
    context: &Context,
) -> Result<ReleasePublished, CommandError> {
    let mut fields = Fields::new();
    let version = fields.take("version", product.version_scheme.read(&new.version));
    let channel = fields.take("channel", Code::parse(&new.channel));
    let min_version = fields.take_optional("min_version", new.min_version.as_deref(), |text| {
        product.version_scheme.read(text)
    });
    let download_url = fields.take_optional("download_url", new.download_url.as_deref(), web_address);
    let sha256 = fields.take_optional("sha256", new.sha256.as_deref(), sha256);
    let notes = fields.take_optional("notes", new.notes.as_deref(), Text::parse);
    let rollout_percent = fields.optional_number("rollout_percent", Some(new.rollout_percent), None);
    let (version, channel) = fields.finish(version.zip(channel))?;
    Ok(ReleasePublished {
        release_id,
        product_id: product.id,
        version,
        channel,
        mandatory: new.mandatory,
        min_version,
        download_url,
        sha256,
        notes,
        rollout_percent,
        at: context.now,
    })
}

fn invalid(code: &'static str, detail: &str) -> ValueError {
    ValueError {
        code,
        detail: detail.to_owned(),
    }
}

fn sha256(text: &str) -> Result<Text<64>, ValueError> {
    let text = text.trim().to_ascii_lowercase();
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Text::parse(&text);
    }
    Err(invalid("SHA256_INVALID", "a SHA-256 has 64 hexadecimal digits"))
}
