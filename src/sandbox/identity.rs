//! The name of a world, which every answer carries, so that no client takes it for a real server.
//!
//! It is derived from what the world holds at the start: a sandbox that is started again on the same
//! world has the same name, and a copy that was taken at another time has another one.

use uuid::Uuid;

use super::world::World;

/// The header that carries the name.
pub(super) const HEADER: &str = "X-Waldur-Sandbox";

const NAMESPACE: Uuid = Uuid::from_u128(0x3c1b_7d60_5f0e_4e8a_8d55_90b1_27ce_6a34);

/// The name of a world. Amounts do not count: a plan is held to them by itself.
pub(super) fn identity(world: &World) -> String {
    let mut content = world.now.to_string().into_bytes();
    let mut add = |uuid: &Uuid| content.extend_from_slice(uuid.as_bytes());
    world.users.iter().for_each(|user| add(&user.uuid));
    world.offerings.iter().for_each(|offering| add(&offering.uuid));
    world.resources.iter().for_each(|resource| add(&resource.uuid));
    content.extend_from_slice(&world.usages.len().to_be_bytes());
    Uuid::new_v5(&NAMESPACE, &content).as_simple().to_string()
}
