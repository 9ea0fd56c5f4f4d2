import { render } from "preact";
import { App } from "./app.tsx";
import { startWords } from "./i18n.ts";
import { startServiceWorker } from "./start-service-worker.ts";
import { theme, wear } from "./theme.ts";

const root = document.getElementById("app");
if (root === null) throw new Error("the page has an element `app`");
wear(theme());
await startWords();
root.replaceChildren();
render(<App />, root);
startServiceWorker();
