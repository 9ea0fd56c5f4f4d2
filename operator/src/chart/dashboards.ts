/** One Grafana panel: its title is what a person asks, and its queries answer it. */
interface Panel {
  readonly title: string;
  readonly unit: "short" | "s" | "bytes" | "ops";
  /** PromQL by legend; `$namespace` is a variable of the dashboard. */
  readonly queries: Readonly<Record<string, string>>;
}

export interface Dashboard {
  readonly name: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

const IN = 'namespace=~"$namespace"';
const sum = (metric: string, by = ""): string => `sum${by === "" ? "" : ` by (${by})`} (${metric}{${IN}})`;
const rate = (metric: string, by = ""): string =>
  `sum${by === "" ? "" : ` by (${by})`} (rate(${metric}_total{${IN}}[$__rate_interval]))`;
const quantile = (q: number, metric: string): string =>
  `histogram_quantile(${q}, sum by (le) (rate(${metric}_bucket{${IN}}[$__rate_interval])))`;
const times = (metric: string): Readonly<Record<string, string>> => ({
  p50: quantile(0.5, metric),
  p99: quantile(0.99, metric),
});

export const DASHBOARDS: readonly Dashboard[] = [
  {
    name: "overview",
    title: "JiChat: at a glance",
    panels: [
      { title: "Connected devices", unit: "short", queries: { devices: sum("jichat_connector_sockets") } },
      { title: "Messages stored", unit: "ops", queries: { records: rate("jichat_router_records") } },
      { title: "Time to ack", unit: "s", queries: times("jichat_connector_ack") },
      { title: "Time to delivery", unit: "s", queries: times("jichat_connector_delivery") },
      {
        title: "Errors sent to clients",
        unit: "ops",
        queries: { "{{code}}": rate("jichat_connector_errors", "code") },
      },
      { title: "Not in ClickHouse yet", unit: "bytes", queries: { bytes: sum("jichat_storage_tail_bytes") } },
    ],
  },
  {
    name: "delivery",
    title: "JiChat: connectors and routers",
    panels: [
      {
        title: "Devices per connector",
        unit: "short",
        queries: { "{{pod}}": sum("jichat_connector_sockets", "pod") },
      },
      {
        title: "Frames received",
        unit: "ops",
        queries: { "{{type}}": rate("jichat_connector_frames", "type") },
      },
      {
        title: "Sockets closed",
        unit: "ops",
        queries: { "{{code}}": rate("jichat_connector_closes", "code") },
      },
      {
        title: "Commands not answered",
        unit: "short",
        queries: { "{{pod}}": sum("jichat_connector_unanswered", "pod") },
      },
      { title: "Append to the log", unit: "s", queries: times("jichat_router_append") },
      {
        title: "Partitions per router",
        unit: "short",
        queries: { "{{pod}}": sum("jichat_router_partitions", "pod") },
      },
      {
        title: "Partitions that serve nobody, or whose log is full",
        unit: "short",
        queries: { stopped: sum("jichat_router_stopped"), full: sum("jichat_router_full") },
      },
      {
        title: "Effects not done",
        unit: "short",
        queries: { "{{pod}}": sum("jichat_router_effects_backlog", "pod") },
      },
      {
        title: "Effects by outcome",
        unit: "ops",
        queries: { "{{outcome}}": rate("jichat_router_effects", "outcome") },
      },
    ],
  },
  {
    name: "history",
    title: "JiChat: storage and api",
    panels: [
      { title: "Records made durable", unit: "ops", queries: { records: rate("jichat_storage_records") } },
      { title: "Insert", unit: "s", queries: times("jichat_storage_insert") },
      { title: "Inserts refused", unit: "ops", queries: { refused: rate("jichat_storage_insert_failures") } },
      {
        title: "Batches behind",
        unit: "short",
        queries: { "{{pod}}": sum("jichat_storage_lag_batches", "pod") },
      },
      {
        title: "Logs not received (their lag is unknown)",
        unit: "short",
        queries: { "{{pod}}": sum("jichat_storage_unheard", "pod") },
      },
      { title: "Questions answered", unit: "s", queries: times("jichat_storage_query") },
      {
        title: "REST requests",
        unit: "ops",
        queries: { "{{route}} {{status}}": rate("jichat_api_requests", "route, status") },
      },
    ],
  },
  {
    name: "push",
    title: "JiChat: push",
    panels: [
      {
        title: "Messages queued, by worker",
        unit: "short",
        queries: { "{{pod}}": sum("jichat_push_queued", "pod") },
      },
      {
        title: "Attempts by provider and answer",
        unit: "ops",
        queries: { "{{provider}} {{outcome}}": rate("jichat_push_sent", "provider, outcome") },
      },
      { title: "From the message to the provider", unit: "s", queries: times("jichat_push_delay") },
      {
        title: "Not sent, by reason",
        unit: "ops",
        queries: { "{{reason}}": rate("jichat_push_skipped", "reason") },
      },
      {
        title: "Folded, withdrawn, put off",
        unit: "ops",
        queries: {
          folded: rate("jichat_push_folded"),
          withdrawn: rate("jichat_push_withdrawn"),
          "put off": rate("jichat_push_deferred"),
        },
      },
      {
        title: "Waiting for a provider that is down",
        unit: "short",
        // Each worker reports the number of the whole ChatCluster.
        queries: { "{{namespace}}": `max by (namespace) (jichat_push_later{${IN}})` },
      },
      {
        title: "Circuits that are open, by provider",
        unit: "short",
        queries: { "{{provider}}": sum("jichat_push_circuits_open", "provider") },
      },
      {
        title: "Dead letters",
        unit: "ops",
        queries: { "{{provider}}": rate("jichat_push_dead", "provider") },
      },
      {
        title: "On their way to providers",
        unit: "short",
        queries: { "{{pod}}": sum("jichat_push_in_flight", "pod") },
      },
      {
        title: "Dropped by the queue, for age or size",
        unit: "short",
        queries: { "{{namespace}}": `max by (namespace) (jichat_push_dropped{${IN}})` },
      },
    ],
  },
  {
    name: "operator",
    title: "JiChat: operator",
    panels: [
      {
        title: "People can talk (1), cannot (0), by ChatCluster",
        unit: "short",
        queries: { "{{chat_cluster}}": `min by (chat_cluster) (jichat_operator_people_can_talk{${IN}})` },
      },
      {
        title: "Synthetic talk",
        unit: "s",
        queries: times("jichat_operator_synthetic_talk"),
      },
      {
        title: "Pods that the autoscaler wants",
        unit: "short",
        queries: {
          "{{chat_cluster}} {{component}}": `max by (chat_cluster, component) (jichat_operator_autoscaler_desired{${IN}})`,
        },
      },
      { title: "Passes", unit: "ops", queries: { "{{outcome}}": rate("jichat_operator_passes", "outcome") } },
      { title: "Length of a pass", unit: "s", queries: times("jichat_operator_pass") },
      {
        title: "ChatClusters that wait",
        unit: "short",
        queries: { waiting: sum("jichat_operator_queue_depth") },
      },
      { title: "Objects written", unit: "ops", queries: { written: rate("jichat_operator_applied") } },
      {
        title: "Watches broken off",
        unit: "ops",
        queries: { "{{kind}}": rate("jichat_operator_watch_retries", "kind") },
      },
    ],
  },
];

const WIDTH = 12;
const HEIGHT = 8;

/** Grafana's own JSON model (schema version 39), with two panels in each row. */
export const dashboard = ({ name, title, panels }: Dashboard): object => ({
  uid: `jichat-${name}`,
  title,
  tags: ["jichat"],
  schemaVersion: 39,
  time: { from: "now-1h", to: "now" },
  refresh: "30s",
  templating: {
    list: [
      { name: "datasource", type: "datasource", query: "prometheus" },
      {
        name: "namespace",
        type: "query",
        datasource: { type: "prometheus", uid: "${datasource}" },
        query: 'label_values({__name__=~"jichat_.+"}, namespace)',
        includeAll: true,
        multi: true,
      },
    ],
  },
  panels: panels.map((panel, at) => ({
    id: at + 1,
    type: "timeseries",
    title: panel.title,
    datasource: { type: "prometheus", uid: "${datasource}" },
    gridPos: { x: (at % 2) * WIDTH, y: Math.floor(at / 2) * HEIGHT, w: WIDTH, h: HEIGHT },
    fieldConfig: { defaults: { unit: panel.unit, min: 0 }, overrides: [] },
    targets: Object.entries(panel.queries).map(([legendFormat, expr], query) => ({
      refId: String.fromCharCode(65 + query),
      legendFormat,
      expr,
    })),
  })),
});
