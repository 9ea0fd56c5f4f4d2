import { offlineParts } from "./offline-parts.ts";
import { buildServer } from "./server.ts";

/** The content of `/v1/openapi.json`, made without backends: the routes are described but never called. */
export async function openApi<T>(): Promise<T> {
  const app = await buildServer(offlineParts());
  await app.ready();
  const described = app.swagger() as T;
  await app.close();
  return described;
}
