import { directConversation, groupConversation } from "@jichat/protocol/ids.ts";
import { BATCH_BYTES_MAX } from "@jichat/protocol/limits.ts";
import type { Violation } from "../ledger-checks.ts";
import { Ledger } from "../ledger.ts";
import { ConnectorModel } from "./connector-model.ts";
import { Device } from "./device-model.ts";
import type { FaultKind } from "./faults.ts";
import { someOf } from "./faults.ts";
import type { Guards } from "./guards.ts";
import { ALL } from "./guards.ts";
import { Mishaps } from "./mishaps.ts";
import { LOG_BYTES_AT_ONCE, LogModel } from "./log-model.ts";
import { Network } from "./network.ts";
import { PushModel } from "./push-model.ts";
import { PUSHED, RedisModel } from "./redis-model.ts";
import { RouterModel } from "./router-model.ts";
import { StorageModel } from "./storage-model.ts";
import { checkReigns, judge } from "./judgement.ts";
import { ClusterDice, Time } from "./world.ts";

const USERS = ["ann", "bob", "cat"] as const;
const TALK_MS = 6_000;
/** Clients get an error after 8 s without an answer, so an outage must be able to last longer. */
const LONG_TALK_MS = 16_000;
/** I9: 30 s after the last fault, everything has caught up. */
const SETTLE_MS = 30_000;
/** Longer than the latest repetition of an acked write. */
const STEADY_MS = 3_100;
const SENDS = 40;
/**
 * One partition's whole world under one seed: two owners, two connectors, six devices, and everything that
 * can go wrong.
 */
export class Simulation {
  readonly seed: number;
  readonly guards: Guards;
  readonly time = new Time();
  readonly dice: ClusterDice;
  readonly log: LogModel;
  readonly network = new Network();
  readonly redis: RedisModel;
  readonly storage: StorageModel;
  readonly ledger = new Ledger();
  readonly ackedHead = new Map<string, number>();
  readonly refused: string[] = [];
  readonly push: PushModel;
  /** The number of notices that routers shed. */
  shed = 0;
  unpushed = 0;
  snapshot: string | undefined;
  readonly #violations: Violation[] = [];
  readonly #kinds: readonly FaultKind[];
  readonly #talkMs: number;
  readonly #mutes: boolean;
  readonly #devices: Device[];
  readonly #mishaps: Mishaps;
  #routers: RouterModel[] = [];
  #connectors: ConnectorModel[] = [];
  #ids = 0;
  #pair = directConversation("ann", "bob");
  #groupId = "group-0";
  #group = groupConversation("ann", "group-0");

  /**
   * `kinds` are the faults that happen. If it is undefined, the seed decides. With `mutes`, people change
   * their settings as well; without, a seed is what it was before there were settings.
   */
  constructor(seed: number, guards: Guards = ALL, kinds?: readonly FaultKind[], mutes = false) {
    this.seed = seed;
    this.guards = guards;
    this.dice = new ClusterDice(seed);
    this.push = new PushModel(seed);
    this.#kinds = kinds ?? someOf(this.dice);
    this.#mutes = mutes;
    this.#talkMs = this.#kinds.includes("outage") ? LONG_TALK_MS : TALK_MS;
    this.log = new LogModel(guards, this.isHeavy ? LOG_BYTES_AT_ONCE : BATCH_BYTES_MAX);
    this.redis = new RedisModel(this.time, guards);
    this.storage = new StorageModel(this);
    this.#mishaps = new Mishaps(this, {
      owner: () => this.#routers.at(-1),
      devices: () => this.#devices,
      startRouter: () => {
        this.#startRouter();
      },
      startConnector: () => {
        this.#startConnector();
      },
    });
    this.#devices = USERS.flatMap((user) => ["phone", "laptop"].map((name) => new Device(this, user, name)));
  }

  /** In one seed of four, bodies are large and the log accepts little at once. The other seeds stay fast. */
  get isHeavy(): boolean {
    return this.seed % 4 === 0;
  }

  /** In one seed of three, effects are folded as soon as a few wait. */
  get isNarrow(): boolean {
    return this.seed % 3 === 0;
  }

  /** The cluster's level: every second seed writes the forms of the earlier version, which knows no mutes. */
  get level(): number {
    return this.#mutes ? 2 : this.seed % 2;
  }

  nextId(): string {
    this.#ids += 1;
    return this.#ids.toString(16);
  }

  violate(invariant: string, what: string): void {
    this.#violations.push({ invariant, what });
  }

  anyConnector(): ConnectorModel | undefined {
    const living = this.#connectors.filter(({ machine }) => !machine.dead);
    return living.length === 0 ? undefined : this.dice.pick(living);
  }

  #startRouter(): RouterModel {
    const router = new RouterModel(this, `r${this.nextId()}`);
    this.#routers.push(router);
    router.start();
    return router;
  }

  #startConnector(): void {
    const connector = new ConnectorModel(this, `c${this.nextId()}`);
    this.#connectors.push(connector);
    void connector.start();
  }

  /** The state of all parts, for the analysis of a failed seed. */
  describe(): string {
    const routers = this.#routers.map(
      ({ name, owner, machine }) => `${name} ${machine.dead ? "dead" : owner.state}`,
    );
    const connectors = this.#connectors.map(
      ({ name, machine }) => `${name} ${machine.dead ? "dead" : "alive"}`,
    );
    return [...this.#devices.map((device) => device.describe()), ...routers, ...connectors].join("; ");
  }

  /** Runs the simulation, and returns the violations. */
  async run(): Promise<readonly Violation[]> {
    this.#startConnector();
    this.#startConnector();
    this.#startRouter();
    // All devices connect while nothing fails. From their first sync on, they must receive everything.
    this.dice.calm = true;
    for (const device of this.#devices) void device.connect();
    await this.time.run(30_000, () => this.#devices.every(({ isReady }) => isReady));
    this.#devices[0]?.create(this.#group, ["bob", "cat"], this.#groupId);
    this.dice.calm = false;
    await this.time.run(200);
    this.#plan();
    await this.time.run(this.#talkMs + 100);
    await this.#heal();
    await judge(this, this.#devices);
    for (const router of this.#routers) router.machine.kill();
    for (const { machine } of this.#connectors) machine.kill();
    // What routers let go, they have counted.
    const unpushed = this.unpushed > 0 ? [] : this.push.check(this.log.batches, PUSHED);
    return [...this.#violations, ...checkReigns(this.log.batches), ...this.ledger.check(), ...unpushed];
  }

  #plan(): void {
    const { time, dice } = this;
    const bursts = dice.chance(0.5);
    for (let i = 0; i < SENDS; i += 1) {
      const at = dice.between(0, this.#talkMs);
      time.after(at, () => {
        this.#act(bursts ? 1 + Math.floor(dice.between(0, 4)) : 1);
      });
    }
    if (dice.chance(0.4))
      time.after(dice.between(0, this.#talkMs), () => {
        this.#devices[4]?.leave(this.#group);
      });
    const faults = Math.floor(dice.between(1, 10));
    for (let i = 0; i < faults; i += 1)
      time.after(dice.between(100, this.#talkMs), () => {
        this.#mishaps.befall(dice.pick(this.#kinds));
      });
  }

  #act(count: number): void {
    const { dice } = this;
    const device = dice.pick(this.#devices);
    const isPair = device.user !== "cat" && dice.chance(0.5);
    const conversation = isPair ? this.#pair : this.#group;
    if (this.#mutes && dice.chance(0.3)) device.mute(conversation, dice.pick(["all", "mentionsOnly", "not"]));
    else if (dice.chance(0.1)) device.read(conversation);
    else if (dice.chance(0.15)) void device.look(conversation);
    else
      for (let i = 0; i < count; i += 1)
        device.say(conversation, isPair ? (device.user === "ann" ? "bob" : "ann") : undefined);
  }

  /** Repairs everything that was broken. Within 30 s everything must have caught up (I9). */
  async #heal(): Promise<void> {
    this.dice.calm = true;
    this.push.calm();
    this.redis.awayUntil = Math.min(this.redis.awayUntil, this.time.now);
    await this.time.run(1_500);
    this.#mishaps.end();
    for (const router of this.#routers.slice(0, -1)) router.owner.drop();
    if (this.#routers.at(-1)?.machine.dead === true || this.#routers.at(-1)?.owner.state === "stopped")
      this.#startRouter();
    let steadySince: number | undefined;
    let checkedAt = 0;
    await this.time.run(SETTLE_MS, () => {
      if (this.time.now - checkedAt < 50) return false;
      checkedAt = this.time.now;
      const isSteady =
        this.#devices.every(({ unacked }) => unacked === 0) &&
        this.ledger.isCaughtUp() &&
        this.redis.isLevelWith(this.log.headSeqs) &&
        // Devices may know by a sync what its owner has yet to tell.
        this.#routers.at(-1)?.owner.isIdle !== false;
      steadySince = isSteady ? (steadySince ?? this.time.now) : undefined;
      return steadySince !== undefined && this.time.now > steadySince + STEADY_MS;
    });
    if (this.#devices.some(({ unacked }) => unacked > 0))
      this.violate("I9", `writes are not answered though all is well: ${this.describe()}`);
    if (!this.redis.isLevelWith(this.log.headSeqs))
      this.violate("I9", "a head in Redis is an old one though all is well");
    if (this.#routers.at(-1)?.owner.isIdle === false)
      this.violate("I9", "what follows from the log is not done though all is well");
    const { lostPosition } = this.storage;
    if (lostPosition !== undefined)
      this.violate("I1", `position ${lostPosition} was trimmed before ClickHouse had it`);
  }
}
