import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { ROOT } from "@jichat/testkit/cache.ts";
import type { PartSpec } from "@jichat/testkit/local/part.ts";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import type { ThrowawayOptions } from "@jichat/testkit/local/throwaway.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { blocksOf, commandsOf, filesOf } from "@jichat/testkit/page-blocks.ts";
import { until } from "@jichat/testkit/until.ts";
import { enter, linesOf, openBrowser, say, writeTo } from "./chat-pages.ts";
import type { Command, InstalledApp } from "./installed-app.ts";
import { outputOf } from "./installed-app.ts";

const READY_MS = 30_000;

const readPage = (name: string): string => readFileSync(join(ROOT, "docs", name), "utf8");

/**
 * The one command of a page that begins with these words. The packages that `npx` runs are those of this workspace.
 */
function commandOf(commands: readonly string[], words: string): Required<Command> {
  const found = commands.filter((command) => ` ${command}`.includes(` ${words}`));
  assert.equal(found.length, 1, `${words}: ${found.join("; ")}`);
  const parts = (found[0] ?? "").match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  const texts = parts.map((part) => part.replaceAll('"', ""));
  const start = texts.findIndex((text) => !/^[A-Z_]+=/.test(text));
  const [program = "", ...args] = texts.slice(start);
  const env: Record<string, string> = Object.fromEntries(
    texts.slice(0, start).map((text) => text.split("=", 2)),
  );
  if (program !== "npx") return { program: program === "node" ? process.execPath : program, args, env };
  const [name = "", ...rest] = args;
  return { program: join(ROOT, "node_modules/.bin", name), args: rest, env };
}

/** Variables of the page's `make run`, by name. */
function settingsOf(commands: readonly string[]): Readonly<Record<string, string>> {
  const { program, args } = commandOf(commands, "make run");
  assert.deepEqual([program, args[0]], ["make", "run"]);
  return Object.fromEntries(args.slice(1).map((setting) => setting.split(/=(.*)/, 2)));
}

/** The packages that the `npm install` commands of a page install, without JiChat's own. */
const installedBy = (commands: readonly string[]): readonly string[] =>
  commands
    .filter((command) => command.startsWith("npm install "))
    .flatMap((command) => command.split(" ").slice(2))
    .filter((word) => !word.startsWith("--") && !word.includes("jichat-"));

/** A folder of its own for what a page has, in which the packages of the app are found. */
function folderIn(app: InstalledApp, name: string, ...files: readonly ReadonlyMap<string, string>[]): string {
  for (const [file, text] of files.flatMap((some) => [...some])) app.write(join(name, file), text);
  return join(app.folder, name);
}

async function stackOf(t: TestContext, options: ThrowawayOptions) {
  const { stack, destroy } = await startThrowaway(options);
  t.after(destroy);
  return stack;
}

interface Running {
  readonly part: Part;
  /** All that it has said so far. */
  readonly output: () => string;
}

/** Runs a command until the test is over. With `port`, waits until it listens there. */
async function run(
  t: TestContext,
  folder: string,
  { program, args, env }: Required<Command>,
  port?: number,
): Promise<Running> {
  const name = [basename(program), ...args].join(" ");
  const logFile = join(folder, `${name.replaceAll(/[^\w.]+/g, "-")}.log`);
  const spec: PartSpec = { name, program, args, env, cwd: folder, keepsInput: true, logFile };
  const part = new Part(port === undefined ? spec : { ...spec, port });
  t.after(async () => part.kill());
  part.start();
  await part.ready(READY_MS);
  return { part, output: () => readFileSync(logFile, "utf8") };
}

/** Lets a command listen elsewhere: adds these arguments, and takes out what begins with `instead`. */
const at = (
  { args, ...command }: Required<Command>,
  more: readonly string[],
  instead?: string,
): Required<Command> => ({
  ...command,
  args: [...args.filter((arg) => instead === undefined || !arg.startsWith(instead)), ...more],
});

const WAYS = ["React", "A plain page", "A program in Node"] as const;
const COMPILER = ["typescript", "@types/react", "@types/react-dom"];
const INSTALLED = [["react", "react-dom", "vite", ...COMPILER], ["esbuild"], []];

/** docs/add-chat.md, as it stands: Ann in React, Bob on the plain page, and the bot, on one JiChat. */
async function addChat(t: TestContext, react: InstalledApp, plain: InstalledApp): Promise<void> {
  const page = readPage("add-chat.md");
  const commands = WAYS.flatMap((way) => commandsOf(page, way));
  assert.deepEqual(
    WAYS.map((way) => installedBy(commandsOf(page, way))),
    INSTALLED,
  );
  const chatFile = filesOf(page, ["Open a chat"]);
  const inReact = folderIn(react, "my-chat", chatFile, filesOf(page, [WAYS[0]]));
  const inPage = folderIn(plain, "my-page", chatFile, filesOf(page, [WAYS[1]]));
  const inBot = folderIn(plain, "my-bot", filesOf(page, [WAYS[2]]));
  assert.equal(await outputOf(inReact, commandOf(commands, "npx tsc")), "");

  const { ORIGINS = "" } = settingsOf(commandsOf(page, "Start JiChat"));
  const [reactUrl = "", pageUrl = ""] = ORIGINS.split(",");
  const env = { "*": { PEOPLE_MUST_EXIST: "yes" } };
  const stack = await stackOf(t, { origins: [reactUrl, pageUrl], env });
  const [vitePort = 0, esbuildPort = 0] = await freePorts(2);
  const vite = at(commandOf(commands, "npx vite"), ["--port", String(vitePort), "--host", "127.0.0.1"]);
  await run(t, inReact, vite, vitePort);
  const serve = [`--serve=127.0.0.1:${esbuildPort}`];
  await run(t, inPage, at(commandOf(commands, "npx esbuild"), serve, "--serve="), esbuildPort);
  const browser = await openBrowser(t, {
    [new URL(reactUrl).host]: vitePort,
    [new URL(pageUrl).host]: esbuildPort,
    "127.0.0.1:8080": Number(new URL(stack.apiUrl).port), // `make run` without PORT=
  });

  const faults: string[] = [];
  const ann = await enter(browser, { url: reactUrl, user: "ann", faults });
  const bob = await enter(browser, { url: pageUrl, user: "bob", faults });
  await talk(ann, bob);
  const bot = commandOf(commands, "node bot.ts");
  await askBot(ann, await run(t, inBot, { ...bot, env: { ...bot.env, API: stack.apiUrl } }));
  assert.deepEqual(faults, []);
}

async function talk(ann: Page, bob: Page): Promise<void> {
  await writeTo(ann, "bob");
  await say(ann, "Hello Bob");
  await bob.getByRole("button", { name: "ann (1)" }).click();
  await bob.getByText("ann: Hello Bob").waitFor();
  await bob.getByRole("button", { name: "ann (0)" }).waitFor();
  await say(bob, "Hello <b>Ann</b>");
  await ann.getByText("bob: Hello <b>Ann</b>").waitFor();
  await bob.getByText("bob: Hello <b>Ann</b>").waitFor();
  const lines = ["ann: Hello Bob", "bob: Hello <b>Ann</b>"];
  assert.deepEqual([await linesOf(ann), await linesOf(bob)], [lines, lines]);
}

async function askBot(ann: Page, bot: Running): Promise<void> {
  await ann.getByRole("button", { name: "clock (1)" }).click();
  await ann.getByText("clock: I am a clock. Write to me, and I tell the time.").waitFor();
  await say(ann, "What time is it?");
  await ann.getByText(/^clock: It is \d{4}-\d\d-\d\dT/).waitFor();
  await until("the bot knows that its answer is stored", 5_000, () => bot.output().includes("number 4"));
  await bot.part.stop(5_000);
  assert.match(
    bot.output(),
    /^stored as number 2 of d_[\w-]+\nconnecting \nonline \nstored as number 4 of d_[\w-]+\nclosed \n$/,
  );
}

/** docs/own-accounts.md, as it stands: the back end, two people who chat by its tokens, and the end of a session. */
async function ownAccounts(t: TestContext, app: InstalledApp): Promise<void> {
  const page = readPage("own-accounts.md");
  const folder = folderIn(app, "my-app", filesOf(page));
  const commands = commandsOf(page, "A back end");
  assert.deepEqual(installedBy(commands), ["jose"]);
  const { TOKEN_KEYS = "", DATA: _, ...tokens } = settingsOf(commands);
  const [port = 0] = await freePorts(1);
  const tokenKeys = Object.assign(new URL(TOKEN_KEYS), { port: String(port) }).href;
  const stack = await stackOf(t, { tokenKeys, env: { "*": tokens } });
  const env = { PORT: String(port), API: stack.apiUrl, APP: new URL(tokenKeys).origin };
  const { output } = await run(t, folder, { ...commandOf(commands, "node backend.ts"), env }, port);

  const printed = blocksOf(page).find(({ language }) => language === "text")?.text;
  const heard = await outputOf(folder, { program: process.execPath, args: ["talk.ts"], env });
  assert.equal(heard.replace(/d_[\w-]+/, "d_…"), printed, output());

  const { keys } = (await (await fetch(tokenKeys)).json()) as { readonly keys: readonly object[] };
  assert.deepEqual(keys.map(Object.keys), [["kty", "crv", "x", "y", "kid", "alg", "use"]]);
  const account = { user: "ann", password: "correct horse" };
  for (const [path, status] of [
    ["/v1/users", 403],
    ["/v1/sessions", 401],
  ] as const) {
    const body = JSON.stringify(account);
    const headers = { "content-type": "application/json" };
    const reply = await fetch(`${stack.apiUrl}${path}`, { method: "POST", headers, body });
    assert.equal(reply.status, status, path);
  }
}

/**
 * Tests of the pages that lead a newcomer, with the packages as others install them. `react` has both of them, React
 * and jose; `plain` has the client alone.
 */
export function testPages(react: InstalledApp, plain: InstalledApp): void {
  test(
    "docs/add-chat.md: people talk in React and on a plain page, and a bot answers",
    { timeout: 120_000 },
    (t) => addChat(t, react, plain),
  );
  test("docs/own-accounts.md: people chat by tokens of a back end", { timeout: 90_000 }, (t) =>
    ownAccounts(t, react),
  );
}
