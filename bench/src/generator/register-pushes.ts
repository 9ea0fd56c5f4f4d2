import { mint } from "@jichat/e2e/mint.ts";
import { until } from "@jichat/testkit/until.ts";
import { DEVICE, inParallel } from "./people.ts";

export interface RegisterArgs {
  readonly apiUrl: string;
  readonly signingKeyFile: string;
  readonly prefix: string;
  readonly people: number;
}

/** Push workers say what they offer some time after they are up. */
const OFFERED_WITHIN_MS = 20_000;

/** Registers one device of each of `prefix0` to `prefixN` for pushes by webhook, as an app does. */
export async function registerPushes({
  apiUrl,
  signingKeyFile,
  prefix,
  people,
}: RegisterArgs): Promise<void> {
  const ask = async (user: string, path: string, rest: RequestInit = {}): Promise<Response> => {
    const headers = {
      authorization: `Bearer ${mint(signingKeyFile, { sub: user })}`,
      "content-type": "application/json",
    };
    return fetch(`${apiUrl}${path}`, { ...rest, headers });
  };
  await until("the cluster offers pushes by webhook", OFFERED_WITHIN_MS, async () => {
    const { kinds } = (await (await ask(`${prefix}0`, "/v1/push")).json()) as { kinds: readonly string[] };
    return kinds.includes("webhook");
  });
  await inParallel(people, 32, async (index) => {
    const user = `${prefix}${index}`;
    const wish = { kind: "webhook", token: `token-of-${user}`, locale: "en", preview: "text" };
    const path = `/v1/me/devices/${DEVICE}/push`;
    const answer = await ask(user, path, { method: "PUT", body: JSON.stringify(wish) });
    if (!answer.ok) throw new Error(`${user} was not registered: ${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer(); // So that its connection can be used again.
  });
}
