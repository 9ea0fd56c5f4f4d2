import { createServer } from "node:net";

/** All addresses of IPv4 and IPv6. */
const ANY = "::";

/**
 * Whether the kernel can listen on `host`. It cannot on an IPv6 address if it was built or started without
 * IPv6.
 */
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

/**
 * The address to listen on for a configured `host`. `::` means every address, or every IPv4 address if the
 * machine has no IPv6.
 */
export async function listenAddress(host: string, takes = isTaken): Promise<string> {
  return host === ANY && !(await takes(ANY)) ? "0.0.0.0" : host;
}
