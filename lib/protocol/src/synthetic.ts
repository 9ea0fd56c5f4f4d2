/**
 * As whom the operator talks to see that people can (docs/adr/0023). Nobody signs up under this name, however
 * it is written and whatever `RESERVED_USERS` says.
 */
export const SYNTHETIC_PERSON = "jichat-synthetic-talk";
