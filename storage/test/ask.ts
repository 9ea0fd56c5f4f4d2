import type { Stack } from "@jichat/testkit/local/stack.ts";

export type Ask = (path: string, body?: object) => Promise<Record<string, unknown>>;

/** Signs `ann` up and in; what asks REST as her, a body by POST, and tells whatever is answered. */
export async function askAsAnn({ apiUrl }: Stack): Promise<Ask> {
  const login: Record<string, string> = {};
  const ask: Ask = async (path, body) => {
    const given =
      body === undefined
        ? { headers: login }
        : {
            method: "POST",
            headers: { ...login, "content-type": "application/json" },
            body: JSON.stringify(body),
          };
    return (await (await fetch(apiUrl + path, given)).json()) as Record<string, unknown>;
  };
  const ann = { user: "ann", password: "correct horse" };
  await ask("/v1/users", ann);
  login["authorization"] = `Bearer ${String((await ask("/v1/sessions", ann))["token"])}`;
  return ask;
}
