/** Loaded into a part before it begins (`--import`): its wall clock is ahead of everybody else's. */
const aheadMs = Number(process.env["CLOCK_AHEAD_MS"]);
const now = Date.now.bind(Date);
Date.now = () => now() + aheadMs;
