export interface Invalid {
  readonly name: string;
  readonly spec: object;
  readonly says: RegExp;
}

const external = (url: string): object => ({ external: { url } });

/** One per rule of the schema: what is refused, and what the answer must name. */
export const INVALID: readonly Invalid[] = [
  { name: "a version that is none", spec: { version: "latest" }, says: /spec\.version.*should match/ },
  { name: "no registry", spec: { image: { registry: "" } }, says: /spec\.image\.registry/ },
  {
    name: "a pull policy of one's own",
    spec: { image: { pullPolicy: "Sometimes" } },
    says: /pullPolicy.*IfNotPresent/,
  },
  {
    name: "too many pull secrets",
    spec: { image: { pullSecrets: Array.from({ length: 9 }, (_, at) => ({ name: `secret-${at}` })) } },
    says: /pullSecrets.*must have at most 8 items/,
  },
  {
    name: "a deletion policy of one's own",
    spec: { deletionPolicy: "Maybe" },
    says: /deletionPolicy.*Retain/,
  },
  {
    name: "fewer than no connectors",
    spec: { connectors: { replicas: -1 } },
    says: /connectors\.replicas.*greater than or equal to 0/,
  },
  {
    name: "too many connectors",
    spec: { connectors: { replicas: 1_001 } },
    says: /connectors\.replicas.*less than or equal to 1000/,
  },
  {
    name: "room for nobody",
    spec: { connectors: { maxConnectionsPerPod: 1 } },
    says: /maxConnectionsPerPod.*100/,
  },
  { name: "a port that is none", spec: { connectors: { service: { port: 0 } } }, says: /service\.port/ },
  {
    name: "a kind of Service that is none",
    spec: { connectors: { service: { type: "External" } } },
    says: /service\.type.*ClusterIP/,
  },
  {
    name: "ingress and gateway at once",
    spec: { connectors: { ingress: { host: "a.example" }, gateway: { name: "g", host: "a.example" } } },
    says: /connectors\.ingress and connectors\.gateway are both set: keep the one/,
  },
  {
    name: "ingress and TLS of the connectors' own at once",
    spec: { connectors: { ingress: { host: "a.example" }, tls: { secret: "t" } } },
    says: /connectors\.ingress and connectors\.tls are both set: .*leave tls out/,
  },
  {
    name: "a host that is a URL",
    spec: { connectors: { ingress: { host: "https://a.example" } } },
    says: /ingress\.host/,
  },
  {
    name: "a quantity that is none",
    spec: { routers: { resources: { requests: { cpu: "much" } } } },
    says: /routers\.resources\.requests\.cpu/,
  },
  { name: "too many routers", spec: { routers: { replicas: 65 } }, says: /routers\.replicas.*64/ },
  { name: "no partition", spec: { partitions: 0 }, says: /partitions.*greater than or equal to 1/ },
  { name: "too many partitions", spec: { partitions: 257 }, says: /partitions.*256/ },
  { name: "two copies", spec: { durability: { replicas: 2 } }, says: /durability\.replicas.*1.*3/ },
  {
    name: "fsync when it likes",
    spec: { durability: { fsync: "sometimes" } },
    says: /durability\.fsync.*always/,
  },
  {
    name: "three copies on one server",
    spec: { nats: { managed: { replicas: 1 } } },
    says: /three copies need three servers\. Set nats\.managed\.replicas to 3/,
  },
  {
    name: "two kinds of NATS",
    spec: { nats: { managed: {}, external: { url: "nats://a:4222" } } },
    says: /nats needs exactly one of external, managed/,
  },
  { name: "no kind of NATS", spec: { nats: {} }, says: /nats needs exactly one of external, managed/ },
  { name: "a NATS over HTTP", spec: { nats: external("http://a:4222") }, says: /nats\.external\.url/ },
  {
    name: "a password in a URL",
    spec: { nats: external("nats://me:secret@a:4222") },
    says: /nats\.external\.url/,
  },
  { name: "no kind of Redis", spec: { redis: {} }, says: /redis needs exactly one of external, managed/ },
  { name: "a Redis over HTTP", spec: { redis: external("http://a:6379") }, says: /redis\.external\.url/ },
  {
    name: "two kinds of ClickHouse",
    spec: { clickhouse: { managed: {}, embedded: {} }, storage: { replicas: 1 } },
    says: /clickhouse needs exactly one of external, managed, embedded/,
  },
  {
    name: "two storages on one folder",
    spec: { clickhouse: { embedded: {} }, storage: { replicas: 2 } },
    says: /Set storage\.replicas to 1, or use clickhouse\.managed/,
  },
  {
    name: "keys from two places",
    spec: { auth: { jwksUrl: "https://a/jwks", secret: "keys" } },
    says: /auth\.jwksUrl and auth\.secret are both set/,
  },
  {
    name: "an algorithm without its keys",
    spec: { auth: { algorithm: "RS256" } },
    says: /Set auth\.secret or auth\.jwksUrl, or leave the algorithm/,
  },
  {
    name: "an algorithm that is none",
    spec: { auth: { algorithm: "none" } },
    says: /auth\.algorithm.*EdDSA/,
  },
  {
    name: "an Origin with a path",
    spec: { auth: { origins: ["https://a.example/chat"] } },
    says: /auth\.origins/,
  },
  {
    name: "an Origin without a scheme",
    spec: { auth: { origins: ["a.example"] } },
    says: /auth\.origins/,
  },
  { name: "an issuer without a name", spec: { auth: { issuer: "" } }, says: /auth\.issuer/ },
  {
    name: "more than all messages traced",
    spec: { observability: { sampling: 2 } },
    says: /observability\.sampling.*1/,
  },
  {
    name: "a collector over gRPC",
    spec: { observability: { otlp: { endpoint: "grpc://a:4317" } } },
    says: /otlp\.endpoint/,
  },
  {
    name: "a log without room",
    spec: { retention: { logBytesPerPartition: 1 } },
    says: /logBytesPerPartition/,
  },
  { name: "a log for ever", spec: { retention: { logHours: 100_000 } }, says: /logHours.*720/ },
  {
    name: "push by nobody",
    spec: { push: {} },
    says: /push has no provider: set one or more of push\.webPush/,
  },
  {
    name: "a sender that nobody can write to",
    spec: { push: { webPush: { subject: "push@example.com" } } },
    says: /push\.webPush\.subject.*should match/,
  },
  {
    name: "a key of Apple's without its ID",
    spec: { push: { apns: { secretRef: { name: "a" }, keyId: "key", teamId: "ABCDE12345", topic: "a.b" } } },
    says: /push\.apns\.keyId.*should match/,
  },
  {
    name: "credentials without a Secret",
    spec: { push: { fcm: { secretRef: { key: "file" } } } },
    says: /push\.fcm\.secretRef\.name.*Required/,
  },
  {
    name: "a webhook over HTTP to the internet",
    spec: { push: { webhook: { url: "http://hook.example", secretRef: { name: "h" } } } },
    says: /push\.webhook\.url is not https on port 443.*push\.allowedAddresses/,
  },
  {
    name: "a webhook on a port of its own in the internet",
    spec: { push: { webhook: { url: "https://hook.example:8443/", secretRef: { name: "h" } } } },
    says: /push\.webhook\.url is not https on port 443/,
  },
  {
    name: "an address without its prefix",
    spec: { push: { webPush: { subject: "mailto:a@b.example" }, allowedAddresses: ["10.0.0.1"] } },
    says: /push\.allowedAddresses.*should match/,
  },
  { name: "no time to drain", spec: { drain: { deadlineSeconds: 0 } }, says: /drain\.deadlineSeconds/ },
];
