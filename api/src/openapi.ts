import { offlineParts } from "./offline-parts.ts";
import { buildServer } from "./server.ts";

/** What `/v1/openapi.json` says, without anything that runs: the routes are described and never called. */
export async function openApi<T>(): Promise<T> {
  const app = await buildServer(offlineParts());
  await app.ready();
  const described = app.swagger() as T;
  await app.close();
  return described;
}
