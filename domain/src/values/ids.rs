//! One type per kind of id, so that a license's id cannot stand where a customer's belongs.

macro_rules! ids {
    ($( $(#[$meta:meta])* $name:ident ),+ $(,)?) => { $(
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+ };
}
pub(crate) use ids;

ids! {
    /// One machine's hold on a seat of a license.
    ActivationId,
    /// Something that looks wrong in a license's history.
    AnomalyId,
    /// A credential for machines.
    ApiKeyId,
    /// Who licenses are issued to.
    CustomerId,
    /// The right to run a product on so many machines.
    LicenseId,
    /// Someone who works in the back office.
    OperatorId,
    /// The terms under which licenses of a product are issued.
    PolicyId,
    /// What is licensed.
    ProductId,
    /// A published version of a product.
    ReleaseId,
    /// A browser that an operator signed in with.
    SessionId,
    /// An address that is told of events.
    WebhookId,
}
