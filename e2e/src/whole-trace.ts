/** The spans of one message, from the sender's frame to ClickHouse. */
export const WHOLE = [
  "connector send",
  "router command",
  "router append",
  "router effects",
  "connector deliver",
  "storage insert",
] as const;
