import { main, say } from "@jichat/testkit/say.ts";
import { makeImages } from "./images/make.ts";
import { REGISTRY, VERSION } from "@jichat/testkit/image-names.ts";

/**
 * `make images`: every component's image, as `REGISTRY/COMPONENT:TAG`. `EMBEDDED=1`: the embedded engine's
 * too.
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
