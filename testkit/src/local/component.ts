export type Component = "router" | "storage" | "connector" | "api" | "push";
