//! What is done alike to every kind of resource: taken up, changed, taken out of use.

use std::sync::Arc;

use licet_domain::{Decider as _, Resource};
use licet_event_store::{Aggregates, Claim, Envelope, EventLog, Tenant};
use uuid::Uuid;

use crate::{Body, CommandError, Context, Done, Platform};

/// Says whether a resource still is what the caller has read.
pub type Unchanged<'a, D> = &'a (dyn Fn(&D) -> bool + Sync);

/// A resource that the platform keeps in memory.
pub trait InMemory: Resource {
    /// Those of this kind.
    fn of(resources: &Resources) -> &Arc<Aggregates<Self>>;
}

macro_rules! in_memory {
    ($(($field:ident, $name:ident = $kind:ty)),+ $(,)?) => {
        /// The resources in memory, each kind for itself.
        pub struct Resources {
            $(
                #[doc = concat!("The ", stringify!($field), " in memory.")]
                pub $field: Arc<Aggregates<$kind>>,
            )+
        }

        impl Resources {
            /// Empty, with so many bytes for each kind.
            pub(crate) fn new(log: &EventLog, bytes: u64) -> Self {
                Self { $($field: Aggregates::new(log.clone(), bytes)),+ }
            }

            /// Forgets what is older than this event of some kind.
            pub(crate) fn invalidate(&self, kind: &str, tenant: &Tenant, id: Uuid, sequence: u64) {
                match kind {
                    $(<$kind>::TYPE => self.$field.invalidate(tenant, id, sequence),)+
                    _ => {}
                }
            }
        }

        $(impl InMemory for $kind {
            fn of(resources: &Resources) -> &Arc<Aggregates<Self>> {
                &resources.$field
            }
        })+
    };
}
licet_domain::for_every_resource!(in_memory);

impl Platform {
    /// The resources of one kind in memory.
    pub fn of<D: InMemory>(&self) -> &Arc<Aggregates<D>> {
        D::of(&self.resources)
    }

    /// Takes something up, under claims that are free.
    pub(crate) async fn create<D: InMemory>(
        &self,
        context: &Context,
        id: Uuid,
        claims: Vec<Claim>,
        command: D::Command,
        body: Body<'_, D>,
    ) -> Result<Done<D>, CommandError>
    where
        D::Command: Clone + Sync,
    {
        let envelope = Envelope {
            claims,
            ..context.envelope()
        };
        let order = |_: &D| Ok(command.clone());
        let output = |state: &D| Ok(state.clone());
        self.run(self.of::<D>(), (id, context, envelope), order, output, body)
            .await
    }

    /// Changes what still is as `unchanged` says.
    pub(crate) async fn change<D: InMemory>(
        &self,
        about: (Uuid, &Context, Envelope),
        unchanged: Unchanged<'_, D>,
        order: impl Fn(&D) -> Result<D::Command, CommandError> + Sync,
        body: Body<'_, D>,
    ) -> Result<Done<D>, CommandError> {
        let order = |state: &D| {
            if !state.exists() {
                return Err(CommandError::not_found(D::KIND));
            }
            if !unchanged(state) {
                return Err(CommandError::Stale);
            }
            order(state)
        };
        let output = |state: &D| Ok(state.clone());
        self.run(self.of::<D>(), about, order, output, body).await
    }

    /// Takes out of use what still is as `unchanged` says. What it claimed stays taken.
    pub async fn retire<D: InMemory>(
        &self,
        context: &Context,
        id: Uuid,
        unchanged: Unchanged<'_, D>,
    ) -> Result<Done<D>, CommandError> {
        let about = (id, context, context.envelope());
        let order = |_: &D| Ok(D::retire(context.now));
        self.change(about, unchanged, order, &|_| String::new()).await
    }

    /// A claim on a value that belongs to one thing at a time.
    pub(crate) async fn claim(
        &self,
        tenant: &Tenant,
        kind: &'static str,
        value: &str,
        id: Uuid,
    ) -> Result<Claim, CommandError> {
        Ok(Claim {
            kind,
            value_hash: self.look_up_key(tenant).await?.hash(kind, value.as_bytes()),
            aggregate_id: id.to_string(),
        })
    }
}
