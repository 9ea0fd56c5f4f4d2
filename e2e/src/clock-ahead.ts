/** Loaded into a part before it starts (`--import`). It sets the part's wall clock ahead of all others. */
const aheadMs = Number(process.env["CLOCK_AHEAD_MS"]);
const now = Date.now.bind(Date);
Date.now = () => now() + aheadMs;
