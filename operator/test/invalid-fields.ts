import type { Invalid } from "./invalid-specs.ts";

const of = (template: object): object => ({ routers: { template } });
const secured = { tls: { secret: "pki" } };

/** As INVALID, of what pods, Services and the network may be told. */
export const INVALID_FIELDS: readonly Invalid[] = [
  {
    name: "a variable that is ours",
    spec: of({ env: [{ name: "CLUSTER", value: "another" }] }),
    says: /routers\.template\.env\[0\].*names a variable that the operator sets: leave it out/,
  },
  {
    name: "a variable with two values",
    spec: { nats: { managed: { template: { env: [{ name: "A", value: "b", valueFrom: {} }] } } } },
    says: /nats\.managed\.template\.env\[0\].*both value and valueFrom: keep the one/,
  },
  { name: "a variable that is none", spec: of({ env: [{ name: "A B" }] }), says: /template\.env\[0\]\.name/ },
  {
    name: "a variable twice",
    spec: of({ env: [{ name: "A" }, { name: "A" }] }),
    says: /duplicate entries for key|Duplicate value/,
  },
  {
    name: "a volume of our name",
    spec: of({ volumes: [{ name: "secrets", emptyDir: {} }] }),
    says: /template\.volumes has a name that pods have already: choose another/,
  },
  {
    name: "a mount without its volume",
    spec: { redis: { managed: { template: { volumeMounts: [{ name: "a", mountPath: "/a" }] } } } },
    says: /template\.volumeMounts names a volume that is not in template\.volumes: add it there/,
  },
  ...["/tmp", "/etc/jichat/secrets/more", "/var/lib", "/"].map((mountPath): Invalid => ({
    name: `a mount at ${mountPath}`,
    spec: of({ volumes: [{ name: "a", emptyDir: {} }], volumeMounts: [{ name: "a", mountPath }] }),
    says: /template\.volumeMounts has a path that is taken: choose one apart from/,
  })),
  { name: "root", spec: of({ securityContext: { runAsUser: 0 } }), says: /securityContext\.runAsUser.*1/ },
  {
    name: "a policy for traffic from outside where none comes",
    spec: { connectors: { service: { externalTrafficPolicy: "Local" } } },
    says: /connectors\.service\.externalTrafficPolicy.*set connectors\.service\.type to NodePort or LoadBalancer/,
  },
  {
    name: "a balancer's class without a balancer",
    spec: { api: { service: { type: "NodePort", loadBalancerClass: "a/b" } } },
    says: /api\.service\.loadBalancerClass.*set api\.service\.type to LoadBalancer/,
  },
  {
    name: "a network that is none",
    spec: { connectors: { service: { type: "LoadBalancer", loadBalancerSourceRanges: ["everyone"] } } },
    says: /loadBalancerSourceRanges/,
  },
  {
    name: "fewer connections than sockets",
    spec: { connectors: { limits: { socketsPerAddressMax: 100, connectionsPerAddressMax: 50 } } },
    says: /connectionsPerAddressMax is below socketsPerAddressMax: .*Raise it, set it to 0/,
  },
  {
    name: "no sign-in at all",
    spec: { api: { limits: { signInsPerSecond: 0 } } },
    says: /api\.limits\.signInsPerSecond/,
  },
  { name: "too many proxies", spec: { connectors: { trustProxy: 17 } }, says: /proxies from 0 to 16/ },
  { name: "a proxy by its name", spec: { api: { trustProxy: "nginx" } }, says: /api\.trustProxy/ },
  {
    name: "a CA for a NATS without TLS",
    spec: { nats: { external: { url: "nats://a:4222", ...secured } } },
    says: /nats\.external\.tls is set.*begin the url with tls:\/\/, or leave tls out/,
  },
  {
    name: "a CA for a Redis without TLS",
    spec: { redis: { external: { url: "redis://a:6379", ...secured } } },
    says: /begin the url with rediss:\/\//,
  },
  {
    name: "a CA for a ClickHouse without TLS",
    spec: { clickhouse: { external: { url: "http://a:8123", ...secured } } },
    says: /begin the url with https:\/\//,
  },
  {
    name: "two families on one stack",
    spec: { network: { ipFamilies: ["IPv6", "IPv4"] } },
    says: /network\.ipFamilies has two entries.*network\.ipFamilyPolicy must be PreferDualStack/,
  },
  { name: "a family that is none", spec: { network: { ipFamilies: ["IPv5"] } }, says: /ipFamilies.*IPv4/ },
  {
    name: "nobody may be evicted",
    spec: { disruption: { maxUnavailable: 0 } },
    says: /disruption\.maxUnavailable is below 1: .*Set it to 1 or more/,
  },
  { name: "a share that is none", spec: { disruption: { maxUnavailable: "0%" } }, says: /maxUnavailable/ },
];
