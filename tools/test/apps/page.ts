import { ChatClient } from "@jichat/client";

/** A page of somebody who installed the packages, for a bundler. */
const list = document.querySelector("ul");
const client = new ChatClient({
  urls: ["wss://chat.example/v1/ws"],
  device: "page",
  token: async () => {
    const reply = await fetch("/token");
    if (!reply.ok) throw new Error(`no token: ${reply.status}`);
    return reply.text();
  },
});
await client.connect();
for await (const notice of client.events()) {
  const item = document.createElement("li");
  item.textContent = notice.t === "event" ? JSON.stringify(notice.event.body) : notice.t;
  list?.append(item);
}
