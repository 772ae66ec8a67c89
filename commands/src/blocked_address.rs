//! Use cases of ranges from which nobody signs in.

use std::net::IpAddr;

use licet_domain::{
    blocked_address::{AddressBlocked, BlockedAddress, BlockedAddressCommand, BlockedAddressId, LiveBlock},
    values::{AddressRange, Text, Timestamp},
};
use licet_event_store::{Tenant, vault::Sealer};
use uuid::{Builder, Uuid};

use crate::{Body, CommandError, Context, Done, Fields, Platform};

/// A block as it is asked for.
#[derive(Debug, Clone)]
pub struct NewBlock {
    /// An address or a network, such as `192.0.2.0/24`.
    pub network: String,
    /// Why.
    pub reason: Option<String>,
    /// Until when (RFC 3339); none is until it is taken away.
    pub until: Option<String>,
}

/// A block as it is answered.
#[derive(Debug, Clone)]
pub struct BlockView {
    /// The block, its range still sealed.
    pub block: BlockedAddress,
    /// The range.
    pub network: String,
    /// Why.
    pub reason: Option<String>,
}

impl Platform {
    /// Blocks a range, as an operator orders it.
    pub async fn block_address(
        &self,
        context: &Context,
        new: NewBlock,
        body: Body<'_, BlockView>,
    ) -> Result<Done<BlockView>, CommandError> {
        let mut fields = Fields::new();
        let network = fields.take("network", AddressRange::parse(&new.network));
        let reason = fields.take_optional("reason", new.reason.as_deref(), Text::<200>::parse);
        let until = fields.time("until", new.until.as_deref());
        if until.is_some_and(|until| until <= context.now) {
            fields.complain("until", "OUT_OF_RANGE", "this is a time to come");
        }
        let network = fields.finish(network)?;
        let reason = reason.as_ref().map(Text::as_str);
        self.block(context, (network, reason), until, false, body).await
    }

    /// Blocks whoever has an address, by itself; one that is blocked already stays as it is.
    pub async fn block_by_itself(
        &self,
        context: &Context,
        address: IpAddr,
        reason: &str,
        until: Timestamp,
    ) -> Result<Done<BlockView>, CommandError> {
        let about = (AddressRange::of(address), Some(reason));
        self.block(context, about, Some(until), true, &|_| String::new()).await
    }

    async fn block(
        &self,
        context: &Context,
        (network, reason): (AddressRange, Option<&str>),
        until: Option<Timestamp>,
        automatic: bool,
        body: Body<'_, BlockView>,
    ) -> Result<Done<BlockView>, CommandError> {
        let id = self.block_id(&context.tenant, network).await?;
        let sealer = self.tenant_sealer(&context.tenant).await?;
        let blocked = AddressBlocked {
            blocked_address_id: BlockedAddressId(id),
            network: sealer.seal(&network.to_string()),
            reason: reason.map(|reason| sealer.seal(reason)),
            until,
            automatic,
            at: context.now,
        };
        let order = |_: &_| Ok(BlockedAddressCommand::Block(blocked.clone()));
        let output = |state: &BlockedAddress| {
            Ok(BlockView {
                block: state.clone(),
                network: network.to_string(),
                reason: reason.map(str::to_owned),
            })
        };
        let about = (id, context, context.envelope());
        self.run(&self.resources.blocked_addresses, about, order, output, body)
            .await
    }

    /// The ids of all ranges that an address is in, blocked or not.
    pub async fn block_ids_around(&self, tenant: &Tenant, address: IpAddr) -> Result<Vec<Uuid>, CommandError> {
        let key = self.look_up_key(tenant).await?;
        Ok(AddressRange::around(address)
            .map(|range| id_of(key.hash(RANGE, range.to_string().as_bytes())))
            .collect())
    }

    /// Lets people in again from a range, or from every range that an address is in; answers how many were blocked.
    pub async fn unblock_addresses(&self, context: &Context, typed: &str) -> Result<usize, CommandError> {
        let mut fields = Fields::new();
        let range = fields.take("network", AddressRange::parse(typed));
        let range = fields.finish(range)?;
        let mut ids = vec![self.block_id(&context.tenant, range).await?];
        if let Ok(address) = typed.trim().parse() {
            ids = self.block_ids_around(&context.tenant, address).await?;
        }
        let mut unblocked = 0;
        for id in ids {
            let known = self.resources.blocked_addresses.fresh(&context.tenant, id).await?;
            if matches!(known.state, BlockedAddress::Live(_)) {
                let context = Context {
                    command_id: self.edge.id(),
                    ..context.clone()
                };
                self.retire::<BlockedAddress>(&context, id, &|_| true).await?;
                unblocked += 1;
            }
        }
        Ok(unblocked)
    }

    async fn block_id(&self, tenant: &Tenant, range: AddressRange) -> Result<Uuid, CommandError> {
        let key = self.look_up_key(tenant).await?;
        Ok(id_of(key.hash(RANGE, range.to_string().as_bytes())))
    }
}

/// What is sealed of a block: the range and the reason.
pub fn open_block(block: &LiveBlock, sealer: &Sealer) -> Result<(String, Option<String>), CommandError> {
    let reason = block.reason.as_ref().map(|reason| sealer.open(reason)).transpose()?;
    Ok((sealer.open(&block.network)?, reason))
}

/// What ranges are hashed as.
const RANGE: &str = "blocked_address";

/// The same range has the same id at all times and on all nodes.
fn id_of(hash: [u8; 32]) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}
