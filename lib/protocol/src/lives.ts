/**
 * Lifetimes of tokens and tickets, in milliseconds: default and bounds of `TOKEN_LIFE_MS` and
 * `TICKET_LIFE_MS`. Earlier signing keys are kept for as long.
 */
export const TOKEN_LIFE_MS = { default: 24 * 3_600_000, min: 1_000, max: 30 * 86_400_000 } as const;
export const TICKET_LIFE_MS = { default: 3_600_000, min: 1_000, max: 7 * 86_400_000 } as const;
