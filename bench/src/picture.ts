import { svgPage, svgText } from "@jichat/testkit/svg.ts";
import type { Row } from "./figure.ts";

const BAR = { height: 18, gap: 10, left: 500, width: 380, right: 130 } as const;
const TOP = 40;
/** The scale ranges from an eighth of the target to four times the target. */
const [LOW, HIGH] = [1 / 8, 4];

const xOf = (share: number): number =>
  BAR.left + (BAR.width * Math.log(Math.min(HIGH, Math.max(LOW, share)) / LOW)) / Math.log(HIGH / LOW);

/** The reached share of each figure's target, on a logarithmic scale. The line marks the target. */
export function pictureOf(rows: readonly Row[]): string {
  const height = TOP + rows.length * (BAR.height + BAR.gap) + 10;
  const width = BAR.left + BAR.width + BAR.right;
  const bars = rows.map(({ what, measured, share }, i) => {
    const y = TOP + i * (BAR.height + BAR.gap);
    const x = xOf(share);
    const color = share >= 1 ? "#2f7d4f" : "#b5541c";
    const label = what.length > 68 ? `${what.slice(0, 67)}…` : what;
    return [
      `<text x="${BAR.left - 10}" y="${y + 13}" text-anchor="end">${svgText(label)}</text>`,
      `<rect x="${BAR.left}" y="${y}" width="${Math.max(2, x - BAR.left).toFixed(1)}" height="${BAR.height}" rx="3" fill="${color}"/>`,
      `<text x="${x + 8}" y="${y + 13}" font-weight="600">${svgText(measured)}</text>`,
    ].join("");
  });
  const ticks = [1 / 8, 1 / 4, 1 / 2, 1, 2, 4].map((share) => {
    const name = share < 1 ? `1/${1 / share}` : String(share);
    const stroke = share === 1 ? `stroke="#444" stroke-width="2"` : `stroke="#ccc"`;
    return `<line x1="${xOf(share)}" x2="${xOf(share)}" y1="28" y2="${height - 8}" ${stroke}/><text x="${xOf(share)}" y="20" text-anchor="middle" fill="#555">${share === 1 ? "target" : name}</text>`;
  });
  return svgPage(width, height, [...ticks, ...bars]);
}
