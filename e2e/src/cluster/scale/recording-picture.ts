import { svgPage, svgText } from "@jichat/testkit/svg.ts";
import type { Recording, Second } from "./recording.ts";

const PLOT = { left: 70, width: 700, right: 240, height: 140, gap: 46, top: 64 } as const;
const COLORS = ["#2f7d4f", "#b5541c", "#3b6ea8", "#8a5aa8", "#a8923b", "#3ba89b", "#a83b5f", "#5f6b76"];
/** The end of a pod's name is what tells it apart: its revision, and its own letters. */
const NAME_MAX = 26;
/** The scale of latency, in milliseconds. */
const [LATENCY_LOW, LATENCY_HIGH] = [1, 10_000];

interface Panel {
  readonly index: number;
  readonly title: string;
  /** From a value to the part of the panel's height. */
  readonly share: (value: number) => number;
  readonly ticks: readonly number[];
}

const topOf = ({ index }: Pick<Panel, "index">): number => PLOT.top + index * (PLOT.height + PLOT.gap);
const yOf = (panel: Panel, value: number): number =>
  topOf(panel) + PLOT.height * (1 - Math.min(1, Math.max(0, panel.share(value))));

/** A round number that is at least as large: 1, 2 or 5 times a power of ten. */
export function roundedUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 5, 10].map((times) => times * power).find((round) => round >= value) ?? value;
}

const linear = (index: number, title: string, most: number): Panel => ({
  index,
  title,
  share: (value) => value / most,
  ticks: [0, most / 2, most],
});

const latency = (index: number): Panel => ({
  index,
  title: "from a send to its ack, ms (p50, p99)",
  share: (value) =>
    Math.log(Math.max(LATENCY_LOW, value) / LATENCY_LOW) / Math.log(LATENCY_HIGH / LATENCY_LOW),
  ticks: [1, 10, 100, 1_000, 10_000],
});

function frameOf(panel: Panel): readonly string[] {
  const right = PLOT.left + PLOT.width;
  return [
    `<text x="${PLOT.left}" y="${topOf(panel) - 8}" font-weight="600">${svgText(panel.title)}</text>`,
    ...panel.ticks.flatMap((tick) => {
      const y = yOf(panel, tick).toFixed(1);
      return [
        `<line x1="${PLOT.left}" x2="${right}" y1="${y}" y2="${y}" stroke="#ddd"/>`,
        `<text x="${PLOT.left - 8}" y="${Number(y) + 4}" text-anchor="end" fill="#555">${tick}</text>`,
      ];
    }),
  ];
}

/** The seconds of a recording on the horizontal axis. */
class Axis {
  readonly #last: number;
  readonly #before: ReadonlyMap<number, number | undefined>;

  constructor(seconds: readonly Second[]) {
    this.#last = Math.max(1, ...seconds.map(({ second }) => second));
    this.#before = new Map(seconds.map(({ second }, index) => [second, seconds[index - 1]?.second]));
  }

  /** A second stands for the time since the look before: looks are late on a busy machine. */
  #since(second: number): number {
    return this.x(this.#before.get(second) ?? second - 1);
  }

  x(second: number): number {
    return PLOT.left + (PLOT.width * Math.max(0, second)) / this.#last;
  }

  column(second: number, [from, to]: readonly [number, number], color: string): string {
    const [x, next] = [this.#since(second), this.x(second)];
    return `<rect x="${x.toFixed(1)}" y="${to.toFixed(1)}" width="${(next - x).toFixed(1)}" height="${(from - to).toFixed(1)}" fill="${color}"/>`;
  }

  /** A line with a gap where nothing is known. */
  line(points: readonly (readonly [second: number, y: number | undefined])[], color: string): string {
    let isDown = false;
    const path = points.map(([second, y]) => {
      if (y === undefined) {
        isDown = false;
        return "";
      }
      const step = `${isDown ? "L" : "M"}${((this.#since(second) + this.x(second)) / 2).toFixed(1)} ${y.toFixed(1)}`;
      isDown = true;
      return step;
    });
    return `<path d="${path.join("")}" fill="none" stroke="${color}" stroke-width="1.5"/>`;
  }
}

function connectionsOf(axis: Axis, panel: Panel, seconds: readonly Second[]): readonly string[] {
  const pods = [...new Set(seconds.flatMap(({ connections }) => Object.keys(connections)))];
  const colorOf = (pod: string): string => COLORS[pods.indexOf(pod) % COLORS.length] ?? "#000";
  const columns = seconds.flatMap(({ second, connections }) => {
    let sum = 0;
    return pods.flatMap((pod) => {
      const count = connections[pod];
      if (count === undefined || count === 0) return [];
      const from = yOf(panel, sum);
      sum += count;
      return [axis.column(second, [from, yOf(panel, sum)], colorOf(pod))];
    });
  });
  const legend = pods.map((pod, index) => {
    const y = topOf(panel) + 12 + 17 * index;
    const x = PLOT.left + PLOT.width + 14;
    return `<rect x="${x}" y="${y - 10}" width="10" height="10" fill="${colorOf(pod)}"/><text x="${x + 16}" y="${y}" font-size="11">${svgText(pod.slice(-NAME_MAX))}</text>`;
  });
  return [...columns, ...legend];
}

/** Connections of each pod, reconnects in each second beside what the spec allows, and latency. */
export function pictureOf(recording: Recording): string {
  const { seconds, marks, devices, messagesPerSecond, perSecond, name, startedAt } = recording;
  const axis = new Axis(seconds);
  const connections = linear(0, "connections of each connector", roundedUp(devices));
  const most = Math.max(perSecond, ...seconds.map(({ reconnects }) => reconnects));
  const reconnects = linear(1, "devices that reconnected in a second", roundedUp(most));
  const acks = latency(2);
  const bottom = topOf(acks) + PLOT.height;
  const allowed = yOf(reconnects, perSecond).toFixed(1);
  const right = PLOT.left + PLOT.width;
  const parts = [
    `<text x="${PLOT.left}" y="22" font-size="15" font-weight="600">${svgText(name)}: ${devices} devices, ${messagesPerSecond} messages/s</text>`,
    `<text x="${right + PLOT.right - 12}" y="22" text-anchor="end" fill="#555">${svgText(startedAt)}</text>`,
    ...[connections, reconnects, acks].flatMap(frameOf),
    ...connectionsOf(axis, connections, seconds),
    ...seconds.map((one) =>
      axis.column(one.second, [yOf(reconnects, 0), yOf(reconnects, one.reconnects)], "#3b6ea8"),
    ),
    `<line x1="${PLOT.left}" x2="${right}" y1="${allowed}" y2="${allowed}" stroke="#a83b5f" stroke-dasharray="5 4"/>`,
    `<text x="${right + 14}" y="${Number(allowed) + 4}" fill="#a83b5f" font-size="11">allowed: ${perSecond}</text>`,
    ...(
      [
        ["p50Ms", "#2f7d4f"],
        ["p99Ms", "#b5541c"],
      ] as const
    ).map(([field, color]) =>
      axis.line(
        seconds.map((one) => {
          const ms = one[field];
          return [one.second, ms === undefined ? undefined : yOf(acks, ms)] as const;
        }),
        color,
      ),
    ),
    ...marks.map(({ second, what }, index) => {
      const x = axis.x(second).toFixed(1);
      return `<line x1="${x}" x2="${x}" y1="${PLOT.top - 4}" y2="${bottom}" stroke="#222" stroke-dasharray="2 3"/><text x="${x}" y="${bottom + 34 + 15 * (index % 3)}" font-size="11">${svgText(what)}</text>`;
    }),
    ...[0, 1, 2, 3, 4].map((quarter) => {
      const second = Math.round(((seconds.at(-1)?.second ?? 0) * quarter) / 4);
      return `<text x="${axis.x(second).toFixed(1)}" y="${bottom + 17}" text-anchor="middle" fill="#555">${second} s</text>`;
    }),
  ];
  return svgPage(PLOT.left + PLOT.width + PLOT.right, bottom + 76, parts);
}
