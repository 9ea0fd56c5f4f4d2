import { readConfig as readApiConfig } from "@jichat/api/config.ts";
import { readConfig as readConnectorConfig } from "@jichat/connector/config.ts";
import { API_LIMITS, CONNECTOR_LIMITS } from "@jichat/operator/crd/limits.ts";

export type Component = "connector" | "api";

/** A number that a deployment may change, by its environment variable. */
export interface Setting {
  readonly variable: string;
  readonly fallback: number;
  readonly least: number;
  readonly most: number;
  /** The field of a ChatCluster that sets it, if there is one. */
  readonly field: string | undefined;
}

const READERS = { connector: readConnectorConfig, api: readApiConfig };
const FIELDS = { connector: CONNECTOR_LIMITS, api: API_LIMITS };
/** Fields of a ChatCluster that are not under `limits`. */
const OTHER_FIELDS: Readonly<Record<string, string>> = {
  LOG_BYTES_MAX: "retention.logBytesPerPartition",
  PARTITIONS: "partitions",
  SOCKETS_MAX: "connectors.maxConnectionsPerPod",
};
/** What a component cannot start without. */
const REQUIRED = { CLUSTER_KEY: "k".repeat(32), TOKEN_KEYS: "jwks.json" };

/** `SOCKETS_MAX` is `socketsMax` in a configuration. */
const propertyOf = (variable: string): string =>
  variable.toLowerCase().replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

function fallbackOf(component: Component, variable: string): number {
  const { people, log, ...config } = READERS[component](REQUIRED);
  const values: Readonly<Record<string, unknown>> = { ...config, ...people, ...log };
  const value = values[propertyOf(variable)];
  if (typeof value !== "number") throw new Error(`${component} has no number ${variable}`);
  return value;
}

/** The range of a setting, as the component itself says it to whoever sets something else. */
function rangeOf(component: Component, variable: string): readonly [least: number, most: number] {
  try {
    READERS[component]({ ...REQUIRED, [variable]: "none" });
  } catch (refusal) {
    const [, least, most] = /is not an integer from (\d+) to (\d+): none/.exec(String(refusal)) ?? [];
    if (most !== undefined) return [Number(least), Number(most)];
  }
  throw new Error(`${component} does not say the range of ${variable}`);
}

function fieldOf(component: Component, variable: string): string | undefined {
  const found = Object.entries(FIELDS[component]).find(([, limit]) => limit.variable === variable);
  const folder = component === "connector" ? "connectors" : "api";
  return found === undefined ? OTHER_FIELDS[variable] : `${folder}.limits.${found[0]}`;
}

/** A setting as the component's own code has it. Throws if the component has no such setting. */
export function settingOf(component: Component, variable: string): Setting {
  const [least, most] = rangeOf(component, variable);
  return {
    variable,
    fallback: fallbackOf(component, variable),
    least,
    most,
    field: fieldOf(component, variable),
  };
}
