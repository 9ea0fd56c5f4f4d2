import type { Span } from "./otlp-receiver.ts";

const NS_PER_MS = 1_000_000;
const millis = (from: string, to: string): number => Number(BigInt(to) - BigInt(from)) / NS_PER_MS;

interface Node {
  readonly span: Span;
  readonly isLinked: boolean;
}

/**
 * One trace as lines of text. Each span is under its parent; a span that serves many traces is under the span
 * that it is linked to. Each line has the start, relative to the root, and the duration.
 */
export function treeOf(traceId: string, spans: readonly Span[]): string[] {
  const own = new Set(spans.filter((span) => span.traceId === traceId).map(({ spanId }) => spanId));
  const children = new Map<string | undefined, Node[]>();
  for (const span of spans) {
    const link = span.traceId === traceId ? undefined : span.links.find((one) => one.traceId === traceId);
    const parent = link === undefined ? span.parentSpanId : link.spanId;
    // A span whose parent was not exported, or not yet, becomes a root.
    const under = parent !== undefined && own.has(parent) ? parent : undefined;
    const siblings = children.get(under) ?? [];
    children.set(under, [...siblings, { span, isLinked: link !== undefined }]);
  }
  const byStart = (a: Node, b: Node): number => millis(b.span.startTimeUnixNano, a.span.startTimeUnixNano);
  const roots = (children.get(undefined) ?? []).toSorted(byStart);
  const zero = roots[0]?.span.startTimeUnixNano ?? "0";
  const lines: string[] = [];
  const draw = ({ span, isLinked }: Node, before: string, branch: string, below: string): void => {
    const at = millis(zero, span.startTimeUnixNano).toFixed(1);
    const took = millis(span.startTimeUnixNano, span.endTimeUnixNano).toFixed(1);
    const what = `${before}${branch}${isLinked ? "⤷ " : ""}${span.name}`;
    lines.push(`${what.padEnd(40)} ${`+${at}`.padStart(8)} ms ${took.padStart(8)} ms  ${span.instance}`);
    const next = isLinked ? [] : (children.get(span.spanId) ?? []).toSorted(byStart);
    for (const [index, child] of next.entries()) {
      const isLast = index === next.length - 1;
      draw(child, before + below, isLast ? "└─ " : "├─ ", isLast ? "   " : "│  ");
    }
  };
  for (const root of roots) draw(root, "", "", "");
  return lines;
}
