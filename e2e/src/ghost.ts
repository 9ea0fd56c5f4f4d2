import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import type { ConnectionOptions } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { LEASE_RENEW_MS } from "@jichat/protocol/log/streams.ts";

const NAME = "ghost";

/**
 * An owner that holds the leases of partitions and reports that it is alive, but serves nobody. These
 * partitions are stopped, and no router may take them. Resolves, once it has them, with a function that ends
 * it.
 */
export async function ghost(
  options: ConnectionOptions,
  names: Names,
  partitions: readonly number[],
): Promise<() => Promise<void>> {
  const nats = await connect(options);
  const owners = await new Kvm(nats).open(names.owners);
  const leases = await new Kvm(nats).open(names.leases);
  // It claims to be draining: then it is given no more partitions, and keeps what it has.
  const live = async (): Promise<unknown> => owners.put(`router.${NAME}`, "draining");
  await live();
  for (const partition of partitions) await leases.put(`router.${partition}`, NAME);
  let failure: unknown;
  const timer = setInterval(() => {
    live().catch((error: unknown) => {
      failure ??= error;
    });
  }, LEASE_RENEW_MS);
  return async () => {
    clearInterval(timer);
    await owners.delete(`router.${NAME}`);
    await nats.close();
    if (failure !== undefined) throw failure;
  };
}
