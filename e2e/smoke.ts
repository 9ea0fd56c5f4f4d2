import { Stack } from "../tools/src/local/stack.ts";
import { needChdb, needNats, needRedis } from "../tools/src/needs.ts";
import { prepareUws } from "../tools/src/glibc.ts";
import { ChatClient } from "@jichat/client/chat-client.ts";
const t0 = performance.now();
const log = (...a: unknown[]) => console.log(((performance.now() - t0) / 1000).toFixed(2), ...a);
const [nats, redis, chdbHome] = [await needNats(), await needRedis(), await needChdb()];
await prepareUws();
const stack = await Stack.plan({ data: process.argv[2] ?? "/tmp/lab/smoke/data", routers: 1, connectors: 2, nats, redis, chdbHome });
try {
  log("starting");
  await stack.start();
  log("started", stack.apiUrl, stack.wsUrls);
  const post = async (path: string, body: object, token?: string) => {
    const r = await fetch(stack.apiUrl + path, { method: "POST", headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) }, body: JSON.stringify(body) });
    return [r.status, await r.json()] as const;
  };
  for (const user of ["alice", "bob"]) log(await post("/v1/users", { user, password: "correct horse" }));
  const tokens: Record<string, string> = {};
  for (const user of ["alice", "bob"]) { const [s, b] = await post("/v1/sessions", { user, password: "correct horse" }); log(s); tokens[user] = (b as any).token; }
  const mk = (user: string, device: string, encoding: "json" | "msgpack" = "json") => new ChatClient({ urls: stack.wsUrls, device, token: async () => tokens[user]!, encoding });
  const a = mk("alice", "phone"), a2 = mk("alice", "laptop", "msgpack"), b = mk("bob", "phone");
  setTimeout(()=>{log("TIMEOUT")},100000).unref();
  await Promise.all([a.connect(), a2.connect(), b.connect()]);
  log("online");
  for (const [n, c] of [["a", a], ["a2", a2], ["b", b]] as const) void (async () => { for await (const e of c.events()) log(n, JSON.stringify(e)); })();
  const r = await a.send({ to: "bob" }, { text: "hello" });
  log("acked", r);
  log(await b.send({ conversation: r.conversation }, { text: "hi" }));
  log(await b.read(r.conversation, 3));
  await new Promise((r) => setTimeout(r, 300));
  log("pull", JSON.stringify(await a.pull(r.conversation)));
  log("list", JSON.stringify(await a.list()));
  const g = await a.createGroup("G", ["bob", "carol"]);
  log(g);
  log(JSON.stringify(await (await fetch(stack.apiUrl + `/v1/conversations/${g.conversation}/members`, { headers: { authorization: `Bearer ${tokens.bob}` } })).json()));
  log(await post(`/v1/conversations/${g.conversation}/messages`, { id: "m1", body: { text: "rest" } }, tokens.bob));
  log(JSON.stringify(await (await fetch(stack.apiUrl + `/v1/users?q=b`, { headers: { authorization: `Bearer ${tokens.bob}` } })).json()));
  await new Promise((r) => setTimeout(r, 1500));
  const t = performance.now();
  const N = 3000;
  await Promise.all(Array.from({ length: N }, (_, i) => (i % 2 ? a : b).send({ conversation: r.conversation }, { text: "m" + i }).catch((e) => log(String(e)))).slice(0, 900));
  log("900 in", performance.now() - t);
  a.close(); a2.close(); b.close();
} catch (e) { console.error(e); for (const p of stack.parts) console.log("=====", p.spec.name, "\n", p.logEnd(12)); }
finally { const t = performance.now(); await stack.stop(); log("stopped", performance.now() - t); }
process.exit(0);
