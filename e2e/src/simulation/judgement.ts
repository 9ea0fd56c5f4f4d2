import { parsedBodies } from "@jichat/protocol/frame/codec.ts";
import type { ChatEvent, ListedConversation } from "@jichat/protocol/frame/server-frame.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import type { Violation } from "../ledger-checks.ts";
import type { Ledger } from "../ledger.ts";
import type { ConnectorModel } from "./connector-model.ts";
import type { LogModel } from "./log-model.ts";
import type { MarksModel } from "./marks-model.ts";
import type { SettingsModel } from "./settings-model.ts";
import { settingsIn } from "./settings-model.ts";
import type { StorageModel } from "./storage-model.ts";
import type { Time } from "./world.ts";

/** How long storage may take to read the rest of the log once all is well. */
const CONSUMED_MS = 2_000;

/** The parts that the judge reads, and those to which it reports. */
interface JudgeParts {
  readonly time: Pick<Time, "run">;
  readonly log: Pick<LogModel, "end" | "batches">;
  readonly storage: Pick<StorageModel, "page" | "until">;
  readonly ledger: Pick<Ledger, "listed" | "history">;
  /** The number of notices that were shed. */
  readonly shed: number;
  anyConnector(): Pick<ConnectorModel, "sync"> | undefined;
  violate(invariant: string, what: string): void;
}

/** A device that is judged by what it knows at the end. */
interface JudgedDevice {
  readonly user: string;
  readonly name: string;
  readonly marks: Pick<MarksModel, "of">;
  readonly settings: Pick<SettingsModel, "of">;
  sync(): Promise<void>;
}

/** I7: once a successor's epoch is in the log, nothing of an older owner follows. */
export function checkReigns(batches: readonly Batch[]): Violation[] {
  const violations: Violation[] = [];
  const past = new Set<string>();
  let owner = "";
  batches.forEach((batch, index) => {
    if (batch.owner === owner) return;
    if (past.has(batch.owner))
      violations.push({
        invariant: "I7",
        what: `position ${index + 1} is of ${batch.owner}, whom ${owner} had succeeded`,
      });
    if (batch.epoch !== true)
      violations.push({ invariant: "I7", what: `position ${index + 1} begins a reign without an epoch` });
    past.add(owner);
    owner = batch.owner;
  });
  return violations;
}

/** I6: the mark that a device learned live, and by its own syncs, equals its user's mark at the end. */
function checkMark(
  sim: Pick<JudgeParts, "violate">,
  devices: readonly JudgedDevice[],
  { conversation, read }: { readonly conversation: string; readonly read: number },
): void {
  for (const { user, name, marks } of devices) {
    const known = marks.of(conversation);
    if (known !== read)
      sim.violate("I6", `${user}/${name} believes ${conversation} to be read up to ${known}, not ${read}`);
  }
}

/** I6: the settings that are listed, and those that a device knows, are those that were written last. */
function checkSettings(
  sim: Pick<JudgeParts, "log" | "violate">,
  devices: readonly JudgedDevice[],
  { conversation, muted }: Pick<ListedConversation, "conversation" | "muted">,
): void {
  const inLog = settingsIn(sim.log.batches);
  for (const { user, name, settings } of devices) {
    const written = inLog(user, conversation);
    const listed = muted === undefined ? "" : JSON.stringify(muted);
    if (listed !== written)
      sim.violate("I6", `${user} is listed ${conversation} as muted ${listed}, not ${written}`);
    if (settings.of(conversation) !== written)
      sim.violate(
        "I6",
        `${user}/${name} believes ${conversation} to be muted ${settings.of(conversation)}, not ${written}`,
      );
  }
}

/** Shows the ledger what every user is told at the end: the list, and each history. */
async function inspect(sim: JudgeParts, devices: readonly JudgedDevice[]): Promise<void> {
  // A user who missed a shed notice learns of it from the next sync. No more than that is promised.
  if (sim.shed > 0) await Promise.all(devices.map((device) => device.sync()));
  const byUser = Map.groupBy(devices, ({ user }) => user);
  for (const [user, theirs] of byUser) {
    const connector = sim.anyConnector();
    const { conversations } = (await connector?.sync(user, undefined)) ?? { conversations: [] };
    for (const listed of conversations) {
      if ("left" in listed) continue;
      sim.ledger.listed(user, listed.conversation, listed);
      checkMark(sim, theirs, listed);
      checkSettings(sim, theirs, listed);
      const { conversation, first } = listed;
      await sim.storage.until(sim.log.end, CONSUMED_MS);
      const page = sim.storage.page({ user, conversation, after: first - 1, limit: 10_000 });
      sim.ledger.history(user, conversation, {
        first: page.first,
        head: page.head,
        events: parsedBodies(page.events) as ChatEvent[],
      });
    }
  }
}

/** Runs `inspect`, or reports what keeps it from ending. */
export async function judge(sim: JudgeParts, devices: readonly JudgedDevice[]): Promise<void> {
  let done = false;
  void inspect(sim, devices).then(
    () => {
      done = true;
    },
    (error: unknown) => {
      sim.violate("I1", `what is stored cannot be read: ${String(error)}`);
      done = true;
    },
  );
  await sim.time.run(20_000, () => done);
  if (!done) sim.violate("I9", "what is stored cannot be read in time");
}
