import assert from "node:assert/strict";
import { IdMaker } from "@jichat/protocol/uuid.ts";
import { callRest } from "@jichat/client/rest.ts";
import { groupConversation, partitionOf } from "@jichat/protocol/ids.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { patiently } from "../crowd.ts";
import type { Frame } from "../raw.ts";
import { Raw } from "../raw.ts";
import type { Round, Sent } from "./fixture.ts";
import { answered } from "./told.ts";

type Said = Readonly<Record<string, unknown>> & { readonly t: string };

/** Bodies that reveal mistakes in escaping, counting and copying. */
const BODIES: readonly object[] = [
  { text: 'plain, "quoted", back\\slash, line\nbreak, tab\t, bell\u0007, \u2028 and \u2029, </script>' },
  { text: "Grüße, 你好, שלום, नमस्ते, e\u0301 is not é", emoji: "👩‍👩‍👧‍👦🏳️‍🌈", "clé 🔑": "\u{10ffff}" },
  {
    whole: 9_007_199_254_740_991,
    least: -9_007_199_254_740_991,
    half: 0.5,
    small: 1e-7,
    none: null,
    no: false,
  },
  { deep: { list: [[], {}, [null, { a: [1, "2", { b: true }] }]] }, empty: "", "": "a key of nothing" },
  {
    "1": "a key that looks like a number",
    constructor: "and one that looks like none",
    long: "ab ".repeat(120),
  },
];

/** An id such as other clients make: any printable text of up to 64 characters. */
const otherId = (round: Round, what: string): string => `${round} "${what}" \\ <&> {${"x".repeat(20)}}`;

/** People with devices of both encodings, who use every part of the protocol. */
export class Cast {
  readonly ids = new IdMaker(Date.now);
  readonly sent: Sent[] = [];
  readonly conversations = new Set<string>();
  readonly #stack: Stack;
  readonly #sockets = new Map<string, Raw>();

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  async arrive(user: string, token: string, encoding: string): Promise<void> {
    const socket = new Raw(this.#stack.wsUrls[0] ?? "", [encoding]);
    this.#sockets.set(user, socket);
    assert.equal((await socket.hello(token, "phone")).t, "welcome");
  }

  leave(): void {
    for (const socket of this.#sockets.values()) socket.close();
  }

  /** Repeats a frame until it is accepted, and returns the answer. */
  async say(user: string, said: Said, id = this.ids.next(), withinMs?: number): Promise<Frame> {
    const socket = this.#sockets.get(user);
    assert.ok(socket !== undefined, `${user} is here`);
    const reply = await patiently(async () => answered(await socket.ask({ ...said, id })), withinMs);
    if (typeof reply["conversation"] === "string") this.conversations.add(reply["conversation"]);
    return reply;
  }

  async send(
    round: Round,
    user: string,
    what:
      | { readonly conversation: string; readonly body: object; readonly [more: string]: unknown }
      | { readonly to: string; readonly body: object },
  ): Promise<Sent> {
    const id = this.ids.next();
    const ack = await this.say(user, { t: "send", ...what }, id);
    const sent = { user, conversation: String(ack["conversation"]), id, seq: Number(ack["seq"]), round };
    this.sent.push(sent);
    return sent;
  }

  /** Creates a group of ann's with an id that falls into the given partition. */
  async group(
    partition: number,
    partitions: number,
    members: readonly string[],
    name: string,
  ): Promise<string> {
    let id = this.ids.next();
    while (partitionOf(groupConversation("ann", id), partitions) !== partition) id = this.ids.next();
    const { conversation } = await this.say("ann", { t: "create", kind: "group", name, members }, id);
    return String(conversation);
  }

  /** Performs every verb in one group, some of them twice, and some that change nothing. */
  async doAll(round: Round, conversation: string, tokenOfBob: string): Promise<void> {
    const first = await this.send(round, "ann", { conversation, body: { text: `${round} begins` } });
    for (const [at, body] of BODIES.entries())
      await this.send(round, at % 2 === 0 ? "bob" : "ann", {
        conversation,
        body,
        replyTo: first.seq,
        mentions: ["ann", "bob"],
      });
    const edited = await this.send(round, "bob", { conversation, body: { text: "tpyo" } });
    await this.say("bob", { t: "edit", conversation, seq: edited.seq, body: BODIES[1] });
    await this.say("bob", { t: "edit", conversation, seq: edited.seq, body: { text: "typo 👍" } });
    const recalled = await this.send(round, "ann", { conversation, body: { text: "better not" } });
    await this.say("ann", { t: "recall", conversation, seq: recalled.seq });
    await this.say("bob", { t: "send", conversation, body: {} }, otherId(round, "send"));
    await this.say("ann", { t: "invite", conversation, users: ["cyd", "dan"] });
    await this.say("ann", { t: "invite", conversation, users: ["cyd"] }, otherId(round, "invite"));
    await this.send(round, "cyd", { conversation, body: { text: "from whoever was invited" } });
    await this.say("cyd", { t: "leave", conversation });
    await this.say("ann", { t: "remove", conversation, users: ["dan"] });
    await this.say("ann", { t: "remove", conversation, users: ["dan"] });
    await this.say("bob", { t: "rename", conversation, name: `  ${round}: Cafe\u0301 "🎉" \\ ` });
    await this.say("ann", { t: "invite", conversation, users: ["cyd"] });
    const posted = await callRest<Frame>("POST", `/v1/conversations/${conversation}/messages`, {
      api: this.#stack.apiUrl,
      token: tokenOfBob,
      body: { id: this.ids.next(), body: BODIES[3] },
    });
    await this.say("ann", { t: "read", conversation, seq: Number(posted["seq"]) });
    await this.say("cyd", { t: "read", conversation, seq: first.seq });
    await this.send(round, "bob", { conversation, body: { text: `${round} ends` } });
  }

  async direct(round: Round, a: string, b: string): Promise<void> {
    for (const [at, body] of BODIES.entries())
      await (at % 2 === 0 ? this.send(round, a, { to: b, body }) : this.send(round, b, { to: a, body }));
    const last = await this.send(round, a, { to: b, body: { text: `${round}, unread` } });
    await this.say(b, { t: "read", conversation: last.conversation, seq: last.seq - 1 });
  }
}
