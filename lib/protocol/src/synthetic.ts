/**
 * The user that the operator sends test messages as, to check that people can talk (docs/adr/0023). Nobody
 * can sign up under this name, in any spelling and whatever `RESERVED_USERS` says.
 */
export const SYNTHETIC_PERSON = "jichat-synthetic-talk";
