import type { Attributes, Histogram, Meter, Span, SpanContext } from "@opentelemetry/api";
import { SpanKind, TraceFlags, context, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  AggregationType,
  InstrumentType,
  MeterProvider,
  MetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, BatchSpanProcessor, RandomIdGenerator } from "@opentelemetry/sdk-trace-base";
import { pino } from "pino";
import type { Logger } from "pino";
import type { ProcessConfig } from "./process-config.ts";

/** Metrics are collected on scrape; nothing is pushed. */
class ScrapeReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

const scrapeReader = (): ScrapeReader =>
  new ScrapeReader({
    aggregationSelector: () => ({ type: AggregationType.DEFAULT }),
    // A reading that a gauge no longer returns must not be repeated.
    aggregationTemporalitySelector: (type) =>
      type === InstrumentType.OBSERVABLE_GAUGE
        ? AggregationTemporality.DELTA
        : AggregationTemporality.CUMULATIVE,
  });

/** A message's trace within one process: always an id, and a span if it is sampled. */
export interface Trace {
  readonly traceId: string;
  readonly span: Span | undefined;
}

/**
 * A counter with one count per combination of attribute values. All calls of `add` name the same attributes.
 */
export interface Counter {
  add(by: number, attributes?: Attributes): void;
  /** The count of these attributes, always the same object: callers on hot paths look it up once. */
  count(attributes: Attributes): Count;
}

export interface Count {
  readonly attributes: Attributes;
  value: number;
}

/**
 * A counter that only adds, and is read on scrape. The library's counter hashes its attributes at every
 * `add`, which is slow on a hot path.
 */
function tally(meter: Meter, name: string, description: string): Counter {
  const counts = new Map<string, Count>();
  meter.createObservableCounter(name, { description }).addCallback((result) => {
    // Present from the start: a rate misses the first count of a counter that appears with 1.
    if (counts.size === 0) result.observe(0);
    for (const { attributes, value } of counts.values()) result.observe(value, attributes);
  });
  const count = (attributes: Attributes): Count => {
    let values = "";
    for (const key in attributes) values += ` ${String(attributes[key])}`;
    const known = counts.get(values);
    if (known !== undefined) return known;
    const made = { attributes, value: 0 };
    counts.set(values, made);
    return made;
  };
  return {
    count,
    add(by, attributes = {}) {
      count(attributes).value += by;
    },
  };
}

const startAt = (since: number | undefined): { startTime?: number } =>
  since === undefined ? {} : { startTime: since };

/** Prometheus requires a line feed at the end of the last line. */
const ended = (text: string): string => (text.endsWith("\n") ? text : `${text}\n`);

/** A gauge's value for some attributes. */
export interface Reading {
  readonly value: number;
  readonly attributes: Attributes;
}

/** A log that takes errors: of what they are, and a line. */
export interface ErrorLog {
  error(of: object, line: string): void;
}

export interface Telemetry {
  readonly log: Logger;
  counter(name: string, description: string): Counter;
  /** Records seconds, in buckets from 0.5 ms to 30 s. */
  histogram(name: string, description: string): Histogram;
  /**
   * `read` returns the value, or one value for each combination of attributes. All readings name the same
   * attributes.
   */
  gauge(name: string, description: string, read: () => number | readonly Reading[]): void;
  /** Begins a trace at the edge. Sampled by ratio, so most traces cost only an id. */
  begin(name: string): Trace;
  /**
   * A child span of the traceparent of a command or record; `undefined` if there is none. `since` is its
   * start in milliseconds since 1970, if earlier than now.
   */
  child(name: string, parent: string | undefined, since?: number): Span | undefined;
  /** A span for a batch, linked to the traces of its messages; `undefined` if none is traced. */
  linked(name: string, parents: readonly (string | undefined)[]): Span | undefined;
  /** All metrics as Prometheus text. */
  scrape(): Promise<string>;
  stop(): Promise<void>;
}

export const traceparentOf = (span: Span | undefined): string | undefined => {
  if (span === undefined) return undefined;
  const { traceId, spanId } = span.spanContext();
  return `00-${traceId}-${spanId}-01`;
};

const contextOf = (traceparent: string): SpanContext | undefined => {
  const [, traceId, spanId] = traceparent.split("-");
  return traceId === undefined || spanId === undefined
    ? undefined
    : { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
};

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const exportTo = (endpoint: string): BatchSpanProcessor =>
  new BatchSpanProcessor(new OTLPTraceExporter({ url: `${endpoint}/v1/traces` }), { maxQueueSize: 8_192 });

/** The settings that telemetry needs. */
export type TelemetryConfig = Pick<
  ProcessConfig,
  "cluster" | "instance" | "logLevel" | "otlpEndpoint" | "traceRatio"
>;

/**
 * Starts telemetry; call it once per process. With `logFile` 2 logs go to standard error, so that standard
 * output is free for a command. Spans are exported only if an OTLP endpoint is set; metrics and logs always
 * work.
 */
export function startTelemetry(component: string, config: TelemetryConfig, logFile: 1 | 2 = 1): Telemetry {
  const resource = resourceFromAttributes({
    "service.name": `jichat-${component}`,
    "service.instance.id": config.instance,
    "jichat.cluster": config.cluster,
  });
  const base = { component, instance: config.instance };
  const log = pino({ level: config.logLevel, base }, pino.destination(logFile));
  const reader = scrapeReader();
  const meters = new MeterProvider({ resource, readers: [reader] });
  const meter = meters.getMeter("jichat");
  const serializer = new PrometheusSerializer();
  const exporting = config.otlpEndpoint !== undefined;
  const tracers = new BasicTracerProvider({
    resource,
    spanProcessors: config.otlpEndpoint === undefined ? [] : [exportTo(config.otlpEndpoint)],
  });
  const tracer = tracers.getTracer("jichat");
  const ids = new RandomIdGenerator();
  const startChild = (name: string, parent: SpanContext, kind: SpanKind, since?: number): Span =>
    tracer.startSpan(name, { kind, ...startAt(since) }, trace.setSpanContext(context.active(), parent));

  return {
    log,
    counter: (name, description) => tally(meter, name, description),
    histogram: (name, description) =>
      meter.createHistogram(name, { description, unit: "s", advice: { explicitBucketBoundaries: SECONDS } }),
    gauge: (name, description, read) => {
      meter.createObservableGauge(name, { description }).addCallback((result) => {
        const told = read();
        if (typeof told === "number") result.observe(told);
        else for (const { value, attributes } of told) result.observe(value, attributes);
      });
    },
    begin(name) {
      if (!exporting || Math.random() >= config.traceRatio)
        return { traceId: ids.generateTraceId(), span: undefined };
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, root: true });
      return { traceId: span.spanContext().traceId, span };
    },
    child(name, parent, since) {
      const found = exporting && parent !== undefined ? contextOf(parent) : undefined;
      return found === undefined ? undefined : startChild(name, found, SpanKind.CONSUMER, since);
    },
    linked(name, parents) {
      if (!exporting) return undefined;
      const links = parents.flatMap((parent) => (parent === undefined ? [] : (contextOf(parent) ?? [])));
      if (links.length === 0) return undefined;
      return tracer.startSpan(name, { root: true, links: links.map((link) => ({ context: link })) });
    },
    async scrape() {
      const { resourceMetrics } = await reader.collect();
      // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the same SDK, resolved apart
      return ended(serializer.serialize(resourceMetrics));
    },
    async stop() {
      await tracers.shutdown();
      await meters.shutdown();
    },
  };
}
