import { createServer } from "node:net";

/** Every address of both families. */
const ANY = "::";

/** Whether the kernel takes it; it does not where it was built or started without IPv6. */
async function isTaken(host: string): Promise<boolean> {
  const probe = createServer();
  const taken = await new Promise<boolean>((resolve) => {
    probe.once("error", () => {
      resolve(false);
    });
    probe.listen(0, host, () => {
      resolve(true);
    });
  });
  if (taken) await new Promise((resolve) => probe.close(resolve));
  return taken;
}

/** Where to listen when told `host`: `::` is every address, of IPv4 alone where the machine has no IPv6. */
export async function listenAddress(host: string, takes = isTaken): Promise<string> {
  return host === ANY && !(await takes(ANY)) ? "0.0.0.0" : host;
}
