//! Tells an absent field from one that is `null`: absent keeps a value, `null` takes it away.

use serde::{Deserialize, Deserializer};

/// For fields of type `Option<Option<T>>` with `#[serde(default)]`: `Some(None)` is `null`.
pub(crate) fn read<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}
