import { main, say } from "@jichat/testkit/say.ts";
import { makeImages } from "./images/make.ts";
import { REGISTRY, VERSION } from "@jichat/testkit/image-names.ts";

/**
 * `make images`: builds every component's image as `REGISTRY/COMPONENT:TAG`. With `EMBEDDED=1` also that of
 * the embedded engine.
 */
await main(async () => {
  const { REGISTRY: registry = REGISTRY, TAG = VERSION, BASE, EMBEDDED } = process.env;
  const images = await makeImages({
    registry,
    version: TAG,
    isEmbedded: EMBEDDED !== undefined && EMBEDDED !== "",
    ...(BASE === undefined || BASE === "" ? {} : { base: BASE }),
  });
  say(`made ${images.join(" ")}`);
});
